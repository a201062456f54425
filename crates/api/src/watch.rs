//! Waiting for a prediction to change, whichever process works on it.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::Event;
use futures::stream::{self, Stream};
use platform::predictions::{self, Prediction};
use platform::{Access, Error, Platform, PredictionId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::routes::PredictionShape;

/// How often a silent event stream shows that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// News may be lost and progress makes none, so that everybody looks this often anyway.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// News of one prediction.
pub struct Watch {
    id: PredictionId,
    news: Receiver<PredictionId>,
}

impl Watch {
    /// Watches from now on: a prediction that is read after this misses no news.
    pub fn begin(platform: &Platform, id: PredictionId) -> Watch {
        Watch { id, news: platform.notifications.predictions() }
    }

    /// Returns when there is news, or when it is time to look anyway.
    pub async fn changed(&mut self) {
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = self.told() => {}
        }
    }

    async fn told(&mut self) {
        loop {
            match self.news.recv().await {
                Ok(id) if id == self.id => return,
                Ok(_) => {}
                // Something was missed, which may have been news of this one.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// The prediction once it has ended, or as it is when the time is up.
pub async fn wait_until_finished(
    platform: &Platform,
    access: &Access,
    id: PredictionId,
    patience: Duration,
) -> Result<Prediction, Error> {
    let deadline = Instant::now() + patience;
    let mut watch = Watch::begin(platform, id);
    loop {
        let now = predictions::get(platform, access, id).await?;
        let is_over = now.status.is_terminal() || timeout_at(deadline, watch.changed()).await.is_err();
        if is_over {
            return Ok(now);
        }
    }
}

/// Events with the prediction whenever it has changed, until one tells its end, the caller's access ends, or the
/// server stops. An outage only delays them. A client that is cut off asks again and is told the present state first.
pub async fn events(
    platform: Platform,
    access: Access,
    id: PredictionId,
    stop: CancellationToken,
) -> Result<impl Stream<Item = Result<Event, Infallible>>, Error> {
    let watch = Watch::begin(&platform, id);
    // The first look is outside the stream, so that what is unknown or forbidden is answered with its status.
    let first = predictions::get(&platform, &access, id).await?;
    let state = Some((watch, Some(first), String::new()));
    Ok(stream::unfold(state, move |state| {
        let (platform, access, stop) = (platform.clone(), access.clone(), stop.clone());
        async move {
            let (mut watch, mut seen, told) = state?;
            loop {
                let prediction = match seen.take() {
                    Some(first) => first,
                    None => {
                        let look = || predictions::get(&platform, &access, id);
                        stop.run_until_cancelled(next_look(&mut watch, look)).await??
                    }
                };
                let is_last = prediction.status.is_terminal();
                let news = serde_json::to_string(&PredictionShape::from(prediction)).ok()?;
                if news != told {
                    let event = Event::default().event("progress").data(&news);
                    return Some((Ok(event), (!is_last).then_some((watch, None, news))));
                }
            }
        }
    }))
}

/// What is seen once there may be news. A look that fails for an outage is taken again, until it works; none where it
/// cannot work any more.
async fn next_look<T, F>(watch: &mut Watch, look: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        watch.changed().await;
        match look().await {
            Ok(seen) => return Some(seen),
            Err(error) if error.is_outage() => {
                tracing::debug!(%error, "An event stream waits for an outage to end.")
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::broadcast;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn an_outage_is_outlasted_and_any_other_error_ends_the_looking() {
        let (_sender, news) = broadcast::channel(1);
        let mut watch = Watch { id: PredictionId(Uuid::nil()), news };
        let looks = AtomicU32::new(0);
        let look = || async {
            match looks.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::Unavailable { dependency: "database", detail: String::new() }),
                1 => Ok("seen"),
                _ => Err(Error::Unauthenticated),
            }
        };
        assert_eq!(next_look(&mut watch, look).await, Some("seen"));
        assert_eq!(looks.load(Ordering::Relaxed), 2);
        assert_eq!(next_look(&mut watch, look).await, None);
    }
}

//! Waiting for a prediction or a training to change, whichever process works on it.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::Event;
use futures::stream::{self, Stream};
use platform::predictions::{self, Prediction};
use platform::{Access, Error, Platform, PredictionId, TrainingId, trainings};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::routes::{PredictionShape, TrainingShape};

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
    let look = move || {
        let (platform, access) = (platform.clone(), access.clone());
        async move {
            let prediction = predictions::get(&platform, &access, id).await?;
            let is_last = prediction.status.is_terminal();
            Ok(Seen { news: news_of(&PredictionShape::from(prediction))?, is_last })
        }
    };
    stream_of(watch, look, stop).await
}

/// The same of a training.
pub async fn training_events(
    platform: Platform,
    access: Access,
    id: TrainingId,
    stop: CancellationToken,
) -> Result<impl Stream<Item = Result<Event, Infallible>>, Error> {
    let watch = Watch::begin(&platform, PredictionId(id.0));
    let look = move || {
        let (platform, access) = (platform.clone(), access.clone());
        async move {
            let training = trainings::get(&platform, &access, id).await?;
            let is_last = training.status.is_terminal();
            Ok(Seen { news: news_of(&TrainingShape::from(training))?, is_last })
        }
    };
    stream_of(watch, look, stop).await
}

/// What a look has seen.
struct Seen {
    /// The thing as JSON.
    news: String,
    /// Whether nothing happens to it any more.
    is_last: bool,
}

fn news_of<T: Serialize>(shape: &T) -> Result<String, Error> {
    serde_json::to_string(shape).map_err(|error| Error::Internal(error.to_string()))
}

async fn stream_of<L, F>(
    watch: Watch,
    look: L,
    stop: CancellationToken,
) -> Result<impl Stream<Item = Result<Event, Infallible>>, Error>
where
    L: Fn() -> F + Clone,
    F: Future<Output = Result<Seen, Error>>,
{
    // The first look is outside the stream, so that what is unknown or forbidden is answered with its status.
    let first = look().await?;
    let state = Some((watch, Some(first), String::new()));
    Ok(stream::unfold(state, move |state| {
        let (look, stop) = (look.clone(), stop.clone());
        async move {
            let (mut watch, mut seen, told) = state?;
            loop {
                let Seen { news, is_last } = match seen.take() {
                    Some(first) => first,
                    None => stop.run_until_cancelled(next_look(&mut watch, &look)).await??,
                };
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

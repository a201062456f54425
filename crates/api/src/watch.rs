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
/// server stops. A client that is cut off asks again and is told the present state first.
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
                        stop.run_until_cancelled(watch.changed()).await?;
                        predictions::get(&platform, &access, id).await.ok()?
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

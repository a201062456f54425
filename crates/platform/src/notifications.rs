//! News from PostgreSQL (LISTEN/NOTIFY), so that nobody has to poll for what just happened. News
//! may be lost with the connection; everybody who waits for it also looks from time to time.

use crate::{Platform, PredictionId};
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

pub(crate) const JOBS_CHANNEL: &str = "augur_jobs";
/// After so long a silence the connection is made anew: one whose other end has vanished says nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);

pub(crate) const PREDICTIONS_CHANNEL: &str = "augur_predictions";

/// Where news arrives inside this process.
pub struct Notifications {
    /// A job may be dispatched.
    pub(crate) jobs: Notify,
    /// A prediction has changed, or a training, whose ids are never the same.
    predictions: broadcast::Sender<PredictionId>,
}

impl Notifications {
    pub(crate) fn new() -> Notifications {
        Notifications { jobs: Notify::new(), predictions: broadcast::channel(1024).0 }
    }

    /// The predictions that change from now on.
    pub fn predictions(&self) -> broadcast::Receiver<PredictionId> {
        self.predictions.subscribe()
    }
}

/// Listens until stopped, and connects anew after every loss.
pub async fn listen(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            result = listen_once(&platform) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "lost the connection that listens for news; connecting again");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

async fn listen_once(platform: &Platform) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(&platform.system).await?;
    listener.listen_all([JOBS_CHANNEL, PREDICTIONS_CHANNEL]).await?;
    // What happened while nobody listened is found by looking once.
    platform.notifications.jobs.notify_one();
    loop {
        let Ok(news) = tokio::time::timeout(SILENCE_MAX, listener.recv()).await else { return Ok(()) };
        let news = news?;
        if news.channel() == JOBS_CHANNEL {
            platform.notifications.jobs.notify_one();
        } else if let Ok(id) = news.payload().parse() {
            // Without a subscriber there is nobody to tell.
            let _ = platform.notifications.predictions.send(id);
        }
    }
}

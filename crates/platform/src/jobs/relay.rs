//! The relay: hands the ids of new jobs to the queue.
//!
//! Marking is one short transaction; publishing happens after it, so that no transaction is open
//! across a call to the broker. A mark whose message was not taken is cleared, and a mark whose
//! clearing is lost is the sweeper's.

use super::{JobKind, Message, Publisher, db};
use crate::{Error, Platform, failpoints, in_time};
use futures::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long the relay sleeps where no news wakes it.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How many messages wait for their confirmation at a time.
const PUBLISHES_IN_FLIGHT: usize = 64;

/// Dispatches jobs until stopped. Any number of processes may run it: one at a time takes a batch.
pub async fn relay(platform: Platform, publisher: Arc<dyn Publisher>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let refused = match dispatch(&platform, publisher.as_ref()).await {
            // There may be more; what was refused waits for the next turn.
            Ok(Dispatched { taken: 1.., refused: 0 }) => continue,
            Ok(Dispatched { refused, .. }) => refused > 0,
            Err(error) => {
                tracing::warn!(%error, "could not dispatch jobs");
                true
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = platform.notifications.jobs.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        if refused {
            // News must not turn a queue that is away into a busy loop.
            tokio::time::sleep(POLL_INTERVAL / 2).await;
        }
    }
}

struct Dispatched {
    taken: usize,
    refused: usize,
}

async fn dispatch(platform: &Platform, publisher: &dyn Publisher) -> Result<Dispatched, Error> {
    let batch = in_time(take_batch(platform)).await?;
    if !batch.is_empty() {
        failpoints::at("relay.marked").await;
    }
    let taken = batch.len();
    let refused = futures::stream::iter(batch)
        .map(|(kind, message)| publish(platform, publisher, kind, message))
        .buffer_unordered(PUBLISHES_IN_FLIGHT)
        .filter(|published| std::future::ready(!published))
        .count()
        .await;
    Ok(Dispatched { taken, refused })
}

/// Marks what is next, in one short transaction. Nothing where another process is at it.
async fn take_batch(platform: &Platform) -> Result<Vec<(JobKind, Message)>, Error> {
    let mut transaction = platform.system.begin().await?;
    if !db::try_lock(&mut transaction, "augur relay").await? {
        return Ok(Vec::new());
    }
    let batch = db::take_undispatched(&mut transaction).await?;
    transaction.commit().await?;
    Ok(batch)
}

async fn publish(platform: &Platform, publisher: &dyn Publisher, kind: JobKind, message: Message) -> bool {
    let published = publisher.publish(kind, &message).await;
    failpoints::at("relay.published").await;
    let Err(error) = published else { return true };
    tracing::warn!(%error, job_id = %message.job_id, "a job was not dispatched; it will be tried again");
    let cleared = async {
        let mut connection = platform.system.acquire().await?;
        db::clear_mark(&mut connection, message.job_id).await
    };
    if let Err(error) = in_time(cleared).await {
        tracing::warn!(%error, job_id = %message.job_id, "could not clear a job's mark; the sweeper will");
    }
    false
}

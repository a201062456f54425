//! The sweeper: puts right what got lost, late or stuck.

use super::db;
use crate::predictions::{self, PredictionError};
use crate::{Error, Platform, idempotency, sessions};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the sweeper looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// How often it looks for what expired.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// How often it looks for objects that belong to nothing.
const ORPHAN_INTERVAL: Duration = Duration::from_secs(1_800);

/// How many overdue jobs it ends in one look.
const OVERDUE_MAX: u64 = 100;

/// What one look put right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweep {
    /// Jobs that the relay may publish again.
    pub redispatched: u64,
    /// Jobs that were ended, failed and refunded.
    pub failed: u64,
}

/// Sweeps until stopped. Any number of processes may run it.
pub async fn sweep(platform: Platform, stop: CancellationToken) {
    let mut expiry_due = Instant::now();
    // An upload lasts an hour at most, so there is no hurry.
    let mut orphans_due = Instant::now() + Duration::from_secs(60);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        match sweep_jobs(&platform).await {
            Ok(Sweep { redispatched: 0, failed: 0 }) => {}
            Ok(sweep) => tracing::info!(sweep.redispatched, sweep.failed, "swept the jobs"),
            Err(error) => tracing::warn!(%error, "could not sweep the jobs"),
        }
        if Instant::now() >= expiry_due {
            expiry_due = Instant::now() + EXPIRY_INTERVAL;
            if let Err(error) = sweep_expired(&platform).await {
                tracing::warn!(%error, "could not sweep what expired");
            }
        }
        if Instant::now() >= orphans_due {
            orphans_due = Instant::now() + ORPHAN_INTERVAL;
            if let Err(error) = predictions::erase_orphans(&platform).await {
                tracing::warn!(%error, "could not sweep orphaned files");
            }
        }
    }
}

async fn sweep_jobs(platform: &Platform) -> Result<Sweep, Error> {
    let mut failed = 0;
    while failed < OVERDUE_MAX && fail_one_overdue(platform).await? {
        failed += 1;
    }
    let mut connection = platform.system.acquire().await?;
    let redispatched = db::clear_stale_marks(&mut connection).await?;
    drop(connection);
    if redispatched > 0 {
        platform.notifications.jobs.notify_one();
    }
    super::statistics(platform).await?;
    Ok(Sweep { redispatched, failed })
}

/// One job in a transaction of its own: no account stays locked while the next job is looked at.
async fn fail_one_overdue(platform: &Platform) -> Result<bool, Error> {
    let mut transaction = platform.system.begin().await?;
    let Some(overdue) = db::lock_overdue(&mut transaction).await? else { return Ok(false) };
    let error = if overdue.exhausted {
        PredictionError::attempts_exhausted()
    } else {
        PredictionError::deadline_passed()
    };
    let finished = predictions::fail(&mut transaction, &overdue.claim, &error).await?;
    transaction.commit().await?;
    finished.report();
    Ok(true)
}

async fn sweep_expired(platform: &Platform) -> Result<(), Error> {
    predictions::erase_expired(platform).await?;
    let mut connection = platform.system.acquire().await?;
    idempotency::forget_old(&mut connection).await?;
    sessions::forget_old(&mut connection).await?;
    db::delete_lost_workers(&mut connection).await
}

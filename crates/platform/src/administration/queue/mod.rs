//! The queue and the workers at a glance.

mod db;

use super::people::People;
use crate::ids::first_id_at;
use crate::{Access, AdminTx, Error, Platform, PredictionId, TenantId};
use chrono::{DateTime, TimeDelta, Utc};

/// What waits, what is at work, and what came of it lately.
#[derive(Clone, Debug)]
pub struct Queue {
    /// What waits.
    pub waiting: Waiting,
    /// How many predictions are at work.
    pub running_count: i64,
    /// Those at work, the longest first; the first so many of them.
    pub running: Vec<Running>,
    /// Workers heard of within the last minutes.
    pub workers: Vec<Worker>,
    /// Whose predictions wait, most first; the first so many of them.
    pub waiting_by_tenant: Vec<WaitingTenant>,
    /// What ended within the last hour.
    pub last_hour: Finished,
    /// What ended within the last 24 hours.
    pub last_day: Finished,
    /// Rows scored per second over the last five minutes.
    pub rows_per_second: f64,
    /// Whose the predictions are.
    pub people: People,
}

/// What waits.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Predictions that wait.
    pub jobs: i64,
    /// Those of them that were handed to the workers' queue.
    pub dispatched: i64,
    /// Their rows.
    pub rows: i64,
    /// Since when the oldest of them has waited.
    pub oldest_since: Option<DateTime<Utc>>,
}

/// A prediction at work.
#[derive(Clone, Debug)]
pub struct Running {
    /// Which.
    pub prediction: PredictionId,
    /// Whose.
    pub tenant: TenantId,
    /// What the customer calls the file.
    pub file_name: String,
    /// Which worker has it.
    pub worker: String,
    /// Which attempt this is.
    pub attempt: i32,
    /// How many attempts have failed for a reason of ours.
    pub failures: i32,
    /// Whether the worker has not been heard of for longer than its lease.
    pub lost: bool,
    /// How many rows are done.
    pub rows_done: u64,
    /// How many there are.
    pub rows_total: u64,
    /// When a worker first took it.
    pub since: Option<DateTime<Utc>>,
}

/// A worker process.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its name.
    pub id: String,
    /// How many predictions it takes at a time.
    pub concurrency: i32,
    /// How many it has.
    pub running: i64,
    /// When it was last heard of.
    pub seen_at: DateTime<Utc>,
    /// Whether that is too long ago to count on it.
    pub lost: bool,
}

/// What waits of one tenant.
#[derive(Clone, Debug)]
pub struct WaitingTenant {
    /// Whose.
    pub tenant: TenantId,
    /// How many predictions.
    pub jobs: i64,
    /// Their rows.
    pub rows: i64,
    /// Since when the oldest has waited.
    pub oldest_since: DateTime<Utc>,
}

/// What ended within a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finished {
    /// Predictions with a result.
    pub succeeded: i64,
    /// Predictions without one.
    pub failed: i64,
    /// Rows scored.
    pub rows: i64,
}

/// How many of the running, of the workers and of the tenants are listed.
const LISTED_MAX: i64 = 20;

/// Looks at the queue, for an administrator.
pub async fn queue(platform: &Platform, access: &Access) -> Result<Queue, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    // Every prediction ends by its deadline: what ended within a day was made within that day and the deadline.
    let eldest = first_id_at(Utc::now() - TimeDelta::days(1) - platform.limits.deadline);
    let (waiting, running_count) = db::select_waiting(tx.connection()).await?;
    let mut running = db::select_running(tx.connection(), LISTED_MAX).await?;
    let waiting_by_tenant = db::select_waiting_by_tenant(tx.connection(), LISTED_MAX).await?;
    let workers = db::select_workers(tx.connection(), LISTED_MAX).await?;
    let ended = db::select_ended(tx.connection(), eldest).await?;
    let running_rows = db::select_rows_of_running(tx.connection()).await?;
    let tenants = running.iter().map(|job| job.tenant.0);
    let tenants = tenants.chain(waiting_by_tenant.iter().map(|entry| entry.tenant.0));
    let people = People::of(tx.connection(), std::iter::empty(), tenants).await?;
    drop(tx);
    for job in &mut running {
        // Redis is told more often than the database.
        let known = platform.cache.get_progress(job.prediction).await.unwrap_or(0).min(job.rows_total);
        job.rows_done = job.rows_done.max(known);
    }
    Ok(Queue {
        waiting,
        running_count,
        running,
        workers,
        waiting_by_tenant,
        last_hour: ended.last_hour,
        last_day: ended.last_day,
        rows_per_second: (ended.rows_lately + running_rows) / db::LATELY_SECONDS,
        people,
    })
}

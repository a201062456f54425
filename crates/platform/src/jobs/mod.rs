//! The outbox and the lease of every kind of work.
//!
//! A job's row is written with what it serves. The relay publishes its id, a worker claims it for a
//! lease, renews the lease while it works, and settles it; the sweeper puts right whatever got lost.
//! The broker may lose, repeat or delay ids: a claim decides, and `attempt` fences late workers off.

pub(crate) mod db;
mod relay;
mod subject;
mod sweep;

pub use relay::relay;
pub use sweep::sweep;

use crate::notifications::JOBS_CHANNEL;
use crate::{Error, JobId, Platform, TenantId};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use subject::Unsettled;
use uuid::Uuid;

/// How many failures end a job.
pub const FAILURES_MAX: i32 = 3;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Scores a file; its subject is a prediction.
    Prediction,
    /// Trains a model; its subject is a training.
    Training,
    /// Delivers an event; its subject is a delivery.
    Webhook,
    /// Takes a version to an MLflow server; its subject is a line of the models' history.
    Export,
    /// Fetches a file from a source; its subject is an intake.
    Intake,
}

impl JobKind {
    /// Every kind there is.
    pub const ALL: [JobKind; 5] =
        [JobKind::Prediction, JobKind::Training, JobKind::Webhook, JobKind::Export, JobKind::Intake];

    /// The kind's name in the database and in queues' names.
    pub fn as_str(self) -> &'static str {
        match self {
            JobKind::Prediction => "prediction",
            JobKind::Training => "training",
            JobKind::Webhook => "webhook",
            JobKind::Export => "export",
            JobKind::Intake => "intake",
        }
    }
}

/// How many jobs of each kind a worker takes at a time; none of a kind where it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Predictions; they share the processors.
    pub predictions: u16,
    /// Trainings; each takes all processors that it gets.
    pub trainings: u16,
    /// Deliveries of events; they mostly wait.
    pub webhooks: u16,
    /// Versions taken to an MLflow server; none where there is no server.
    pub exports: u16,
    /// Files fetched from sources; they mostly wait.
    pub intakes: u16,
}

impl Places {
    /// How many jobs of this kind.
    pub fn of(self, kind: JobKind) -> u16 {
        match kind {
            JobKind::Prediction => self.predictions,
            JobKind::Training => self.trainings,
            JobKind::Webhook => self.webhooks,
            JobKind::Export => self.exports,
            JobKind::Intake => self.intakes,
        }
    }
}

/// Refuses a further job where too many wait, before anything is read or paid. Uploads under way at
/// the same moment may go past the limits, by no more than there may be in flight.
///
/// # Errors
/// [`Error::TooManyQueued`]; [`Error::BacklogFull`].
pub(crate) async fn refuse_where_full(platform: &Platform, tenant: TenantId) -> Result<(), Error> {
    let limits = &platform.limits;
    let mut connection = platform.system.acquire().await?;
    let quota = limits.jobs_queued_per_tenant_max;
    if db::count_open(&mut connection, Some(tenant), quota).await? >= quota {
        return Err(Error::TooManyQueued { quota });
    }
    let all = limits.jobs_queued_max;
    if db::count_open(&mut connection, None, all).await? >= all {
        return Err(Error::BacklogFull);
    }
    Ok(())
}

/// What travels through the queue: ids only, with the version of this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The version of the form, 1.
    pub v: u32,
    /// Which job.
    pub job_id: JobId,
    /// The request that caused it, for the log.
    pub request_id: Option<String>,
}

/// A message was not taken over by the queue.
#[derive(Debug, thiserror::Error)]
#[error("the queue did not take the message: {0}")]
pub struct PublishError(pub String);

/// A queue that takes messages: RabbitMQ, or a channel inside the process.
pub trait Publisher: Send + Sync {
    /// Hands a message over; it has answered once the queue has taken it for good.
    fn publish<'a>(&'a self, kind: JobKind, message: &'a Message) -> BoxFuture<'a, Result<(), PublishError>>;
}

/// A job that is mine for the time of a lease.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which job.
    pub job: JobId,
    /// What it does.
    pub kind: JobKind,
    /// To what.
    pub subject: Uuid,
    /// For whom.
    pub tenant: TenantId,
    /// The fence: whoever claims later has a higher one.
    pub attempt: i32,
    /// The request that caused it.
    pub request_id: Option<String>,
}

/// Claims a job that is queued, or whose worker let its lease run out. None where another worker has
/// it or it is finished: there is nothing to do.
pub async fn claim(platform: &Platform, job: JobId, owner: &str) -> Result<Option<Claim>, Error> {
    let mut transaction = platform.system.begin().await?;
    let Some(claimed) = db::claim(&mut transaction, job, owner).await? else { return Ok(None) };
    if claimed.failures >= FAILURES_MAX {
        let finished = subject::fail(&mut transaction, &claimed.claim, Unsettled::AttemptsExhausted).await?;
        transaction.commit().await?;
        finished.report();
        return Ok(None);
    }
    subject::start(&mut transaction, &claimed.claim).await?;
    transaction.commit().await?;
    Ok(Some(claimed.claim))
}

/// Prolongs the lease and tells how far the work is. False where the job is no longer mine.
pub async fn renew(platform: &Platform, claim: &Claim, done: u64) -> Result<bool, Error> {
    let mut transaction = platform.system.begin().await?;
    if !db::renew(&mut transaction, claim).await? {
        return Ok(false);
    }
    subject::report_progress(&mut transaction, claim, done).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Gives a job back that this worker has no time to finish; it counts as no failure.
pub async fn release(platform: &Platform, claim: &Claim) -> Result<(), Error> {
    give_back(platform, claim, 0, 0).await
}

/// Gives a job back because a dependency is away, to be tried again after `delay_ms`; it counts as
/// no failure.
pub async fn postpone(platform: &Platform, claim: &Claim, delay_ms: u32) -> Result<(), Error> {
    give_back(platform, claim, delay_ms, 0).await
}

/// Counts a failure that is the job's own, such as a panic, and gives the job back; the third one
/// ends it.
pub async fn fail_attempt(platform: &Platform, claim: &Claim) -> Result<(), Error> {
    give_back(platform, claim, 0, 1).await
}

async fn give_back(platform: &Platform, claim: &Claim, delay_ms: u32, failures: i32) -> Result<(), Error> {
    let mut transaction = platform.system.begin().await?;
    let Some(total) = db::give_back(&mut transaction, claim, delay_ms, failures).await? else {
        return Ok(());
    };
    if total >= FAILURES_MAX {
        let finished = subject::fail(&mut transaction, claim, Unsettled::AttemptsExhausted).await?;
        transaction.commit().await?;
        finished.report();
        return Ok(());
    }
    subject::requeue(&mut transaction, claim).await?;
    db::notify(&mut transaction, JOBS_CHANNEL, "").await?;
    Ok(transaction.commit().await?)
}

/// Puts the jobs of this owner's previous run back, at the start of a process that alone can have
/// that name: whoever held these leases is gone. Each counts a failure.
pub async fn release_previous_run(platform: &Platform, owner: &str) -> Result<u64, Error> {
    let mut transaction = platform.system.begin().await?;
    let released = db::release_owner(&mut transaction, owner).await?;
    transaction.commit().await?;
    platform.notifications.jobs.notify_one();
    Ok(released)
}

/// Says that a worker lives and how many jobs it takes at a time.
pub async fn heartbeat(platform: &Platform, worker: &str, places: Places) -> Result<(), Error> {
    let mut connection = platform.system.acquire().await?;
    db::upsert_worker(&mut connection, worker, places).await
}

/// Says that a worker stops.
pub async fn sign_off(platform: &Platform, worker: &str) -> Result<(), Error> {
    let mut connection = platform.system.acquire().await?;
    db::delete_worker(&mut connection, worker).await
}

/// The queue at a glance.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Jobs that wait.
    pub queued: i64,
    /// Jobs at work.
    pub running: i64,
    /// For how many seconds the oldest job has waited whose time has come.
    pub lag_seconds: f64,
    /// Worker processes heard of lately.
    pub workers: i64,
}

/// Looks at the queue, and sets its metrics.
pub async fn statistics(platform: &Platform) -> Result<Statistics, Error> {
    let mut connection = platform.system.acquire().await?;
    let statistics = db::select_statistics(&mut connection).await?;
    metrics::gauge!("augur_jobs", "state" => "queued").set(statistics.queued as f64);
    metrics::gauge!("augur_jobs", "state" => "running").set(statistics.running as f64);
    metrics::gauge!("augur_queue_lag_seconds").set(statistics.lag_seconds);
    metrics::gauge!("augur_workers").set(statistics.workers as f64);
    Ok(statistics)
}

//! The sweeper: puts right what got lost, late or stuck.

use super::db;
use super::subject::{self, Unsettled};
use crate::invariants::{self, Depth, Round};
use crate::predictions;
use crate::{
    Error, Platform, closing, failpoints, idempotency, in_time, monitoring, retraining, sessions, sources,
    tracking, trainings, webhooks,
};
use ledger::Violation;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the sweeper looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// How often it looks for what expired: ten times within the time that files are kept, between these.
const EXPIRY_INTERVAL_MIN: Duration = INTERVAL;
const EXPIRY_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// How often it looks for objects that belong to nothing.
const ORPHAN_INTERVAL: Duration = Duration::from_secs(1_800);

/// When it checks the invariants for the first time, at the latest.
const INVARIANTS_FIRST: Duration = Duration::from_secs(30);

/// How many bytes of inputs and results it then reads again.
const READ_AGAIN_BYTES_MAX: u64 = 256 << 20;

/// How long one of the tasks that may take long may last.
const HOUSEKEEPING_TIME_MAX: Duration = Duration::from_secs(900);

/// How many jobs that cannot be ended it passes over in one look.
const LEFT_ALONE_MAX: usize = 100;

/// How many overdue jobs it ends in one look.
const OVERDUE_MAX: u64 = 100;

/// What one look put right.
#[derive(Clone, Copy, Debug, Default)]
struct Sweep {
    /// Jobs that the relay may publish again.
    redispatched: u64,
    /// Jobs that were ended, failed and refunded.
    failed: u64,
}

/// Sweeps until stopped. Any number of processes may run it. What may take long has a loop of its own:
/// nobody's refund waits for the reading of files.
pub async fn sweep(platform: Platform, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sweep_for_ever(&platform) => {}
        () = keep_house(&platform) => {}
        () = retraining::sweep(&platform) => {}
    }
}

async fn sweep_for_ever(platform: &Platform) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        match sweep_jobs(platform).await {
            Ok(Sweep { redispatched: 0, failed: 0 }) => {}
            Ok(sweep) => tracing::info!(sweep.redispatched, sweep.failed, "swept the jobs"),
            Err(error) => tracing::warn!(%error, "could not sweep the jobs"),
        }
        if let Err(error) = in_time(sources::start_due(platform)).await {
            tracing::warn!(%error, "could not start what is due");
        }
    }
}

/// Erases what expired, checks the invariants and removes what belongs to nothing, one after the other.
async fn keep_house(platform: &Platform) {
    let retention = platform.limits.retention.to_std().unwrap_or_default();
    let expiry_interval = (retention / 10).clamp(EXPIRY_INTERVAL_MIN, EXPIRY_INTERVAL_MAX);
    let mut expiry_due = Instant::now();
    let invariant_interval = platform.limits.invariant_interval.to_std().unwrap_or(INTERVAL);
    let mut invariants_due = Instant::now() + invariant_interval.min(INVARIANTS_FIRST);
    let mut round = Round::default();
    // An upload lasts an hour at most, so there is no hurry.
    let mut orphans_due = Instant::now() + Duration::from_secs(60);
    loop {
        tokio::time::sleep(INTERVAL).await;
        if Instant::now() >= expiry_due {
            expiry_due = Instant::now() + expiry_interval;
            report("erase what expired", bounded(sweep_expired(platform)).await);
        }
        if Instant::now() >= invariants_due {
            invariants_due = Instant::now() + invariant_interval;
            report("check the invariants", bounded(sweep_invariants(platform, &mut round)).await);
        }
        if Instant::now() >= orphans_due {
            orphans_due = Instant::now() + ORPHAN_INTERVAL;
            report("remove orphaned files", bounded(erase_orphans(platform)).await);
            report("remove orphaned training files", bounded(trainings::erase_orphans(platform)).await);
        }
    }
}

/// Where something never answers, the next turn tries anew.
async fn bounded(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::time::timeout(HOUSEKEEPING_TIME_MAX, work).await.unwrap_or_else(|_| {
        Err(Error::Internal(format!("not done within {} s", HOUSEKEEPING_TIME_MAX.as_secs())))
    })
}

fn report(task: &'static str, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(%error, task, "the sweeper could not finish a task; it will try again");
    }
}

async fn sweep_jobs(platform: &Platform) -> Result<Sweep, Error> {
    let redispatched = in_time(async {
        let mut connection = platform.system.acquire().await?;
        db::clear_stale_marks(&mut connection).await
    })
    .await?;
    if redispatched > 0 {
        platform.notifications.jobs.notify_one();
    }
    let mut sweep = Sweep { redispatched, failed: 0 };
    // A job that cannot be ended must not keep those behind it from their refunds.
    let mut left_alone = Vec::new();
    while sweep.failed < OVERDUE_MAX && left_alone.len() < LEFT_ALONE_MAX {
        let before = left_alone.len();
        match in_time(fail_one_overdue(platform, &mut left_alone)).await {
            Ok(true) => sweep.failed += 1,
            Ok(false) => break,
            // Where a job was found, the database is there, and it is this one that somebody holds.
            Err(error) if error.is_outage() && left_alone.len() == before => return Err(error),
            Err(error) => tracing::error!(%error, "a job past its end could not be failed and refunded"),
        }
    }
    in_time(super::statistics(platform)).await?;
    Ok(sweep)
}

/// One job in a transaction of its own: no account stays locked while the next job is looked at. A
/// job is on the list of those left alone before it is tried, and stays there if it fails.
async fn fail_one_overdue(platform: &Platform, left_alone: &mut Vec<Uuid>) -> Result<bool, Error> {
    let mut transaction = platform.system.begin().await?;
    let Some(overdue) = db::lock_overdue(&mut transaction, left_alone).await? else { return Ok(false) };
    failpoints::at("sweep.overdue").await;
    left_alone.push(overdue.claim.job.0);
    let why = if overdue.exhausted { Unsettled::AttemptsExhausted } else { Unsettled::DeadlinePassed };
    let finished = subject::fail(&mut transaction, &overdue.claim, why).await?;
    failpoints::at("sweep.refunded").await;
    transaction.commit().await?;
    left_alone.pop();
    finished.report();
    Ok(true)
}

/// Checks the tables' invariants and some results, one process at a time, and tells what does not hold.
async fn sweep_invariants(platform: &Platform, round: &mut Round) -> Result<(), Error> {
    let mut transaction = platform.system.begin().await?;
    if !db::try_lock(&mut transaction, "augur invariants").await? {
        return Ok(());
    }
    tell(&invariants::check(platform, Depth::Tables).await?.violations);
    tell(&round.go_on(platform, READ_AGAIN_BYTES_MAX).await?);
    // The lock goes with the transaction. Where the checks took so long that PostgreSQL has ended a
    // session this silent, it has gone already.
    drop(transaction);
    Ok(())
}

fn tell(violations: &[Violation]) {
    for violation in violations {
        tracing::error!(violation.invariant, %violation.subject_id, violation.detail, "an invariant is broken");
    }
}

async fn erase_orphans(platform: &Platform) -> Result<(), Error> {
    predictions::erase_orphans(platform).await?;
    monitoring::erase_orphans(platform).await
}

async fn sweep_expired(platform: &Platform) -> Result<(), Error> {
    let mut connection = platform.system.acquire().await?;
    idempotency::forget_old(&mut connection).await?;
    sessions::forget_old(&mut connection).await?;
    db::delete_lost_workers(&mut connection).await?;
    drop(connection);
    webhooks::announce_expiring(platform).await?;
    tracking::queue_new(platform).await?;
    webhooks::forget_old(platform).await?;
    sources::forget_old(platform).await?;
    predictions::erase_expired(platform).await?;
    trainings::erase_expired(platform).await?;
    monitoring::erase_expired(platform).await?;
    closing::erase_what_came_late(platform).await
}

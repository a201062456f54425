//! One job's way through a worker: claimed, kept, worked on, ended. What every kind of job needs is
//! here; what a prediction needs is in `prediction.rs`.
//!
//! A handler answers nothing: whatever comes of a job is written in PostgreSQL, and the message is
//! acknowledged after that.

use std::sync::Arc;
use std::time::Duration;

use platform::jobs::{self, Claim, JobKind, Message, Places};
use platform::{Error, JobId, Platform, failpoints, in_time};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::attempt::Attempt;
use crate::backoff::Backoff;
use crate::mlflow::{self, Exporter};
use crate::webhook_sender::Sender;
use crate::{intake, lease, measures, prediction, training, webhook};

/// How long a claim is tried while the database is away; then the sweeper has the job published again.
const CLAIM_TIME_MAX: Duration = Duration::from_secs(15);
/// How long giving a job back is tried; then its lease runs out.
const GIVE_BACK_TIME_MAX: Duration = Duration::from_secs(60);
/// The longest delay of a postponed job: it goes on soon after an outage has ended.
const POSTPONE_MS_MAX: u32 = 15_000;
const POSTPONE_MS_FIRST: u32 = 1_000;

/// What the jobs of one worker share.
pub(crate) struct Jobs {
    pub(crate) platform: Platform,
    /// Who holds the leases.
    pub(crate) name: String,
    /// How many jobs of each kind run at a time at most; they share the processors.
    pub(crate) places: Places,
    /// Sends webhooks.
    pub(crate) sender: Sender,
    /// Takes versions to the MLflow server, where there is one.
    pub(crate) exporter: Option<Exporter>,
    /// Cancelled when running jobs have no more time: the grace of a stop is over.
    pub(crate) abandon: CancellationToken,
}

/// How an attempt ended, for the log and the figures.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The result is provided.
    Succeeded,
    /// The job failed for good, and its order is refunded.
    Failed,
    /// Somebody else has the job, or it has ended otherwise.
    Lost,
    /// It is settled that the job is done again at a later time of its own.
    Rescheduled,
    /// A dependency is away; tried again later.
    Postponed(String),
    /// This worker has no time left for it; another one takes it.
    Released,
    /// A fault of ours, counted against the job's three.
    Faulty(String),
}

impl Ended {
    fn as_str(&self) -> &'static str {
        match self {
            Ended::Succeeded => "succeeded",
            Ended::Failed => "failed",
            Ended::Lost => "lost",
            Ended::Rescheduled => "rescheduled",
            Ended::Postponed(_) => "postponed",
            Ended::Released => "released",
            Ended::Faulty(_) => "faulty",
        }
    }
}

/// An error of the platform's that ends the attempt but not the job.
impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        if error.is_outage() { Ended::Postponed(error.to_string()) } else { Ended::Faulty(error.to_string()) }
    }
}

impl Jobs {
    /// Does what a message asks for, if it is still to be done.
    pub(crate) async fn handle(self: Arc<Self>, message: Message) {
        failpoints::at("job.received").await;
        let Some(claim) = self.claim(message.job_id).await else {
            tracing::debug!("There is nothing to do: the job has ended or another worker has it");
            return;
        };
        failpoints::at("job.claimed").await;
        let span = tracing::Span::current();
        span.record("subject_id", tracing::field::display(claim.subject));
        span.record("attempt", claim.attempt);
        let _in_flight = measures::claimed(claim.kind);
        let start = Instant::now();
        let attempt = Arc::new(Attempt::default());
        let keeper = lease::keep(self.platform.clone(), claim.clone(), attempt.clone());
        let keeper = AbortOnDropHandle::new(tokio::spawn(keeper.in_current_span()));
        let ended = match claim.kind {
            JobKind::Prediction => prediction::run(&self, &claim, attempt).await,
            JobKind::Training => training::run(&self, &claim, attempt).await,
            JobKind::Webhook => webhook::run(&self, &claim).await,
            JobKind::Export => mlflow::run(&self, &claim).await,
            JobKind::Intake => intake::run(&self, &claim, attempt).await,
        };
        self.give_back(&claim, &ended).await;
        failpoints::at("job.ended").await;
        drop(keeper);
        measures::ended(claim.kind, ended.as_str(), start.elapsed());
        report(&ended, start.elapsed());
    }

    /// Claims the job. While the database is away the message waits here, and nobody else could do
    /// more with it.
    async fn claim(&self, job: JobId) -> Option<Claim> {
        let start = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));
        loop {
            match in_time(jobs::claim(&self.platform, job, &self.name)).await {
                Ok(claim) => return claim,
                Err(error) if error.is_outage() && start.elapsed() < CLAIM_TIME_MAX => {
                    tokio::select! {
                        () = self.abandon.cancelled() => return None,
                        () = sleep(backoff.delay()) => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "A job was not claimed; it will be published again");
                    return None;
                }
            }
        }
    }

    /// Gives the job back where the attempt did not settle it.
    async fn give_back(&self, claim: &Claim, ended: &Ended) {
        let start = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));
        loop {
            let platform = &self.platform;
            let given = match ended {
                Ended::Succeeded | Ended::Failed | Ended::Lost | Ended::Rescheduled => return,
                Ended::Postponed(_) => {
                    in_time(jobs::postpone(platform, claim, postpone_ms(claim.attempt))).await
                }
                Ended::Released => in_time(jobs::release(platform, claim)).await,
                Ended::Faulty(_) => in_time(jobs::fail_attempt(platform, claim)).await,
            };
            let Err(error) = given else { return };
            let in_time = start.elapsed() < GIVE_BACK_TIME_MAX && !self.abandon.is_cancelled();
            if !error.is_outage() || !in_time {
                tracing::warn!(%error, "A job was not given back; its lease will run out");
                return;
            }
            sleep(backoff.delay()).await;
        }
    }
}

/// Doubles with every attempt.
fn postpone_ms(attempt: i32) -> u32 {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(4);
    (POSTPONE_MS_FIRST << doublings).min(POSTPONE_MS_MAX)
}

fn report(ended: &Ended, time: Duration) {
    let seconds = time.as_secs_f64();
    match ended {
        Ended::Succeeded => tracing::info!(seconds, "The job succeeded"),
        Ended::Failed => tracing::info!(seconds, "The job failed; an order of it is refunded"),
        Ended::Lost => tracing::info!(seconds, "The attempt was dropped: the job is no longer this worker's"),
        Ended::Rescheduled => tracing::info!(seconds, "The attempt failed; the job is done again later"),
        Ended::Postponed(error) => tracing::warn!(seconds, error, "The attempt was postponed"),
        Ended::Released => tracing::info!(seconds, "The attempt was given back at the worker's stop"),
        Ended::Faulty(error) => tracing::error!(seconds, error, "The attempt failed for a reason of ours"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_postponed_for_longer_each_time_but_never_for_long() {
        assert_eq!([1, 2, 3, 4, 5, 100].map(postpone_ms), [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    }
}

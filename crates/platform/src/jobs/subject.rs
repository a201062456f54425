//! What each kind of job is about: the one place that leads from a job to the feature that it works for.

use super::{Claim, JobKind};
use crate::predictions::{self, PredictionError};
use crate::{Error, sources, trainings, webhooks};
use sqlx::PgConnection;

/// Why a job ends that nobody settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsettled {
    /// It failed three times for a reason of ours.
    AttemptsExhausted,
    /// Its deadline has passed.
    DeadlinePassed,
}

/// A job that was failed; what there is to count is counted once that is committed.
pub(crate) enum Failed {
    /// Of a prediction.
    Prediction(predictions::Failed),
    /// Of a training.
    Training(trainings::Failed),
    /// Of a delivery, of which nothing is counted.
    Webhook,
    /// Of an export, of which nothing follows.
    Export,
    /// Of an intake, which has paid for nothing.
    Intake,
}

impl Failed {
    /// Counts it, once committed.
    pub(crate) fn report(&self) {
        match self {
            Failed::Prediction(failed) => failed.report(),
            Failed::Training(failed) => failed.report(),
            Failed::Webhook | Failed::Export | Failed::Intake => {}
        }
    }
}

/// A worker has claimed the job.
pub(super) async fn start(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    match claim.kind {
        JobKind::Prediction => predictions::start(connection, claim).await,
        JobKind::Training => trainings::start(connection, claim).await,
        JobKind::Intake => sources::started(connection, claim).await,
        JobKind::Webhook | JobKind::Export => Ok(()),
    }
}

/// The job waits again.
pub(super) async fn requeue(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    match claim.kind {
        JobKind::Prediction => predictions::requeue(connection, claim).await,
        JobKind::Training => trainings::requeue(connection, claim).await,
        JobKind::Intake => sources::requeue(connection, claim).await,
        JobKind::Webhook | JobKind::Export => Ok(()),
    }
}

/// Tells how far the work is: rows of a prediction, fits of a training.
pub(super) async fn report_progress(
    connection: &mut PgConnection,
    claim: &Claim,
    done: u64,
) -> Result<(), Error> {
    match claim.kind {
        JobKind::Prediction => predictions::report_progress(connection, claim, done).await,
        JobKind::Training => trainings::report_progress(connection, claim, done).await,
        JobKind::Webhook | JobKind::Export | JobKind::Intake => Ok(()),
    }
}

/// Ends a job that nobody settled, with all that follows from it.
pub(super) async fn fail(
    connection: &mut PgConnection,
    claim: &Claim,
    why: Unsettled,
) -> Result<Failed, Error> {
    match claim.kind {
        JobKind::Prediction => {
            let error = match why {
                Unsettled::AttemptsExhausted => PredictionError::attempts_exhausted(),
                Unsettled::DeadlinePassed => PredictionError::deadline_passed(),
            };
            Ok(Failed::Prediction(predictions::fail(connection, claim, &error).await?))
        }
        JobKind::Training => {
            let error = match why {
                Unsettled::AttemptsExhausted => trainings::TrainingError::new(
                    "attempts_exhausted",
                    "the training failed three times for a reason of ours; the order was refunded",
                ),
                Unsettled::DeadlinePassed => trainings::TrainingError::new(
                    "deadline_passed",
                    "the training was not done in time; the order was refunded",
                ),
            };
            Ok(Failed::Training(trainings::fail(connection, claim, &error).await?))
        }
        JobKind::Webhook => {
            let error = match why {
                Unsettled::AttemptsExhausted => "attempts_exhausted",
                Unsettled::DeadlinePassed => "deadline_passed",
            };
            webhooks::fail(connection, claim, error).await?;
            Ok(Failed::Webhook)
        }
        JobKind::Intake => {
            let failure = match why {
                Unsettled::AttemptsExhausted => sources::Failure::new(
                    "attempts_exhausted",
                    "the intake failed three times for a reason of ours; nothing was charged",
                ),
                Unsettled::DeadlinePassed => sources::Failure::new(
                    "deadline_passed",
                    "the intake was not done in time; nothing was charged",
                ),
            };
            sources::fail(connection, claim, &failure).await?;
            Ok(Failed::Intake)
        }
        JobKind::Export => {
            super::db::finish(connection, claim, false).await?;
            Ok(Failed::Export)
        }
    }
}

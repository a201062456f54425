//! The worker's side: what to train, and how it ended. Every step is fenced by the claim's attempt.

use super::{TrainRequest, TrainingError, TrainingMetrics, db};
use crate::jobs::{self, Claim};
use crate::money::count_moved;
use crate::notifications::{JOBS_CHANNEL, PREDICTIONS_CHANNEL};
use crate::orders::{self, OrderStatus};
use crate::predictions::Settled;
use crate::webhooks::{self, Event, TrainingFailed, TrainingSucceeded};
use crate::{Error, Platform, TrainingId, TransactionId, failpoints, registry};
use ledger::Money;
use scoring::Manifest;
use serde_json::Value;
use sqlx::PgConnection;

/// What a worker needs to know to train.
#[derive(Clone, Debug)]
pub struct TrainingWork {
    /// The training.
    pub training: TrainingId,
    /// The model's name.
    pub model_name: String,
    /// The version's number under that name.
    pub version: i32,
    /// What was asked for.
    pub request: TrainRequest,
    /// The SHA-256 of the file as it was uploaded.
    pub input_sha256: [u8; 32],
    /// Where only of the file's first so many rows anybody may be held out: of a retraining, those whom the
    /// version in production has not learned from.
    pub held_out_rows: Option<u64>,
}

/// What came out of a training; its files lie under the attempt's name.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The model's manifest.
    pub manifest: Manifest,
    /// What was measured.
    pub metrics: TrainingMetrics,
    /// What was made of the file.
    pub data: Value,
    /// The program that trained.
    pub code_version: String,
    /// How long it took.
    pub train_ms: u64,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is a model.
    Succeeded(Box<Learned>),
    /// Nothing can be learned from the file, or not as it was asked for.
    Failed(TrainingError),
}

/// A failed training whose refund becomes durable with the caller's commit.
pub(crate) struct Failed {
    refunded: Option<Money>,
}

impl Failed {
    /// Counts it, once committed.
    pub(crate) fn report(&self) {
        let Some(amount) = self.refunded else { return };
        count_moved("refund", amount);
        metrics::counter!("augur_trainings_finished_total", "status" => "failed").increment(1);
    }
}

/// What the claimed training is about.
pub async fn work(platform: &Platform, claim: &Claim) -> Result<TrainingWork, Error> {
    let mut connection = platform.system.acquire().await?;
    db::select_work(&mut connection, claim).await?.ok_or(Error::NotFound("training"))
}

/// Ends a training: version and order provided, or failed and refunded, in one transaction and only where the
/// attempt is still the claimer's. Trying again after an unknown commit is safe.
pub async fn settle(platform: &Platform, claim: &Claim, outcome: &Outcome) -> Result<Settled, Error> {
    let mut transaction = platform.system.begin().await?;
    match outcome {
        Outcome::Succeeded(learned) => {
            if !succeed(&mut transaction, claim, learned).await? {
                let ended = jobs::db::select_outcome(&mut transaction, claim).await?;
                return Ok(if ended == Some(true) { Settled::Mine } else { Settled::Lost });
            }
            failpoints::at("training.settle.written").await;
            transaction.commit().await?;
            metrics::counter!("augur_trainings_finished_total", "status" => "succeeded").increment(1);
        }
        Outcome::Failed(error) => {
            let failed = fail(&mut transaction, claim, error).await?;
            if failed.refunded.is_none() {
                let ended = jobs::db::select_outcome(&mut transaction, claim).await?;
                return Ok(if ended == Some(false) { Settled::Mine } else { Settled::Lost });
            }
            transaction.commit().await?;
            failed.report();
        }
    }
    for attempt in 1..claim.attempt {
        let training = TrainingId(claim.subject);
        if let Err(error) = platform.objects.delete_training_attempt(training, attempt).await {
            tracing::warn!(%error, job_id = %claim.job, attempt, "could not delete an earlier attempt's files");
        }
    }
    Ok(Settled::Mine)
}

/// Fails a job's training and refunds its order. Does nothing where the job has ended before.
pub(crate) async fn fail(
    connection: &mut PgConnection,
    claim: &Claim,
    error: &TrainingError,
) -> Result<Failed, Error> {
    if !jobs::db::finish(connection, claim, false).await? {
        return Ok(Failed { refunded: None });
    }
    let training = TrainingId(claim.subject);
    let document = serde_json::to_value(error).map_err(Error::internal)?;
    let order = db::fail(connection, training, &document).await?.ok_or(Error::NotFound("training"))?;
    let (in_use, refunded) = (OrderStatus::InUse, OrderStatus::Refunded);
    if !orders::db::move_status(connection, claim.tenant, order, in_use, refunded).await? {
        return Err(Error::Internal(format!("order {order} of an open training is not in use")));
    }
    announce(connection, training).await?;
    let event = Event::TrainingFailed(TrainingFailed {
        training_id: training.0,
        order_id: Some(order.0),
        status: "failed",
        error_code: error.code.clone(),
    });
    webhooks::announce(connection, claim.tenant, &event).await?;
    let account = claim.tenant.account();
    let refund = ledger::refund(connection, account, order, TransactionId::new(), None).await?;
    Ok(Failed { refunded: Some(refund.amount) })
}

pub(crate) async fn start(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    db::start(connection, TrainingId(claim.subject)).await?;
    jobs::db::notify(connection, PREDICTIONS_CHANNEL, &claim.subject.to_string()).await
}

pub(crate) async fn requeue(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    db::requeue(connection, TrainingId(claim.subject)).await
}

pub(crate) async fn report_progress(
    connection: &mut PgConnection,
    claim: &Claim,
    fits_done: u64,
) -> Result<(), Error> {
    db::update_progress(connection, TrainingId(claim.subject), fits_done).await
}

async fn succeed(connection: &mut PgConnection, claim: &Claim, learned: &Learned) -> Result<bool, Error> {
    if !jobs::db::finish(connection, claim, true).await? {
        return Ok(false);
    }
    let training = TrainingId(claim.subject);
    let (model, version) = registry::register(connection, claim, training, &learned.manifest).await?;
    let metrics = serde_json::to_value(&learned.metrics).map_err(Error::internal)?;
    let ended = db::Ended {
        version,
        attempt: claim.attempt,
        metrics: &metrics,
        data: &learned.data,
        code_version: &learned.code_version,
        train_ms: learned.train_ms,
    };
    let order = db::succeed(connection, training, ended).await?.ok_or(Error::NotFound("training"))?;
    let (in_use, provided) = (OrderStatus::InUse, OrderStatus::Provided);
    if !orders::db::move_status(connection, claim.tenant, order, in_use, provided).await? {
        return Err(Error::Internal(format!("order {order} of an open training is not in use")));
    }
    announce(connection, training).await?;
    let judged = learned.metrics.held_out.as_ref().unwrap_or(&learned.metrics.unseen);
    let event = Event::TrainingSucceeded(TrainingSucceeded {
        training_id: training.0,
        order_id: Some(order.0),
        status: "succeeded",
        model_id: model.0,
        model_version_id: version.0,
        version: learned.manifest.version.clone(),
        auc: judged.metrics.auc,
    });
    webhooks::announce(connection, claim.tenant, &event).await?;
    Ok(true)
}

/// Tells those who wait for the training, and the relay that a worker has room.
async fn announce(connection: &mut PgConnection, training: TrainingId) -> Result<(), Error> {
    jobs::db::notify(connection, PREDICTIONS_CHANNEL, &training.to_string()).await?;
    jobs::db::notify(connection, JOBS_CHANNEL, "").await
}

//! The worker's side: what to score, and how it ended. Every step is fenced by the claim's attempt.

use super::{PredictionError, PredictionOptions, db};
use crate::jobs::{self, Claim};
use crate::money::count_moved;
use crate::monitoring::{self, SecondLook};
use crate::notifications::{JOBS_CHANNEL, PREDICTIONS_CHANNEL};
use crate::objects::result_path;
use crate::orders::{self, OrderStatus};
use crate::webhooks::{self, Event, PredictionFailed, PredictionSucceeded};
use crate::{Error, ModelVersionId, OrderId, Platform, PredictionId, TransactionId, failpoints};
use ledger::Money;
use scoring::{Dialect, OnError, Summary};
use sqlx::PgConnection;

/// What a worker needs to know to score a file.
#[derive(Clone, Debug)]
pub struct Work {
    /// The prediction.
    pub prediction: PredictionId,
    /// The version that it was given when it was accepted.
    pub model_version: ModelVersionId,
    /// How the file is written.
    pub dialect: Dialect,
    /// What becomes of customers who cannot be scored.
    pub on_error: OnError,
    /// What was asked for beside the plain result.
    pub options: PredictionOptions,
    /// How many rows the order allows.
    pub rows_max: u64,
    /// How many rows there are.
    pub rows_total: u64,
    /// The SHA-256 of the file as it was uploaded.
    pub input_sha256: [u8; 32],
}

/// A result that lies in the object store.
#[derive(Clone, Copy, Debug)]
pub struct ResultFile {
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The result lies under the attempt's name, and was looked at once more.
    Succeeded(Summary, ResultFile, Box<SecondLook>),
    /// It cannot be scored.
    Failed(PredictionError),
}

/// Whose settlement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Mine, now or when I tried before.
    Mine,
    /// Somebody else's; what I made is to be deleted.
    Lost,
}

/// A failed prediction whose refund becomes durable with the caller's commit.
pub(crate) struct Failed {
    refunded: Option<Money>,
}

impl Failed {
    /// Counts it, once committed.
    pub(crate) fn report(&self) {
        let Some(amount) = self.refunded else { return };
        count_moved("refund", amount);
        metrics::counter!("augur_predictions_finished_total", "status" => "failed").increment(1);
    }
}

/// What the claimed prediction is about.
pub async fn work(platform: &Platform, claim: &Claim) -> Result<Work, Error> {
    let mut connection = platform.system.acquire().await?;
    db::select_work(&mut connection, claim).await?.ok_or(Error::NotFound("prediction"))
}

/// Ends a prediction: result and order provided, or failed and refunded, in one transaction and only
/// where the attempt is still the claimer's. Trying again after an unknown commit is safe.
pub async fn settle(platform: &Platform, claim: &Claim, outcome: &Outcome) -> Result<Settled, Error> {
    let mut transaction = platform.system.begin().await?;
    match outcome {
        Outcome::Succeeded(summary, file, look) => {
            if !succeed(&mut transaction, claim, summary, file, look).await? {
                let ended = jobs::db::select_outcome(&mut transaction, claim).await?;
                return Ok(if ended == Some(true) { Settled::Mine } else { Settled::Lost });
            }
            failpoints::at("settle.written").await;
            transaction.commit().await?;
            metrics::counter!("augur_predictions_finished_total", "status" => "succeeded").increment(1);
            metrics::counter!("augur_rows_scored_total").increment(summary.rows);
        }
        Outcome::Failed(error) => {
            let failed = fail(&mut transaction, claim, error).await?;
            if failed.refunded.is_none() {
                let ended = jobs::db::select_outcome(&mut transaction, claim).await?;
                return Ok(if ended == Some(false) { Settled::Mine } else { Settled::Lost });
            }
            failpoints::at("refund.written").await;
            transaction.commit().await?;
            failed.report();
        }
    }
    if claim.attempt > 1 {
        delete_earlier_attempts(platform, claim).await;
    }
    Ok(Settled::Mine)
}

/// Fails a job's prediction and refunds its order. Does nothing where the job has ended before.
pub(crate) async fn fail(
    connection: &mut PgConnection,
    claim: &Claim,
    error: &PredictionError,
) -> Result<Failed, Error> {
    if !jobs::db::finish(connection, claim, false).await? {
        return Ok(Failed { refunded: None });
    }
    let prediction = PredictionId(claim.subject);
    let document = serde_json::to_value(error).map_err(Error::internal)?;
    let order = db::fail(connection, prediction, &document).await?.ok_or(Error::NotFound("prediction"))?;
    let (in_use, refunded) = (OrderStatus::InUse, OrderStatus::Refunded);
    if !orders::db::move_status(connection, claim.tenant, order, in_use, refunded).await? {
        return Err(Error::Internal(format!("order {order} of an open prediction is not in use")));
    }
    announce(connection, prediction).await?;
    webhooks::announce(connection, claim.tenant, &failure_event(prediction, order, error)).await?;
    let account = claim.tenant.account();
    let refund = ledger::refund(connection, account, order, TransactionId::new(), None).await?;
    Ok(Failed { refunded: Some(refund.amount) })
}

pub(crate) async fn start(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    db::start(connection, PredictionId(claim.subject)).await?;
    jobs::db::notify(connection, PREDICTIONS_CHANNEL, &claim.subject.to_string()).await
}

pub(crate) async fn requeue(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    db::requeue(connection, PredictionId(claim.subject)).await
}

pub(crate) async fn report_progress(
    connection: &mut PgConnection,
    claim: &Claim,
    rows_done: u64,
) -> Result<(), Error> {
    db::update_progress(connection, PredictionId(claim.subject), rows_done).await
}

async fn succeed(
    connection: &mut PgConnection,
    claim: &Claim,
    summary: &Summary,
    file: &ResultFile,
    look: &SecondLook,
) -> Result<bool, Error> {
    if !jobs::db::finish(connection, claim, true).await? {
        return Ok(false);
    }
    let prediction = PredictionId(claim.subject);
    let document = serde_json::to_value(summary).map_err(Error::internal)?;
    let order = db::succeed(connection, prediction, claim.attempt, summary.rows, &document, file)
        .await?
        .ok_or(Error::NotFound("prediction"))?;
    let (in_use, provided) = (OrderStatus::InUse, OrderStatus::Provided);
    if !orders::db::move_status(connection, claim.tenant, order, in_use, provided).await? {
        return Err(Error::Internal(format!("order {order} of an open prediction is not in use")));
    }
    monitoring::record(connection, claim, look).await?;
    announce(connection, prediction).await?;
    webhooks::announce(connection, claim.tenant, &success_event(prediction, order, summary)).await?;
    Ok(true)
}

fn success_event(prediction: PredictionId, order: OrderId, summary: &Summary) -> Event {
    Event::PredictionSucceeded(PredictionSucceeded {
        prediction_id: prediction.0,
        order_id: order.0,
        status: "succeeded",
        rows: summary.rows,
        rows_skipped: summary.rows_skipped,
        stays: summary.stays,
        leaves: summary.leaves,
        mean_churn_probability: summary.mean_churn_probability,
    })
}

/// The message, which may quote the file, stays here.
fn failure_event(prediction: PredictionId, order: OrderId, error: &PredictionError) -> Event {
    Event::PredictionFailed(PredictionFailed {
        prediction_id: prediction.0,
        order_id: order.0,
        status: "failed",
        error_code: error.code.clone(),
    })
}

/// Tells those who wait for the prediction, and the relay that a worker has room.
async fn announce(connection: &mut PgConnection, prediction: PredictionId) -> Result<(), Error> {
    jobs::db::notify(connection, PREDICTIONS_CHANNEL, &prediction.to_string()).await?;
    jobs::db::notify(connection, JOBS_CHANNEL, "").await
}

/// What earlier attempts left belongs to nobody. Where this fails it goes when the prediction expires.
async fn delete_earlier_attempts(platform: &Platform, claim: &Claim) {
    for attempt in 1..claim.attempt {
        let prediction = PredictionId(claim.subject);
        for path in [result_path(prediction, attempt), monitoring::scores_path(prediction, attempt)] {
            if let Err(error) = platform.objects.delete(&path).await {
                tracing::warn!(%error, job_id = %claim.job, attempt, "could not delete an earlier attempt's result");
            }
        }
    }
}

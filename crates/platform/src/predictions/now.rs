//! Scoring a few customers in one call.

use super::PredictionOptions;
use crate::idempotency::{self, Idempotency, Replayable};
use crate::models::ModelVersion;
use crate::money::count_moved;
use crate::orders::{self, OrderStatus};
use crate::services::Service;
use crate::{Access, Error, OrderId, Platform, ServiceId, TenantTx, failpoints, models, services};
use ledger::Money;
use scoring::{InputError, Model, Reason, explain_customers, score_customers};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Customers that were scored at once, and the order that paid for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Immediate {
    /// The order, provided.
    pub order: OrderId,
    /// What it cost.
    pub price: Money,
    /// One for each customer, in their order.
    pub predictions: Vec<ScoredCustomer>,
}

/// What a model says of a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScoredCustomer {
    /// 1 stays, 0 leaves.
    pub stays: u8,
    /// The probability of leaving.
    pub churn_probability: f64,
    /// The strongest reasons, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<Reason>>,
}

/// Scores up to 100 customers. They are scored first, in memory; then one transaction places the
/// order as provided and debits it.
///
/// # Errors
/// [`Error::Input`] where a customer cannot be scored: nothing is charged.
pub async fn predict(
    platform: &Platform,
    access: &Access,
    service: ServiceId,
    customers: Vec<Map<String, Value>>,
    options: PredictionOptions,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Immediate>, Error> {
    options.check()?;
    let (service, version) = {
        let mut tx = TenantTx::begin(platform, access).await?;
        let agreed = agree(&mut tx, service, &options, idempotency).await;
        match tx.finish(agreed).await? {
            Agreed::Answered(answer) => return Ok(Replayable::replayed(answer)),
            Agreed::Terms(terms) => *terms,
        }
    };
    let model = models::load_version(platform, &version).await?;
    let asked = options.clone();
    let predictions = tokio::task::spawn_blocking(move || score(&model, &customers, &asked))
        .await
        .map_err(Error::internal)??;
    let rows = predictions.len() as u64;

    let mut tx = TenantTx::begin(platform, access).await?;
    let provided = provide(&mut tx, &service, &options, predictions, idempotency).await;
    failpoints::at("predict.debited").await;
    let provided = tx.finish(provided).await?;
    failpoints::at("predict.committed").await;
    if !provided.replayed {
        count_moved("debit", provided.value.price);
        metrics::counter!("augur_rows_scored_total").increment(rows);
    }
    Ok(provided)
}

fn score(
    model: &Model,
    customers: &[Map<String, Value>],
    options: &PredictionOptions,
) -> Result<Vec<ScoredCustomer>, InputError> {
    let of = |one: scoring::Scored, reasons| ScoredCustomer {
        stays: one.stays,
        churn_probability: one.churn_probability,
        reasons,
    };
    let Some(count) = options.explain else {
        return Ok(score_customers(model, customers)?.into_iter().map(|one| of(one, None)).collect());
    };
    let explained = explain_customers(model, customers, options.language)?;
    let reasons = |one: &scoring::Explained| Some(one.strongest(usize::from(count)));
    Ok(explained.iter().map(|one| of(one.scored, reasons(one))).collect())
}

/// What is known before the scoring.
enum Agreed {
    /// The key's request was answered before.
    Answered(Immediate),
    /// What is bought, and the version that scores.
    Terms(Box<(Service, ModelVersion)>),
}

async fn agree(
    tx: &mut TenantTx,
    service: ServiceId,
    options: &PredictionOptions,
    idempotency: Option<&Idempotency>,
) -> Result<Agreed, Error> {
    let scope = tx.writer()?.tenant().0;
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency).await? {
        return Ok(Agreed::Answered(answer));
    }
    let service = services::db::select(tx.connection(), service)
        .await?
        .filter(|service| service.active)
        .ok_or_else(|| Error::invalid("service_id", "there is no such service on the price list"))?;
    service.price_with(options.order_options())?;
    let version = models::select_version(tx.connection(), service.model_version)
        .await?
        .ok_or(Error::NotFound("model version"))?;
    Ok(Agreed::Terms(Box::new((service, version))))
}

async fn provide(
    tx: &mut TenantTx,
    service: &Service,
    options: &PredictionOptions,
    predictions: Vec<ScoredCustomer>,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Immediate>, Error> {
    let writer = tx.writer()?;
    let scope = writer.tenant().0;
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    let bought = options.order_options();
    let order =
        orders::begin(tx.connection(), writer, &service.into(), bought, OrderStatus::Provided).await?;
    let answer = Immediate { order: order.id, price: order.price, predictions };
    idempotency::keep(tx.connection(), scope, idempotency, &answer).await?;
    orders::debit(tx.connection(), &order).await?;
    Ok(Replayable::first(answer))
}

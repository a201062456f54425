//! What sets a model's retraining off, and what it may cost.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::{Access, Error, ModelId, Platform, ServiceId, TenantId, TenantTx, UserId, registry, trainings};
use chrono::{DateTime, Utc};
use ledger::Money;
use serde_json::json;

/// A share that is held out: an interval needs enough customers, and a model must be fitted on as many.
const HOLD_OUT: std::ops::RangeInclusive<f64> = 0.1..=0.5;
/// The longest quiet time and the slowest schedule: a year.
const HOURS_MAX: u32 = 8_784;
/// The most outcomes to wait for.
const OUTCOMES_MAX: u64 = 1_000_000_000;

/// What is to hold for a model from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyChange {
    /// Whether anything sets a run off by itself.
    pub is_active: bool,
    /// The line of the price list that the trainings are bought from.
    pub service: ServiceId,
    /// The most that a run may cost.
    pub price_max: Money,
    /// The most that a calendar month's runs may cost together.
    pub month_price_max: Money,
    /// Drift that is raised for the version in production sets a run off.
    pub on_drift: bool,
    /// An area under the ROC curve below this does, by outcomes.
    pub auc_min: Option<f64>,
    /// An area below that of the training by more than this does.
    pub auc_loss_max: Option<f64>,
    /// So many outcomes that were not known at the last run do.
    pub outcomes_min: Option<u64>,
    /// So many hours after the last turn one does.
    pub every_hours: Option<u32>,
    /// So many hours after a training nothing but a hand sets another one off.
    pub quiet_hours: u32,
    /// The share of the new customers who are held out for the gate, 0.1 to 0.5.
    pub hold_out: f64,
    /// Whether a version that passes the gate goes into production by itself.
    pub auto_promote: bool,
}

/// A model's policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Of which model.
    pub model: ModelId,
    /// Whose.
    pub tenant: TenantId,
    /// In whose name it is paid.
    pub author: UserId,
    /// What holds.
    pub terms: PolicyChange,
    /// When the schedule's next turn is.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub updated_at: DateTime<Utc>,
}

/// The policy of a model of the tenant's own; none where nobody has written one.
pub async fn policy(platform: &Platform, access: &Access, model: ModelId) -> Result<Option<Policy>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    registry::own_model(tx.connection(), model).await?;
    db::select_policy(tx.connection(), tenant, model).await
}

/// Writes the policy of a model of the tenant's own. From then on its runs are paid in the caller's name.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for a shared model; [`Error::Invalid`] by the field.
pub async fn update_policy(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    change: PolicyChange,
) -> Result<Policy, Error> {
    check(&change)?;
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let connection = tx.connection();
    registry::own_model(connection, model).await?;
    let offer = trainings::select_offer(connection, change.service).await?.filter(|offer| offer.active);
    let offer =
        offer.ok_or_else(|| Error::invalid("training_service_id", "there is no such training service"))?;
    if offer.price > change.price_max {
        return Err(Error::invalid("price_max", "a training costs more than that"));
    }
    db::upsert_policy(connection, writer, model, &change).await?;
    let event = Event {
        action: "retraining.policy_changed",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(model.0),
        detail: json!({
            "active": change.is_active, "training_service_id": change.service, "price_max": change.price_max,
            "month_price_max": change.month_price_max, "auto_promote": change.auto_promote,
        }),
        request_id: Some(&access.request_id),
    };
    audit_log::write(connection, event).await?;
    let policy = db::select_policy(connection, writer.tenant(), model).await?;
    tx.commit().await?;
    policy.ok_or(Error::NotFound("retraining policy"))
}

fn check(change: &PolicyChange) -> Result<(), Error> {
    let is_share = |share: Option<f64>| share.is_none_or(|share| (0.0..=1.0).contains(&share));
    let is_hours = |hours: u32| hours <= HOURS_MAX;
    let checks = [
        (change.price_max > Money::ZERO, "price_max", "a run costs something"),
        (
            change.month_price_max >= change.price_max,
            "month_price_max",
            "a month may cost at least what a run may",
        ),
        (is_share(change.auc_min), "auc_min", "an area is between 0 and 1"),
        (is_share(change.auc_loss_max), "auc_loss_max", "a loss of area is between 0 and 1"),
        (
            change.outcomes_min.is_none_or(|outcomes| (1..=OUTCOMES_MAX).contains(&outcomes)),
            "outcomes_min",
            "it is at least 1",
        ),
        (
            change.every_hours.is_none_or(|hours| hours > 0 && is_hours(hours)),
            "every_hours",
            "it is 1 to 8784",
        ),
        (is_hours(change.quiet_hours), "quiet_hours", "it is 0 to 8784"),
        (HOLD_OUT.contains(&change.hold_out), "hold_out", "it is 0.1 to 0.5"),
    ];
    match checks.into_iter().find(|(holds, ..)| !holds) {
        Some((_, field, message)) => Err(Error::invalid(field, message)),
        None => Ok(()),
    }
}

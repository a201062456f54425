//! From which differences on a tenant wants to hear of a model, and what acting on it is worth.

use super::db;
use super::history::DriftEvent;
use crate::audit_log::{self, Event};
use crate::{Access, Error, ModelId, Platform, TenantId, TenantTx};
use ledger::Money;
use scoring::monitoring::Thresholds;
use serde_json::json;
use sqlx::PgConnection;

/// The greatest index that a threshold can be.
const THRESHOLD_MAX: f64 = 10.0;

/// What a tenant has settled for a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// From which differences on it wants to hear.
    pub thresholds: Thresholds,
    /// What acting on a prediction costs and brings, where it has said so.
    pub costs: Option<Costs>,
}

/// What acting on a prediction costs and brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Of contacting one customer.
    pub contact_cost: Money,
    /// What a customer who stays is worth.
    pub customer_value: Money,
    /// The share of leavers who stay when contacted, 0 to 1.
    pub success_rate: f64,
}

/// A model's settings and what is raised.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// The model.
    pub model: ModelId,
    /// Its name.
    pub model_name: String,
    /// What the tenant has settled, or the defaults.
    pub settings: Settings,
    /// Whether the tenant has settled anything.
    pub is_default: bool,
    /// Drift that was raised, newest first.
    pub events: Vec<DriftEvent>,
}

/// How many events are told.
const EVENTS_MAX: i64 = 50;

/// What holds for a model that the caller's tenant may use.
pub async fn settings(platform: &Platform, access: &Access, model: ModelId) -> Result<Monitoring, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    read(tx.connection(), tenant, model).await
}

/// Settles what holds for a model from now on.
///
/// # Errors
/// [`Error::Invalid`] for thresholds that are no indices or in the wrong order; [`Error::NotFound`].
pub async fn update_settings(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    settings: Settings,
) -> Result<Monitoring, Error> {
    check(&settings)?;
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    db::select_model_name(tx.connection(), model).await?.ok_or(Error::NotFound("model"))?;
    db::upsert_settings(tx.connection(), writer.tenant(), model, &settings).await?;
    let event = Event {
        action: "monitoring.settings_changed",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(model.0),
        detail: json!({
            "psi_moderate": settings.thresholds.moderate,
            "psi_major": settings.thresholds.major,
            "has_costs": settings.costs.is_some(),
        }),
        request_id: Some(&access.request_id),
    };
    audit_log::write(tx.connection(), event).await?;
    let monitoring = read(tx.connection(), writer.tenant(), model).await?;
    tx.commit().await?;
    Ok(monitoring)
}

/// A tenant's settings of a model, or the defaults.
pub(super) async fn stored(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Settings, Error> {
    Ok(db::select_settings(connection, tenant, model).await?.unwrap_or_default())
}

/// What holds for a model of a tenant.
pub(crate) async fn read(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Monitoring, Error> {
    let model_name = db::select_model_name(connection, model).await?.ok_or(Error::NotFound("model"))?;
    let settled = db::select_settings(connection, tenant, model).await?;
    Ok(Monitoring {
        model,
        model_name,
        settings: settled.unwrap_or_default(),
        is_default: settled.is_none(),
        events: db::select_events(connection, tenant, model, EVENTS_MAX).await?,
    })
}

fn check(settings: &Settings) -> Result<(), Error> {
    let Thresholds { moderate, major } = settings.thresholds;
    let is_index = |number: f64| number > 0.0 && number <= THRESHOLD_MAX;
    if !is_index(moderate) {
        return Err(Error::invalid("psi_moderate", "a threshold is above 0 and at most 10"));
    }
    if !is_index(major) || major < moderate {
        return Err(Error::invalid("psi_major", "it is at least psi_moderate and at most 10"));
    }
    if settings.costs.is_some_and(|costs| !(0.0..=1.0).contains(&costs.success_rate)) {
        return Err(Error::invalid("success_rate", "a share is between 0 and 1"));
    }
    Ok(())
}

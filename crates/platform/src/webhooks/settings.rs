//! What a tenant has said of its events: below which balance it wants to be told.

use super::{BalanceLow, Event, announce, db};
use crate::audit_log;
use crate::{Access, Error, Platform, TenantId, TenantTx};
use ledger::{Money, Transaction};
use serde_json::json;
use sqlx::PgConnection;

/// What a tenant has said of its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A debit that takes the balance from here or above to below it is told of; none: no debit is.
    pub balance_low_threshold: Option<Money>,
}

/// What the caller's tenant has said.
pub async fn settings(platform: &Platform, access: &Access) -> Result<Settings, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let threshold = db::select_threshold(tx.connection(), tenant).await?;
    Ok(Settings { balance_low_threshold: threshold.map(Money::from_minor_units).transpose()? })
}

/// Sets what the caller's tenant says.
///
/// # Errors
/// [`Error::Invalid`] on `balance_low_threshold` where it is 0.
pub async fn change_settings(
    platform: &Platform,
    access: &Access,
    settings: Settings,
) -> Result<Settings, Error> {
    let threshold = settings.balance_low_threshold.map(Money::minor_units);
    if threshold == Some(0) {
        return Err(Error::invalid("balance_low_threshold", "no balance is below 0; leave it out instead"));
    }
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    db::upsert_threshold(tx.connection(), writer.tenant(), threshold).await?;
    let event = audit_log::Event {
        action: "webhook.settings_changed",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(writer.tenant().0),
        detail: json!({ "balance_low_threshold": threshold }),
        request_id: Some(&access.request_id),
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    Ok(settings)
}

/// The threshold that a debit is to be held against, read before the debit takes the account's lock; none
/// where nobody listens.
pub(crate) async fn watched_threshold(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<i64>, Error> {
    db::select_threshold_heard(connection, tenant).await
}

/// Tells of a debit that took the balance from the threshold or above to below it. Any other debit costs
/// nothing here, while the account is locked.
pub(crate) async fn announce_low_balance(
    connection: &mut PgConnection,
    tenant: TenantId,
    debit: &Transaction,
    threshold: Option<i64>,
) -> Result<(), Error> {
    let (Some(threshold), Some(order)) = (threshold, debit.order_id) else { return Ok(()) };
    let balance = debit.balance_after.minor_units();
    // Both amounts are of one balance, so that they fit.
    let before = balance.saturating_add(debit.amount.minor_units());
    if before < threshold || balance >= threshold {
        return Ok(());
    }
    let event =
        Event::BalanceLow(BalanceLow { transaction_id: debit.id.0, order_id: order.0, balance, threshold });
    announce(connection, tenant, &event).await
}

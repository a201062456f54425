//! SQL of the risk tiers.

use super::{Actions, RiskTiers};
use crate::{Error, TenantId, tenancy::Writer};
use chrono::{DateTime, Utc};
use scoring::TierThresholds;
use sqlx::PgConnection;

pub(crate) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<RiskTiers>, Error> {
    let row = sqlx::query!(
        "SELECT very_high, high, medium, actions, updated_at FROM risk_tiers WHERE tenant_id = $1",
        tenant.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let thresholds = TierThresholds {
        very_high: row.very_high.unsigned_abs(),
        high: row.high.unsigned_abs(),
        medium: row.medium.unsigned_abs(),
    };
    let actions: Actions = serde_json::from_value(row.actions).map_err(Error::internal)?;
    Ok(Some(RiskTiers { thresholds, actions, updated_at: Some(row.updated_at) }))
}

pub(super) async fn upsert(
    connection: &mut PgConnection,
    writer: Writer,
    thresholds: &TierThresholds,
    actions: &Actions,
) -> Result<DateTime<Utc>, Error> {
    let millionths = |threshold: u32| i32::try_from(threshold).map_err(Error::internal);
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO risk_tiers (tenant_id, very_high, high, medium, actions) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (tenant_id) DO UPDATE SET very_high = excluded.very_high, high = excluded.high,
               medium = excluded.medium, actions = excluded.actions, updated_at = now()
           RETURNING updated_at"#,
        writer.tenant().0,
        millionths(thresholds.very_high)?,
        millionths(thresholds.high)?,
        millionths(thresholds.medium)?,
        serde_json::to_value(actions).map_err(Error::internal)?
    )
    .fetch_one(connection)
    .await?)
}

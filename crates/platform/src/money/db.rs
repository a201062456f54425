//! SQL of what money was for. Its movements are the ledger's.

use super::{Purpose, UsedFor};
use crate::{Error, OrderId, PredictionId, TenantId, orders};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// What these orders of a tenant bought.
pub(super) async fn select_purposes(
    connection: &mut PgConnection,
    tenant: TenantId,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Purpose>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.id, o.status, s.name AS service_name, coalesce(m.name, '') AS "model_name!", p.id AS "prediction_id?",
                  p.file_name AS "file_name?", p.error
           FROM orders o JOIN services s ON s.id = o.service_id LEFT JOIN models m ON m.id = s.model_id
           LEFT JOIN predictions p ON p.order_id = o.id
           WHERE o.tenant_id = $1 AND o.id = ANY($2)"#,
        tenant.0,
        orders
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let error: Option<Value> = row.error;
            let used_for = match (row.prediction_id, row.file_name) {
                (Some(id), Some(file_name)) => Some(UsedFor {
                    prediction: PredictionId(id),
                    file_name,
                    error: error.map(serde_json::from_value).transpose().map_err(Error::internal)?,
                }),
                _ => None,
            };
            let status = orders::db::status_of(&row.status)?;
            let purpose = Purpose { service: row.service_name, model: row.model_name, status, used_for };
            Ok((OrderId(row.id), purpose))
        })
        .collect()
}

//! SQL of the totals.

use super::UserCounts;
use crate::Error;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

pub(super) async fn select_user_counts(connection: &mut PgConnection) -> Result<UserCounts, Error> {
    Ok(sqlx::query_as!(
        UserCounts,
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE is_admin) AS "administrators!",
                  count(*) FILTER (WHERE disabled_at IS NOT NULL) AS "disabled!",
                  count(*) FILTER (WHERE created_at > now() - interval '30 days') AS "new!"
           FROM users WHERE closed_at IS NULL"#
    )
    .fetch_one(connection)
    .await?)
}

/// How many orders from this id on were placed in each hour that has any.
pub(super) async fn select_orders_by_hour(
    connection: &mut PgConnection,
    first: Uuid,
) -> Result<HashMap<DateTime<Utc>, i64>, Error> {
    let rows = sqlx::query!(
        r#"SELECT date_trunc('hour', created_at, 'UTC') AS "hour!", count(*) AS "orders!"
           FROM orders WHERE id >= $1 GROUP BY 1"#,
        first
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hour, row.orders)).collect())
}

/// How many predictions failed and how many rows were scored in each hour that has any, among predictions
/// from this id on.
pub(super) async fn select_ended_by_hour(
    connection: &mut PgConnection,
    eldest: Uuid,
    first_hour: DateTime<Utc>,
) -> Result<HashMap<DateTime<Utc>, (i64, i64)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT date_trunc('hour', finished_at, 'UTC') AS "hour!",
                  count(*) FILTER (WHERE status = 'failed') AS "failed!",
                  coalesce(sum(rows_done) FILTER (WHERE status = 'succeeded'), 0)::bigint AS "rows!"
           FROM predictions WHERE id >= $1 AND finished_at >= $2 GROUP BY 1"#,
        eldest,
        first_hour
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hour, (row.failed, row.rows))).collect())
}

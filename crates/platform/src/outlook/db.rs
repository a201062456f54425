//! SQL of the outlook.

use super::Standing;
use crate::{Error, ModelVersionId, PredictionId};
use sqlx::PgConnection;
use std::collections::HashMap;

/// Customers that wait or are being scored, and the workers heard of lately.
pub(super) async fn select_waiting(connection: &mut PgConnection) -> Result<(u64, u32), Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT coalesce(sum(p.rows_total - p.rows_done), 0)::bigint
                   FROM jobs j JOIN predictions p ON p.id = j.subject_id
                   WHERE j.state IN ('queued', 'running') AND j.kind = 'prediction') AS "rows!",
                  (SELECT count(*) FROM workers WHERE seen_at > now() - interval '15 seconds') AS "workers!""#
    )
    .fetch_one(connection)
    .await?;
    Ok((row.rows.unsigned_abs(), u32::try_from(row.workers).unwrap_or(u32::MAX)))
}

/// Customers per second by model version, of the newest predictions with at least so many customers.
pub(super) async fn select_speeds(
    connection: &mut PgConnection,
    predictions_max: i64,
    rows_min: i64,
) -> Result<HashMap<ModelVersionId, f64>, Error> {
    let rows = sqlx::query!(
        r#"SELECT model_version_id,
                  (sum(rows_total)
                      / greatest(sum(extract(epoch FROM finished_at - started_at)), 0.001))::float8 AS "speed!"
           FROM (SELECT model_version_id, rows_total, status, started_at, finished_at
                 FROM predictions ORDER BY id DESC LIMIT $1) AS newest
           WHERE status = 'succeeded' AND rows_total >= $2 AND started_at IS NOT NULL
           GROUP BY model_version_id"#,
        predictions_max,
        rows_min
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (ModelVersionId(row.model_version_id), row.speed)).collect())
}

/// Where an unfinished prediction stands among the others.
pub(super) async fn select_standing(
    connection: &mut PgConnection,
    id: PredictionId,
) -> Result<Option<Standing>, Error> {
    let row = sqlx::query!(
        r#"SELECT j.lease_owner IS NOT NULL AS "has_worker!",
                  (SELECT count(*) FROM workers w WHERE w.seen_at > now() - interval '15 seconds'
                   AND w.id <= j.lease_owner) AS "worker!",
                  (SELECT count(*) FROM workers WHERE seen_at > now() - interval '15 seconds') AS "workers!",
                  (SELECT count(*) FROM jobs o
                   WHERE o.kind = j.kind AND o.state IN ('queued', 'running') AND o.id < j.id) AS "ahead!"
           FROM jobs j WHERE j.kind = 'prediction' AND j.subject_id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(row.map(|row| Standing {
        worker: row.has_worker.then(|| number(row.worker).max(1)),
        workers: number(row.workers),
        ahead: row.ahead.unsigned_abs(),
    }))
}

//! SQL of the invariants.

use crate::{Error, PredictionId};
use sqlx::PgConnection;
use uuid::Uuid;

/// A succeeded prediction, whose input and result must be there.
pub(super) struct StoredResult {
    pub(super) prediction: PredictionId,
    pub(super) attempt: i32,
    pub(super) input_sha256: Vec<u8>,
    pub(super) sha256: Vec<u8>,
}

pub(super) async fn set_repeatable_read(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(connection).await?;
    Ok(())
}

/// Orders whose status is not what their prediction says. An order without one is paid, refunded, or
/// provided at once by scoring in one call.
pub(super) async fn select_wrong_orders(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.id, o.status, p.status AS "prediction?"
           FROM orders o LEFT JOIN predictions p ON p.order_id = o.id
           WHERE CASE
               WHEN p.id IS NULL THEN o.status = 'in_use'
               WHEN p.status IN ('queued', 'running') THEN o.status <> 'in_use'
               WHEN p.status = 'succeeded' THEN o.status NOT IN ('provided', 'refunded')
               ELSE o.status <> 'refunded' END"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, format!("order {}, prediction {:?}", row.status, row.prediction)))
        .collect())
}

/// Jobs that have ended while their prediction has not, or the other way round.
pub(super) async fn select_wrong_jobs(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT p.id, p.status, j.state AS "state?"
           FROM predictions p LEFT JOIN jobs j ON j.kind = 'prediction' AND j.subject_id = p.id
           WHERE j.id IS NULL OR j.tenant_id <> p.tenant_id OR j.state <> p.status"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, format!("prediction {}, job {:?}", row.status, row.state)))
        .collect())
}

pub(super) async fn select_late_jobs(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT subject_id, deadline_at FROM jobs
           WHERE state IN ('queued', 'running') AND deadline_at < now() - interval '1 minute'"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, format!("open past {}", row.deadline_at))).collect())
}

pub(super) async fn select_results(connection: &mut PgConnection) -> Result<Vec<StoredResult>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, result_attempt AS "attempt!", input_sha256, result_sha256 AS "sha256!"
           FROM predictions
           WHERE status = 'succeeded' AND erased_at IS NULL AND expires_at > now() ORDER BY id"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredResult {
            prediction: PredictionId(row.id),
            attempt: row.attempt,
            input_sha256: row.input_sha256,
            sha256: row.sha256,
        })
        .collect())
}

pub(super) async fn is_erased(connection: &mut PgConnection, id: PredictionId) -> Result<bool, Error> {
    let erased = sqlx::query_scalar!(
        r#"SELECT erased_at IS NOT NULL OR expires_at <= now() AS "erased!" FROM predictions WHERE id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(erased.unwrap_or(true))
}

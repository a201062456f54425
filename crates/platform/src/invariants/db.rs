//! SQL of the invariants.

use crate::{Error, PredictionId, TrainingId};
use sqlx::PgConnection;
use uuid::Uuid;

/// A succeeded prediction, whose input and result must be there.
pub(super) struct StoredResult {
    pub(super) prediction: PredictionId,
    pub(super) attempt: i32,
    pub(super) input_sha256: Vec<u8>,
    pub(super) sha256: Vec<u8>,
    /// Of input and result together.
    pub(super) bytes: u64,
    /// Customers that went in, and that came out.
    pub(super) rows_total: u64,
    pub(super) summary_rows: u64,
}

pub(super) async fn set_repeatable_read(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(connection).await?;
    Ok(())
}

/// Orders whose status is not what their prediction says. An order without one is paid, refunded, or
/// provided at once by scoring in one call.
pub(super) async fn select_wrong_orders(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.id AS "id!", o.status AS "status!", p.status AS "prediction?"
           FROM orders o LEFT JOIN (
               SELECT id, order_id, tenant_id, status FROM predictions
               UNION ALL SELECT id, order_id, tenant_id, status FROM trainings) p ON p.order_id = o.id
           WHERE CASE
               WHEN p.id IS NULL THEN o.status = 'in_use'
               WHEN p.tenant_id <> o.tenant_id THEN true
               WHEN p.status IN ('queued', 'running') THEN o.status <> 'in_use'
               WHEN p.status = 'succeeded' THEN o.status NOT IN ('provided', 'refunded')
               ELSE o.status <> 'refunded' END"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, format!("order {}, prediction or training {:?}", row.status, row.prediction)))
        .collect())
}

/// Jobs that have ended while their prediction has not, or the other way round.
pub(super) async fn select_wrong_jobs(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", p.status AS "status!", j.state AS "state?"
           FROM predictions p LEFT JOIN jobs j ON j.kind = 'prediction' AND j.subject_id = p.id
           WHERE j.id IS NULL OR j.tenant_id <> p.tenant_id OR j.state <> p.status
           UNION ALL
           SELECT t.id, t.status, j.state
           FROM trainings t LEFT JOIN jobs j ON j.kind = 'training' AND j.subject_id = t.id
           WHERE j.id IS NULL OR j.tenant_id <> t.tenant_id OR j.state <> t.status"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, format!("prediction or training {}, job {:?}", row.status, row.state)))
        .collect())
}

pub(super) async fn select_late_jobs(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT subject_id, deadline_at FROM jobs
           WHERE state IN ('queued', 'running') AND deadline_at < now() - interval '5 minutes'"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, format!("open past {}", row.deadline_at))).collect())
}

pub(super) async fn select_results(
    connection: &mut PgConnection,
    after: Option<PredictionId>,
    rows: i64,
) -> Result<Vec<StoredResult>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, result_attempt AS "attempt!", input_sha256, result_sha256 AS "sha256!",
                  input_bytes + coalesce(result_bytes, 0) AS "bytes!", rows_total,
                  coalesce((summary->>'rows')::bigint, -1) AS "summary_rows!"
           FROM predictions
           WHERE status = 'succeeded' AND erased_at IS NULL AND expires_at > now()
             AND ($1::uuid IS NULL OR id > $1)
           ORDER BY id LIMIT $2"#,
        after.map(|after| after.0),
        rows
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
            bytes: row.bytes.unsigned_abs(),
            rows_total: row.rows_total.unsigned_abs(),
            summary_rows: row.summary_rows.unsigned_abs(),
        })
        .collect())
}

/// Kept answers that name nothing, or what another key's answer names, where only one key can have
/// had that effect: an upload's prediction, a deposit's transaction, the order of a scoring in one call.
pub(super) async fn select_wrong_keys(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"WITH kept AS (
               SELECT scope, key, coalesce(answer->>'order', answer->>'id', answer->>'plan', answer#>>'{}')::uuid AS effect,
                      CASE WHEN jsonb_typeof(answer) = 'string' THEN 'prediction'
                           WHEN answer ? 'order' THEN 'immediate order'
                           WHEN answer ? 'balance_after' THEN 'deposit' END AS once
               FROM idempotency_keys
               -- What a webhook was told goes with the webhook, which may be sooner than the key.
               WHERE NOT answer ? 'endpoint')
           SELECT scope AS "scope!", effect AS "effect!", 'names nothing' AS "problem!" FROM kept
           WHERE NOT EXISTS (SELECT FROM orders WHERE id = effect)
             AND NOT EXISTS (SELECT FROM predictions WHERE id = effect)
             AND NOT EXISTS (SELECT FROM trainings WHERE id = effect)
             AND NOT EXISTS (SELECT FROM transactions WHERE id = effect)
             AND NOT EXISTS (SELECT FROM plans WHERE plans.id = kept.effect)
             AND NOT EXISTS (SELECT FROM outcome_uploads WHERE id = effect)
             AND NOT EXISTS (SELECT FROM retraining_runs WHERE id = effect)
             AND NOT EXISTS (SELECT FROM intakes WHERE intakes.id = kept.effect)
           UNION ALL
           SELECT scope, effect, 'names what another key names' FROM kept WHERE once IS NOT NULL
           GROUP BY scope, effect, once HAVING count(*) > 1"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.effect, format!("an idempotency key of {} {}", row.scope, row.problem)))
        .collect())
}

/// Predictions that should have been erased by now.
pub(super) async fn select_unerased(connection: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", expires_at AS "expires_at!" FROM predictions
           WHERE status IN ('succeeded', 'failed') AND erased_at IS NULL
             AND expires_at < now() - interval '1 hour'
           UNION ALL
           SELECT id, expires_at FROM trainings
           WHERE status IN ('succeeded', 'failed') AND erased_at IS NULL
             AND expires_at < now() - interval '1 hour'"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, format!("expired at {}, not erased", row.expires_at))).collect())
}

/// Predictions of which nothing may be read any more, and files are still there.
pub(super) async fn select_unfinished_erasures(
    connection: &mut PgConnection,
) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", erased_at AS "erased_at!" FROM predictions
           WHERE objects_gone_at IS NULL AND erased_at < now() - interval '1 hour'
           UNION ALL
           SELECT id, erased_at FROM trainings
           WHERE objects_gone_at IS NULL AND erased_at < now() - interval '1 hour'"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, format!("erased at {}, files are left", row.erased_at))).collect())
}

/// Models of tenants whose current version is not the one in production, or whose version nobody's training made.
pub(super) async fn select_wrong_versions(
    connection: &mut PgConnection,
) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT v.id, v.stage, v.id IS NOT DISTINCT FROM m.current_version_id AS "is_current!",
                  t.id IS NOT NULL AS "is_made!"
           FROM model_versions v JOIN models m ON m.id = v.model_id
           LEFT JOIN trainings t ON t.model_version_id = v.id AND t.tenant_id = v.tenant_id
           WHERE v.tenant_id IS NOT NULL
             AND (m.tenant_id IS DISTINCT FROM v.tenant_id OR t.id IS NULL
               OR (v.stage = 'production') IS DISTINCT FROM (v.id IS NOT DISTINCT FROM m.current_version_id))"#
    )
    .fetch_all(connection)
    .await?;
    let said = |stage: &str, is_current: bool, is_made: bool| {
        format!("stage {stage}, current: {is_current}, made by a training: {is_made}")
    };
    Ok(rows.into_iter().map(|row| (row.id, said(&row.stage, row.is_current, row.is_made))).collect())
}

/// A succeeded training, whose model must be there; so must its customers, until they are erased.
pub(super) struct StoredTraining {
    pub(super) id: TrainingId,
    pub(super) artifact: String,
    pub(super) model_sha256: String,
    /// None once the customers were erased.
    pub(super) input_sha256: Option<Vec<u8>>,
}

pub(super) async fn select_trainings(
    connection: &mut PgConnection,
    after: Uuid,
    rows: i64,
) -> Result<Vec<StoredTraining>, Error> {
    let rows = sqlx::query!(
        r#"SELECT t.id, v.artifact, v.sha256,
                  CASE WHEN t.erased_at IS NULL AND t.expires_at > now() THEN t.input_sha256 END AS input_sha256
           FROM trainings t JOIN model_versions v ON v.id = t.model_version_id
           WHERE t.id > $1 AND t.erase_reason IS DISTINCT FROM 'account_closed' ORDER BY t.id LIMIT $2"#,
        after,
        rows
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredTraining {
            id: TrainingId(row.id),
            artifact: row.artifact,
            model_sha256: row.sha256,
            input_sha256: row.input_sha256,
        })
        .collect())
}

/// Whether a training's customers may be gone by now.
pub(super) async fn is_training_erased(connection: &mut PgConnection, id: TrainingId) -> Result<bool, Error> {
    let erased = sqlx::query_scalar!(
        r#"SELECT erased_at IS NOT NULL OR expires_at <= now() AS "erased!" FROM trainings WHERE id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(erased.unwrap_or(true))
}

/// Which of these predictions count as erased everywhere.
pub(super) async fn select_gone(
    connection: &mut PgConnection,
    ids: &[PredictionId],
) -> Result<Vec<PredictionId>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let gone = sqlx::query_scalar!(
        "SELECT id FROM predictions WHERE id = ANY($1) AND objects_gone_at < now() - interval '1 minute'",
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(gone.into_iter().map(PredictionId).collect())
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

//! SQL of the receipts.

use super::{Reason, Receipt};
use crate::{Error, PredictionId, TenantId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

struct Row {
    prediction_id: Uuid,
    reason: String,
    input_bytes: i64,
    input_sha256: Vec<u8>,
    result_bytes: Option<i64>,
    result_sha256: Option<Vec<u8>>,
    requested_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Receipt {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Receipt {
            prediction: PredictionId(row.prediction_id),
            reason: Reason::parse(&row.reason)?,
            input_bytes: row.input_bytes.unsigned_abs(),
            input_sha256: row.input_sha256,
            result_bytes: row.result_bytes.map(i64::unsigned_abs),
            result_sha256: row.result_sha256,
            requested_at: row.requested_at,
            completed_at: row.completed_at,
        })
    }
}

pub(super) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PredictionId,
) -> Result<Option<Receipt>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT prediction_id, reason, input_bytes, input_sha256, result_bytes, result_sha256,
                  requested_at, completed_at
           FROM erasures WHERE tenant_id = $1 AND prediction_id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Receipt::try_from)
    .transpose()
}

/// From here on nothing of these predictions can be read, nor what the customer called the files, nor
/// cells and columns quoted in errors and summaries; with a receipt for each.
pub(super) async fn mark(
    connection: &mut PgConnection,
    ids: &[PredictionId],
    reason: Reason,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        r#"WITH erased AS (
               UPDATE predictions SET erased_at = now(), file_name = '', options = options - 'key',
                      error = CASE WHEN error IS NULL THEN NULL ELSE jsonb_build_object(
                          'code', error -> 'code', 'message', 'the details were erased',
                          'errors', '[]'::jsonb) END,
                      summary = CASE WHEN summary IS NULL THEN NULL ELSE
                          summary || '{"unknown_categories": []}'::jsonb END
               WHERE id = ANY($1) AND erased_at IS NULL AND status IN ('succeeded', 'failed')
               RETURNING id, tenant_id, input_bytes, input_sha256, result_bytes, result_sha256),
           planned AS (
               UPDATE plans SET value_column = NULL
               WHERE prediction_id IN (SELECT id FROM erased) AND value_column IS NOT NULL),
           fetched AS (
               UPDATE intakes SET report = NULL
               WHERE prediction_id IN (SELECT id FROM erased) AND report IS NOT NULL)
           INSERT INTO erasures (prediction_id, tenant_id, reason, input_bytes, input_sha256, result_bytes,
                                 result_sha256)
           SELECT id, tenant_id, $2, input_bytes, input_sha256, result_bytes, result_sha256 FROM erased"#,
        &ids,
        reason.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// No copy is left. A version that knows no receipts may have set the mark; then the receipt is
/// written now.
pub(crate) async fn complete(connection: &mut PgConnection, id: PredictionId) -> Result<(), Error> {
    sqlx::query!(
        r#"WITH gone AS (
               UPDATE predictions SET objects_gone_at = now()
               WHERE id = $1 AND erased_at IS NOT NULL AND objects_gone_at IS NULL
               RETURNING id, tenant_id, erased_at, expires_at, input_bytes, input_sha256, result_bytes,
                         result_sha256)
           INSERT INTO erasures (prediction_id, tenant_id, reason, input_bytes, input_sha256, result_bytes,
                                 result_sha256, requested_at, completed_at)
           SELECT id, tenant_id, CASE WHEN erased_at >= expires_at THEN 'expired' ELSE 'deleted' END,
                  input_bytes, input_sha256, result_bytes, result_sha256, erased_at, now()
           FROM gone
           ON CONFLICT (prediction_id) DO UPDATE SET completed_at = excluded.completed_at
           WHERE erasures.completed_at IS NULL"#,
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

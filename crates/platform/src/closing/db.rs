//! SQL of closing an account.

use crate::erasures::Reason;
use crate::{Error, OrderId, PredictionId, TenantId, UserId};
use sqlx::PgConnection;

/// Whom an account belongs to.
pub(super) struct Holder {
    pub(super) user: UserId,
    pub(super) tenant: TenantId,
    pub(super) is_closed: bool,
}

/// Locks every administrator who can sign in, in the order of their ids, and tells whether there is
/// another than this user. A user who is none has nobody to leave without an administrator.
pub(super) async fn is_last_administrator(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<bool, Error> {
    let administrators = sqlx::query_scalar!(
        r#"SELECT id FROM users
           WHERE is_admin AND disabled_at IS NULL AND EXISTS (SELECT 1 FROM users WHERE id = $1 AND is_admin)
           ORDER BY id FOR NO KEY UPDATE"#,
        user.0
    )
    .fetch_all(connection)
    .await?;
    Ok(administrators == [user.0])
}

/// Locks the user, so that neither password nor state changes before the transaction's end.
pub(super) async fn lock_holder(
    connection: &mut PgConnection,
    user: UserId,
    password_hash: Option<&str>,
) -> Result<Option<Holder>, Error> {
    let row = sqlx::query!(
        r#"SELECT u.id, m.tenant_id, u.closed_at IS NOT NULL AS "is_closed!"
           FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.id = $1 AND ($2::text IS NULL OR u.password_hash = $2)
           ORDER BY m.created_at LIMIT 1 FOR NO KEY UPDATE OF u"#,
        user.0,
        password_hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Holder {
        user: UserId(row.id),
        tenant: TenantId(row.tenant_id),
        is_closed: row.is_closed,
    }))
}

/// From here on deposits and refunds are refused, once those under way have ended.
pub(super) async fn close_tenant(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!("UPDATE tenants SET closed_at = now(), name = 'closed' WHERE id = $1", tenant.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Locks the orders that were paid and not used.
pub(super) async fn lock_paid_orders(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<OrderId>, Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM orders WHERE tenant_id = $1 AND status = 'paid' ORDER BY id FOR UPDATE",
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(OrderId).collect())
}

pub(super) async fn has_open_predictions(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT 1 AS one FROM jobs
           WHERE tenant_id = $1 AND state IN ('queued', 'running') AND kind NOT IN ('webhook', 'export') LIMIT 1"#,
        tenant.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Nothing that the user gave of themselves is left. The id stays: orders and events name it.
pub(super) async fn scrub_user(
    connection: &mut PgConnection,
    user: UserId,
    unknown_password_hash: &str,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE users SET email = id || '@closed.invalid', name = NULL, password_hash = $2, is_admin = false,
                  closed_at = now(), disabled_at = coalesce(disabled_at, now())
           WHERE id = $1"#,
        user.0,
        unknown_password_hash
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Erases what is personal among a tenant's rows: logins, keys, notes, tiers with the tenant's own words,
/// plans, sources with their intakes, the requests' own ids, and kept answers, those to administrators' deposits and refunds among them, which can quote a note.
pub(super) async fn erase_rows(
    connection: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<(), Error> {
    sqlx::query!("DELETE FROM sessions WHERE user_id = $1", user.0).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM api_keys WHERE tenant_id = $1", tenant.0).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM transaction_notes WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM risk_tiers WHERE tenant_id = $1", tenant.0).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM plans WHERE tenant_id = $1", tenant.0).execute(&mut *connection).await?;
    // Their intakes go with them.
    sqlx::query!("DELETE FROM sources WHERE tenant_id = $1", tenant.0).execute(&mut *connection).await?;
    sqlx::query!(
        "UPDATE jobs SET request_id = NULL WHERE tenant_id = $1 AND finished_at IS NOT NULL",
        tenant.0
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"DELETE FROM idempotency_keys
           WHERE scope IN ($1, $2) OR answer ->> 'tenant' = $1::uuid::text
              OR answer ->> 'id' IN (SELECT id::text FROM transactions WHERE tenant_id = $1)"#,
        tenant.0,
        user.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is left to erase of a tenant's files.
pub(super) async fn select_unerased(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<PredictionId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM predictions
           WHERE tenant_id = $1 AND erased_at IS NULL AND status IN ('succeeded', 'failed')"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(PredictionId).collect())
}

/// Predictions whose files are still to be deleted because the account was closed.
pub(super) async fn select_erasing(
    connection: &mut PgConnection,
    tenant: TenantId,
    most: i64,
) -> Result<Vec<PredictionId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT prediction_id FROM erasures
           WHERE tenant_id = $1 AND reason = $2 AND completed_at IS NULL LIMIT $3"#,
        tenant.0,
        Reason::AccountClosed.as_str(),
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(PredictionId).collect())
}

/// Closed accounts for which something may have been written late.
pub(super) async fn select_closing(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<(TenantId, UserId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT t.id AS "tenant_id!", u.id AS "user_id!"
           FROM tenants t JOIN memberships m ON m.tenant_id = t.id
           JOIN users u ON u.id = m.user_id AND u.closed_at IS NOT NULL
           WHERE t.closed_at IS NOT NULL AND t.scrubbed_at IS NULL ORDER BY t.closed_at LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), UserId(row.user_id))).collect())
}

/// Remembers that nothing can come any more: no transaction lasts as long as `age_min_seconds`.
pub(super) async fn mark_scrubbed(
    connection: &mut PgConnection,
    tenant: TenantId,
    age_min_seconds: f64,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE tenants SET scrubbed_at = now()
           WHERE id = $1 AND closed_at < now() - $2::float8 * interval '1 second'"#,
        tenant.0,
        age_min_seconds
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a tenant's account is closed; one that is not stays open until the transaction's end. None
/// where there is no such tenant.
pub(crate) async fn is_closed(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<bool>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT closed_at IS NOT NULL AS "closed!" FROM tenants WHERE id = $1 FOR SHARE"#,
        tenant.0
    )
    .fetch_optional(connection)
    .await?)
}

//! SQL of the audit log.

use super::{Entry, Event};
use crate::{Error, TenantId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn insert(connection: &mut PgConnection, id: Uuid, event: &Event<'_>) -> Result<(), Error> {
    let detail = if event.detail == Value::Null { json!({}) } else { event.detail.clone() };
    sqlx::query!(
        r#"INSERT INTO audit_log (id, action, actor_user_id, tenant_id, subject_id, detail, request_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7)"#,
        id,
        event.action,
        event.actor.map(|user| user.0),
        event.tenant.map(|tenant| tenant.0),
        event.subject,
        detail,
        event.request_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn select(
    connection: &mut PgConnection,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Entry>, Error> {
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT id, created_at, action, actor_user_id, tenant_id, subject_id, detail, request_id
           FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2"#,
        before,
        rows
    )
    .fetch_all(connection)
    .await?)
}

pub(crate) async fn select_of_tenant(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Entry>, Error> {
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT id, created_at, action, actor_user_id, tenant_id, subject_id, detail, request_id
           FROM audit_log WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?)
}

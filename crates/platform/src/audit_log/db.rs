//! SQL of the audit log.

use super::{Entry, Event};
use crate::{Error, TenantId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::ops::Range;
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

/// Events within a range of ids: those of the action, and of or about the users, the tenants or the id,
/// where these are given.
pub(crate) async fn select_found(
    connection: &mut PgConnection,
    action: Option<&str>,
    meant: Option<(&[Uuid], &[Uuid], Option<Uuid>)>,
    range: Range<Uuid>,
    rows: i64,
) -> Result<Vec<Entry>, Error> {
    let (users, tenants, id) =
        meant.map_or((None, None, None), |(users, tenants, id)| (Some(users), Some(tenants), id));
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT id, created_at, action, actor_user_id, tenant_id, subject_id, detail, request_id
           FROM audit_log
           WHERE id >= $1 AND id < $2 AND ($3::text IS NULL OR action = $3)
             AND ($4::uuid[] IS NULL OR actor_user_id = ANY($4) OR tenant_id = ANY($5) OR subject_id = $6
                  OR actor_user_id = $6 OR request_id = $6::text)
           ORDER BY id DESC LIMIT $7"#,
        range.start,
        range.end,
        action,
        users as Option<&[Uuid]>,
        tenants as Option<&[Uuid]>,
        id,
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

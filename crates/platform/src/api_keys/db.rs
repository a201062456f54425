//! SQL of the API keys.

use super::{ApiKey, Scope};
use crate::{ApiKeyId, Error, TenantId, tenancy::Writer};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn insert(
    connection: &mut PgConnection,
    writer: Writer,
    id: ApiKeyId,
    name: &str,
    scope: Scope,
    prefix: &str,
    hash: &[u8],
) -> Result<ApiKey, Error> {
    let created_at = sqlx::query_scalar!(
        r#"INSERT INTO api_keys (id, tenant_id, user_id, name, scope, prefix, key_hash)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING created_at"#,
        id.0,
        writer.tenant().0,
        writer.user().0,
        name,
        scope.as_str(),
        prefix,
        hash
    )
    .fetch_one(connection)
    .await?;
    Ok(ApiKey { id, name: name.to_owned(), scope, prefix: prefix.to_owned(), created_at })
}

pub(crate) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<ApiKey>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, name, scope, prefix, created_at FROM api_keys
           WHERE tenant_id = $1 AND id < $2 AND revoked_at IS NULL ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ApiKey {
            id: ApiKeyId(row.id),
            name: row.name,
            scope: if row.scope == "write" { Scope::Write } else { Scope::Read },
            prefix: row.prefix,
            created_at: row.created_at,
        })
        .collect())
}

pub(super) async fn revoke(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: ApiKeyId,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
        tenant.0,
        id.0
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

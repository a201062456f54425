//! SQL of users, tenants and memberships.

use super::User;
use crate::{Error, SessionId, TenantId, UserId, error::violated_constraint};
use sqlx::PgConnection;

/// What a login needs to know of a user.
pub(crate) struct Login {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) password_hash: String,
    pub(crate) disabled: bool,
}

pub(super) async fn insert_user(
    connection: &mut PgConnection,
    user: UserId,
    email: &str,
    name: Option<&str>,
    password_hash: &str,
    is_admin: bool,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO users (id, email, name, password_hash, is_admin) VALUES ($1, $2, $3, $4, $5)",
        user.0,
        email,
        name,
        password_hash,
        is_admin
    )
    .execute(connection)
    .await
    .map_err(|error| match violated_constraint(&error) {
        Some("users_email_key") => Error::conflict("email_taken", "this e-mail address is registered"),
        _ => error.into(),
    })?;
    Ok(())
}

pub(super) async fn insert_tenant(
    connection: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<(), Error> {
    let name: String = name.chars().take(200).collect();
    sqlx::query!("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant.0, name)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn insert_membership(
    connection: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, 'owner')",
        tenant.0,
        user.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn select_user(connection: &mut PgConnection, user: UserId) -> Result<Option<User>, Error> {
    let row = sqlx::query!(
        r#"SELECT u.id, u.email, u.name, u.is_admin, u.disabled_at IS NOT NULL AS "disabled!",
                  m.tenant_id, u.created_at
           FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.id = $1 ORDER BY m.created_at LIMIT 1"#,
        user.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| User {
        id: UserId(row.id),
        email: row.email,
        name: row.name,
        is_admin: row.is_admin,
        disabled: row.disabled,
        tenant: TenantId(row.tenant_id),
        created_at: row.created_at,
    }))
}

pub(crate) async fn select_login(connection: &mut PgConnection, email: &str) -> Result<Option<Login>, Error> {
    let row = sqlx::query!(
        r#"SELECT u.id, u.password_hash, u.disabled_at IS NOT NULL AS "disabled!", m.tenant_id
           FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE lower(u.email) = lower($1) ORDER BY m.created_at LIMIT 1"#,
        email.trim()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Login {
        user: UserId(row.id),
        tenant: TenantId(row.tenant_id),
        password_hash: row.password_hash,
        disabled: row.disabled,
    }))
}

pub(super) async fn select_password_hash(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1", user.0)
        .fetch_optional(connection)
        .await?)
}

/// Replaces a hash only where it is still the one that was verified.
pub(crate) async fn replace_password_hash(
    connection: &mut PgConnection,
    user: UserId,
    old: &str,
    new: &str,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
        user.0,
        old,
        new
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn end_other_sessions(
    connection: &mut PgConnection,
    user: UserId,
    kept: SessionId,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE sessions SET ended_at = now() WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL",
        user.0,
        kept.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

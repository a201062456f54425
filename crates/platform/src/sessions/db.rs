//! SQL of sessions and refresh tokens.

use crate::{Error, SessionId, TenantId, UserId, accounts::db::Login};
use chrono::TimeDelta;
use sqlx::PgConnection;

pub(super) struct RefreshToken {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    pub(super) tenant: TenantId,
    pub(super) used: bool,
    pub(super) session_alive: bool,
}

pub(super) async fn insert_session(
    connection: &mut PgConnection,
    session: SessionId,
    login: &Login,
    lifetime: TimeDelta,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO sessions (id, user_id, tenant_id, expires_at)
           VALUES ($1, $2, $3, now() + $4::float8 * interval '1 second')"#,
        session.0,
        login.user.0,
        login.tenant.0,
        lifetime.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the user may still sign in with the password that was verified, which cannot change before
/// the transaction's end.
pub(super) async fn lock_unchanged(connection: &mut PgConnection, login: &Login) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM users WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL FOR SHARE",
        login.user.0,
        login.password_hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

pub(super) async fn insert_refresh_token(
    connection: &mut PgConnection,
    session: SessionId,
    hash: &[u8],
) -> Result<(), Error> {
    sqlx::query!("INSERT INTO refresh_tokens (token_hash, session_id) VALUES ($1, $2)", hash, session.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Locks the token, so that of two requests that spend it at once the second sees it spent.
pub(super) async fn select_refresh_token(
    connection: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<RefreshToken>, Error> {
    let row = sqlx::query!(
        r#"SELECT t.session_id, s.user_id, s.tenant_id, t.used_at IS NOT NULL AS "used!",
                  (s.ended_at IS NULL AND s.expires_at > now() AND u.disabled_at IS NULL) AS "alive!"
           FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
           WHERE t.token_hash = $1 FOR UPDATE OF t"#,
        hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| RefreshToken {
        session: SessionId(row.session_id),
        user: UserId(row.user_id),
        tenant: TenantId(row.tenant_id),
        used: row.used,
        session_alive: row.alive,
    }))
}

pub(super) async fn spend_refresh_token(connection: &mut PgConnection, hash: &[u8]) -> Result<(), Error> {
    sqlx::query!("UPDATE refresh_tokens SET used_at = now() WHERE token_hash = $1", hash)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn prolong_session(
    connection: &mut PgConnection,
    session: SessionId,
    lifetime: TimeDelta,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE sessions SET expires_at = now() + $2::float8 * interval '1 second' WHERE id = $1",
        session.0,
        lifetime.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn end_session(connection: &mut PgConnection, session: SessionId) -> Result<(), Error> {
    sqlx::query!("UPDATE sessions SET ended_at = now() WHERE id = $1 AND ended_at IS NULL", session.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_old_sessions(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("DELETE FROM sessions WHERE least(ended_at, expires_at) < now() - interval '30 days'")
        .execute(connection)
        .await?;
    Ok(())
}

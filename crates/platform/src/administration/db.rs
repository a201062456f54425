//! SQL of the users' administration.

use super::{UserChange, UserWithBalance};
use crate::accounts::User;
use crate::{Error, TenantId, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use sqlx::PgConnection;
use uuid::Uuid;

struct Row {
    id: Uuid,
    email: String,
    name: Option<String>,
    is_admin: bool,
    disabled: bool,
    tenant_id: Uuid,
    balance: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for UserWithBalance {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(UserWithBalance {
            user: User {
                id: UserId(row.id),
                email: row.email,
                name: row.name,
                is_admin: row.is_admin,
                disabled: row.disabled,
                tenant: TenantId(row.tenant_id),
                created_at: row.created_at,
            },
            balance: Money::from_minor_units(row.balance)?,
        })
    }
}

pub(super) async fn select_users(
    connection: &mut PgConnection,
    before: Uuid,
    rows: i64,
) -> Result<Vec<UserWithBalance>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT u.id, u.email, u.name, u.is_admin, u.disabled_at IS NOT NULL AS "disabled!", m.tenant_id,
                  a.balance, u.created_at
           FROM users u JOIN memberships m ON m.user_id = u.id JOIN accounts a ON a.tenant_id = m.tenant_id
           WHERE u.id < $1 ORDER BY u.id DESC LIMIT $2"#,
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(UserWithBalance::try_from)
    .collect()
}

pub(super) async fn select_user(
    connection: &mut PgConnection,
    id: UserId,
) -> Result<Option<UserWithBalance>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT u.id, u.email, u.name, u.is_admin, u.disabled_at IS NOT NULL AS "disabled!", m.tenant_id,
                  a.balance, u.created_at
           FROM users u JOIN memberships m ON m.user_id = u.id JOIN accounts a ON a.tenant_id = m.tenant_id
           WHERE u.id = $1 ORDER BY m.created_at LIMIT 1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(UserWithBalance::try_from)
    .transpose()
}

pub(super) async fn update_user(
    connection: &mut PgConnection,
    id: UserId,
    change: UserChange,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE users SET is_admin = coalesce($2, is_admin),
                  disabled_at = CASE WHEN $3::boolean IS NULL THEN disabled_at
                                     WHEN $3 THEN coalesce(disabled_at, now()) END
           WHERE id = $1 AND closed_at IS NULL"#,
        id.0,
        change.is_admin,
        change.disabled
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn end_sessions(connection: &mut PgConnection, id: UserId) -> Result<(), Error> {
    sqlx::query!("UPDATE sessions SET ended_at = now() WHERE user_id = $1 AND ended_at IS NULL", id.0)
        .execute(connection)
        .await?;
    Ok(())
}

//! SQL of the users' administration, and of who is meant by what.

use super::{Person, UserChange, UserWithBalance};
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
    closed_at: Option<DateTime<Utc>>,
}

/// What a user's page says beside the user, the money and the orders.
pub(super) struct Facts {
    pub(super) tenant_name: String,
    pub(super) logins: i64,
    pub(super) last_login_at: Option<DateTime<Utc>>,
    pub(super) api_keys: i64,
    pub(super) predictions_open: i64,
}

/// Of more people than this who are meant by some words, the newest count.
const PEOPLE_MEANT_MAX: i64 = 1000;

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
            closed_at: row.closed_at,
        })
    }
}

pub(super) async fn select_users(
    connection: &mut PgConnection,
    words: Option<&str>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<UserWithBalance>, Error> {
    let id = words.and_then(|words| Uuid::parse_str(words).ok());
    sqlx::query_as!(
        Row,
        r#"SELECT u.id, u.email, u.name, u.is_admin, u.disabled_at IS NOT NULL AS "disabled!", m.tenant_id,
                  a.balance, u.created_at, u.closed_at
           FROM users u JOIN memberships m ON m.user_id = u.id JOIN accounts a ON a.tenant_id = m.tenant_id
           WHERE u.id < $1
             AND ($3::text IS NULL OR strpos(lower(u.email), $3) > 0 OR strpos(lower(u.name), $3) > 0
                  OR u.id = $4 OR m.tenant_id = $4)
           ORDER BY u.id DESC LIMIT $2"#,
        before,
        rows,
        words,
        id
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
                  a.balance, u.created_at, u.closed_at
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

pub(super) async fn select_facts(
    connection: &mut PgConnection,
    user: UserId,
    tenant: TenantId,
) -> Result<Facts, Error> {
    Ok(sqlx::query_as!(
        Facts,
        r#"SELECT t.name AS tenant_name,
                  (SELECT count(*) FROM sessions WHERE tenant_id = t.id AND user_id = $2
                     AND ended_at IS NULL AND expires_at > now()) AS "logins!",
                  (SELECT max(created_at) FROM sessions
                   WHERE tenant_id = t.id AND user_id = $2) AS last_login_at,
                  (SELECT count(*) FROM api_keys WHERE tenant_id = t.id AND revoked_at IS NULL) AS "api_keys!",
                  (SELECT count(*) FROM jobs WHERE tenant_id = t.id
                     AND state IN ('queued', 'running')) AS "predictions_open!"
           FROM tenants t WHERE t.id = $1"#,
        tenant.0,
        user.0
    )
    .fetch_one(connection)
    .await?)
}

/// The people behind ids of users and of tenants.
pub(super) async fn select_people(
    connection: &mut PgConnection,
    users: &[Uuid],
    tenants: &[Uuid],
) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query!(
        r#"SELECT m.user_id, m.tenant_id, u.email, u.closed_at IS NOT NULL AS "closed!"
           FROM memberships m JOIN users u ON u.id = m.user_id
           WHERE m.user_id = ANY($1) OR m.tenant_id = ANY($2) ORDER BY m.created_at, m.user_id"#,
        users,
        tenants
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Person {
            user: UserId(row.user_id),
            tenant: TenantId(row.tenant_id),
            email: row.email,
            closed: row.closed,
        })
        .collect())
}

/// Those who have the words, in lower case, in their address or name, or whose or whose tenant's the id is.
pub(super) async fn select_people_by_words(
    connection: &mut PgConnection,
    words: &str,
    id: Option<Uuid>,
) -> Result<Vec<(UserId, TenantId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT m.user_id, m.tenant_id FROM memberships m JOIN users u ON u.id = m.user_id
           WHERE strpos(lower(u.email), $1) > 0 OR strpos(lower(u.name), $1) > 0
              OR m.user_id = $2 OR m.tenant_id = $2
           ORDER BY m.user_id DESC LIMIT $3"#,
        words,
        id,
        PEOPLE_MEANT_MAX
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (UserId(row.user_id), TenantId(row.tenant_id))).collect())
}

/// The orders that an id has to do with: its own, its prediction's, its transaction's.
pub(super) async fn select_orders_meant(
    connection: &mut PgConnection,
    id: Option<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    let Some(id) = id else { return Ok(Vec::new()) };
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM orders WHERE id = $1
           UNION SELECT order_id FROM predictions WHERE id = $1
           UNION SELECT order_id FROM transactions WHERE id = $1 AND order_id IS NOT NULL"#,
        id
    )
    .fetch_all(connection)
    .await?)
}

/// A search whose conditions are left out in turn is planned for those that are there, which a plan made
/// for all of them at once cannot be.
pub(super) async fn plan_for_what_is_asked(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SET LOCAL plan_cache_mode = force_custom_plan").execute(connection).await?;
    Ok(())
}

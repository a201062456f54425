//! The one query that begins a tenant's transaction.

use super::{Caller, Credential, StandingOrder};
use crate::{Error, IntakeId, TenantId, UserId};
use sqlx::PgConnection;

pub(super) async fn begin_tenant(
    connection: &mut PgConnection,
    credential: &Credential,
) -> Result<Caller, Error> {
    let (session, key_hash) = match credential {
        Credential::Session(session) => (Some(session.0), None),
        Credential::ApiKey(hash) => (None, Some(hash.as_slice())),
        Credential::Standing(order) => return begin_standing(connection, order).await,
        Credential::Intake(intake) => return begin_intake(connection, *intake).await,
    };
    let row = sqlx::query!(
        r#"SELECT user_id AS "user_id!", tenant_id AS "tenant_id!", is_admin AS "is_admin!",
                  scope AS "scope!"
           FROM begin_tenant($1, $2)"#,
        session,
        key_hash,
    )
    .fetch_optional(connection)
    .await?
    .ok_or(Error::Unauthenticated)?;
    Ok(Caller {
        user: UserId(row.user_id),
        tenant: TenantId(row.tenant_id),
        is_admin: row.is_admin,
        may_write: row.scope == "write",
    })
}

/// The same for what a writer has ordered for good.
async fn begin_standing(connection: &mut PgConnection, order: &StandingOrder) -> Result<Caller, Error> {
    let row = sqlx::query!(
        r#"SELECT user_id AS "user_id!", tenant_id AS "tenant_id!" FROM begin_standing($1, $2)"#,
        order.user.0,
        order.tenant.0
    )
    .fetch_optional(connection)
    .await?
    .ok_or(Error::Unauthenticated)?;
    let (user, tenant) = (UserId(row.user_id), TenantId(row.tenant_id));
    Ok(Caller { user, tenant, is_admin: false, may_write: true })
}

/// The same for an intake that is under way.
async fn begin_intake(connection: &mut PgConnection, intake: IntakeId) -> Result<Caller, Error> {
    let row = sqlx::query!(
        r#"SELECT user_id AS "user_id!", tenant_id AS "tenant_id!" FROM begin_intake($1)"#,
        intake.0
    )
    .fetch_optional(connection)
    .await?
    .ok_or(Error::Unauthenticated)?;
    let (user, tenant) = (UserId(row.user_id), TenantId(row.tenant_id));
    Ok(Caller { user, tenant, is_admin: false, may_write: true })
}

pub(super) async fn read_one_moment(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(connection).await?;
    Ok(())
}

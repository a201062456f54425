//! The wall between tenants: every query for a tenant goes through [`TenantTx`], whose beginning
//! checks the credential in the database itself and sets the tenant that row-level security reads.

mod db;

use crate::{Error, IntakeId, Platform, SessionId, TenantId, UserId, in_time};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};

/// What a request proves about its sender. The holder has checked the token's signature or hashed
/// the key; whether it still counts is the database's to say, in each transaction anew.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An access token's session.
    Session(SessionId),
    /// The SHA-256 of an API key.
    ApiKey([u8; 32]),
    /// What a writer has ordered for good.
    Standing(StandingOrder),
    /// An intake under way, which orders in the name of the user who asked for it. No request can carry it.
    Intake(IntakeId),
}

/// What one of a tenant's writers has ordered for good, such as to train a model again: the platform acts on it
/// in the writer's name while nobody is signed in. It counts for as long as the writer may write.
#[derive(Clone, Copy, Debug)]
pub struct StandingOrder {
    user: UserId,
    tenant: TenantId,
}

impl StandingOrder {
    /// What this user, who had proved to be a writer of the tenant, has ordered.
    pub(crate) fn of(user: UserId, tenant: TenantId) -> StandingOrder {
        StandingOrder { user, tenant }
    }

    /// For whom.
    pub fn tenant(self) -> TenantId {
        self.tenant
    }
}

impl Credential {
    /// The credential of an API key as it was sent.
    pub fn of_api_key(key: &str) -> Credential {
        Credential::ApiKey(Sha256::digest(key.as_bytes()).into())
    }
}

/// A credential and the id of the request that carries it.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who.
    pub credential: Credential,
    /// The request's id, which follows the work into the log, the audit log and the worker.
    pub request_id: String,
}

/// Who a credential turned out to be.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The tenant for which the user acts.
    pub tenant: TenantId,
    /// Whether the user administers the platform.
    pub is_admin: bool,
    /// Whether the credential may change anything.
    pub may_write: bool,
}

/// Proof that the caller may change what is the tenant's.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    user: UserId,
    tenant: TenantId,
}

impl Writer {
    /// The user who acts.
    pub fn user(self) -> UserId {
        self.user
    }

    /// The tenant whose things may be changed.
    pub fn tenant(self) -> TenantId {
        self.tenant
    }
}

/// Proof that the caller administers the platform.
#[derive(Clone, Copy, Debug)]
pub struct Administrator {
    user: UserId,
}

impl Administrator {
    /// The user who acts; nil on the command line.
    pub fn user(self) -> UserId {
        self.user
    }
}

/// A database transaction that sees one tenant's rows and nothing else.
pub struct TenantTx {
    transaction: Transaction<'static, Postgres>,
    caller: Caller,
}

impl TenantTx {
    /// Begins a transaction for whoever the credential is, or [`Error::Unauthenticated`].
    pub async fn begin(platform: &Platform, access: &Access) -> Result<TenantTx, Error> {
        let mut transaction = platform.app.begin().await?;
        let caller = db::begin_tenant(&mut transaction, &access.credential).await?;
        Ok(TenantTx { transaction, caller })
    }

    /// Begins a transaction that reads, and sees everything as it is at this moment.
    pub(crate) async fn begin_snapshot(platform: &Platform, access: &Access) -> Result<TenantTx, Error> {
        let mut transaction = platform.app.begin().await?;
        db::read_one_moment(&mut transaction).await?;
        let caller = db::begin_tenant(&mut transaction, &access.credential).await?;
        Ok(TenantTx { transaction, caller })
    }

    /// Who acts.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Proof that the caller may write, or [`Error::Forbidden`].
    pub fn writer(&self) -> Result<Writer, Error> {
        if !self.caller.may_write {
            return Err(Error::Forbidden("this API key may only read"));
        }
        Ok(Writer { user: self.caller.user, tenant: self.caller.tenant })
    }

    /// The connection inside the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes everything done so far durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }

    /// Commits what went well, and rolls back what did not before the error is passed on: whoever
    /// reads it and tries again finds no lock of the first try.
    pub(crate) async fn finish<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        finish(self.transaction, result).await
    }
}

/// A transaction of an administrator, over all tenants.
pub struct AdminTx {
    transaction: Transaction<'static, Postgres>,
    administrator: Administrator,
}

impl AdminTx {
    /// Begins a transaction for reading, or [`Error::Forbidden`].
    pub async fn begin(platform: &Platform, access: &Access) -> Result<AdminTx, Error> {
        Ok(AdminTx::begin_as_caller(platform, access).await?.0)
    }

    /// Begins a transaction for changing something: a read-only API key is not enough.
    pub async fn begin_writing(platform: &Platform, access: &Access) -> Result<AdminTx, Error> {
        let (tx, caller) = AdminTx::begin_as_caller(platform, access).await?;
        if !caller.may_write {
            return Err(Error::Forbidden("this API key may only read"));
        }
        Ok(tx)
    }

    async fn begin_as_caller(platform: &Platform, access: &Access) -> Result<(AdminTx, Caller), Error> {
        let mut transaction = platform.system.begin().await?;
        let caller = db::begin_tenant(&mut transaction, &access.credential).await?;
        if !caller.is_admin {
            return Err(Error::Forbidden("this is for administrators"));
        }
        Ok((AdminTx { transaction, administrator: Administrator { user: caller.user } }, caller))
    }

    /// Begins a transaction in the name of the installation's owner, who works on the command line
    /// with the database's own password: the nil user.
    pub async fn begin_on_command_line(platform: &Platform) -> Result<AdminTx, Error> {
        let administrator = Administrator { user: UserId::COMMAND_LINE };
        Ok(AdminTx { transaction: platform.system.begin().await?, administrator })
    }

    /// Who acts.
    pub fn administrator(&self) -> Administrator {
        self.administrator
    }

    /// The connection inside the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes everything done so far durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }

    /// Commits what went well, and rolls back what did not before the error is passed on: whoever
    /// reads it and tries again finds no lock of the first try.
    pub(crate) async fn finish<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        finish(self.transaction, result).await
    }
}

/// Commits what went well, and rolls back what did not before the error is passed on.
pub(crate) async fn finish<T>(
    transaction: Transaction<'static, Postgres>,
    result: Result<T, Error>,
) -> Result<T, Error> {
    match result {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // Where even this fails, the connection is lost and the database rolls back by itself.
            let _ = in_time(async { Ok(transaction.rollback().await?) }).await;
            Err(error)
        }
    }
}

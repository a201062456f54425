//! Closing an account: everything personal is erased; what stays is the money trail, in ids.
//!
//! One transaction closes the account and erases the rows; files follow at once or by the sweeper. A
//! transaction of the tenant's that was under way may still write something after it: the sweeper
//! erases that too, until none can be under way.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::erasures::{self, Reason};
use crate::money::count_moved;
use crate::orders::{self, OrderStatus};
use crate::{
    Access, AdminTx, Credential, Error, OrderId, Platform, TenantId, TenantTx, TransactionId, UserId,
    accounts, monitoring, predictions, retraining, secrets, tenancy, trainings, webhooks,
};
use ledger::Money;
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;

/// Longer than any transaction of a tenant's lasts.
const LATE_WRITES_END_AFTER: Duration = Duration::from_secs(600);

/// How many closed accounts are looked at in one sweep.
const SWEPT_MAX: i64 = 20;

/// How many predictions' files are deleted before the answer.
const ERASED_AT_ONCE_MAX: i64 = 100;

/// How an account is to be closed.
struct Closing<'a> {
    user: UserId,
    /// The password's hash that was verified, where the user acts.
    verified: Option<String>,
    actor: UserId,
    forfeit_balance: bool,
    request_id: &'a str,
    /// A hash of a password that nobody knows.
    unknown_password_hash: String,
}

/// What closing did, besides erasing.
struct Closed {
    tenant: TenantId,
    refunded: Vec<Money>,
}

/// Closes the account of the caller, who proves to be its owner by the password.
///
/// # Errors
/// [`Error::Invalid`] on `password`; `prediction_not_finished`; `balance_not_zero` where money would be
/// given up and that is not wanted; `last_administrator`; [`Error::Forbidden`] for an API key.
pub async fn close_own(
    platform: &Platform,
    access: &Access,
    password: SecretString,
    forfeit_balance: bool,
) -> Result<(), Error> {
    // Whoever is nobody learns that first.
    let user = TenantTx::begin(platform, access).await?.caller().user;
    let Credential::Session(_) = access.credential else {
        return Err(Error::Forbidden("an account is closed by its owner, signed in, not by an API key"));
    };
    let verified = accounts::verified_password_hash(platform, user, "password", password).await?;
    let closing = Closing {
        user,
        verified: Some(verified),
        actor: user,
        forfeit_balance,
        request_id: &access.request_id,
        unknown_password_hash: unknown_password_hash(platform).await?,
    };
    let mut transaction = platform.system.begin().await?;
    let closed = close_in(&mut transaction, &closing).await;
    let closed = tenancy::finish(transaction, closed).await?;
    finish(platform, closed).await;
    Ok(())
}

/// Closes a user's account, as an administrator. One that is closed already stays so.
///
/// # Errors
/// As [`close_own`]; `own_account` where administrators would close their own.
pub async fn close(
    platform: &Platform,
    access: &Access,
    user: UserId,
    forfeit_balance: bool,
) -> Result<(), Error> {
    let unknown_password_hash = unknown_password_hash(platform).await?;
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let actor = tx.administrator().user();
    if actor == user {
        return Err(Error::conflict(
            "own_account",
            "close your own account by DELETE /me, with its password",
        ));
    }
    let request_id = &access.request_id;
    let closing = Closing { user, verified: None, actor, forfeit_balance, request_id, unknown_password_hash };
    let closed = close_in(tx.connection(), &closing).await;
    let closed = tx.finish(closed).await?;
    finish(platform, closed).await;
    Ok(())
}

/// Erases what transactions that were under way have written for closed accounts.
pub(crate) async fn erase_what_came_late(platform: &Platform) -> Result<(), Error> {
    let closing = {
        let mut connection = platform.system.acquire().await?;
        db::select_closing(&mut connection, SWEPT_MAX).await?
    };
    for (tenant, user) in closing {
        let mut transaction = platform.system.begin().await?;
        let orders = db::lock_paid_orders(&mut transaction, tenant).await?;
        let refunded = give_back(&mut transaction, tenant, &orders).await?;
        erase(&mut transaction, tenant, user).await?;
        if !db::has_open_predictions(&mut transaction, tenant).await? {
            db::mark_scrubbed(&mut transaction, tenant, LATE_WRITES_END_AFTER.as_secs_f64()).await?;
        }
        transaction.commit().await?;
        finish(platform, Closed { tenant, refunded }).await;
    }
    Ok(())
}

async fn close_in(connection: &mut PgConnection, closing: &Closing<'_>) -> Result<Closed, Error> {
    if db::is_last_administrator(connection, closing.user).await? {
        return Err(Error::conflict("last_administrator", "nobody else administers this installation"));
    }
    let holder = db::lock_holder(connection, closing.user, closing.verified.as_deref()).await?;
    let Some(holder) = holder else {
        return Err(match closing.verified {
            Some(_) => Error::conflict("password_changed", "the password was changed just now"),
            None => Error::NotFound("user"),
        });
    };
    let tenant = holder.tenant;
    if holder.is_closed {
        return Ok(Closed { tenant, refunded: Vec::new() });
    }
    db::close_tenant(connection, tenant).await?;
    let orders = db::lock_paid_orders(connection, tenant).await?;
    let refunded = give_back(connection, tenant, &orders).await?;
    let balance = ledger::locked_balance(connection, tenant.account()).await?;
    // After the locks: an upload that used an order, or paid, before them is seen here.
    if db::has_open_predictions(connection, tenant).await? {
        return Err(Error::conflict(
            "prediction_not_finished",
            "a prediction or a training is queued or running",
        ));
    }
    if balance > Money::ZERO && !closing.forfeit_balance {
        let message = format!(
            "the account holds {} minor units, orders that were not used included; have them paid out, or \
             give them up with forfeit_balance",
            balance.minor_units()
        );
        return Err(Error::conflict("balance_not_zero", message));
    }
    db::scrub_user(connection, holder.user, &closing.unknown_password_hash).await?;
    erase(connection, tenant, holder.user).await?;
    let event = Event {
        action: "account.closed",
        actor: Some(closing.actor),
        tenant: Some(tenant),
        subject: Some(holder.user.0),
        detail: json!({ "forfeited": balance, "orders_cancelled": orders.len() }),
        request_id: Some(closing.request_id),
    };
    audit_log::write(connection, event).await?;
    Ok(Closed { tenant, refunded })
}

/// Cancels orders that were not used, whose rows are locked: every order ends provided or refunded.
async fn give_back(
    connection: &mut PgConnection,
    tenant: TenantId,
    orders: &[OrderId],
) -> Result<Vec<Money>, Error> {
    let mut refunded = Vec::with_capacity(orders.len());
    for &order in orders {
        let (paid, given_back) = (OrderStatus::Paid, OrderStatus::Refunded);
        orders::db::move_status(connection, tenant, order, paid, given_back).await?;
        let refund = ledger::refund(connection, tenant.account(), order, TransactionId::new(), None).await?;
        refunded.push(refund.amount);
    }
    Ok(refunded)
}

async fn erase(connection: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<(), Error> {
    let unerased = db::select_unerased(connection, tenant).await?;
    erasures::mark(connection, &unerased, Reason::AccountClosed).await?;
    trainings::erase_account(connection, tenant).await?;
    webhooks::db::erase(connection, tenant).await?;
    monitoring::erase_tenant(connection, tenant).await?;
    retraining::db::close(connection, tenant).await?;
    db::erase_rows(connection, tenant, user).await
}

/// What is done once the account is closed for good. What fails here is the sweeper's.
async fn finish(platform: &Platform, closed: Closed) {
    for amount in closed.refunded {
        count_moved("refund", amount);
    }
    let erasing = async {
        let mut connection = platform.system.acquire().await?;
        db::select_erasing(&mut connection, closed.tenant, ERASED_AT_ONCE_MAX).await
    };
    match erasing.await {
        Ok(ids) => {
            predictions::erase_marked(platform, &ids).await;
            trainings::erase_closed(platform, closed.tenant).await;
        }
        Err(error) => tracing::warn!(%error, "could not erase a closed account's files; the sweeper will"),
    }
}

async fn unknown_password_hash(platform: &Platform) -> Result<String, Error> {
    let password = accounts::Password::parse("password", secrets::generate("closed_"))?;
    platform.passwords.hash(password).await
}

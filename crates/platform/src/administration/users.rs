//! Users as administrators see and change them.

use super::{db, people};
use crate::accounts::User;
use crate::audit_log::{self, Event};
use crate::orders::{self, Order, OrderFilter};
use crate::page::position_of_number;
use crate::{Access, AdminTx, Error, List, Page, Platform, UserId};
use chrono::{DateTime, Utc};
use ledger::{Money, Transaction};
use serde_json::json;
use uuid::Uuid;

/// A user and what their tenant has.
#[derive(Clone, Debug)]
pub struct UserWithBalance {
    /// The user.
    pub user: User,
    /// Their tenant's balance.
    pub balance: Money,
    /// When their account was closed, if it was; nothing personal is left of it.
    pub closed_at: Option<DateTime<Utc>>,
}

/// Everything about a user on one page.
#[derive(Clone, Debug)]
pub struct UserDetail {
    /// The user and their balance.
    pub account: UserWithBalance,
    /// What their tenant is called.
    pub tenant_name: String,
    /// Logins that have not ended.
    pub logins: i64,
    /// When the last login that is still remembered began.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Keys that were not revoked.
    pub api_keys: i64,
    /// Predictions that wait or run.
    pub predictions_open: i64,
    /// What moved on the account, newest first.
    pub transactions: List<Transaction>,
    /// The newest orders.
    pub orders: Vec<Order>,
}

/// What an administrator changes of a user; what is none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    /// Whether they administer the platform.
    pub is_admin: Option<bool>,
    /// Whether they may sign in no more. Disabling ends every login at once.
    pub disabled: Option<bool>,
}

/// How many orders a user's page shows.
const ORDERS_SHOWN: i64 = 10;

/// All users, newest first; where there are words, those who have them in their address or name, or whose
/// or whose tenant's id they are.
pub async fn users(
    platform: &Platform,
    access: &Access,
    words: Option<&str>,
    page: &Page,
) -> Result<List<UserWithBalance>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let words = people::searchable(words);
    let before = page.before_id("users")?;
    let users = db::select_users(tx.connection(), words.as_deref(), before, page.rows()).await?;
    Ok(page.cut("users", users, |entry| *entry.user.id.0.as_bytes()))
}

/// One user, with a page of what moved on their account.
pub async fn user(
    platform: &Platform,
    access: &Access,
    id: UserId,
    page: &Page,
) -> Result<UserDetail, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let account = db::select_user(tx.connection(), id).await?.ok_or(Error::NotFound("user"))?;
    let tenant = account.user.tenant;
    let facts = db::select_facts(tx.connection(), id, tenant).await?;
    let before = page.before_number("transactions")?;
    let moved = ledger::transactions(tx.connection(), tenant.account(), before, page.rows()).await?;
    let orders = orders::db::select_page(
        tx.connection(),
        Some(tenant),
        Uuid::nil()..Uuid::max(),
        OrderFilter::default(),
        ORDERS_SHOWN,
    )
    .await?;
    Ok(UserDetail {
        account,
        tenant_name: facts.tenant_name,
        logins: facts.logins,
        last_login_at: facts.last_login_at,
        api_keys: facts.api_keys,
        predictions_open: facts.predictions_open,
        transactions: page.cut("transactions", moved, |transaction| position_of_number(transaction.sequence)),
        orders,
    })
}

/// Changes a user's role, or whether they may sign in.
///
/// # Errors
/// `own_account` where administrators would lock themselves out; `account_closed`.
pub async fn update_user(
    platform: &Platform,
    access: &Access,
    id: UserId,
    change: UserChange,
) -> Result<UserWithBalance, Error> {
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let actor = tx.administrator().user();
    if actor == id && (change.is_admin == Some(false) || change.disabled == Some(true)) {
        return Err(Error::conflict("own_account", "administrators cannot lock themselves out"));
    }
    let before = db::select_user(tx.connection(), id).await?.ok_or(Error::NotFound("user"))?;
    if !db::update_user(tx.connection(), id, change).await? {
        return Err(Error::conflict("account_closed", "the account is closed for good"));
    }
    if change.disabled == Some(true) {
        db::end_sessions(tx.connection(), id).await?;
    }
    let event = Event {
        action: "user.changed",
        actor: Some(actor),
        tenant: Some(before.user.tenant),
        subject: Some(id.0),
        detail: json!({ "is_admin": change.is_admin, "disabled": change.disabled }),
        request_id: Some(&access.request_id),
    };
    audit_log::write(tx.connection(), event).await?;
    let user = db::select_user(tx.connection(), id).await?.ok_or(Error::NotFound("user"))?;
    tx.commit().await?;
    Ok(user)
}

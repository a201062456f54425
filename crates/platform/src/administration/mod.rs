//! What administrators do with users.

mod db;

use crate::accounts::User;
use crate::audit_log::{self, Event};
use crate::{Access, AdminTx, Error, List, Page, Platform, UserId};
use ledger::Money;
use serde_json::json;

/// A user and what their tenant has.
#[derive(Clone, Debug)]
pub struct UserWithBalance {
    /// The user.
    pub user: User,
    /// Their tenant's balance.
    pub balance: Money,
}

/// What an administrator changes of a user; what is none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    /// Whether they administer the platform.
    pub is_admin: Option<bool>,
    /// Whether they may sign in no more. Disabling ends every login at once.
    pub disabled: Option<bool>,
}

/// All users, newest first.
pub async fn users(
    platform: &Platform,
    access: &Access,
    page: &Page,
) -> Result<List<UserWithBalance>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let users = db::select_users(tx.connection(), page.before_id("users")?, page.rows()).await?;
    Ok(page.cut("users", users, |entry| *entry.user.id.0.as_bytes()))
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

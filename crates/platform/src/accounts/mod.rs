//! Users and their tenants: registering, looking oneself up, changing the password.

pub(crate) mod db;
mod email;
mod hashes;
mod password;

pub use email::Email;
pub use password::{Password, PasswordHashing};

use crate::audit_log::{self, Event};
use crate::{Access, Credential, Error, Platform, TenantId, TenantTx, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use secrecy::SecretString;
use serde_json::json;

/// A person who signs in, with the tenant that was made for them.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The address that they sign in with.
    pub email: String,
    /// What they want to be called.
    pub name: Option<String>,
    /// Whether they administer the platform.
    pub is_admin: bool,
    /// Whether they may sign in no more.
    pub disabled: bool,
    /// Their tenant.
    pub tenant: TenantId,
    /// When they registered.
    pub created_at: DateTime<Utc>,
}

/// What a new user says of themselves.
pub struct Registration {
    /// Their address.
    pub email: Email,
    /// Their password.
    pub password: Password,
    /// What they want to be called.
    pub name: Option<String>,
}

/// Makes a user, their tenant and its account, together.
///
/// The password is hashed before the address is looked up, so that a taken address takes as long as
/// a free one.
///
/// # Errors
/// `email_taken` where the address is registered; [`Error::Busy`] where too many hashes wait.
pub async fn register(
    platform: &Platform,
    registration: Registration,
    request_id: &str,
) -> Result<User, Error> {
    create(platform, registration, false, Some(request_id)).await
}

/// Makes a user on the command line, an administrator where wanted.
pub async fn create_on_command_line(
    platform: &Platform,
    registration: Registration,
    is_admin: bool,
) -> Result<User, Error> {
    create(platform, registration, is_admin, None).await
}

async fn create(
    platform: &Platform,
    registration: Registration,
    is_admin: bool,
    request_id: Option<&str>,
) -> Result<User, Error> {
    let name = checked_name(registration.name)?;
    let hash = platform.passwords.hash(registration.password).await?;
    let mut transaction = platform.system.begin().await?;
    let (user, tenant) = (UserId::new(), TenantId::new());
    let email = registration.email.as_str();
    db::insert_user(&mut transaction, user, email, name.as_deref(), &hash, is_admin).await?;
    db::insert_tenant(&mut transaction, tenant, name.as_deref().unwrap_or(email)).await?;
    db::insert_membership(&mut transaction, tenant, user).await?;
    ledger::open_account(&mut transaction, tenant.account()).await?;
    let event = Event {
        action: "user.registered",
        // On the command line the installation's owner acts, who is no user.
        actor: Some(if request_id.is_some() { user } else { UserId::COMMAND_LINE }),
        tenant: Some(tenant),
        subject: Some(user.0),
        detail: json!({ "is_admin": is_admin }),
        request_id,
    };
    audit_log::write(&mut transaction, event).await?;
    let made = db::select_user(&mut transaction, user).await?.ok_or(Error::NotFound("user"))?;
    transaction.commit().await?;
    Ok(made)
}

/// The user whose credential it is.
pub async fn me(platform: &Platform, access: &Access) -> Result<User, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let user = tx.caller().user;
    db::select_user(tx.connection(), user).await?.ok_or(Error::Unauthenticated)
}

/// A user, and what their tenant has.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The user.
    pub user: User,
    /// The balance of their tenant.
    pub balance: Money,
}

/// The user whose credential it is, with the balance, both of one moment's transaction.
pub async fn profile(platform: &Platform, access: &Access) -> Result<Profile, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let caller = tx.caller();
    let user = db::select_user(tx.connection(), caller.user).await?.ok_or(Error::Unauthenticated)?;
    let balance = ledger::balance(tx.connection(), caller.tenant.account()).await?;
    Ok(Profile { user, balance })
}

/// Sets a new password and ends every other login of the user.
///
/// # Errors
/// [`Error::Invalid`] on `current_password` where it is wrong; [`Error::Forbidden`] for an API key.
pub async fn change_password(
    platform: &Platform,
    access: &Access,
    current: SecretString,
    new: Password,
) -> Result<(), Error> {
    // Whoever is nobody learns that first.
    let caller = {
        let tx = TenantTx::begin(platform, access).await?;
        tx.caller()
    };
    let Credential::Session(session) = access.credential else {
        return Err(Error::Forbidden("a password is changed by its owner, signed in, not by an API key"));
    };
    let stored = verified_password_hash(platform, caller.user, "current_password", current).await?;
    let hash = platform.passwords.hash(new).await?;
    let mut transaction = platform.system.begin().await?;
    if !db::replace_password_hash(&mut transaction, caller.user, &stored, &hash).await? {
        return Err(Error::conflict(
            "password_changed",
            "the password was changed by somebody else just now",
        ));
    }
    db::end_other_sessions(&mut transaction, caller.user, session).await?;
    let event = Event {
        action: "user.password_changed",
        actor: Some(caller.user),
        tenant: Some(caller.tenant),
        subject: Some(caller.user.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(&mut transaction, event).await?;
    Ok(transaction.commit().await?)
}

/// The stored hash of the user's password, where this is the password; else a problem of `field`.
pub(crate) async fn verified_password_hash(
    platform: &Platform,
    user: UserId,
    field: &'static str,
    password: SecretString,
) -> Result<String, Error> {
    let stored = {
        let mut connection = platform.system.acquire().await?;
        db::select_password_hash(&mut connection, user).await?.ok_or(Error::Unauthenticated)?
    };
    if !platform.passwords.verify(password, Some(stored.clone())).await?.matches {
        return Err(Error::invalid(field, "this is not the current password"));
    }
    Ok(stored)
}

/// A name without surrounding space and control characters, of at most 200 characters.
fn checked_name(name: Option<String>) -> Result<Option<String>, Error> {
    let Some(name) = name else { return Ok(None) };
    let name = name.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has at most 200 characters and no control characters"));
    }
    Ok(Some(name.to_owned()))
}

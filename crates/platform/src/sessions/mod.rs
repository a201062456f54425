//! Logins: signing in, rotating refresh tokens, signing out.

mod db;

use crate::audit_log::{self, Event};
use crate::{Access, Credential, Error, Platform, SessionId, TenantTx, UserId, accounts, secrets};
use secrecy::{ExposeSecret, SecretString};

/// A login that was begun or continued. The access token is made by whoever speaks HTTP.
pub struct Login {
    /// The session that access tokens name.
    pub session: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// What continues the session, once.
    pub refresh_token: SecretString,
}

/// Signs a user in.
///
/// An unknown address, a wrong password and a disabled user are answered alike and after the same
/// time.
///
/// # Errors
/// [`Error::Unauthenticated`]; [`Error::Busy`] where too many logins wait for a core.
pub async fn log_in(
    platform: &Platform,
    email: &str,
    password: SecretString,
    request_id: &str,
) -> Result<Login, Error> {
    let found = {
        let mut connection = platform.system.acquire().await?;
        accounts::db::select_login(&mut connection, email).await?
    };
    let stored = found.as_ref().map(|login| login.password_hash.clone());
    let verification = platform.passwords.verify(password.clone(), stored).await?;
    let mut transaction = platform.system.begin().await?;
    // Of an address that nobody has, nothing is known that could be written down.
    let mut event = Event {
        action: "login.failed",
        tenant: found.as_ref().map(|login| login.tenant),
        subject: found.as_ref().map(|login| login.user.0),
        request_id: Some(request_id),
        ..Event::default()
    };
    let mut accepted = found.filter(|login| verification.matches && !login.disabled);
    // The password may have been changed, or the user disabled, while the hash waited for its turn.
    if let Some(login) = &accepted
        && !db::lock_unchanged(&mut transaction, login).await?
    {
        accepted = None;
    }
    let Some(login) = accepted else {
        audit_log::write(&mut transaction, event).await?;
        transaction.commit().await?;
        return Err(Error::Unauthenticated);
    };
    let session = SessionId::new();
    db::insert_session(&mut transaction, session, &login, platform.limits.session_lifetime).await?;
    let refresh_token = issue_refresh_token(&mut transaction, session).await?;
    event.action = "login.succeeded";
    event.actor = Some(login.user);
    event.tenant = Some(login.tenant);
    event.subject = Some(session.0);
    audit_log::write(&mut transaction, event).await?;
    transaction.commit().await?;
    if verification.outdated {
        strengthen(platform, &login, password).await;
    }
    Ok(Login { session, user: login.user, refresh_token })
}

/// Writes down that the limit of failed logins was reached, and for whom where somebody has the address.
pub async fn report_limit(platform: &Platform, email: &str, request_id: &str) -> Result<(), Error> {
    let mut connection = platform.system.acquire().await?;
    let found = accounts::db::select_login(&mut connection, email).await?;
    let event = Event {
        action: "login.limited",
        tenant: found.as_ref().map(|login| login.tenant),
        subject: found.as_ref().map(|login| login.user.0),
        request_id: Some(request_id),
        ..Event::default()
    };
    audit_log::write(&mut connection, event).await
}

/// Continues a session with its refresh token, which is spent by it.
///
/// # Errors
/// [`Error::Unauthenticated`]. A token that was spent before is a theft by one of its two holders:
/// the session ends for both.
pub async fn refresh(platform: &Platform, token: &str, request_id: &str) -> Result<Login, Error> {
    let mut transaction = platform.system.begin().await?;
    let hash = secrets::hash(token);
    let found = db::select_refresh_token(&mut transaction, &hash).await?.ok_or(Error::Unauthenticated)?;
    if !found.session_alive {
        return Err(Error::Unauthenticated);
    }
    if found.used {
        db::end_session(&mut transaction, found.session).await?;
        let event = Event {
            action: "refresh_token.reused",
            actor: Some(found.user),
            tenant: Some(found.tenant),
            subject: Some(found.session.0),
            request_id: Some(request_id),
            ..Event::default()
        };
        audit_log::write(&mut transaction, event).await?;
        transaction.commit().await?;
        return Err(Error::Unauthenticated);
    }
    db::spend_refresh_token(&mut transaction, &hash).await?;
    db::prolong_session(&mut transaction, found.session, platform.limits.session_lifetime).await?;
    let refresh_token = issue_refresh_token(&mut transaction, found.session).await?;
    transaction.commit().await?;
    Ok(Login { session: found.session, user: found.user, refresh_token })
}

/// Ends the session: its access and refresh tokens stop working at once.
///
/// # Errors
/// [`Error::Forbidden`] for an API key, which is revoked instead.
pub async fn log_out(platform: &Platform, access: &Access) -> Result<(), Error> {
    // Whoever is nobody learns that first.
    let caller = {
        let tx = TenantTx::begin(platform, access).await?;
        tx.caller()
    };
    let Credential::Session(session) = access.credential else {
        return Err(Error::Forbidden("an API key is no login; revoke it instead"));
    };
    let mut transaction = platform.system.begin().await?;
    db::end_session(&mut transaction, session).await?;
    let event = Event {
        action: "session.ended",
        actor: Some(caller.user),
        tenant: Some(caller.tenant),
        subject: Some(session.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(&mut transaction, event).await?;
    Ok(transaction.commit().await?)
}

/// Deletes sessions that ended or ran out more than 30 days ago.
pub(crate) async fn forget_old(connection: &mut sqlx::PgConnection) -> Result<(), Error> {
    db::delete_old_sessions(connection).await
}

async fn issue_refresh_token(
    connection: &mut sqlx::PgConnection,
    session: SessionId,
) -> Result<SecretString, Error> {
    let token = secrets::generate("augr_");
    db::insert_refresh_token(connection, session, &secrets::hash(token.expose_secret())).await?;
    Ok(token)
}

/// Hashes a password anew where the parameters have risen since it was set. A failure costs nothing:
/// the next login tries again.
async fn strengthen(platform: &Platform, login: &accounts::db::Login, password: SecretString) {
    let Ok(password) = accounts::Password::parse("password", password) else { return };
    let Ok(hash) = platform.passwords.hash(password).await else { return };
    let Ok(mut connection) = platform.system.acquire().await else { return };
    let replaced =
        accounts::db::replace_password_hash(&mut connection, login.user, &login.password_hash, &hash).await;
    if let Err(error) = replaced {
        tracing::warn!(%error, "could not strengthen a password's hash");
    }
}

//! Keys with which programs act for a tenant.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::{Access, ApiKeyId, Error, List, Page, Platform, TenantTx, secrets};
use chrono::{DateTime, Utc};
use secrecy::SecretString;

/// What every API key begins with, which tells it from an access token.
pub const API_KEY_PREFIX: &str = "augur_";

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Look at everything of the tenant's.
    Read,
    /// Order and predict as well.
    Write,
}

impl Scope {
    /// The scope's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
        }
    }
}

/// A key, without what makes it one.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The beginning of the key, by which it is recognised.
    pub prefix: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A new key, shown once.
pub struct NewApiKey {
    /// The key's description.
    pub api_key: ApiKey,
    /// The key itself; only its hash is stored.
    pub key: SecretString,
}

/// Makes a key for the caller's tenant.
pub async fn create(
    platform: &Platform,
    access: &Access,
    name: &str,
    scope: Scope,
) -> Result<NewApiKey, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a key's name has 1 to 100 characters"));
    }
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let id = ApiKeyId::new();
    let prefix = format!("{API_KEY_PREFIX}{}", secrets::random_hex::<4>());
    let key = format!("{prefix}_{}", secrets::random_hex::<24>());
    let api_key = db::insert(tx.connection(), writer, id, name, scope, &prefix, &secrets::hash(&key)).await?;
    let event = Event {
        action: "api_key.created",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(id.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    Ok(NewApiKey { api_key, key: SecretString::from(key) })
}

/// The tenant's keys that still work.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<ApiKey>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let keys = db::select(tx.connection(), tenant, page.before_id("api_keys")?, page.rows()).await?;
    Ok(page.cut("api_keys", keys, |key| *key.id.0.as_bytes()))
}

/// Makes a key stop working, at once.
pub async fn revoke(platform: &Platform, access: &Access, id: ApiKeyId) -> Result<(), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    if !db::revoke(tx.connection(), writer.tenant(), id).await? {
        return Err(Error::NotFound("API key"));
    }
    let event = Event {
        action: "api_key.revoked",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(id.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await
}

//! The audit log: every administrator's and security event, append-only, in ids only.

pub(crate) mod db;

use crate::{Access, AdminTx, Error, List, Page, Platform, TenantId, UserId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Something that happened.
#[derive(Clone, Debug, Default)]
pub struct Event<'a> {
    /// What, in snake case with its subject first, such as `user.logged_in`.
    pub action: &'static str,
    /// Who did it; none where nobody was identified.
    pub actor: Option<UserId>,
    /// Whose tenant it concerns.
    pub tenant: Option<TenantId>,
    /// The thing that it was done to.
    pub subject: Option<Uuid>,
    /// More, without addresses and free text.
    pub detail: Value,
    /// The request that did it.
    pub request_id: Option<&'a str>,
}

/// A line of the audit log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// What.
    pub action: String,
    /// Who.
    pub actor_user_id: Option<Uuid>,
    /// Whose tenant.
    pub tenant_id: Option<Uuid>,
    /// To what.
    pub subject_id: Option<Uuid>,
    /// More.
    pub detail: Value,
    /// By which request.
    pub request_id: Option<String>,
}

/// The log over all tenants, for administrators.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Entry>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let entries = db::select(tx.connection(), page.before_id("audit_log")?, page.rows()).await?;
    Ok(page.cut("audit_log", entries, |entry| *entry.id.as_bytes()))
}

/// Writes an event in the transaction of what happened. An id that a client chose for its request may
/// be a name, which could never be erased here: only ids that are nothing but ids are kept.
pub(crate) async fn write(connection: &mut PgConnection, event: Event<'_>) -> Result<(), Error> {
    let request_id = event.request_id.filter(|id| Uuid::parse_str(id).is_ok());
    db::insert(connection, Uuid::now_v7(), &Event { request_id, ..event }).await
}

//! Which tenant a credential belongs to, remembered for counting requests in flight, and for nothing else.
//!
//! A session and a key belong to one tenant for ever, so that the answer cannot grow stale. Whether they still
//! count is asked of the database by each operation anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use platform::{Access, Credential, Error, Platform, TenantTx};
use uuid::Uuid;

/// Credentials remembered at most; a full memory is emptied, which costs each a question to the database.
const CREDENTIALS_MAX: usize = 50_000;

/// Remembers the tenants of credentials.
#[derive(Default)]
pub struct Tenants(Mutex<HashMap<Key, Uuid>>);

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Session(Uuid),
    ApiKey([u8; 32]),
}

impl Tenants {
    /// The tenant for which a credential acts.
    pub async fn tenant_of(&self, platform: &Platform, access: &Access) -> Result<Uuid, Error> {
        let key = match &access.credential {
            Credential::Session(session) => Key::Session(session.0),
            Credential::ApiKey(hash) => Key::ApiKey(*hash),
            Credential::Standing(order) => return Ok(order.tenant().0),
            // No request carries it.
            Credential::Intake(_) => return Err(Error::Unauthenticated),
        };
        if let Some(tenant) = self.known().get(&key).copied() {
            return Ok(tenant);
        }
        let tenant = TenantTx::begin(platform, access).await?.caller().tenant.0;
        let mut known = self.known();
        if known.len() >= CREDENTIALS_MAX {
            known.clear();
        }
        known.insert(key, tenant);
        Ok(tenant)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The administration: everything over all tenants. To whoever administers nothing, these pages do not exist.

pub mod amount;
pub mod audit_log;
pub mod form_key;
pub mod ledger;
mod listed;
pub mod orders;
pub mod overview;
pub mod predictions;
pub mod queue;
pub mod services;
pub mod trainings;
pub mod users;

use platform::administration::{People, Person};
use platform::{TenantId, UserId};

use crate::console::text::Admin;

/// Somebody as a list names them.
pub struct Named {
    /// Their address, or that their account is closed.
    pub name: String,
    /// Their page.
    pub href: String,
}

impl Named {
    fn of(t: &Admin, person: &Person) -> Named {
        let name = if person.closed { t.closed_account.to_owned() } else { person.email.clone() };
        Named { name, href: format!("/admin/users/{}", person.user) }
    }

    /// The customer of a tenant.
    pub fn customer(t: &Admin, people: &People, tenant: TenantId) -> Option<Named> {
        people.of_tenant(tenant).map(|person| Named::of(t, person))
    }

    /// A user.
    pub fn user(t: &Admin, people: &People, user: UserId) -> Option<Named> {
        people.user(user).map(|person| Named::of(t, person))
    }
}

/// How an id is shown where its whole length would be in the way: version 7 begins with the time, so that the end
/// tells one from another.
pub fn short_id(id: &uuid::Uuid) -> String {
    let text = id.simple().to_string();
    text[text.len() - 8..].to_owned()
}

//! The administration: everything over all tenants. To whoever administers nothing, these pages do not exist.

mod amount;
mod audit_log;
mod form_key;
mod ledger;
mod listed;
mod orders;
mod overview;
mod predictions;
mod queue;
mod services;
mod users;

use axum::routing::{MethodRouter, get, post};
use platform::administration::{People, Person};
use platform::{TenantId, UserId};

use crate::console::text::Admin;
use crate::state::Api;

/// The pages of administrators.
pub fn listed_pages() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![
        ("/admin", get(overview::show)),
        ("/admin/queue", get(queue::fragment)),
        ("/admin/users", get(users::list)),
        ("/admin/users/{id}", get(users::show)),
        ("/admin/users/{id}/top-up", post(users::topped_up)),
        ("/admin/users/{id}/role", post(users::role_changed)),
        ("/admin/users/{id}/access", post(users::access_changed)),
        ("/admin/services", get(services::list).post(services::created)),
        ("/admin/services/{id}", post(services::changed)),
        ("/admin/orders", get(orders::list)),
        ("/admin/orders/{id}", get(orders::show)),
        ("/admin/orders/{id}/refund", post(orders::refunded)),
        ("/admin/predictions", get(predictions::list)),
        ("/admin/ledger", get(ledger::show)),
        ("/admin/audit-log", get(audit_log::list)),
    ]
}

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

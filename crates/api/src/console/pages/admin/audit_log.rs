//! The audit log in words.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::administration::{self, AuditSearch, People};
use platform::audit_log::Entry;
use platform::{TenantId, UserId};
use serde_json::Value;

use super::listed::ListQuery;
use super::{Named, short_id};
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Actions, Admin, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::Query;
use crate::state::Api;

const PATH: &str = "/admin/audit-log";

/// An event as the list shows it.
struct EventView {
    at: DateTime<Utc>,
    action: String,
    detail: String,
    who: Named,
    about: Option<Named>,
    request_id: Option<String>,
    short_request_id: String,
}

#[derive(Template)]
#[template(path = "console/admin/audit_log.html")]
struct AuditLogPage {
    shell: Shell,
    t: &'static Admin,
    query: ListQuery,
    base: String,
    actions: Vec<(&'static str, &'static str)>,
    events: Vec<EventView>,
    next_cursor: Option<String>,
}

/// The list.
pub async fn list(
    State(api): State<Api>,
    visitor: AdminVisitor,
    Query(query): Query<ListQuery>,
) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let words = Actions::of(shell.language);
    let (from, to) = query.span();
    let action = words.said(&query.status).map(|_| query.status.clone());
    let search = AuditSearch { action, words: query.words(), from, to };
    let found = administration::audit_log(&api.platform, &access, &search, &query.page()).await?;
    let view = |entry| EventView::of(&shell, t, words, entry, &found.people);
    let curl = shell.curl_get("/api/v1/admin/audit-log?limit=50");
    let page = AuditLogPage {
        t,
        base: query.base(PATH),
        query,
        actions: words.all().into_iter().collect(),
        events: found.list.data.into_iter().map(view).collect(),
        next_cursor: found.list.next_cursor,
        shell: shell.with_curl(curl),
    };
    render(&page)
}

impl EventView {
    fn of(shell: &Shell, t: &Admin, words: &Actions, entry: Entry, people: &People) -> EventView {
        EventView {
            at: entry.created_at,
            action: words.said(&entry.action).map_or_else(|| entry.action.clone(), str::to_owned),
            detail: detail(shell, words, &entry),
            who: who(t, &entry, people),
            about: about(t, &entry, people),
            short_request_id: entry
                .request_id
                .as_deref()
                .map(|id| id.chars().skip(id.chars().count().saturating_sub(8)).collect())
                .unwrap_or_default(),
            request_id: entry.request_id,
        }
    }
}

/// Who did it.
fn who(t: &Admin, entry: &Entry, people: &People) -> Named {
    let Some(actor) = entry.actor_user_id else {
        return Named { name: t.nobody.to_owned(), href: String::new() };
    };
    if UserId(actor) == UserId::COMMAND_LINE {
        return Named { name: t.command_line.to_owned(), href: String::new() };
    }
    Named::user(t, people, UserId(actor))
        .unwrap_or_else(|| Named { name: short_id(&actor), href: format!("/admin/users?q={actor}") })
}

/// What it was done to, where that is somebody or something else than who did it.
fn about(t: &Admin, entry: &Entry, people: &People) -> Option<Named> {
    let subject = entry.subject_id?;
    let thing = |name: &str, list: &str| {
        Some(Named {
            name: format!("{name} {}", short_id(&subject)),
            href: format!("/admin/{list}?q={subject}"),
        })
    };
    match entry.action.as_str() {
        "order.refunded" => thing(t.order, "orders"),
        "prediction.deleted" => thing(t.the_prediction, "predictions"),
        "service.created" | "service.changed" => Some(Named {
            name: format!("{} {}", t.service, short_id(&subject)),
            href: "/admin/services".to_owned(),
        }),
        _ if entry.actor_user_id == Some(subject) => None,
        _ => Named::user(t, people, UserId(subject)).or_else(|| {
            let customer = Named::customer(t, people, TenantId(entry.tenant_id?))?;
            (people.of_tenant(TenantId(entry.tenant_id?))?.user.0 != entry.actor_user_id?).then_some(customer)
        }),
    }
}

/// What more the log knows, in words.
fn detail(shell: &Shell, words: &Actions, entry: &Entry) -> String {
    let flag = |name: &str| entry.detail.get(name).and_then(Value::as_bool);
    let amount =
        |name: &str| entry.detail.get(name).and_then(Value::as_i64).map(|amount| shell.money(amount));
    let said: Vec<String> = match entry.action.as_str() {
        "user.changed" => [
            flag("is_admin").map(|is| if is { words.made_admin } else { words.unmade_admin }),
            flag("disabled").map(|is| if is { words.disabled } else { words.enabled }),
        ]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect(),
        "user.registered" if flag("is_admin") == Some(true) => vec![words.as_admin.to_owned()],
        "service.created" | "service.changed" => {
            let model = entry.detail.get("model").and_then(Value::as_str).map(str::to_owned);
            let t = Admin::of(shell.language);
            let sale = flag("active").map(|is| if is { t.on_sale } else { t.off_sale }.to_owned());
            [model, amount("price"), sale].into_iter().flatten().collect()
        }
        "account.closed" => {
            let forfeited =
                entry.detail.get("forfeited").and_then(Value::as_i64).filter(|amount| *amount > 0);
            forfeited.map(|amount| fill(words.forfeited, &[("", &shell.money(amount))])).into_iter().collect()
        }
        _ => Vec::new(),
    };
    said.join(" · ")
}

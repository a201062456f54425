//! API keys, and what to do with them.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::api_keys::{self, ApiKey, Scope};
use platform::{Access, ApiKeyId, Error, List, Page, services};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::console::errors::PageError;
use crate::console::forgery::SignedForm;
use crate::console::pages::account::NoFields;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::snippets::Snippets;
use crate::console::text::{Keys, errors, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::problem::sentence;
use crate::state::Api;

const KEYS: u32 = 50;

#[derive(Template)]
#[template(path = "console/api_keys.html")]
struct KeysPage {
    shell: Shell,
    t: &'static Keys,
    keys: Vec<ApiKey>,
    is_first: bool,
    next_cursor: Option<String>,
    /// A key that was made just now, and is never shown again.
    made: Option<Made>,
    name: String,
    wants_write: bool,
    error: Option<String>,
    snippets: Option<Snippets>,
    snippets_said: String,
}

struct Made {
    key: String,
    may_write: bool,
}

/// What a form says that was refused.
struct Refused {
    name: String,
    wants_write: bool,
    error: String,
}

/// Which part of the list is wanted.
#[derive(Deserialize)]
pub struct KeysQuery {
    cursor: Option<String>,
}

/// A new key.
#[derive(Deserialize)]
pub struct KeyForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scope: String,
}

/// The keys.
pub async fn list(State(api): State<Api>, visitor: Visitor, Query(query): Query<KeysQuery>) -> PageResult {
    render(&keys_page(&api, visitor.shell, &visitor.access, query.cursor, None, None).await?)
}

/// Makes a key. The page itself answers, so that the key stands in no address.
pub async fn made(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<KeyForm>,
) -> PageResult {
    let wants_write = body.scope != Scope::Read.as_str();
    let scope = if wants_write { Scope::Write } else { Scope::Read };
    match api_keys::create(&api.platform, &access, &body.name, scope).await {
        Ok(made) => {
            let made = Made { key: made.key.expose_secret().to_owned(), may_write: wants_write };
            render(&keys_page(&api, shell, &access, None, Some(made), None).await?)
        }
        Err(Error::Invalid(problems)) => {
            let said = problems.first().map(|problem| sentence(&problem.message)).unwrap_or_default();
            let error = errors::sentence(shell.language, &said);
            let refused = Refused { name: body.name, wants_write, error };
            let page = keys_page(&api, shell, &access, None, None, Some(refused)).await?;
            render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a key stop working. Whoever presses the button twice finds it revoked.
pub async fn revoked(
    State(api): State<Api>,
    Id(id): Id<ApiKeyId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    match api_keys::revoke(&api.platform, &access, id).await {
        Ok(()) | Err(Error::NotFound(_)) => Ok(see_other("/api-keys?notice=revoked")),
        Err(error) => Err(error.into()),
    }
}

async fn keys_page(
    api: &Api,
    shell: Shell,
    access: &Access,
    cursor: Option<String>,
    made: Option<Made>,
    refused: Option<Refused>,
) -> Result<KeysPage, PageError> {
    let page = Page { limit: KEYS, cursor };
    let List { data: keys, next_cursor } = api_keys::list(&api.platform, access, &page).await?;
    let cheapest = services::list(&api.platform, access, &Page { limit: 1, cursor: None }).await?;
    let cheapest = cheapest.data.into_iter().next();
    let t = Keys::of(shell.language);
    let key = made.as_ref().filter(|made| made.may_write).map(|made| made.key.as_str());
    let snippets =
        cheapest.as_ref().map(|service| Snippets::new(&shell.base_url, &service.id.to_string(), key));
    let snippets_said = cheapest.map(|service| {
        let price = shell.money(service.price.minor_units());
        fill(t.snippets_text, &[("service", &service.name), ("price", &price)])
    });
    let curl = shell.curl_send("POST", "/api/v1/api-keys", r#"{"name": "nightly job", "scope": "write"}"#);
    let (name, wants_write, error) = match refused {
        Some(refused) => (refused.name, refused.wants_write, Some(refused.error)),
        None => (String::new(), true, None),
    };
    Ok(KeysPage {
        t,
        keys,
        is_first: page.cursor.is_none(),
        next_cursor,
        made,
        name,
        wants_write,
        error,
        snippets,
        snippets_said: snippets_said.unwrap_or_default(),
        shell: shell.with_curl(curl),
    })
}

impl KeysPage {
    fn scope(&self, key: &ApiKey) -> &'static str {
        match key.scope {
            Scope::Write => self.t.scope_write,
            Scope::Read => self.t.scope_read,
        }
    }

    fn revoke_text(&self, key: &ApiKey) -> String {
        fill(self.t.revoke_text, &[("name", &key.name)])
    }

    /// Which key the snippets hold.
    fn snippets_key(&self) -> &'static str {
        match &self.made {
            Some(made) if made.may_write => self.t.snippets_key_is_in,
            Some(_) => self.t.snippets_key_only_reads,
            None => self.t.snippets_key_from_environment,
        }
    }
}

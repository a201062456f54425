//! What is around every page: who looks at it, in which language and theme, and where it is.

use std::borrow::Borrow;

use askama::Template;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use ledger::Money;

use super::assets;
use super::errors::PageError;
use super::format;
use super::language::Language;
use super::text::{self, Layout};
use super::theme::Theme;
use crate::state::Api;

/// The answer of a page.
pub type PageResult = Result<Response, PageError>;

/// The frame of a page.
pub struct Shell {
    /// The language of the page.
    pub language: Language,
    /// The theme of the page.
    pub theme: Theme,
    /// The texts of the frame.
    pub layout: &'static Layout,
    /// The token of the page's forms.
    pub csrf: String,
    /// Who is signed in, if anybody.
    pub member: Option<Member>,
    /// ISO 4217 code of all money.
    pub currency: String,
    /// The path of the page, without its query.
    pub path: String,
    /// Path and query, to come back to.
    pub here: String,
    /// Where this installation is reached, such as `https://augur.example`.
    pub base_url: String,
    /// The same call as a command, shown behind a button.
    pub curl: Option<String>,
    /// What has just been done, in a sentence.
    pub notice: Option<&'static str>,
}

/// Somebody who is signed in.
pub struct Member {
    /// The address that they sign in with.
    pub email: String,
    /// What they want to be called, or else their address.
    pub name: String,
    /// Whether they administer the platform.
    pub is_admin: bool,
    /// What their tenant has.
    pub balance: Money,
}

impl Member {
    /// What stands for them in the header.
    pub fn initial(&self) -> String {
        self.name.chars().next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default()
    }
}

impl Shell {
    /// The frame for a request, for somebody or nobody.
    pub(crate) fn new(api: &Api, parts: &Parts, csrf: String, member: Option<Member>) -> Shell {
        let language = Language::of(&parts.headers);
        let layout = Layout::of(language);
        Shell {
            language,
            theme: Theme::of(&parts.headers),
            layout,
            csrf,
            member,
            currency: api.platform.currency.clone(),
            path: parts.uri.path().to_owned(),
            here: parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned(),
            base_url: base_url(&parts.headers, api.config.tls),
            curl: None,
            notice: notice(layout, parts.uri.query().unwrap_or_default()),
        }
    }

    /// Adds the same call as a command.
    pub fn with_curl(mut self, command: impl Into<String>) -> Shell {
        self.curl = Some(command.into());
        self
    }

    /// A command that reads a path of the API.
    pub fn curl_get(&self, path: &str) -> String {
        format!("curl -H \"Authorization: Bearer $AUGUR_API_KEY\" \\\n  '{}{path}'", self.base_url)
    }

    /// A command that sends JSON to a path of the API.
    pub fn curl_send(&self, method: &str, path: &str, json: &str) -> String {
        format!(
            "curl -X {method} -H \"Authorization: Bearer $AUGUR_API_KEY\" \\\n  \
             -H 'Content-Type: application/json' -d '{json}' \\\n  '{}{path}'",
            self.base_url
        )
    }

    /// Whether somebody who administers the platform is signed in.
    pub fn is_admin(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.is_admin)
    }

    /// Whether the page belongs to a part of the console: its path is `part` or below it.
    pub fn is_in(&self, part: &str) -> bool {
        self.path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The address of an asset, which changes with its content.
    pub fn asset(&self, name: &str) -> String {
        assets::address_of(name)
    }

    /// An amount of minor units.
    pub fn money(&self, minor_units: impl Borrow<i64>) -> String {
        format::money(self.language, *minor_units.borrow(), &self.currency)
    }

    /// An amount of minor units with its sign in front.
    pub fn signed_money(&self, minor_units: impl Borrow<i64>) -> String {
        format::signed_money(self.language, *minor_units.borrow(), &self.currency)
    }

    /// An estimated amount of minor units, to the nearest major one.
    pub fn estimate(&self, minor_units: impl Borrow<f64>) -> String {
        format::estimated_money(self.language, *minor_units.borrow(), &self.currency)
    }

    /// A whole number with its thousands apart.
    pub fn number(&self, number: impl Borrow<u64>) -> String {
        format::number(self.language, *number.borrow())
    }

    /// A share from 0 to 1 in per cent, with one decimal.
    pub fn share(&self, share: impl Borrow<f64>) -> String {
        format::share(self.language, *share.borrow(), 1)
    }

    /// A share from 0 to 1 in whole per cent.
    pub fn whole_share(&self, share: impl Borrow<f64>) -> String {
        format::share(self.language, *share.borrow(), 0)
    }

    /// A fraction with a fixed number of decimals.
    pub fn fraction(&self, value: impl Borrow<f64>, decimals: usize) -> String {
        format::fraction(self.language, *value.borrow(), decimals)
    }

    /// A moment.
    pub fn time(&self, at: impl Borrow<DateTime<Utc>>) -> String {
        format::time(self.language, *at.borrow())
    }

    /// A day.
    pub fn date(&self, at: impl Borrow<DateTime<Utc>>) -> String {
        format::date(self.language, *at.borrow())
    }

    /// A number of things: `forms` has a `{}` in each of the forms that `|` separates.
    pub fn count(&self, number: impl Borrow<u64>, forms: &'static str) -> String {
        let number = *number.borrow();
        text::fill(self.language.plural(number, forms), &[("", &self.number(number))])
    }

    /// The address that shows this page in a language, or in a theme.
    pub fn preference(&self, name: &str, value: &str) -> String {
        let next = serde_urlencoded::to_string([(name, value), ("next", &self.here)]);
        format!("/preferences?{}", next.unwrap_or_default())
    }
}

/// A page as an answer.
pub fn render(page: &impl Template) -> PageResult {
    render_with(StatusCode::OK, page)
}

/// A page as an answer with a status of its own, such as a form that was refused.
pub fn render_with(status: StatusCode, page: &impl Template) -> PageResult {
    let html = page.render().map_err(|error| PageError::internal(&error))?;
    Ok((status, Html(html)).into_response())
}

/// Sends a browser to another page, after a form.
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(axum::http::header::LOCATION, location);
    }
    response
}

/// Where a browser has found this installation. The name is the browser's own, so that what is shown works for it.
fn base_url(headers: &HeaderMap, tls: bool) -> String {
    let is_plain =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(is_plain);
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

fn notice(layout: &'static Layout, query: &str) -> Option<&'static str> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    let (_, code) = pairs.iter().find(|(name, _)| name == "notice")?;
    layout.notice(code)
}

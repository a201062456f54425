//! What a browser sees where an API's client would see a problem: a page in the visitor's language that says what to do.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::shell::Shell;
use super::text::{Layout, errors};
use crate::problem::{Problem, Told};
use crate::state::Api;

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Why a page is not shown.
#[derive(Debug)]
pub enum PageError {
    /// Whoever asks has to sign in first, and comes back here then.
    SignIn { next: String, is_fragment: bool },
    /// Anything else.
    Problem(Problem),
}

/// The page of an error.
#[derive(Template)]
#[template(path = "console/error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    title: &'static str,
    said: String,
    id: Option<String>,
}

/// The same in place of a part of a page.
#[derive(Template)]
#[template(path = "console/_error.html")]
struct ErrorFragment {
    layout: &'static Layout,
    title: &'static str,
    said: String,
    id: Option<String>,
}

impl PageError {
    /// The visitor has to sign in.
    pub fn sign_in(parts: &Parts) -> PageError {
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
        // What was sent by a form cannot be asked for again.
        let next = if parts.method == Method::GET { here.to_owned() } else { "/".to_owned() };
        PageError::SignIn { next, is_fragment: is_fragment(&parts.headers) }
    }

    /// There is no such page, or it is another's.
    pub fn not_found() -> PageError {
        Problem::not_found().into()
    }

    /// The form was not sent by a page of ours.
    pub fn forged() -> PageError {
        let detail = "This form was not sent from a page of this installation, or its page is too old.";
        Problem::new(StatusCode::FORBIDDEN, "forged_form", detail).into()
    }

    /// Something is wrong inside.
    pub fn internal(cause: &dyn std::fmt::Display) -> PageError {
        Problem::internal(cause).into()
    }
}

impl<E: Into<Problem>> From<E> for PageError {
    fn from(error: E) -> PageError {
        PageError::Problem(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            PageError::SignIn { next, is_fragment } => {
                let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
                let location = HeaderValue::from_str(&format!("/sign-in?{query}"));
                let (status, name) = match is_fragment {
                    true => (StatusCode::UNAUTHORIZED, HX_REDIRECT),
                    false => (StatusCode::SEE_OTHER, LOCATION),
                };
                let mut response = status.into_response();
                if let Ok(location) = location {
                    response.headers_mut().insert(name, location);
                }
                response
            }
            PageError::Problem(problem) => problem.into_response(),
        }
    }
}

/// Shows problems as pages where a browser asked, or as parts of one where a script asked for a part.
pub async fn show_errors(State(api): State<Api>, request: Request, next: Next) -> Response {
    if !is_asked_by_console(request.uri().path(), request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let seen = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions_mut().remove::<Told>() {
        Some(told) => page_of(&api, &seen, told, response),
        None => response,
    }
}

fn page_of(api: &Api, parts: &Parts, told: Told, response: Response) -> Response {
    let shell = Shell::new(api, parts, String::new(), None);
    let title = errors::title(shell.language, &told.code);
    let said = errors::said(shell.language, &told.code, &told.detail);
    let id = told.id.map(|id| id.to_string());
    let status = response.status();
    let html = match is_fragment(&parts.headers) {
        true => ErrorFragment { title, said, id, layout: shell.layout }.render(),
        false => ErrorPage { status: status.as_u16(), shell, title, said, id }.render(),
    };
    let mut page = (status, Html(html.unwrap_or_default())).into_response();
    if let Some(wait) = response.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, wait.clone());
    }
    page
}

/// Whether a page or a part of one was asked for, and not the API.
fn is_asked_by_console(path: &str, headers: &HeaderMap) -> bool {
    let is_for_programs = ["/api", "/docs", "/livez", "/readyz", "/metrics", "/assets"]
        .iter()
        .any(|part| path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !is_for_programs && (accepted.contains("text/html") || is_fragment(headers))
}

/// Whether a script asks for a part of a page.
pub fn is_fragment(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

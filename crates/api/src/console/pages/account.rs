//! Signing in, up and out; the account, its password, and what the console looks like.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use platform::accounts::{self, Email, Password, Registration};
use platform::{Error, closing, sessions};
use secrecy::SecretString;
use serde::Deserialize;

use crate::console::cookies::{self, Secrecy};
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::{GuestForm, SignedForm};
use crate::console::language::{LANGUAGE_COOKIE, Language};
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Account, fill};
use crate::console::theme::{THEME_COOKIE, Theme};
use crate::console::visitor::{Guest, Visitor};
use crate::extract::{ClientAddress, Query, RequestId};
use crate::login::log_in;
use crate::problem::{Problem, sentence};
use crate::routes::export;
use crate::state::Api;

const YEAR: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage {
    shell: Shell,
    t: &'static Account,
    next: String,
    email: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "console/sign_up.html")]
struct SignUpPage {
    shell: Shell,
    t: &'static Account,
    email: String,
    name: String,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "console/account.html")]
struct AccountPage {
    shell: Shell,
    t: &'static Account,
    email: String,
    role: &'static str,
    tenant: String,
    created_at: DateTime<Utc>,
    /// What giving up the balance is called, where there is one.
    forfeit: Option<String>,
    errors: FieldErrors,
}

/// Where to go once signed in.
#[derive(Deserialize)]
pub struct NextQuery {
    #[serde(default)]
    next: String,
}

/// A login.
#[derive(Deserialize)]
pub struct SignInForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// A new user.
#[derive(Deserialize)]
pub struct SignUpForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    name: String,
}

/// A change of password.
#[derive(Deserialize)]
pub struct PasswordForm {
    #[serde(default)]
    current_password: SecretString,
    #[serde(default)]
    new_password: SecretString,
}

/// The end of an account.
#[derive(Deserialize)]
pub struct CloseForm {
    #[serde(default)]
    password: SecretString,
    /// There where the box is ticked.
    forfeit_balance: Option<String>,
}

/// A button without fields.
#[derive(Deserialize)]
pub struct NoFields {}

/// What the console looks like.
#[derive(Deserialize)]
pub struct Preferences {
    language: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    next: String,
}

/// The way in: to one's work, or to the login.
pub async fn home(visitor: Visitor) -> Response {
    see_other(if visitor.shell.is_admin() { "/admin" } else { "/predict" })
}

/// The login.
pub async fn sign_in(
    guest: Guest,
    visitor: Result<Visitor, PageError>,
    Query(query): Query<NextQuery>,
) -> PageResult {
    if visitor.is_ok() {
        return Ok(see_other(&inner_path(&query.next)));
    }
    let shell = guest.shell;
    let t = Account::of(shell.language);
    let page = SignInPage { t, shell, next: query.next, email: String::new(), error: None };
    Ok(with_cookie(render(&page)?, guest.cookie))
}

/// Signs in.
pub async fn signed_in(
    State(api): State<Api>,
    ClientAddress(address): ClientAddress,
    RequestId(request_id): RequestId,
    GuestForm { shell, body }: GuestForm<SignInForm>,
) -> PageResult {
    let t = Account::of(shell.language);
    match log_in(&api, address, &body.email, body.password, &request_id).await {
        Ok(login) => Ok(with_cookie(see_other(&inner_path(&body.next)), api.session_cookie(login.session))),
        Err(problem) => {
            let status = problem.status();
            let error = Some(login_error(t, problem)?);
            let page = SignInPage { t, shell, next: body.next, email: body.email, error };
            render_with(status, &page)
        }
    }
}

/// The form of a new account.
pub async fn sign_up(guest: Guest, visitor: Result<Visitor, PageError>) -> PageResult {
    if visitor.is_ok() {
        return Ok(see_other("/"));
    }
    let shell = guest.shell;
    let t = Account::of(shell.language);
    let errors = FieldErrors::default();
    let page = SignUpPage { t, shell, email: String::new(), name: String::new(), errors };
    Ok(with_cookie(render(&page)?, guest.cookie))
}

/// Makes a user and signs them in.
pub async fn signed_up(
    State(api): State<Api>,
    RequestId(request_id): RequestId,
    GuestForm { shell, body }: GuestForm<SignUpForm>,
) -> PageResult {
    let SignUpForm { email, password, name } = body;
    let mut errors = FieldErrors::default();
    let address = Email::parse(&email).map_err(|error| errors.take(shell.language, error)).ok();
    let parsed = Password::parse("password", password.clone());
    let parsed = parsed.map_err(|error| errors.take(shell.language, error)).ok();
    if let (Some(address), Some(parsed)) = (address, parsed) {
        let registration = Registration { email: address, password: parsed, name: Some(name.clone()) };
        match accounts::register(&api.platform, registration, &request_id).await {
            Ok(_) => {
                let login = sessions::log_in(&api.platform, &email, password, &request_id).await?;
                let welcome = see_other("/predict?notice=welcome");
                return Ok(with_cookie(welcome, api.session_cookie(login.session)));
            }
            Err(error) => errors.take(shell.language, error)?,
        }
    }
    let t = Account::of(shell.language);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &SignUpPage { t, shell, email, name, errors })
}

/// Signs out.
pub async fn signed_out(State(api): State<Api>, form: Result<SignedForm<NoFields>, PageError>) -> PageResult {
    match form {
        Ok(form) => sessions::log_out(&api.platform, &form.access).await?,
        // The login had ended before.
        Err(PageError::SignIn { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(with_cookie(see_other("/sign-in?notice=signed_out"), api.no_session_cookie()))
}

/// The account.
pub async fn show(State(api): State<Api>, visitor: Visitor) -> PageResult {
    let page = account_page(&api, visitor.shell, &visitor.access, FieldErrors::default()).await?;
    render(&page)
}

/// Changes the password.
pub async fn password_changed(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<PasswordForm>,
) -> PageResult {
    let mut errors = FieldErrors::default();
    let changed = match Password::parse("new_password", body.new_password) {
        Ok(new) => accounts::change_password(&api.platform, &access, body.current_password, new).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(see_other("/account?notice=password")),
        Err(error) => {
            errors.take(shell.language, error)?;
            let page = account_page(&api, shell, &access, errors).await?;
            render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// Everything that is kept of the visitor's tenant, as one archive.
pub async fn export(State(api): State<Api>, visitor: Visitor) -> PageResult {
    Ok(export::answer(&api, visitor.access).await?)
}

/// Closes the account for good.
pub async fn closed(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<CloseForm>,
) -> PageResult {
    let closed =
        closing::close_own(&api.platform, &access, body.password, body.forfeit_balance.is_some()).await;
    let t = Account::of(shell.language);
    let mut errors = FieldErrors::default();
    match closed {
        Ok(()) => return Ok(with_cookie(see_other("/sign-in?notice=closed"), api.no_session_cookie())),
        Err(Error::Conflict { code, message }) => {
            let said = match code {
                "balance_not_zero" => t.close_balance.to_owned(),
                "prediction_not_finished" => t.close_unfinished.to_owned(),
                "last_administrator" => t.close_last_administrator.to_owned(),
                _ => sentence(&message),
            };
            errors.add("close", said);
        }
        Err(error) => errors.take(shell.language, error)?,
    }
    let page = account_page(&api, shell, &access, errors).await?;
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Remembers a language or a theme.
pub async fn prefer(State(api): State<Api>, Query(query): Query<Preferences>) -> Response {
    let mut response = see_other(&inner_path(&query.next));
    let language = query
        .language
        .as_deref()
        .and_then(Language::of_tag)
        .map(|language| (LANGUAGE_COOKIE, language.tag()));
    let theme = query.theme.as_deref().and_then(Theme::of_name).map(|theme| (THEME_COOKIE, theme.name()));
    for (name, value) in [language, theme].into_iter().flatten() {
        if let Some(cookie) = cookies::set(name, value, Some(YEAR), Secrecy::Open, api.config.tls) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn account_page(
    api: &Api,
    shell: Shell,
    access: &platform::Access,
    errors: FieldErrors,
) -> Result<AccountPage, PageError> {
    let user = accounts::me(&api.platform, access).await?;
    let t = Account::of(shell.language);
    let curl = shell.curl_get("/api/v1/me");
    let left = shell.member.as_ref().map_or(0, |member| member.balance.minor_units());
    let forfeit = (left > 0).then(|| fill(t.forfeit, &[("balance", &shell.money(left))]));
    Ok(AccountPage {
        t,
        email: user.email,
        role: if user.is_admin { t.role_admin } else { t.role_customer },
        tenant: user.tenant.0.to_string(),
        created_at: user.created_at,
        forfeit,
        errors,
        shell: shell.with_curl(curl),
    })
}

/// What the form says of a login that failed by what was typed; any other problem is a page of its own.
fn login_error(t: &Account, problem: Problem) -> Result<String, PageError> {
    match problem.code() {
        "invalid_credentials" => Ok(t.wrong_login.to_owned()),
        "too_many_failed_logins" => {
            let seconds: u64 = problem
                .header_value(&axum::http::header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .unwrap_or(60);
            Ok(fill(t.too_many_logins, &[("minutes", &seconds.div_ceil(60).to_string())]))
        }
        _ => Err(problem.into()),
    }
}

/// A path of this installation; whatever else somebody has put there leads home.
fn inner_path(next: &str) -> String {
    let is_inner = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_inner { next.to_owned() } else { "/".to_owned() }
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        let headers: &mut HeaderMap = response.headers_mut();
        headers.append(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site_after_the_login() {
        assert_eq!(inner_path("/orders?status=paid"), "/orders?status=paid");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/a\r\nb",
        ] {
            assert_eq!(inner_path(elsewhere), "/", "{elsewhere}");
        }
    }
}

//! Signing in and out, by the OAuth 2.0 password and refresh grants (RFC 6749, sections 4.3 and 6).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use platform::{Error, sessions};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Caller, ClientAddress, FormBody, RequestId};
use crate::login::log_in;
use crate::problem::Problem;
use crate::state::Api;

/// A token request. The optional fields of OAuth 2.0 are accepted and mean nothing here.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `password` (the default) or `refresh_token`.
    #[schema(example = "password", required = false)]
    grant_type: Option<String>,
    /// The e-mail address, with `grant_type=password`.
    #[schema(example = "demo@augur.example")]
    username: Option<String>,
    /// With `grant_type=password`.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
    /// With `grant_type=refresh_token`.
    #[schema(value_type = Option<String>, format = Password)]
    refresh_token: Option<SecretString>,
}

/// An access token, and what continues the login when it has run out.
#[derive(Serialize, ToSchema)]
pub struct Token {
    access_token: String,
    #[schema(value_type = String, example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token runs out.
    #[schema(example = 900)]
    expires_in: u64,
    /// Good once; each refresh gives a new one.
    refresh_token: String,
}

/// Sign in, or refresh
///
/// The access token is sent as `Authorization: Bearer`. A refresh token is good once: a used one that comes back
/// ends the login for whoever holds it.
#[utoipa::path(
    post, path = "/api/v1/auth/token", tag = "Accounts", operation_id = "create_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The tokens", body = Token),
        (status = 401, description = "`invalid_credentials` or `invalid_refresh_token`"),
        (status = 429, description = "`too_many_failed_logins`: 10 within 15 minutes from one network"),
    ),
)]
pub async fn token(
    State(api): State<Api>,
    ClientAddress(address): ClientAddress,
    RequestId(request_id): RequestId,
    FormBody(form): FormBody<TokenRequest>,
) -> Result<Json<Token>, Problem> {
    let login = match form.grant_type.as_deref() {
        None | Some("" | "password") => {
            let username = form.username.ok_or_else(|| missing("username"))?;
            let password = form.password.ok_or_else(|| missing("password"))?;
            log_in(&api, address, &username, password, &request_id).await?
        }
        Some("refresh_token") => {
            let token = form.refresh_token.ok_or_else(|| missing("refresh_token"))?;
            let refreshed = sessions::refresh(&api.platform, token.expose_secret(), &request_id).await;
            refreshed.map_err(|error| {
                unless_unauthenticated(error, "invalid_refresh_token", "The refresh token is not valid.")
            })?
        }
        Some(_) => {
            let detail = "Use grant_type=password or grant_type=refresh_token.";
            return Err(Problem::bad_request("unsupported_grant_type", detail));
        }
    };
    Ok(Json(Token {
        access_token: api.tokens.issue(login.session.0, login.user.0)?,
        token_type: "bearer",
        expires_in: api.tokens.lifetime().as_secs(),
        refresh_token: login.refresh_token.expose_secret().to_owned(),
    }))
}

/// Sign out
///
/// The access and refresh tokens of this login stop working at once.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "Accounts", operation_id = "log_out",
    responses((status = 204, description = "Signed out")),
)]
pub async fn logout(State(api): State<Api>, Caller(access): Caller) -> Result<StatusCode, Problem> {
    sessions::log_out(&api.platform, &access).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn unless_unauthenticated(error: Error, code: &'static str, detail: &'static str) -> Problem {
    match error {
        Error::Unauthenticated => Problem::unauthorized(code, detail),
        error => error.into(),
    }
}

fn missing(field: &'static str) -> Problem {
    Problem::invalid_field(field, "This field is required.")
}

//! Registering, looking oneself up, changing the password.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::{accounts, closing};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::{Caller, JsonBody, RequestId};
use crate::problem::Problem;
use crate::state::Api;

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The address to sign in with.
    #[schema(example = "ann@customer.example", max_length = 254)]
    email: String,
    /// 8 to 128 characters, and none of the common ones.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128,
        example = "seven green bicycles")]
    password: SecretString,
    /// What you want to be called.
    #[schema(example = "Ann", max_length = 200)]
    name: Option<String>,
}

/// The user who was made.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    user: User,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    #[schema(required)]
    pub name: Option<String>,
    pub role: Role,
    /// The user's tenant, to which orders, files and money belong.
    pub tenant_id: Uuid,
    pub created_at: DateTime<Utc>,
}

/// What a user may do on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A customer.
    User,
    /// Runs the platform.
    Admin,
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "current_password": "", "new_password": "seven green bicycles" }))]
pub struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// 8 to 128 characters, and none of the common ones.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new_password: SecretString,
}

/// The end of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "password": "" }))]
pub struct Closing {
    /// Proves that it is the owner who asks.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Gives up the money that is left.
    #[serde(default)]
    forfeit_balance: bool,
}

impl From<accounts::User> for User {
    fn from(user: accounts::User) -> User {
        User {
            id: user.id.0,
            email: user.email,
            name: user.name,
            role: if user.is_admin { Role::Admin } else { Role::User },
            tenant_id: user.tenant.0,
            created_at: user.created_at,
        }
    }
}

/// Register
///
/// Makes a user, a tenant and its balance of 0, together.
#[utoipa::path(
    post, path = "/api/v1/auth/register", tag = "Accounts", operation_id = "register",
    request_body = Registration,
    responses(
        (status = 201, description = "The user", body = Registered),
        (status = 409, description = "`email_taken`"),
    ),
)]
pub async fn register(
    State(api): State<Api>,
    RequestId(request_id): RequestId,
    JsonBody(body): JsonBody<Registration>,
) -> Result<(StatusCode, Json<Registered>), Problem> {
    let registration = accounts::Registration {
        email: accounts::Email::parse(&body.email)?,
        password: accounts::Password::parse("password", body.password)?,
        name: body.name,
    };
    let user = accounts::register(&api.platform, registration, &request_id).await?;
    Ok((StatusCode::CREATED, Json(Registered { user: user.into() })))
}

/// Who am I
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Accounts", operation_id = "get_me",
    responses((status = 200, description = "The user whose token or key it is", body = User)),
)]
pub async fn me(State(api): State<Api>, Caller(access): Caller) -> Result<Json<User>, Problem> {
    Ok(Json(accounts::me(&api.platform, &access).await?.into()))
}

/// Close the account
///
/// Erases everything personal at once: address, name, password, keys, logins, notes, inputs and results. What stays
/// is the record of the money, in ids alone. The address can be registered again. Signed in with the password only.
#[utoipa::path(
    delete, path = "/api/v1/me", tag = "Accounts", operation_id = "close_account",
    request_body = Closing,
    responses(
        (status = 204, description = "Closed"),
        (status = 409, description = "`prediction_not_finished`; `balance_not_zero` without `forfeit_balance`; \
            `last_administrator`"),
    ),
)]
pub async fn close(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<Closing>,
) -> Result<StatusCode, Problem> {
    closing::close_own(&api.platform, &access, body.password, body.forfeit_balance).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the password
///
/// Every other login of the user ends.
#[utoipa::path(
    post, path = "/api/v1/me/password", tag = "Accounts", operation_id = "change_password",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed")),
)]
pub async fn change_password(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let new_password = accounts::Password::parse("new_password", body.new_password)?;
    accounts::change_password(&api.platform, &access, body.current_password, new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

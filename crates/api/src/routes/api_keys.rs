//! Keys with which programs act for a tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::{ApiKeyId, api_keys};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Listed;
use crate::extract::{Caller, Id, JsonBody, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// What a key is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRequest {
    #[schema(example = "nightly job", min_length = 1, max_length = 100)]
    name: String,
    scope: Scope,
}

/// What a key may do.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "write")]
pub enum Scope {
    /// Look at everything of the tenant's.
    Read,
    /// Order and predict as well.
    Write,
}

/// A key, without what makes it one.
#[derive(Serialize, ToSchema)]
pub struct ApiKey {
    id: Uuid,
    name: String,
    scope: Scope,
    /// The beginning of the key, by which it is recognised.
    #[schema(example = "augur_1a2b3c4d")]
    prefix: String,
    created_at: DateTime<Utc>,
}

/// A new key.
#[derive(Serialize, ToSchema)]
pub struct NewApiKey {
    #[serde(flatten)]
    api_key: ApiKey,
    /// The key itself, shown this once.
    key: String,
}

impl From<api_keys::ApiKey> for ApiKey {
    fn from(key: api_keys::ApiKey) -> ApiKey {
        let scope = match key.scope {
            api_keys::Scope::Read => Scope::Read,
            api_keys::Scope::Write => Scope::Write,
        };
        ApiKey { id: key.id.0, name: key.name, scope, prefix: key.prefix, created_at: key.created_at }
    }
}

impl From<Scope> for api_keys::Scope {
    fn from(scope: Scope) -> api_keys::Scope {
        match scope {
            Scope::Read => api_keys::Scope::Read,
            Scope::Write => api_keys::Scope::Write,
        }
    }
}

/// List API keys
#[utoipa::path(
    get, path = "/api/v1/api-keys", tag = "Accounts", operation_id = "list_api_keys",
    params(PageQuery),
    responses((status = 200, description = "The keys that work", body = Listed<ApiKey>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<ApiKey>>, Problem> {
    let keys = api_keys::list(&api.platform, &access, &query.page()?).await?;
    Ok(Json(Listed::new(keys, ApiKey::from)))
}

/// Make an API key
#[utoipa::path(
    post, path = "/api/v1/api-keys", tag = "Accounts", operation_id = "create_api_key",
    request_body = ApiKeyRequest,
    responses((status = 201, description = "The key, shown this once", body = NewApiKey)),
)]
pub async fn create(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<ApiKeyRequest>,
) -> Result<(StatusCode, Json<NewApiKey>), Problem> {
    let made = api_keys::create(&api.platform, &access, &body.name, body.scope.into()).await?;
    let key = made.key.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(NewApiKey { api_key: made.api_key.into(), key })))
}

/// Revoke an API key
///
/// It stops working at once.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", tag = "Accounts", operation_id = "revoke_api_key",
    params(("id" = Uuid, Path, description = "The key's id")),
    responses((status = 204, description = "Revoked"), (status = 404, description = "`not_found`")),
)]
pub async fn revoke(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    api_keys::revoke(&api.platform, &access, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

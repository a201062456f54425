//! The registry: models, their versions, where each is on its way, and what put it there.

use axum::Json;
use axum::extract::State;
use platform::registry::{self, Gate, Promotion};
use platform::{ModelId, ModelVersionId, trainings};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Listed;
use super::model_shapes::{GateShape, HistoryEntry, Model, ModelVersion, Moved, Stage, VersionPath};
use super::training_shape::Training;
use crate::extract::{Caller, Id, JsonBody, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// Where a version is to go, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stage": "production", "reason": "better on the customers of June" }))]
pub struct PromotionRequest {
    stage: Stage,
    /// Kept in the history. Needed with `force`.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// Into production although the gate says no; the history tells it.
    force: Option<bool>,
}

/// Why the version in production is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "complaints since Monday" }))]
pub struct RollbackRequest {
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// List models
///
/// Your own, which trainings made, and the shared ones, which are only looked at; newest first.
#[utoipa::path(
    get, path = "/api/v1/models", tag = "Models", operation_id = "list_models",
    params(PageQuery),
    responses((status = 200, description = "The models", body = Listed<Model>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Model>>, Problem> {
    let models = registry::list(&api.platform, &access, &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(models, |model| Model::new(model, currency))))
}

/// One model
#[utoipa::path(
    get, path = "/api/v1/models/{id}", tag = "Models", operation_id = "get_model",
    params(("id" = Uuid, Path, description = "The model's id")),
    responses((status = 200, description = "The model", body = Model), (status = 404, description = "`not_found`")),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
) -> Result<Json<Model>, Problem> {
    let model = registry::get(&api.platform, &access, id).await?;
    Ok(Json(Model::new(model, &api.platform.currency)))
}

/// List a model's versions
#[utoipa::path(
    get, path = "/api/v1/models/{id}/versions", tag = "Models", operation_id = "list_model_versions",
    params(("id" = Uuid, Path, description = "The model's id")),
    responses(
        (status = 200, description = "The versions, newest first", body = Listed<ModelVersion>),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn versions(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
) -> Result<Json<Listed<ModelVersion>>, Problem> {
    let versions = registry::versions(&api.platform, &access, id).await?;
    let data = versions.into_iter().map(ModelVersion::from).collect();
    Ok(Json(Listed { data, next_cursor: None }))
}

/// A version's metadata
///
/// What it reads, how it was trained, what was measured: its manifest.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/versions/{version_id}", tag = "Models", operation_id = "get_model_version",
    params(
        ("id" = Uuid, Path, description = "The model's id"),
        ("version_id" = Uuid, Path, description = "The version's id"),
    ),
    responses(
        (status = 200, description = "The version", body = ModelVersion),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn version(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(path): Id<VersionPath>,
) -> Result<Json<ModelVersion>, Problem> {
    let version =
        registry::version(&api.platform, &access, ModelId(path.id), ModelVersionId(path.version_id));
    Ok(Json(version.await?.into()))
}

/// A version's card
///
/// What it learned from, what it is for, and where it should not be used. Of versions that a training made.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/versions/{version_id}/card", tag = "Models", operation_id = "get_model_card",
    params(
        ("id" = Uuid, Path, description = "The model's id"),
        ("version_id" = Uuid, Path, description = "The version's id"),
    ),
    responses(
        (status = 200, description = "The card", body = Object),
        (status = 404, description = "`not_found`; also for a shared model"),
    ),
)]
pub async fn card(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(path): Id<VersionPath>,
) -> Result<Json<Value>, Problem> {
    let card =
        registry::card(&api.platform, &access, ModelId(path.id), ModelVersionId(path.version_id)).await?;
    Ok(Json(serde_json::to_value(card).map_err(|error| Problem::internal(&error))?))
}

/// What the gate says
///
/// Compares a version with the one in production on customers whom neither has learned from, and changes nothing.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/versions/{version_id}/gate", tag = "Models", operation_id = "judge_model_version",
    params(
        ("id" = Uuid, Path, description = "The model's id"),
        ("version_id" = Uuid, Path, description = "The version's id"),
    ),
    responses(
        (status = 200, description = "What it measured and would decide", body = GateShape),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn gate(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(path): Id<VersionPath>,
) -> Result<Json<Gate>, Problem> {
    let gate = registry::judge(&api.platform, &access, ModelId(path.id), ModelVersionId(path.version_id));
    Ok(Json(gate.await?))
}

/// Move a version
///
/// Into production it goes through the gate: it must be better than the version there on customers whom neither has
/// learned from, the whole 95 % interval of the difference in area under the curve being above zero (DeLong, 1988);
/// a first version must be better than chance. What the gate refuses is kept in the history, too. From then on new
/// orders of the model's own service get the version, at its own price.
#[utoipa::path(
    post, path = "/api/v1/models/{id}/versions/{version_id}/promote", tag = "Models",
    operation_id = "promote_model_version",
    params(
        ("id" = Uuid, Path, description = "The model's id"),
        ("version_id" = Uuid, Path, description = "The version's id"),
    ),
    request_body = PromotionRequest,
    responses(
        (status = 200, description = "The version where it is now, and what the gate measured", body = Moved),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`gate_refused`, `already_there`, `in_production`, `production_changed`"),
    ),
)]
pub async fn promote(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(path): Id<VersionPath>,
    JsonBody(body): JsonBody<PromotionRequest>,
) -> Result<Json<Moved>, Problem> {
    let promotion = Promotion {
        stage: body.stage.into(),
        reason: body.reason,
        force: body.force.unwrap_or(false),
        retraining: None,
    };
    let (model, version) = (ModelId(path.id), ModelVersionId(path.version_id));
    let (version, gate) = registry::promote(&api.platform, &access, model, version, promotion).await?;
    Ok(Json(Moved::new(version, gate)))
}

/// Roll back
///
/// Puts the version back that was in production before, at once and without the gate: it has served already.
#[utoipa::path(
    post, path = "/api/v1/models/{id}/rollback", tag = "Models", operation_id = "roll_back_model",
    params(("id" = Uuid, Path, description = "The model's id")),
    request_body = RollbackRequest,
    responses(
        (status = 200, description = "The version that is in production again", body = Moved),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`nothing_to_roll_back_to`"),
    ),
)]
pub async fn rollback(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    JsonBody(body): JsonBody<RollbackRequest>,
) -> Result<Json<Moved>, Problem> {
    let rolled = registry::rollback(&api.platform, &access, id, body.reason.as_deref()).await?;
    Ok(Json(Moved::new(rolled.version, None)))
}

/// A model's history
///
/// Who moved which version where, why, and what the gate had measured. Nobody can change it.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/history", tag = "Models", operation_id = "list_model_history",
    params(("id" = Uuid, Path, description = "The model's id"), PageQuery),
    responses(
        (status = 200, description = "What happened, newest first", body = Listed<HistoryEntry>),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn history(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<HistoryEntry>>, Problem> {
    let entries = registry::history(&api.platform, &access, id, &query.page()?).await?;
    Ok(Json(Listed::new(entries, HistoryEntry::from)))
}

/// A model's experiments
///
/// The trainings that made its versions, to be compared: parameters, figures of every fold, the data's fingerprint,
/// program, seed and duration.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/experiments", tag = "Models", operation_id = "list_model_experiments",
    params(("id" = Uuid, Path, description = "The model's id")),
    responses(
        (status = 200, description = "The newest 100, newest first", body = Listed<Training>),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn experiments(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
) -> Result<Json<Listed<Training>>, Problem> {
    registry::get(&api.platform, &access, id).await?;
    let trainings = trainings::of_model(&api.platform, &access, id).await?;
    let data = trainings.into_iter().map(Training::from).collect();
    Ok(Json(Listed { data, next_cursor: None }))
}

//! Whom to contact, what that is expected to earn, and what it has earned.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ledger::Money;
use platform::plans::{self, OutcomesRequest};
use platform::{Error, Idempotency, PlanId, PredictionId};
use scoring::campaign::Group;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::effect_shape::PlanEffect;
use super::plan_shape::{NewPlan, Plan};
use super::predictions::FileForm;
use super::{IdempotencyHeader, Listed, Replayed, result_body};
use crate::console::minor_units_of;
use crate::extract::{Caller, Id, KeyName, KeyedJson, PageQuery, Query, Upload, key_of_upload};
use crate::problem::Problem;
use crate::state::Api;

/// How a list is written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Puts `'` before text cells that a spreadsheet would take for a formula.
    #[param(default = false)]
    pub spreadsheet_safe: Option<bool>,
    /// One group alone; both where nothing is said.
    #[param(inline)]
    pub group: Option<GroupChoice>,
}

/// A group of a plan.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupChoice {
    /// Those to contact.
    Contact,
    /// Those who are held out.
    Control,
}

/// How outcomes are to be read.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OutcomesQuery {
    /// The column that tells customers apart, in the list and in the outcomes.
    #[param(example = "customerID")]
    pub key: String,
    /// The column that tells who left; found by its name where it is not given.
    pub outcome: Option<String>,
    /// The outcome's value for those who left; without it, words such as `yes`, `churned` or `1`.
    pub positive: Option<String>,
    /// What the campaign has cost in minor units; the plan's expectation where it is not given.
    #[param(minimum = 0)]
    pub spent: Option<i64>,
}

impl ListQuery {
    /// Which group is wanted.
    pub fn wanted(&self) -> Option<Group> {
        self.group.map(|group| match group {
            GroupChoice::Contact => Group::Contact,
            GroupChoice::Control => Group::Control,
        })
    }
}

/// Plan whom to contact
///
/// Free of charge. Customers are taken by their expected gain, highest first: the probability of leaving times the
/// success rate times the value, less contact and offer (Neslin and others, 2006). A part of the list is held out at
/// random, so that the effect can be measured later.
#[utoipa::path(
    post, path = "/api/v1/predictions/{id}/plans", tag = "Acting", operation_id = "create_plan",
    params(("id" = Uuid, Path, description = "The prediction's id"), IdempotencyHeader),
    request_body = NewPlan,
    responses(
        (status = 201, description = "The plan", body = Plan,
            headers(("Location" = String, description = "Where to look at it"))),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`prediction_not_ready`, `prediction_failed`, `too_many_plans`, \
            `idempotency_key_in_flight`"),
        (status = 410, description = "`gone`: expired or deleted"),
    ),
)]
pub async fn create(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
    KeyedJson { body, key }: KeyedJson<NewPlan>,
) -> Result<Response, Problem> {
    let currency = &api.platform.currency;
    let request = body.request(minor_units_of(currency))?;
    let made = plans::create(&api.platform, &access, id, request, key.as_ref()).await?;
    let location = HeaderValue::from_str(&format!("/api/v1/plans/{}", made.value.id));
    let body = Plan::new(made.value, currency);
    let mut response =
        Replayed { status: StatusCode::CREATED, body, replayed: made.replayed }.into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// List a prediction's plans
#[utoipa::path(
    get, path = "/api/v1/predictions/{id}/plans", tag = "Acting", operation_id = "list_plans",
    params(("id" = Uuid, Path, description = "The prediction's id"), PageQuery),
    responses(
        (status = 200, description = "Its plans, newest first", body = Listed<Plan>),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Plan>>, Problem> {
    let plans = plans::list(&api.platform, &access, id, &query.page()?).await?;
    Ok(Json(Listed::new(plans, |plan| Plan::new(plan, &api.platform.currency))))
}

/// One plan
///
/// Its figures stay where the result has expired; the list does not.
#[utoipa::path(
    get, path = "/api/v1/plans/{id}", tag = "Acting", operation_id = "get_plan",
    params(("id" = Uuid, Path, description = "The plan's id")),
    responses((status = 200, description = "The plan", body = Plan), (status = 404, description = "`not_found`")),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PlanId>,
) -> Result<Json<Plan>, Problem> {
    let plan = plans::get(&api.platform, &access, id).await?;
    Ok(Json(Plan::new(plan, &api.platform.currency)))
}

/// Download a plan's list
///
/// The customers' records of the result, most profitable first, with a column `group`: `contact` or `control`. Whoever
/// is in the control group is not contacted.
#[utoipa::path(
    get, path = "/api/v1/plans/{id}/list", tag = "Acting", operation_id = "download_plan_list",
    params(("id" = Uuid, Path, description = "The plan's id"), ListQuery),
    responses(
        (status = 200, description = "CSV", body = String, content_type = "text/csv"),
        (status = 404, description = "`not_found`"),
        (status = 410, description = "`gone`: the result has expired or was deleted"),
    ),
)]
pub async fn download(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PlanId>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let list = plans::list_file(&api.platform, &access, id).await?;
    let is_safe = query.spreadsheet_safe.unwrap_or(false);
    Ok(result_body::plan_list(&api, list, query.wanted(), is_safe)?)
}

/// Measure what a plan has done
///
/// The outcomes of the list's customers are joined by a key column, while the result is kept; nothing of them is kept
/// but sums over both groups. Measuring again replaces what was measured.
#[utoipa::path(
    post, path = "/api/v1/plans/{id}/outcomes", tag = "Acting", operation_id = "measure_plan",
    params(("id" = Uuid, Path, description = "The plan's id"), OutcomesQuery, IdempotencyHeader),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What it has done", body = PlanEffect),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`list_too_large`, `idempotency_key_in_flight`"),
        (status = 410, description = "`gone`: the result has expired or was deleted"),
        (status = 422, description = "`bad_outcomes`, `missing_columns`, `invalid_request` and others"),
    ),
)]
pub async fn measure(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PlanId>,
    Query(query): Query<OutcomesQuery>,
    KeyName(key): KeyName,
    (method, uri): (Method, Uri),
    upload: Upload,
) -> Result<Replayed<PlanEffect>, Problem> {
    let request = query.request(key_of_upload(key, &method, &uri))?;
    let measured = plans::measure(&api.platform, &access, id, request, upload.content).await?;
    let body = effect_of(&api, &measured.value)?;
    Ok(Replayed { status: StatusCode::OK, body, replayed: measured.replayed })
}

/// What a campaign has cost.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "spent": 250_000 }))]
pub struct KnownOutcomesRequest {
    /// What the campaign has cost in minor units, where that is known; else what was planned.
    spent: Option<i64>,
}

/// Measure what a plan has done by outcomes already sent
///
/// Takes the outcomes that `POST /outcomes` was sent for the plan's prediction, tied by the key that it was uploaded
/// with. Measuring again replaces what was measured.
#[utoipa::path(
    post, path = "/api/v1/plans/{id}/effect", tag = "Acting", operation_id = "measure_plan_by_known_outcomes",
    params(("id" = Uuid, Path, description = "The plan's id"), IdempotencyHeader),
    request_body = KnownOutcomesRequest,
    responses(
        (status = 200, description = "What it has done", body = PlanEffect),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`no_outcomes`: none were sent for this prediction; `list_too_large`, \
            `idempotency_key_in_flight`"),
        (status = 410, description = "`gone`: the result has expired or was deleted"),
    ),
)]
pub async fn measure_by_known(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PlanId>,
    KeyedJson { body, key }: KeyedJson<KnownOutcomesRequest>,
) -> Result<Replayed<PlanEffect>, Problem> {
    let spent = body.spent.map(Money::from_minor_units).transpose();
    let spent = spent.map_err(|_| Problem::invalid_field("spent", "An amount is not negative."))?;
    let measured = plans::measure_by_known(&api.platform, &access, id, spent, key.as_ref()).await?;
    let body = effect_of(&api, &measured.value)?;
    Ok(Replayed { status: StatusCode::OK, body, replayed: measured.replayed })
}

/// What a plan has done
#[utoipa::path(
    get, path = "/api/v1/plans/{id}/effect", tag = "Acting", operation_id = "get_plan_effect",
    params(("id" = Uuid, Path, description = "The plan's id")),
    responses(
        (status = 200, description = "What was measured last", body = PlanEffect),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`effect_not_measured`: no outcomes were sent yet"),
    ),
)]
pub async fn effect(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PlanId>,
) -> Result<Json<PlanEffect>, Problem> {
    let plan = plans::get(&api.platform, &access, id).await?;
    Ok(Json(effect_of(&api, &plan)?))
}

fn effect_of(api: &Api, plan: &plans::Plan) -> Result<PlanEffect, Problem> {
    let (effect, at) = plan
        .measured
        .as_ref()
        .ok_or_else(|| Error::conflict("effect_not_measured", "no outcomes were sent yet"))?;
    Ok(PlanEffect::new(effect, *at, &api.platform.currency))
}

impl OutcomesQuery {
    /// What the platform is asked for.
    pub fn request(self, idempotency: Option<Idempotency>) -> Result<OutcomesRequest, Problem> {
        let spent = self.spent.map(Money::from_minor_units).transpose();
        let spent = spent.map_err(|_| Problem::invalid_field("spent", "An amount is not negative."))?;
        let is_named = |name: &String| !name.is_empty();
        Ok(OutcomesRequest {
            key: self.key,
            outcome: self.outcome.filter(is_named),
            positive: self.positive.filter(is_named),
            spent,
            idempotency,
        })
    }
}

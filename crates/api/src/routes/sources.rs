//! Data in from where it lies.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use platform::sources::{self};
use platform::{Access, IntakeId, SourceId, risk_tiers};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::intake_shapes::{Intake, IntakeRequest, OrderedBy};
use super::source_shapes::{ScheduleRequest, Source, SourceChangeRequest, SourceRequest, SourceTest};
use super::{IdempotencyHeader, Listed, Replayed};
use crate::extract::{Caller, Id, JsonBody, KeyedJson, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// Which intakes are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IntakesQuery {
    /// Those of one source.
    #[param(value_type = Option<Uuid>)]
    source_id: Option<String>,
    /// How many entries, from 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Where the last page ended, as that page said.
    cursor: Option<String>,
}

/// List sources
#[utoipa::path(
    get, path = "/api/v1/sources", tag = "Sources", operation_id = "list_sources",
    params(PageQuery),
    responses((status = 200, description = "Where files are fetched from, newest first", body = Listed<Source>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Source>>, Problem> {
    let sources = sources::list(&api.platform, &access, &query.page()?).await?;
    Ok(Json(Listed::new(sources, Source::from)))
}

/// Make a source
///
/// A file behind an address of the web, an object of a store that speaks S3, or the rows of a PostgreSQL query. What
/// opens it is kept sealed and never shown again.
#[utoipa::path(
    post, path = "/api/v1/sources", tag = "Sources", operation_id = "create_source",
    request_body = SourceRequest,
    responses(
        (status = 201, description = "The source", body = Source),
        (status = 409, description = "`too_many_sources`: there are 50 already"),
    ),
)]
pub async fn create(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<SourceRequest>,
) -> Result<(StatusCode, Json<Source>), Problem> {
    let made = sources::create(&api.platform, &access, body.into()).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// One source
#[utoipa::path(
    get, path = "/api/v1/sources/{id}", tag = "Sources", operation_id = "get_source",
    params(("id" = Uuid, Path, description = "The source's id")),
    responses((status = 200, description = "The source", body = Source), (status = 404, description = "`not_found`")),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
) -> Result<Json<Source>, Problem> {
    Ok(Json(sources::get(&api.platform, &access, id).await?.into()))
}

/// Change a source
#[utoipa::path(
    patch, path = "/api/v1/sources/{id}", tag = "Sources", operation_id = "update_source",
    params(("id" = Uuid, Path, description = "The source's id")),
    request_body = SourceChangeRequest,
    responses(
        (status = 200, description = "The source as it is now", body = Source),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn update(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
    JsonBody(body): JsonBody<SourceChangeRequest>,
) -> Result<Json<Source>, Problem> {
    Ok(Json(sources::update(&api.platform, &access, id, body.into()).await?.into()))
}

/// Delete a source
///
/// With its intakes; what they have ordered stays.
#[utoipa::path(
    delete, path = "/api/v1/sources/{id}", tag = "Sources", operation_id = "delete_source",
    params(("id" = Uuid, Path, description = "The source's id")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "`not_found`")),
)]
pub async fn delete(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
) -> Result<StatusCode, Problem> {
    sources::delete(&api.platform, &access, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try a source
///
/// Free of charge. Reads the beginning of the file and tells its columns, or what is wrong.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/test", tag = "Sources", operation_id = "test_source",
    params(("id" = Uuid, Path, description = "The source's id")),
    responses(
        (status = 200, description = "What came of it", body = SourceTest),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn test(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
) -> Result<Json<SourceTest>, Problem> {
    Ok(Json(sources::test(&api.platform, &access, id).await?.into()))
}

/// Have a source fetched on a schedule
///
/// In your name: the orders end where you are disabled. What was missed while nothing ran is not made up for. A turn
/// that the balance does not cover is left out, and its intake says so.
#[utoipa::path(
    put, path = "/api/v1/sources/{id}/schedule", tag = "Sources", operation_id = "schedule_source",
    params(("id" = Uuid, Path, description = "The source's id")),
    request_body = ScheduleRequest,
    responses(
        (status = 200, description = "The source as it is now", body = Source),
        (status = 404, description = "`not_found`: no such source or service"),
    ),
)]
pub async fn schedule(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
    JsonBody(body): JsonBody<ScheduleRequest>,
) -> Result<Json<Source>, Problem> {
    let by = ordered_by(&api, &access).await?;
    let schedule = body.schedule(by)?;
    Ok(Json(sources::set_schedule(&api.platform, &access, id, Some(schedule)).await?.into()))
}

/// End a schedule
#[utoipa::path(
    delete, path = "/api/v1/sources/{id}/schedule", tag = "Sources", operation_id = "unschedule_source",
    params(("id" = Uuid, Path, description = "The source's id")),
    responses((status = 204, description = "Ended"), (status = 404, description = "`not_found`")),
)]
pub async fn unschedule(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
) -> Result<StatusCode, Problem> {
    sources::set_schedule(&api.platform, &access, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fetch a file and order
///
/// A worker fetches the file, holds it against what the model has learned, and orders the prediction or training as
/// an upload would. Nothing is charged before that; a refused intake costs nothing, and the price is paid once
/// whatever breaks.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/intakes", tag = "Sources", operation_id = "create_intake",
    params(("id" = Uuid, Path, description = "The source's id"), IdempotencyHeader),
    request_body = IntakeRequest,
    responses(
        (status = 202, description = "On its way", body = Intake),
        (status = 404, description = "`not_found`: no such source or service"),
        (status = 409, description = "`idempotency_key_in_flight`"),
    ),
)]
pub async fn start(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<SourceId>,
    KeyedJson { body, key }: KeyedJson<IntakeRequest>,
) -> Result<Replayed<Intake>, Problem> {
    let by = ordered_by(&api, &access).await?;
    let request = body.request(by)?;
    let started = sources::start(&api.platform, &access, id, request, key.as_ref()).await?;
    Ok(Replayed { status: StatusCode::ACCEPTED, body: started.value.into(), replayed: started.replayed })
}

/// List intakes
#[utoipa::path(
    get, path = "/api/v1/intakes", tag = "Sources", operation_id = "list_intakes",
    params(IntakesQuery),
    responses((status = 200, description = "What was fetched, newest first", body = Listed<Intake>)),
)]
pub async fn intakes(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<IntakesQuery>,
) -> Result<Json<Listed<Intake>>, Problem> {
    let parse = |text: &String| Uuid::parse_str(text).map(SourceId).map_err(|_| Problem::not_found());
    let source = query.source_id.as_ref().map(parse).transpose()?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.page()?;
    let intakes = sources::list_intakes(&api.platform, &access, source, &page).await?;
    Ok(Json(Listed::new(intakes, Intake::from)))
}

/// One intake
#[utoipa::path(
    get, path = "/api/v1/intakes/{id}", tag = "Sources", operation_id = "get_intake",
    params(("id" = Uuid, Path, description = "The intake's id")),
    responses(
        (status = 200, description = "The intake as it is now", body = Intake),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn intake(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<IntakeId>,
) -> Result<Json<Intake>, Problem> {
    Ok(Json(sources::get_intake(&api.platform, &access, id).await?.into()))
}

async fn ordered_by(api: &Api, access: &Access) -> Result<OrderedBy, Problem> {
    Ok(OrderedBy { tiers: risk_tiers::get(&api.platform, access).await?.thresholds })
}

//! A customers' file in, the same file with two more columns out.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use platform::predictions::{self, PredictionFilter, PredictionOptions, Target};
use platform::{Access, OrderId, PredictionId, ServiceId, risk_tiers};
use scoring::{Language, OnError};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::prediction_shape::{Prediction, PredictionEvent};
use super::{IdempotencyHeader, Listed, Replayed, result_body};
use crate::extract::{Caller, Id, KeyName, PageQuery, Query, Upload, Wait};
use crate::problem::Problem;
use crate::state::Api;
use crate::watch;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A form with one file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents a form that is read as a stream")]
pub struct FileForm {
    /// Customers as CSV: comma, semicolon or tab; UTF-8, UTF-16 or Windows-1251; plain or gzip. To try it:
    /// [sample-customers.csv](/sample-customers.csv).
    #[schema(value_type = String, format = Binary, content_media_type = "text/csv")]
    file: Vec<u8>,
}

/// What pays for a file, and how it is scored.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CreateQuery {
    /// An order that was not used; or else give `service_id`.
    #[param(value_type = Option<Uuid>)]
    order_id: Option<String>,
    /// Places the order in the same call.
    #[param(value_type = Option<Uuid>, example = "01980000-0000-7000-8000-000000000001")]
    service_id: Option<String>,
    /// What becomes of customers who cannot be scored: `fail` ends the prediction and gives the money back, `skip`
    /// leaves their new columns empty and says why.
    #[param(inline)]
    on_error: Option<OnErrorChoice>,
    /// Adds a column `risk_tier`: `very_high`, `high`, `medium` or `low`, by your thresholds of now. Free of charge.
    #[param(default = false)]
    tiers: Option<bool>,
    /// The column that tells customers apart. With it, scores are kept under keyed hashes, so that outcomes can be
    /// sent later: `POST /outcomes`.
    #[param(example = "customerID")]
    key: Option<String>,
    /// So many reasons for each customer, in columns `reason_1`, `reason_1_contribution` and so on: what pushes the
    /// customer furthest from an average one, in log-odds of leaving. With `service_id` they cost the service's
    /// `explain_price`; an order has to have been placed with `explain`, and then gives three where this is left out.
    #[param(minimum = 1, maximum = 10)]
    explain: Option<u8>,
    /// The language of the reasons.
    #[param(inline)]
    language: Option<LanguageChoice>,
}

/// A language of reasons.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LanguageChoice {
    /// English.
    En,
    /// Russian.
    Ru,
}

impl From<LanguageChoice> for Language {
    fn from(choice: LanguageChoice) -> Language {
        match choice {
            LanguageChoice::En => Language::En,
            LanguageChoice::Ru => Language::Ru,
        }
    }
}

/// What becomes of customers who cannot be scored.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnErrorChoice {
    /// The prediction fails.
    Fail,
    /// They keep their line, without a score.
    Skip,
}

/// The header that asks to wait.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents a header that an extractor reads")]
pub struct PreferHeader {
    /// `wait=N` waits up to N seconds, at most 30, and answers 200 with the finished prediction where it ends in time.
    #[param(rename = "Prefer", value_type = String, required = false, example = "wait=10")]
    prefer: Option<String>,
}

/// How a result is written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ResultQuery {
    /// Puts `'` before text cells that a spreadsheet would take for a formula.
    #[param(default = false)]
    spreadsheet_safe: Option<bool>,
}

impl CreateQuery {
    /// What pays. What is no id names nothing.
    fn target(&self) -> Result<Target, Problem> {
        let parse = |text: &str| Uuid::parse_str(text).map_err(|_| Problem::not_found());
        match (&self.order_id, &self.service_id) {
            (Some(order), None) => Ok(Target::Order(OrderId(parse(order)?))),
            (None, Some(service)) => Ok(Target::Service(ServiceId(parse(service)?))),
            _ => Err(Problem::invalid_field("order_id", "Give either order_id or service_id.")),
        }
    }

    fn on_error(&self) -> OnError {
        match self.on_error {
            None | Some(OnErrorChoice::Fail) => OnError::Fail,
            Some(OnErrorChoice::Skip) => OnError::Skip,
        }
    }
}

/// Upload customers and predict
///
/// Order and header are checked before the rest is read; whatever is refused leaves the order usable. Once this has
/// answered 202, the prediction ends in a result or gives the money back.
#[utoipa::path(
    post, path = "/api/v1/predictions", tag = "Predictions", operation_id = "create_prediction",
    params(CreateQuery, IdempotencyHeader, PreferHeader),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "Finished within `Prefer: wait`", body = Prediction),
        (status = 202, description = "Accepted", body = Prediction,
            headers(("Location" = String, description = "Where to look at it"))),
        (status = 402, description = "`insufficient_funds`, with `service_id`"),
        (status = 404, description = "`not_found`: no such order or service"),
        (status = 409, description = "`order_already_used`, `idempotency_key_in_flight`"),
        (status = 422, description = "`missing_columns`, `empty_file`, `no_rows`, `binary_file` and others; \
            `option_not_ordered` where the order has not paid for reasons; the order stays usable"),
    ),
)]
pub async fn create(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<CreateQuery>,
    Wait(wait): Wait,
    KeyName(key): KeyName,
    (method, uri): (Method, Uri),
    upload: Upload,
) -> Result<Response, Problem> {
    let request = predictions::Upload {
        target: query.target()?,
        file_name: upload.file_name,
        on_error: query.on_error(),
        options: options_of(&api, &access, &query).await?,
        idempotency: crate::extract::key_of_upload(key, &method, &uri),
    };
    let accepted = predictions::accept(&api.platform, &access, request, upload.content).await?;
    let mut prediction = accepted.value;
    if let Some(patience) = wait {
        // It is accepted whatever comes now: an error would have the sender upload and pay again.
        match watch::wait_until_finished(&api.platform, &access, prediction.id, patience).await {
            Ok(seen) => prediction = seen,
            Err(error) => tracing::warn!(%error, "Nobody waits any more for a prediction that was accepted."),
        }
    }
    let is_met = wait.is_some() && prediction.status.is_terminal();
    let status = if is_met { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(answer(Replayed { status, body: prediction.into(), replayed: accepted.replayed }, is_met))
}

/// What is asked for beside the plain result.
async fn options_of(api: &Api, access: &Access, query: &CreateQuery) -> Result<PredictionOptions, Problem> {
    let tiers = match query.tiers {
        Some(true) => Some(risk_tiers::get(&api.platform, access).await?.thresholds),
        _ => None,
    };
    let language = query.language.map(Language::from).unwrap_or_default();
    Ok(PredictionOptions { tiers, key: query.key.clone(), explain: query.explain, language })
}

fn answer(answer: Replayed<Prediction>, is_preference_met: bool) -> Response {
    let location = HeaderValue::from_str(&answer.body.url());
    let mut response = answer.into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    if is_preference_met {
        response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static("wait"));
    }
    response
}

/// List predictions
#[utoipa::path(
    get, path = "/api/v1/predictions", tag = "Predictions", operation_id = "list_predictions",
    params(PageQuery),
    responses((status = 200, description = "The tenant's predictions, newest first", body = Listed<Prediction>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Prediction>>, Problem> {
    let all = PredictionFilter::default();
    let predictions = predictions::list(&api.platform, &access, &all, &query.page()?).await?;
    Ok(Json(Listed::new(predictions, Prediction::from)))
}

/// One prediction
#[utoipa::path(
    get, path = "/api/v1/predictions/{id}", tag = "Predictions", operation_id = "get_prediction",
    params(("id" = Uuid, Path, description = "The prediction's id")),
    responses(
        (status = 200, description = "The prediction as it is now", body = Prediction),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
) -> Result<Json<Prediction>, Problem> {
    Ok(Json(predictions::get(&api.platform, &access, id).await?.into()))
}

/// Watch a prediction
///
/// `progress` events with the prediction; the last one is its end.
#[utoipa::path(
    get, path = "/api/v1/predictions/{id}/events", tag = "Predictions", operation_id = "watch_prediction",
    params(("id" = Uuid, Path, description = "The prediction's id")),
    responses(
        (status = 200, description = "Server-sent events, each of this shape", body = PredictionEvent,
            content_type = "text/event-stream"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn events(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
) -> Result<impl IntoResponse, Problem> {
    let stop = api.stop.clone();
    let events = watch::events(api.platform.clone(), access, id, stop).await?;
    let heartbeat = KeepAlive::new().interval(watch::HEARTBEAT).text("heartbeat");
    // Sse says no-cache by itself, which would let a cache keep what only this tenant may see.
    Ok(([(CACHE_CONTROL, "no-store")], Sse::new(events).keep_alive(heartbeat)))
}

/// Download a result
///
/// The file as it was uploaded, with `stays` and `churn_probability`; as often as wanted until it expires.
#[utoipa::path(
    get, path = "/api/v1/predictions/{id}/result", tag = "Predictions", operation_id = "download_result",
    params(("id" = Uuid, Path, description = "The prediction's id"), ResultQuery),
    responses(
        (status = 200, description = "CSV", body = String, content_type = "text/csv"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`prediction_not_ready` or `prediction_failed`"),
        (status = 410, description = "`gone`: expired or deleted"),
    ),
)]
pub async fn result(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
    Query(query): Query<ResultQuery>,
) -> Result<Response, Problem> {
    let download = predictions::result(&api.platform, &access, id).await?;
    if query.spreadsheet_safe.unwrap_or(false) {
        return Ok(result_body::spreadsheet_safe(&api, download)?);
    }
    Ok(result_body::as_stored(download))
}

/// Delete a prediction
///
/// Erases its input and its result everywhere. What was paid stays on record.
#[utoipa::path(
    delete, path = "/api/v1/predictions/{id}", tag = "Predictions", operation_id = "delete_prediction",
    params(("id" = Uuid, Path, description = "The prediction's id")),
    responses(
        (status = 204, description = "Erased"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`prediction_not_finished`"),
    ),
)]
pub async fn delete(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
) -> Result<StatusCode, Problem> {
    predictions::delete(&api.platform, &access, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

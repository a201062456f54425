//! Labelled customers in, a version of a model of one's own out.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use platform::trainings::{self, Pay, Report, TrainRequest, TrainingUpload};
use platform::{OrderId, ServiceId, TrainingId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::training_shape::Training;
use super::{IdempotencyHeader, Listed, Replayed};
use crate::extract::{Caller, Id, KeyName, PageQuery, Query, Upload};
use crate::file_names;
use crate::problem::{Problem, sentence};
use crate::state::Api;
use crate::watch;

/// The report brings its style with it, and nothing else; no script of anybody's runs in it.
const POLICY_OF_REPORT: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A form with one file of labelled customers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents a form that is read as a stream")]
pub struct LabelledForm {
    /// Customers as CSV, with a column that tells who left, such as `Churn`; `augur demo-data --labels` makes some.
    #[schema(value_type = String, format = Binary, content_media_type = "text/csv")]
    file: Vec<u8>,
}

/// What pays for a training, and what is trained: the same names as the flags of `augur train`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it documents a query in which names repeat, which is read by hand")]
pub struct TrainingQuery {
    /// An order for a training that was not used; or else give `training_service_id`.
    #[param(value_type = Option<Uuid>)]
    order_id: Option<String>,
    /// Places the order in the same call.
    #[param(value_type = Option<Uuid>, example = "01980000-0000-7000-8000-000000000101")]
    training_service_id: Option<String>,
    /// The model that gets a version, of `a-z`, `0-9`, `-` and `_`; the algorithm's name where left out. A name that
    /// there is already gets a further version.
    #[param(max_length = 64, example = "my-churn")]
    model: Option<String>,
    /// One of those that the service offers: `logistic`, `svm`, `random_forest`, `decision_tree`, `catboost`,
    /// `xgboost`, `mlp`.
    #[param(example = "logistic")]
    algorithm: String,
    /// The column that tells who left; found by its name where left out.
    target: Option<String>,
    /// Its value for those who left; found by what it says where left out.
    positive: Option<String>,
    /// A column that is a feature although its name or cells speak against it.
    keep: Option<Vec<String>>,
    /// A column that is no feature.
    drop: Option<Vec<String>>,
    /// A column that a company can move with an offer, such as `Contract`; those whose names are known where none is
    /// named.
    lever: Option<Vec<String>>,
    /// Parts of the cross-validation.
    #[param(minimum = 2, maximum = 50, default = 5)]
    folds: Option<u32>,
    /// Seed of everything random.
    #[param(default = 1)]
    seed: Option<u64>,
    /// The share of customers that only judge what was chosen and fitted on the others. With 0 nobody is held out,
    /// and the gate has nothing to compare versions on.
    #[param(minimum = 0, maximum = 0.5, default = 0.2)]
    hold_out: Option<f64>,
    /// How scores become probabilities: `auto`, `platt`, `beta`, `spline`.
    calibration: Option<String>,
    /// From this probability on a customer counts as leaving; a half where no aim is given.
    #[param(minimum = 0, maximum = 1)]
    threshold: Option<f64>,
    /// The threshold with the highest F1.
    threshold_for_f1: Option<bool>,
    /// The highest threshold that finds this share of the leavers.
    threshold_for_recall: Option<f64>,
    /// What it costs to contact a customer; with the next two, the threshold is that of the highest profit.
    contact_cost: Option<f64>,
    /// What a leaver is worth who stays after all.
    retained_value: Option<f64>,
    /// The share of contacted leavers who stay after all.
    success_rate: Option<f64>,
    /// Evens the classes out inside the training folds: `none`, `smote`, `smote_nc`, `undersample`, `tomek`,
    /// `smote_tomek`.
    resample: Option<String>,
    /// Has leavers together weigh as much as stayers.
    class_weights: Option<bool>,
    /// A column by whose values the report tells whether customers are treated alike.
    group: Option<Vec<String>>,
    /// A parameter of the preparation or the algorithm, such as `depth=4`.
    set: Option<Vec<String>>,
    /// Values of a parameter to choose from by cross-validation, such as `depth=3,4,6` or, with `tries`,
    /// `learning_rate=0.01..0.2`.
    r#try: Option<Vec<String>>,
    /// Tries so many combinations at random instead of all.
    tries: Option<usize>,
}

/// What a query asks for.
pub struct Asked {
    pay: Pay,
    model: Option<String>,
    request: TrainRequest,
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
            .map_err(|error| {
                Problem::bad_request("bad_query", format!("The query cannot be read: {error}."))
            })?;
        Asked::of(&pairs)
    }
}

impl Asked {
    /// What the platform takes; the file's name and the key are still to be said.
    pub fn into_upload(self) -> TrainingUpload {
        TrainingUpload {
            pay: self.pay,
            model_name: self.model,
            request: self.request,
            file_name: String::new(),
            idempotency: None,
            retraining: None,
        }
    }

    fn of(pairs: &[(String, String)]) -> Result<Asked, Problem> {
        let (mut order, mut service, mut model) = (None, None, None);
        let mut request = TrainRequest::default();
        for (place, (name, value)) in pairs.iter().enumerate() {
            let is_repeated = pairs[..place].iter().any(|(before, _)| before == name);
            if is_repeated && !TrainRequest::is_list(name) {
                return Err(Problem::bad_request("bad_query", format!("The query says {name} twice.")));
            }
            match name.as_str() {
                "order_id" => order = Some(value),
                "training_service_id" => service = Some(value),
                "model" => model = Some(value.clone()),
                _ => match request.take(name, value) {
                    Ok(true) => {}
                    Ok(false) => {
                        let message = format!("The query cannot be read: there is no parameter {name:?}.");
                        return Err(Problem::bad_request("bad_query", message));
                    }
                    Err(bad) => return Err(Problem::invalid_field(bad.name, sentence(&bad.message))),
                },
            }
        }
        let parse = |text: &str| Uuid::parse_str(text).map_err(|_| Problem::not_found());
        let pay = match (order, service) {
            (Some(order), None) => Pay::Order(OrderId(parse(order)?)),
            (None, Some(service)) => Pay::Service(ServiceId(parse(service)?)),
            _ => {
                return Err(Problem::invalid_field(
                    "order_id",
                    "Give either order_id or training_service_id.",
                ));
            }
        };
        if !pairs.iter().any(|(name, _)| name == "algorithm") {
            return Err(Problem::invalid_field("algorithm", "Say what is to be trained."));
        }
        Ok(Asked { pay, model, request })
    }
}

/// Train a model
///
/// Takes labelled customers and makes a version of a model of your own. Order, parameters and header are checked
/// before the rest is read; whatever is refused leaves the order usable. Once this has answered 202, the training
/// ends in a version or gives the money back. Everything that `augur train` can do, this can, under the same names.
#[utoipa::path(
    post, path = "/api/v1/trainings", tag = "Training", operation_id = "create_training",
    params(TrainingQuery, IdempotencyHeader),
    request_body(content = LabelledForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, description = "Accepted", body = Training,
            headers(("Location" = String, description = "Where to look at it"))),
        (status = 402, description = "`insufficient_funds`, with `training_service_id`"),
        (status = 404, description = "`not_found`: no such order or service"),
        (status = 409, description = "`order_already_used`, `wrong_order`, `idempotency_key_in_flight`"),
        (status = 422, description = "`invalid_request` for a parameter, also where the header has no such column; \
            `empty_file`, `no_rows`, `too_many_rows`, `binary_file` and others; the order stays usable"),
    ),
)]
pub async fn create(
    State(api): State<Api>,
    Caller(access): Caller,
    asked: Asked,
    KeyName(key): KeyName,
    (method, uri): (Method, Uri),
    upload: Upload,
) -> Result<Response, Problem> {
    let request = TrainingUpload {
        file_name: upload.file_name,
        idempotency: crate::extract::key_of_upload(key, &method, &uri),
        ..asked.into_upload()
    };
    let accepted = trainings::accept(&api.platform, &access, request, upload.content).await?;
    let body = Training::from(accepted.value);
    let location = HeaderValue::from_str(&body.url());
    let mut response =
        Replayed { status: StatusCode::ACCEPTED, body, replayed: accepted.replayed }.into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// List trainings
#[utoipa::path(
    get, path = "/api/v1/trainings", tag = "Training", operation_id = "list_trainings",
    params(PageQuery),
    responses((status = 200, description = "The tenant's trainings, newest first", body = Listed<Training>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Training>>, Problem> {
    let trainings = trainings::list(&api.platform, &access, &query.page()?).await?;
    Ok(Json(Listed::new(trainings, Training::from)))
}

/// One training
#[utoipa::path(
    get, path = "/api/v1/trainings/{id}", tag = "Training", operation_id = "get_training",
    params(("id" = Uuid, Path, description = "The training's id")),
    responses(
        (status = 200, description = "The training as it is now", body = Training),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<TrainingId>,
) -> Result<Json<Training>, Problem> {
    Ok(Json(trainings::get(&api.platform, &access, id).await?.into()))
}

/// Watch a training
///
/// `progress` events with the training; the last one is its end.
#[utoipa::path(
    get, path = "/api/v1/trainings/{id}/events", tag = "Training", operation_id = "watch_training",
    params(("id" = Uuid, Path, description = "The training's id")),
    responses(
        (status = 200, description = "Server-sent events, `progress`, each with the training as JSON", body = String,
            content_type = "text/event-stream"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn events(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<TrainingId>,
) -> Result<impl IntoResponse, Problem> {
    let stop = api.stop.clone();
    let events = watch::training_events(api.platform.clone(), access, id, stop).await?;
    let heartbeat = KeepAlive::new().interval(watch::HEARTBEAT).text("heartbeat");
    Ok(([(CACHE_CONTROL, "no-store")], Sse::new(events).keep_alive(heartbeat)))
}

/// The report of a training
///
/// Everything that was measured, with pictures: one HTML file that needs nothing else.
#[utoipa::path(
    get, path = "/api/v1/trainings/{id}/report", tag = "Training", operation_id = "get_training_report",
    params(("id" = Uuid, Path, description = "The training's id")),
    responses(
        (status = 200, description = "HTML", body = String, content_type = "text/html"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`training_not_ready` or `training_failed`"),
    ),
)]
pub async fn report(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<TrainingId>,
) -> Result<Response, Problem> {
    let report = trainings::report(&api.platform, &access, id).await?;
    let name = format!("{}-{}.html", report.model_name, report.version);
    let mut response = report_page(report);
    response.headers_mut().insert(CONTENT_DISPOSITION, file_names::attachment(&name));
    Ok(response)
}

/// A report as a browser may show it.
pub fn report_page(report: Report) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_OF_REPORT)),
    ];
    (headers, report.html).into_response()
}

/// Delete a training's data
///
/// Erases the labelled customers, and what was said of those held out, everywhere. The version that it made stays,
/// and so do its report and what was paid; the gate cannot compare the version on them any more.
#[utoipa::path(
    delete, path = "/api/v1/trainings/{id}", tag = "Training", operation_id = "delete_training",
    params(("id" = Uuid, Path, description = "The training's id")),
    responses(
        (status = 204, description = "Erased"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`training_not_finished`"),
    ),
)]
pub async fn delete(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<TrainingId>,
) -> Result<StatusCode, Problem> {
    trainings::delete(&api.platform, &access, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

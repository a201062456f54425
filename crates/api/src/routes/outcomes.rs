//! What really happened, sent to be held against what was predicted.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use chrono::{DateTime, Utc};
use platform::monitoring::outcomes::{
    self, OutcomeRequest, OutcomeUpload, Target, WINDOW_DAYS_DEFAULT, WINDOW_DAYS_MAX,
};
use platform::{ModelId, OutcomeUploadId, PredictionId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{IdempotencyHeader, Listed, Replayed};
use crate::extract::{Caller, Id, KeyName, PageQuery, Query, Upload};
use crate::problem::Problem;
use crate::spooled_file::SpooledFile;
use crate::state::Api;

/// A form with one file of outcomes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents a form that is read as a stream")]
pub struct OutcomesForm {
    /// CSV with a row for each customer: who, and whether the customer has left; perhaps when that was known.
    #[schema(value_type = String, format = Binary, content_media_type = "text/csv")]
    file: Vec<u8>,
}

/// Which predictions the outcomes are about, and which columns say what.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OutcomesQuery {
    /// All predictions by this model within the window; or else give `prediction_id`.
    #[param(value_type = Option<Uuid>)]
    model_id: Option<String>,
    /// One prediction.
    #[param(value_type = Option<Uuid>)]
    prediction_id: Option<String>,
    /// The column that tells customers apart. By default the one that the newest prediction was uploaded with.
    key: Option<String>,
    /// The column that tells who left. By default it is found by its name, such as `Churn` or `Отток`.
    outcome: Option<String>,
    /// The outcome's value for those who left. By default words that say so, such as `yes`, `1` or `ушёл`.
    positive: Option<String>,
    /// The column that tells when that was known, such as `2026-03-31`: the row is about the latest prediction
    /// before. By default about the latest of all.
    date: Option<String>,
    /// How many days back predictions are looked for.
    #[param(minimum = 1, maximum = 3650, default = 365, example = 365)]
    window_days: Option<u32>,
}

/// A file of outcomes and what came of it.
#[derive(Serialize, ToSchema)]
pub struct Outcomes {
    id: Uuid,
    file_name: String,
    model_id: Uuid,
    #[schema(example = "catboost")]
    model: String,
    /// Where it was for one prediction.
    #[schema(required)]
    prediction_id: Option<Uuid>,
    /// Rows with an outcome.
    rows: u64,
    /// Rows whose outcome was empty: not known yet.
    rows_open: u64,
    /// Those who left, among the rows with an outcome.
    leavers: u64,
    /// Rows that were joined to a prediction.
    rows_joined: u64,
    /// Customers of whom an earlier file had told something.
    corrected: u64,
    /// Newest first.
    predictions: Vec<OutcomesOfPrediction>,
    created_at: DateTime<Utc>,
}

/// What a prediction got.
#[derive(Serialize, ToSchema)]
pub struct OutcomesOfPrediction {
    prediction_id: Uuid,
    #[schema(example = "1")]
    version: String,
    predicted_at: DateTime<Utc>,
    /// Customers joined.
    rows: u64,
    /// Customers whose outcome is known, with those of earlier files.
    rows_known: u64,
}

impl OutcomesQuery {
    fn target(&self) -> Result<Target, Problem> {
        let parse = |text: &str| Uuid::parse_str(text).map_err(|_| Problem::not_found());
        match (&self.model_id, &self.prediction_id) {
            (Some(model), None) => Ok(Target::Model(ModelId(parse(model)?))),
            (None, Some(prediction)) => Ok(Target::Prediction(PredictionId(parse(prediction)?))),
            _ => Err(Problem::invalid_field("model_id", "Give either model_id or prediction_id.")),
        }
    }

    fn window_days(&self) -> Result<u32, Problem> {
        match self.window_days.unwrap_or(WINDOW_DAYS_DEFAULT) {
            days if (1..=WINDOW_DAYS_MAX).contains(&days) => Ok(days),
            _ => {
                let message = format!("A window has 1 to {WINDOW_DAYS_MAX} days.");
                Err(Problem::invalid_field("window_days", message))
            }
        }
    }
}

impl From<OutcomeUpload> for Outcomes {
    fn from(upload: OutcomeUpload) -> Outcomes {
        let report = upload.report;
        Outcomes {
            id: upload.id.0,
            file_name: upload.file_name,
            model_id: upload.model.0,
            model: upload.model_name,
            prediction_id: upload.prediction.map(|prediction| prediction.0),
            rows: report.rows,
            rows_open: report.rows_open,
            leavers: report.leavers,
            rows_joined: report.rows_joined,
            corrected: report.corrected,
            predictions: report
                .predictions
                .into_iter()
                .map(|one| OutcomesOfPrediction {
                    prediction_id: one.prediction_id.0,
                    version: one.version,
                    predicted_at: one.predicted_at,
                    rows: one.rows,
                    rows_known: one.rows_known,
                })
                .collect(),
            created_at: upload.created_at,
        }
    }
}

/// Send outcomes
///
/// Free of charge. Joins what really happened to past predictions that were uploaded with `?key=`: each row to the
/// latest prediction of each version before the row's date. The file is read and not kept; a later file corrects an
/// earlier one, and the same file once more changes nothing.
#[utoipa::path(
    post, path = "/api/v1/outcomes", tag = "Monitoring", operation_id = "send_outcomes",
    params(OutcomesQuery, IdempotencyHeader),
    request_body(content = OutcomesForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Joined", body = Outcomes),
        (status = 404, description = "`not_found`: no such model or prediction"),
        (status = 409, description = "`no_scores_kept`: no prediction that this could be about was uploaded with a \
            key; `outcomes_in_flight`, `idempotency_key_in_flight`"),
        (status = 422, description = "`missing_columns`, `bad_outcomes` with lines and columns, `too_many_rows` above \
            a million, and those of every upload; nothing is kept"),
    ),
)]
pub async fn send(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<OutcomesQuery>,
    KeyName(key): KeyName,
    (method, uri): (Method, Uri),
    upload: Upload,
) -> Result<Replayed<Outcomes>, Problem> {
    let request = OutcomeRequest {
        target: query.target()?,
        window_days: query.window_days()?,
        key: query.key,
        outcome: query.outcome,
        date: query.date,
        positive: query.positive,
        file_name: upload.file_name,
        idempotency: crate::extract::key_of_upload(key, &method, &uri),
    };
    outcomes::check(&api.platform, &access, &request).await?;
    let (file, dialect) = SpooledFile::receive(&api.platform, upload.content).await?.into_parts();
    let accepted = outcomes::accept(&api.platform, &access, request, file, dialect).await?;
    Ok(Replayed { status: StatusCode::CREATED, body: accepted.value.into(), replayed: accepted.replayed })
}

/// List outcomes
#[utoipa::path(
    get, path = "/api/v1/outcomes", tag = "Monitoring", operation_id = "list_outcomes",
    params(PageQuery),
    responses((status = 200, description = "The tenant's files of outcomes, newest first", body = Listed<Outcomes>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Outcomes>>, Problem> {
    let uploads = outcomes::list(&api.platform, &access, &query.page()?).await?;
    Ok(Json(Listed::new(uploads, Outcomes::from)))
}

/// One file of outcomes
#[utoipa::path(
    get, path = "/api/v1/outcomes/{id}", tag = "Monitoring", operation_id = "get_outcomes",
    params(("id" = Uuid, Path, description = "The id of the file of outcomes")),
    responses(
        (status = 200, description = "What came of it", body = Outcomes),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<OutcomeUploadId>,
) -> Result<Json<Outcomes>, Problem> {
    Ok(Json(outcomes::get(&api.platform, &access, id).await?.into()))
}

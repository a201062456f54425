//! The price list of trainings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use platform::ServiceId;
use platform::trainings::{self, NewTrainingService, TrainingServiceChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Listed;
use super::admin::amount;
use crate::extract::{Administrator, Caller, Id, JsonBody, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// A line of the price list that sells trainings.
#[derive(Serialize, ToSchema)]
pub struct TrainingService {
    #[schema(example = "01980000-0000-7000-8000-000000000101")]
    id: Uuid,
    name: String,
    description: String,
    /// The algorithms that can be chosen for the price.
    #[schema(example = json!(["logistic", "svm", "decision_tree"]))]
    algorithms: Vec<String>,
    /// What one training costs, in minor units.
    #[schema(example = 10_000)]
    price: i64,
    /// What a prediction costs with a model that was trained so, in minor units.
    #[schema(example = 1000)]
    prediction_price: i64,
    #[schema(example = "RUB")]
    currency: String,
    /// How many rows a file may have.
    #[schema(example = 500_000)]
    max_rows: u64,
    active: bool,
}

impl TrainingService {
    /// A line as it is on the wire.
    pub fn new(service: trainings::TrainingService, currency: &str) -> TrainingService {
        TrainingService {
            id: service.id.0,
            name: service.name,
            description: service.description,
            algorithms: service.algorithms,
            price: service.price.minor_units(),
            prediction_price: service.prediction_price.minor_units(),
            currency: currency.to_owned(),
            max_rows: service.rows_max,
            active: service.active,
        }
    }
}

/// A new line that sells trainings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Training overnight", "algorithms": ["catboost"], "price": 40_000, "prediction_price": 15_000
}))]
pub struct TrainingServiceRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// `logistic`, `svm`, `random_forest`, `decision_tree`, `catboost`, `xgboost`, `mlp`.
    #[schema(min_items = 1, max_items = 7)]
    algorithms: Vec<String>,
    /// What one training costs, in minor units.
    #[schema(minimum = 1)]
    price: i64,
    /// What a prediction costs with a model that was trained so, in minor units.
    #[schema(minimum = 1)]
    prediction_price: i64,
    /// How many rows a file may have; 500,000 where left out.
    #[schema(minimum = 1)]
    max_rows: Option<u64>,
    /// Whether it can be ordered; it can where left out.
    active: Option<bool>,
}

/// A change of a line that sells trainings; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "price": 12_000 }))]
pub struct TrainingServiceChangeRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(max_length = 2000)]
    description: Option<String>,
    #[schema(min_items = 1, max_items = 7)]
    algorithms: Option<Vec<String>>,
    /// In minor units, for orders from now on.
    #[schema(minimum = 1)]
    price: Option<i64>,
    /// In minor units, for models trained from now on.
    #[schema(minimum = 1)]
    prediction_price: Option<i64>,
    #[schema(minimum = 1)]
    max_rows: Option<u64>,
    active: Option<bool>,
}

/// List training services
///
/// What training a model of one's own costs, and what its predictions cost then; cheapest first.
#[utoipa::path(
    get, path = "/api/v1/training-services", tag = "Training", operation_id = "list_training_services",
    params(PageQuery),
    responses((status = 200, description = "What can be ordered", body = Listed<TrainingService>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<TrainingService>>, Problem> {
    let services = trainings::list_services(&api.platform, &access, &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(services, |service| TrainingService::new(service, currency))))
}

/// Add a training service
#[utoipa::path(
    post, path = "/api/v1/admin/training-services", tag = "Administration",
    operation_id = "create_training_service",
    request_body = TrainingServiceRequest,
    responses(
        (status = 201, description = "The service", body = TrainingService),
        (status = 409, description = "`name_taken`"),
    ),
)]
pub async fn create(
    State(api): State<Api>,
    Administrator(access): Administrator,
    JsonBody(body): JsonBody<TrainingServiceRequest>,
) -> Result<(StatusCode, Json<TrainingService>), Problem> {
    let new = NewTrainingService {
        name: body.name,
        description: body.description,
        algorithms: body.algorithms,
        price: amount("price", body.price)?,
        prediction_price: amount("prediction_price", body.prediction_price)?,
        rows_max: body.max_rows,
        active: body.active,
    };
    let service = trainings::create_service(&api.platform, &access, new).await?;
    Ok((StatusCode::CREATED, Json(TrainingService::new(service, &api.platform.currency))))
}

/// Change a training service
///
/// What is left out stays. Orders placed before keep their price, and models trained before keep theirs.
#[utoipa::path(
    patch, path = "/api/v1/admin/training-services/{id}", tag = "Administration",
    operation_id = "update_training_service",
    params(("id" = Uuid, Path, description = "The service's id")),
    request_body = TrainingServiceChangeRequest,
    responses(
        (status = 200, description = "The service", body = TrainingService),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`name_taken`"),
    ),
)]
pub async fn update(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Id(id): Id<ServiceId>,
    JsonBody(body): JsonBody<TrainingServiceChangeRequest>,
) -> Result<Json<TrainingService>, Problem> {
    let change = TrainingServiceChange {
        name: body.name,
        description: body.description,
        algorithms: body.algorithms,
        price: body.price.map(|price| amount("price", price)).transpose()?,
        prediction_price: body.prediction_price.map(|price| amount("prediction_price", price)).transpose()?,
        rows_max: body.max_rows,
        active: body.active,
    };
    let service = trainings::update_service(&api.platform, &access, id, change).await?;
    Ok(Json(TrainingService::new(service, &api.platform.currency)))
}

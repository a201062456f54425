//! The price list.

use axum::Json;
use axum::extract::State;
use platform::{ServiceId, services};
use scoring::Metrics;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Listed;
use crate::extract::{Caller, Id, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// A line of the price list.
#[derive(Serialize, ToSchema)]
pub struct Service {
    #[schema(example = "01980000-0000-7000-8000-000000000001")]
    id: Uuid,
    name: String,
    /// The name of the model that does the work.
    #[schema(example = "logistic")]
    model: String,
    description: String,
    /// What one order costs, in minor units.
    #[schema(example = 1000)]
    price: i64,
    /// What reasons for each customer cost on top, in minor units; absent where they are not offered.
    #[schema(example = 500)]
    #[serde(skip_serializing_if = "Option::is_none")]
    explain_price: Option<i64>,
    #[schema(example = "RUB")]
    currency: String,
    /// How many rows one order may score.
    #[schema(example = 10_000_000)]
    max_rows: u64,
    quality: Quality,
    active: bool,
}

/// How good the model was measured to be, by cross-validation.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = QualityFields)]
pub struct Quality(Metrics);

/// How good the model was measured to be, by cross-validation.
#[derive(ToSchema)]
#[schema(as = Quality)]
#[expect(dead_code, reason = "it documents the shape of `Quality`")]
pub struct QualityFields {
    /// Area under the ROC curve.
    #[schema(example = 0.85)]
    auc: Option<f64>,
    /// Lower end of its 95 % interval.
    auc_low: Option<f64>,
    /// Upper end of its 95 % interval.
    auc_high: Option<f64>,
    average_precision: Option<f64>,
    brier: Option<f64>,
    log_loss: Option<f64>,
    calibration_error: Option<f64>,
    f1: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    accuracy: Option<f64>,
    lift_at_10: Option<f64>,
}

impl Service {
    /// A line of the price list as it is on the wire.
    pub fn new(service: services::Service, currency: &str) -> Service {
        Service {
            id: service.id.0,
            name: service.name,
            model: service.model_name,
            description: service.description,
            price: service.price.minor_units(),
            explain_price: service.explain_price.map(ledger::Money::minor_units),
            currency: currency.to_owned(),
            max_rows: service.rows_max,
            quality: Quality(service.quality),
            active: service.active,
        }
    }
}

/// List services
///
/// The models, with their prices and their measured quality; cheapest first.
#[utoipa::path(
    get, path = "/api/v1/services", tag = "Services", operation_id = "list_services",
    params(PageQuery),
    responses((status = 200, description = "What can be ordered", body = Listed<Service>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Service>>, Problem> {
    let services = services::list(&api.platform, &access, &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(services, |service| Service::new(service, currency))))
}

/// One service
#[utoipa::path(
    get, path = "/api/v1/services/{id}", tag = "Services", operation_id = "get_service",
    params(("id" = Uuid, Path, description = "The service's id",
        example = "01980000-0000-7000-8000-000000000001")),
    responses((status = 200, description = "The service", body = Service), (status = 404, description = "`not_found`")),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ServiceId>,
) -> Result<Json<Service>, Problem> {
    let service = services::get(&api.platform, &access, id).await?;
    Ok(Json(Service::new(service, &api.platform.currency)))
}

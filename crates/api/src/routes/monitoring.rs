//! Models in use: drift, its thresholds, and how true predictions turned out to be.

use axum::Json;
use axum::extract::State;
use platform::ledger::Money;
use platform::monitoring::{self, Costs, Monitoring, Settings};
use platform::{ModelId, PredictionId};
use scoring::monitoring::Thresholds;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Listed;
use super::drift_shapes::{Drift, DriftHistoryEntry, RaisedDrift};
use super::performance_shapes::Performance;
use crate::extract::{Caller, Id, JsonBody, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// From which differences on a model's drift is told, and what acting on its predictions is worth.
#[derive(Serialize, ToSchema)]
pub struct ModelMonitoring {
    model_id: Uuid,
    #[schema(example = "catboost")]
    model: String,
    #[schema(example = 0.1)]
    psi_moderate: f64,
    #[schema(example = 0.25)]
    psi_major: f64,
    #[schema(required)]
    costs: Option<ActingCosts>,
    /// Whether these are the defaults.
    is_default: bool,
    /// Whether drift is raised now.
    is_raised: bool,
    /// Drift that was raised, newest first; the last 50.
    raised: Vec<RaisedDrift>,
}

/// What acting on a prediction costs and brings.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActingCosts {
    /// Of contacting one customer, in minor units.
    #[schema(minimum = 0, example = 500)]
    contact_cost: i64,
    /// What a customer who stays is worth, in minor units.
    #[schema(minimum = 0, example = 12_000)]
    customer_value: i64,
    /// The share of leavers who stay when contacted.
    #[schema(minimum = 0, maximum = 1, example = 0.3)]
    success_rate: f64,
}

/// What is to hold for a model from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonitoringBody {
    /// A feature has moved where its population stability index is at least this.
    #[schema(exclusive_minimum = 0, maximum = 10, default = 0.1, example = 0.1)]
    psi_moderate: Option<f64>,
    /// Drift is raised where it is at least this.
    #[schema(exclusive_minimum = 0, maximum = 10, default = 0.25, example = 0.25)]
    psi_major: Option<f64>,
    /// With it, outcomes tell what acting would have earned.
    #[serde(default, deserialize_with = "crate::extract::optional_object")]
    costs: Option<ActingCosts>,
}

impl From<Monitoring> for ModelMonitoring {
    fn from(monitoring: Monitoring) -> ModelMonitoring {
        let Settings { thresholds, costs } = monitoring.settings;
        ModelMonitoring {
            model_id: monitoring.model.0,
            model: monitoring.model_name,
            psi_moderate: thresholds.moderate,
            psi_major: thresholds.major,
            costs: costs.map(|costs| ActingCosts {
                contact_cost: costs.contact_cost.minor_units(),
                customer_value: costs.customer_value.minor_units(),
                success_rate: costs.success_rate,
            }),
            is_default: monitoring.is_default,
            is_raised: monitoring.events.iter().any(|event| event.cleared_at.is_none()),
            raised: monitoring.events.into_iter().map(RaisedDrift::from).collect(),
        }
    }
}

impl MonitoringBody {
    fn settings(self) -> Result<Settings, Problem> {
        let usual = Thresholds::default();
        let money = |field: &str, minor_units: i64| {
            Money::from_minor_units(minor_units)
                .map_err(|_| Problem::invalid_field(field.to_owned(), "It is 0 or more."))
        };
        let costs = self.costs.map(|costs| {
            Ok::<_, Problem>(Costs {
                contact_cost: money("costs.contact_cost", costs.contact_cost)?,
                customer_value: money("costs.customer_value", costs.customer_value)?,
                success_rate: costs.success_rate,
            })
        });
        Ok(Settings {
            thresholds: Thresholds {
                moderate: self.psi_moderate.unwrap_or(usual.moderate),
                major: self.psi_major.unwrap_or(usual.major),
            },
            costs: costs.transpose()?,
        })
    }
}

/// Drift of a prediction
///
/// How its customers differ from those that its model learned from: population stability index and a test for each
/// feature and for the probability, and the quality that the probabilities promise. Looked at when the prediction
/// ends; kept when its files expire, and gone with its deletion.
#[utoipa::path(
    get, path = "/api/v1/predictions/{id}/drift", tag = "Monitoring", operation_id = "get_drift",
    params(("id" = Uuid, Path, description = "The prediction's id")),
    responses(
        (status = 200, description = "What was seen", body = Drift),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`drift_not_known`: it has not succeeded, or its model tells nothing of its \
            training data"),
    ),
)]
pub async fn drift(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
) -> Result<Json<Drift>, Problem> {
    Ok(Json(monitoring::of_prediction(&api.platform, &access, id).await?.into()))
}

/// Drift of a model over time
#[utoipa::path(
    get, path = "/api/v1/models/{id}/drift", tag = "Monitoring", operation_id = "list_drift",
    params(("id" = Uuid, Path, description = "The model's id"), PageQuery),
    responses(
        (status = 200, description = "The tenant's predictions by this model, newest first",
            body = Listed<DriftHistoryEntry>),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn history(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<DriftHistoryEntry>>, Problem> {
    let points = monitoring::history(&api.platform, &access, id, &query.page()?).await?;
    Ok(Json(Listed::new(points, DriftHistoryEntry::from)))
}

/// Thresholds of a model's drift
#[utoipa::path(
    get, path = "/api/v1/models/{id}/monitoring", tag = "Monitoring", operation_id = "get_monitoring",
    params(("id" = Uuid, Path, description = "The model's id")),
    responses(
        (status = 200, description = "What holds, and what is raised", body = ModelMonitoring),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn settings(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
) -> Result<Json<ModelMonitoring>, Problem> {
    Ok(Json(monitoring::settings(&api.platform, &access, id).await?.into()))
}

/// Set the thresholds of a model's drift
///
/// For the tenant's own predictions alone. What is left out goes back to its default.
#[utoipa::path(
    put, path = "/api/v1/models/{id}/monitoring", tag = "Monitoring", operation_id = "set_monitoring",
    params(("id" = Uuid, Path, description = "The model's id")),
    request_body(content = MonitoringBody,
        example = json!({ "psi_moderate": 0.1, "psi_major": 0.25,
            "costs": { "contact_cost": 500, "customer_value": 12000, "success_rate": 0.3 } })),
    responses(
        (status = 200, description = "What holds now", body = ModelMonitoring),
        (status = 404, description = "`not_found`"),
        (status = 422, description = "`invalid_request`"),
    ),
)]
pub async fn update_settings(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    JsonBody(body): JsonBody<MonitoringBody>,
) -> Result<Json<ModelMonitoring>, Problem> {
    let settings = body.settings()?;
    Ok(Json(monitoring::update_settings(&api.platform, &access, id, settings).await?.into()))
}

/// True quality of a model
///
/// What the outcomes that were sent say of the tenant's predictions, by version and by the month in which they were
/// made: true area under the ROC curve, precision, recall, calibration and value, beside what was measured at the
/// training.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/performance", tag = "Monitoring", operation_id = "get_performance",
    params(("id" = Uuid, Path, description = "The model's id")),
    responses(
        (status = 200, description = "What is known; no versions where there are no outcomes", body = Performance),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn performance(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
) -> Result<Json<Performance>, Problem> {
    Ok(Json(monitoring::outcomes::performance(&api.platform, &access, id).await?.into()))
}

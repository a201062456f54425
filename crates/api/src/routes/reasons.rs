//! Why, over all customers, and what would be if something were different.

use axum::Json;
use axum::extract::State;
use platform::predictions::{self, Asked};
use platform::{ModelId, ModelVersionId, PredictionId, ServiceId, registry};
use scoring::{FeatureEffect, WhatIf};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::predict::Reason;
use super::prediction_shape::FeatureEffects;
use super::predictions::LanguageChoice;
use crate::extract::{Caller, Id, JsonBody, Query};
use crate::problem::Problem;
use crate::state::Api;

/// Reasons of each side that are told in words.
const REASONS: usize = 3;

/// Which version of the model.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportanceQuery {
    /// The version in production where left out, else the newest.
    #[param(value_type = Option<Uuid>)]
    version_id: Option<String>,
}

/// What each feature has to do with a version's scores, over the customers that it was trained on.
#[derive(Serialize, ToSchema)]
pub struct Importance {
    model_id: Uuid,
    version_id: Uuid,
    #[schema(example = "1")]
    version: String,
    /// What contributions are measured in: `log_odds` of leaving, or an SVM's `margin`.
    #[schema(example = "log_odds")]
    unit: &'static str,
    /// The most important feature first; values and ranges of the 40 most important alone.
    #[schema(value_type = Vec<FeatureEffects>)]
    features: Vec<FeatureEffect>,
}

/// A customer, and what would be different.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "service_id": "01980000-0000-7000-8000-000000000004",
    "customer": {
        "gender": "Female", "SeniorCitizen": 0, "Partner": "No", "Dependents": "No", "tenure": 3,
        "PhoneService": "Yes", "MultipleLines": "No", "InternetService": "Fiber optic",
        "OnlineSecurity": "No", "OnlineBackup": "No", "DeviceProtection": "No", "TechSupport": "No",
        "StreamingTV": "Yes", "StreamingMovies": "No", "Contract": "Month-to-month",
        "PaperlessBilling": "Yes", "PaymentMethod": "Electronic check",
        "MonthlyCharges": 83.1, "TotalCharges": 249.3
    },
    "changes": { "Contract": "One year", "MonthlyCharges": 70 }
}))]
pub struct WhatIfRequest {
    /// A line of the price list, whose version in production is asked; or else give `prediction_id`.
    #[schema(value_type = Option<Uuid>)]
    service_id: Option<ServiceId>,
    /// A prediction of yours, whose version is asked.
    #[schema(value_type = Option<Uuid>)]
    prediction_id: Option<PredictionId>,
    /// The customer as they are, from column to value. A null is missing.
    #[schema(value_type = Object)]
    customer: Map<String, Value>,
    /// Other values of levers: columns that a company can move with an offer. All other columns stay as they are.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
    /// The language of the words.
    #[schema(inline)]
    language: Option<LanguageChoice>,
}

/// A customer as they are and as they would be.
#[derive(Serialize, ToSchema)]
pub struct TriedCustomer {
    /// The score that is expected of a customer of whom nothing is known. With it, contributions add up to the score.
    #[schema(example = -1.6)]
    base: f64,
    before: TriedScore,
    after: TriedScore,
    /// One for each feature, in the model's order.
    features: Vec<TriedFeature>,
}

/// What the model says of one side.
#[derive(Serialize, ToSchema)]
pub struct TriedScore {
    /// 1 stays, 0 leaves.
    #[schema(minimum = 0, maximum = 1, example = 0)]
    stays: u8,
    /// From 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.71)]
    churn_probability: f64,
    /// The three strongest, strongest first.
    reasons: Vec<Reason>,
}

/// A feature on both sides.
#[derive(Serialize, ToSchema)]
pub struct TriedFeature {
    /// The model's name of the feature.
    #[schema(example = "Contract")]
    feature: String,
    /// Whether a company can move it with an offer.
    is_lever: bool,
    /// Its value in words.
    #[schema(example = "pays month to month")]
    words_before: String,
    /// Its value in words, with the changes.
    #[schema(example = "has a one-year contract")]
    words_after: String,
    /// What it adds to the score; positive towards leaving.
    #[schema(example = 0.61)]
    contribution_before: f64,
    /// What it adds with the changes.
    #[schema(example = 0.05)]
    contribution_after: f64,
}

impl From<&scoring::Explained> for TriedScore {
    fn from(side: &scoring::Explained) -> TriedScore {
        TriedScore {
            stays: side.scored.stays,
            churn_probability: side.scored.churn_probability,
            reasons: side.strongest(REASONS).into_iter().map(Reason::from).collect(),
        }
    }
}

impl From<WhatIf> for TriedCustomer {
    fn from(tried: WhatIf) -> TriedCustomer {
        let (before, after) = (TriedScore::from(&tried.before), TriedScore::from(&tried.after));
        let sides = tried.before.reasons.into_iter().zip(tried.after.reasons);
        let feature = |(before, after): (scoring::Reason, scoring::Reason)| TriedFeature {
            feature: before.feature,
            is_lever: before.is_lever,
            words_before: before.words,
            words_after: after.words,
            contribution_before: before.contribution,
            contribution_after: after.contribution,
        };
        TriedCustomer { base: tried.before.base, before, after, features: sides.map(feature).collect() }
    }
}

/// What matters to a model
///
/// For each feature how far it moves the scores of the customers that the version was trained on: the mean of its
/// contributions (SHAP) without their signs, for each value of a category and each range of a number the mean with
/// its sign.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/importance", tag = "Models", operation_id = "get_model_importance",
    params(("id" = Uuid, Path, description = "The model's id"), ImportanceQuery),
    responses(
        (status = 200, description = "The features, the most important first", body = Importance),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`no_importance`: the version was imported or made before this was learned"),
    ),
)]
pub async fn importance(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    Query(query): Query<ImportanceQuery>,
) -> Result<Json<Importance>, Problem> {
    let version = query.version_id.map(|id| id.parse::<ModelVersionId>()).transpose();
    let version = version.map_err(|_| Problem::not_found())?;
    let version = registry::version_or_serving(&api.platform, &access, id, version).await?;
    if version.manifest.effects.is_empty() {
        let message = "This version does not know what matters to it; a training of today learns it.";
        return Err(platform::Error::conflict("no_importance", message).into());
    }
    Ok(Json(Importance {
        model_id: version.model.0,
        version_id: version.id.0,
        version: version.label,
        unit: version.manifest.score_unit(),
        features: version.manifest.effects,
    }))
}

/// Try what would be
///
/// Scores a customer as they are and with other values of levers, and says what each feature adds on both sides.
/// Free of charge, 300 times an hour: whoever has a list of leavers is to find out what might keep them.
#[utoipa::path(
    post, path = "/api/v1/what-if", tag = "Predictions", operation_id = "what_if",
    request_body = WhatIfRequest,
    responses(
        (status = 200, description = "The customer, scored twice", body = TriedCustomer),
        (status = 404, description = "`not_found`: no such service or prediction"),
        (status = 422, description = "`missing_columns`, `not_a_number`, `not_a_category`, `not_a_lever`, \
            `no_reasons` and others"),
        (status = 429, description = "`too_many_tries`: 300 an hour are free"),
    ),
)]
pub async fn what_if(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<WhatIfRequest>,
) -> Result<Json<TriedCustomer>, Problem> {
    let asked = match (body.service_id, body.prediction_id) {
        (Some(service), None) => Asked::Service(service),
        (None, Some(prediction)) => Asked::Prediction(prediction),
        _ => return Err(Problem::invalid_field("service_id", "Give service_id or prediction_id.")),
    };
    let language = body.language.map(Into::into).unwrap_or_default();
    api.count_try(&access).await?;
    let sides = (body.customer, body.changes);
    Ok(Json(predictions::what_if(&api.platform, &access, asked, sides, language).await?.into()))
}

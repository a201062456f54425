//! A few customers scored in one call.

use axum::extract::State;
use axum::http::StatusCode;
use platform::ServiceId;
use platform::predictions::{self, PredictionOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::predictions::LanguageChoice;
use super::{IdempotencyHeader, Replayed};
use crate::extract::{Caller, KeyedJson};
use crate::problem::Problem;
use crate::state::Api;

const BODY_BYTES_MAX: usize = 1 << 20;
const CUSTOMERS_MAX: usize = 100;

/// Customers to score.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "service_id": "01980000-0000-7000-8000-000000000001",
    "customers": [
        {
            "gender": "Female", "SeniorCitizen": 0, "Partner": "No", "Dependents": "No", "tenure": 3,
            "PhoneService": "Yes", "MultipleLines": "No", "InternetService": "Fiber optic",
            "OnlineSecurity": "No", "OnlineBackup": "No", "DeviceProtection": "No", "TechSupport": "No",
            "StreamingTV": "Yes", "StreamingMovies": "No", "Contract": "Month-to-month",
            "PaperlessBilling": "Yes", "PaymentMethod": "Electronic check",
            "MonthlyCharges": 83.1, "TotalCharges": 249.3
        },
        {
            "gender": "Male", "SeniorCitizen": 0, "Partner": "Yes", "Dependents": "Yes", "tenure": 61,
            "PhoneService": "Yes", "MultipleLines": "Yes", "InternetService": "DSL",
            "OnlineSecurity": "Yes", "OnlineBackup": "Yes", "DeviceProtection": "Yes", "TechSupport": "Yes",
            "StreamingTV": "No", "StreamingMovies": "No", "Contract": "Two year",
            "PaperlessBilling": "No", "PaymentMethod": "Bank transfer (automatic)",
            "MonthlyCharges": 64.5, "TotalCharges": 3934.5
        }
    ]
}))]
pub struct PredictRequest {
    /// A line of the price list.
    #[schema(value_type = Uuid)]
    service_id: ServiceId,
    /// 1 to 100 customers, each an object from column to value. A null is missing.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 100)]
    customers: Vec<Map<String, Value>>,
    /// So many reasons for each customer, at the service's `explain_price` on top.
    #[schema(minimum = 1, maximum = 10)]
    explain: Option<u8>,
    /// The language of the reasons.
    #[schema(inline)]
    language: Option<LanguageChoice>,
}

/// Customers that were scored, and the order that paid for it.
#[derive(Serialize, ToSchema)]
pub struct Predicted {
    order_id: Uuid,
    /// What the call cost, in minor units.
    #[schema(example = 1000)]
    price: i64,
    /// One for each customer, in their order.
    predictions: Vec<ScoredCustomer>,
}

/// What the model says of a customer.
#[derive(Serialize, ToSchema)]
pub struct ScoredCustomer {
    /// 1 stays, 0 leaves.
    #[schema(minimum = 0, maximum = 1, example = 0)]
    stays: u8,
    /// From 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.71)]
    churn_probability: f64,
    /// The strongest reasons, strongest first, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<Reason>>,
}

/// Why the model says so.
#[derive(Serialize, ToSchema)]
pub struct Reason {
    /// The model's name of the feature.
    #[schema(example = "Contract")]
    feature: String,
    /// The feature's value in words.
    #[schema(example = "pays month to month")]
    words: String,
    /// What it adds to the model's score, in log-odds; positive towards leaving.
    #[schema(example = 0.61)]
    contribution: f64,
    /// Whether a company can move the feature with an offer.
    is_lever: bool,
}

impl From<scoring::Reason> for Reason {
    fn from(reason: scoring::Reason) -> Reason {
        let scoring::Reason { feature, words, contribution, is_lever } = reason;
        Reason { feature, words, contribution, is_lever }
    }
}

impl From<predictions::Immediate> for Predicted {
    fn from(immediate: predictions::Immediate) -> Predicted {
        let customers = immediate.predictions.into_iter();
        Predicted {
            order_id: immediate.order.0,
            price: immediate.price.minor_units(),
            predictions: customers
                .map(|one| ScoredCustomer {
                    stays: one.stays,
                    churn_probability: one.churn_probability,
                    reasons: one.reasons.map(|reasons| reasons.into_iter().map(Reason::from).collect()),
                })
                .collect(),
        }
    }
}

/// Predict for up to 100 customers
///
/// One order, debited and provided in the same transaction, after the scoring: customers that cannot be scored cost
/// nothing.
#[utoipa::path(
    post, path = "/api/v1/predict", tag = "Predictions", operation_id = "predict",
    params(IdempotencyHeader),
    request_body = PredictRequest,
    responses(
        (status = 200, description = "The customers, scored", body = Predicted),
        (status = 402, description = "`insufficient_funds`, with `missing` in minor units"),
        (status = 409, description = "`idempotency_key_in_flight`"),
        (status = 422, description = "`missing_columns`, `not_a_number` and others, where `line` is the customer's \
            number; nothing is charged"),
    ),
)]
pub async fn predict(
    State(api): State<Api>,
    Caller(access): Caller,
    KeyedJson { body, key }: KeyedJson<PredictRequest, BODY_BYTES_MAX>,
) -> Result<Replayed<Predicted>, Problem> {
    if !(1..=CUSTOMERS_MAX).contains(&body.customers.len()) {
        return Err(Problem::invalid_field("customers", format!("Send 1 to {CUSTOMERS_MAX} customers.")));
    }
    let (service, customers) = (body.service_id, body.customers);
    let language = body.language.map(Into::into).unwrap_or_default();
    let options = PredictionOptions { explain: body.explain, language, ..PredictionOptions::default() };
    let predicted =
        predictions::predict(&api.platform, &access, service, customers, options, key.as_ref()).await?;
    Ok(Replayed { status: StatusCode::OK, body: predicted.value.into(), replayed: predicted.replayed })
}

//! From labelled customers to a paid training.

use askama::Template;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use platform::trainings::{self, TrainingUpload};
use platform::{Error, Page};
use uuid::Uuid;

use crate::console::errors::PageError;
use crate::console::forgery::SignedUpload;
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Models, fill};
use crate::console::visitor::Visitor;
use crate::extract::{KeyName, key_of_upload};
use crate::file_names;
use crate::problem::Problem;
use crate::routes::trainings::Asked;
use crate::state::Api;

/// As many lines as one page of the price list holds.
const SERVICES_MAX: u32 = 100;

/// An algorithm that a line of the price list offers.
struct Choice {
    service: String,
    algorithm: String,
    name: &'static str,
    price: String,
}

#[derive(Template)]
#[template(path = "console/train.html")]
struct TrainPage {
    shell: Shell,
    t: &'static Models,
    choices: Vec<Choice>,
    /// Makes a payment one, however often its button is pressed.
    key: String,
}

/// The page that a training begins on.
pub async fn show(State(api): State<Api>, visitor: Visitor) -> PageResult {
    let Visitor { access, shell } = visitor;
    let page = Page { limit: SERVICES_MAX, cursor: None };
    let services = trainings::list_services(&api.platform, &access, &page).await?.data;
    let t = Models::of(shell.language);
    let mut choices = Vec::new();
    for service in &services {
        let price = shell.money(service.price.minor_units());
        let prediction = shell.money(service.prediction_price.minor_units());
        for algorithm in &service.algorithms {
            choices.push(Choice {
                service: service.id.to_string(),
                algorithm: algorithm.clone(),
                name: algorithm_name(algorithm),
                price: fill(t.for_price, &[("price", &price), ("prediction", &prediction)]),
            });
        }
    }
    let service = services.first().map(|service| service.id.to_string()).unwrap_or_default();
    let curl = format!(
        "curl -H \"Authorization: Bearer $AUGUR_API_KEY\" -F file=@labelled.csv \\\n  \
         '{}/api/v1/trainings?training_service_id={service}&algorithm=logistic&model=my-churn'",
        shell.base_url
    );
    render(&TrainPage { t, choices, key: Uuid::now_v7().to_string(), shell: shell.with_curl(curl) })
}

/// What an algorithm is called everywhere, in letters that need no translation.
pub fn algorithm_name(word: &str) -> &'static str {
    match word {
        "logistic" => "Logistic regression",
        "svm" => "SVM",
        "random_forest" => "Random forest",
        "decision_tree" => "Decision tree",
        "catboost" => "CatBoost",
        "xgboost" => "XGBoost",
        _ => "MLP",
    }
}

/// Pays for a training and takes its customers in. A second request of the same key is told of the first one's.
pub async fn pay(
    State(api): State<Api>,
    asked: Asked,
    KeyName(key): KeyName,
    (method, uri): (Method, Uri),
    signed: SignedUpload,
) -> PageResult {
    let SignedUpload { access, shell, upload } = signed;
    if key.is_none() {
        return Err(Problem::invalid_field("Idempotency-Key", "A payment has a key of its own.").into());
    }
    let request = TrainingUpload {
        file_name: upload.file_name,
        idempotency: key_of_upload(key, &method, &uri),
        ..asked.into_upload()
    };
    match trainings::accept(&api.platform, &access, request, upload.content).await {
        Ok(accepted) => {
            let location = HeaderValue::from_str(&format!("/trainings/{}", accepted.value.id));
            let location = location.map_err(|error| PageError::internal(&error))?;
            Ok((StatusCode::CREATED, [(LOCATION, location)]).into_response())
        }
        Err(Error::InsufficientFunds { missing }) => {
            let t = Models::of(shell.language);
            let said = fill(t.short, &[("missing", &shell.money(missing.minor_units()))]);
            Err(Problem::new(StatusCode::PAYMENT_REQUIRED, "short", said).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Labelled customers that never existed.
pub async fn sample(_: Visitor) -> PageResult {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, file_names::attachment("labelled-customers.csv")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let customers = trainings::sample_customers().map_err(PageError::from)?;
    Ok((headers, customers).into_response())
}

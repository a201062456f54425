//! From a file to a paid order: the page, what it offers to those without a file, and the payment.

use askama::Template;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use platform::predictions::{self, PredictionOptions, Target};
use platform::services::{self, Service};
use platform::{Access, Error, Page, ServiceId, risk_tiers};
use scoring::{FeatureKind, OnError, Schema};
use serde::Deserialize;
use uuid::Uuid;

use super::offers::{self, Offer};
use crate::console::errors::PageError;
use crate::console::forgery::SignedUpload;
use crate::console::shell::{PageResult, Shell, render, render_with};
use crate::console::text::{Predict, fill};
use crate::console::visitor::Visitor;
use crate::extract::{KeyName, Query, key_of_upload};
use crate::file_names;
use crate::problem::Problem;
use crate::state::Api;

/// As many services as one page of the price list holds.
const SERVICES_MAX: u32 = 100;
/// Rows of a template, beside its header.
const TEMPLATE_ROWS: usize = 2;

#[derive(Template)]
#[template(path = "console/predict.html")]
struct PredictPage {
    shell: Shell,
    t: &'static Predict,
    offers: Vec<Offer>,
    formats: String,
    sample: String,
}

/// Why nothing was paid, beside the button.
#[derive(Template)]
#[template(path = "console/_short.html")]
struct ShortFragment {
    t: &'static Predict,
    shell: Shell,
    missing: String,
    support: Option<String>,
}

/// What is paid, and what becomes of customers who cannot be scored.
#[derive(Deserialize)]
pub struct PayQuery {
    service_id: String,
    #[serde(default)]
    on_error: Option<OnError>,
    /// Whether a column with the risk tier is added.
    #[serde(default)]
    tiers: bool,
    /// The column that tells customers apart, where their scores are to be kept.
    key: Option<String>,
    /// How many reasons each customer gets.
    #[serde(default)]
    explain: Option<u8>,
}

/// Which model a template is for.
#[derive(Deserialize)]
pub struct TemplateQuery {
    service_id: Option<String>,
}

/// The page that a prediction begins on.
pub async fn show(State(api): State<Api>, visitor: Visitor) -> PageResult {
    let Visitor { access, shell } = visitor;
    let services = on_price_list(&api, &access).await?;
    let t = Predict::of(shell.language);
    let service = services.first().map(|service| service.id.to_string()).unwrap_or_default();
    let curl = format!(
        "curl -H \"Authorization: Bearer $AUGUR_API_KEY\" -F file=@customers.csv \\\n  \
         '{}/api/v1/files/check?service_id={service}'",
        shell.base_url
    );
    let customers = api.sample_customers.iter().filter(|byte| **byte == b'\n').count().saturating_sub(1);
    let page = PredictPage {
        offers: offers::all(&shell, &services),
        formats: fill(t.formats, &[("size", &size(api.platform.limits.upload_bytes_max))]),
        sample: fill(t.sample_text, &[("customers", &shell.count(customers as u64, t.customers))]),
        shell: shell.with_curl(curl),
        t,
    };
    render(&page)
}

/// Pays for a file and takes it in. A second request of the same key is told of the first one's prediction.
pub async fn pay(
    State(api): State<Api>,
    Query(query): Query<PayQuery>,
    KeyName(key): KeyName,
    (method, uri): (Method, Uri),
    signed: SignedUpload,
) -> PageResult {
    let SignedUpload { access, shell, upload } = signed;
    let service = Uuid::parse_str(&query.service_id).map_err(|_| PageError::not_found())?;
    if key.is_none() {
        return Err(Problem::invalid_field("Idempotency-Key", "A payment has a key of its own.").into());
    }
    let tiers = match query.tiers {
        true => Some(risk_tiers::get(&api.platform, &access).await?.thresholds),
        false => None,
    };
    let request = predictions::Upload {
        target: Target::Service(ServiceId(service)),
        file_name: upload.file_name,
        on_error: query.on_error.unwrap_or_default(),
        options: PredictionOptions {
            tiers,
            key: query.key,
            explain: query.explain,
            language: shell.language.of_reasons(),
        },
        idempotency: key_of_upload(key, &method, &uri),
    };
    match predictions::accept(&api.platform, &access, request, upload.content).await {
        Ok(accepted) => created(&format!("/predictions/{}", accepted.value.id)),
        Err(Error::InsufficientFunds { missing }) => {
            let t = Predict::of(shell.language);
            let missing = fill(t.short, &[("missing", &shell.money(missing.minor_units()))]);
            let support = api.config.support_email.clone();
            render_with(StatusCode::PAYMENT_REQUIRED, &ShortFragment { t, shell, missing, support })
        }
        Err(error) => Err(error.into()),
    }
}

/// Customers that never existed, for anybody: the API's documentation offers them, too.
pub async fn sample_customers(State(api): State<Api>) -> Response {
    csv("sample-customers.csv", api.sample_customers.clone().into())
}

/// A file with the columns that a model needs, and two customers as an example.
pub async fn template(
    State(api): State<Api>,
    visitor: Visitor,
    Query(query): Query<TemplateQuery>,
) -> PageResult {
    let service = match &query.service_id {
        Some(id) => ServiceId(Uuid::parse_str(id).map_err(|_| PageError::not_found())?),
        None => on_price_list(&api, &visitor.access).await?.first().ok_or_else(PageError::not_found)?.id,
    };
    let schema = predictions::check(&api.platform, &visitor.access, service).await?.1.schema;
    Ok(csv("customers-template.csv", template_of(&schema, &api.sample_customers).into_bytes()))
}

/// The services that can be ordered.
pub async fn on_price_list(api: &Api, access: &Access) -> Result<Vec<Service>, Error> {
    Ok(services::list(&api.platform, access, &Page { limit: SERVICES_MAX, cursor: None }).await?.data)
}

fn created(path: &str) -> PageResult {
    let location = HeaderValue::from_str(path).map_err(|error| PageError::internal(&error))?;
    Ok((StatusCode::CREATED, [(LOCATION, location)]).into_response())
}

fn csv(name: &str, content: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, file_names::attachment(name)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, content).into_response()
}

/// A header of the model's own names, and rows of the sample where it has these columns. Elsewhere a category shows
/// its first value.
fn template_of(schema: &Schema, sample: &[u8]) -> String {
    let sample = String::from_utf8_lossy(sample);
    // The sample is ours: no cell of it is quoted.
    let mut lines = sample.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let rows: Vec<Vec<&str>> = lines.take(TEMPLATE_ROWS).collect();
    let mut text = String::from("customerID");
    for feature in &schema.features {
        text.push(',');
        text.push_str(&quoted(&feature.name));
    }
    for number in 0..TEMPLATE_ROWS {
        text.push_str(&format!("\nC{:04}", number + 1));
        for feature in &schema.features {
            let key = scoring::names::key(&feature.name);
            let column = header.iter().position(|name| scoring::names::key(name) == key);
            let shown = column.and_then(|column| rows.get(number)?.get(column).copied());
            let cell = match (&feature.kind, shown) {
                (_, Some(cell)) => cell,
                (FeatureKind::Number, None) => "1",
                (FeatureKind::Category { values }, None) => {
                    values.first().map_or("", |first| first.value.as_str())
                }
            };
            text.push(',');
            text.push_str(&quoted(cell));
        }
    }
    text.push('\n');
    text
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes if mebibytes >= 1024 => format!("{} GiB", mebibytes / 1024),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use scoring::{CategoryValue, Feature};

    use super::*;

    #[test]
    fn a_template_has_every_column_and_what_the_sample_knows_of_it() {
        let feature = |name: &str, kind| Feature { name: name.to_owned(), aliases: Vec::new(), kind };
        let value = |value: &str| CategoryValue { value: value.to_owned(), aliases: Vec::new() };
        let features = vec![
            feature("tenure", FeatureKind::Number),
            feature("Plan", FeatureKind::Category { values: vec![value("a, \"b\""), value("c")] }),
            feature("Age", FeatureKind::Number),
        ];
        let schema = Schema { features, outcomes: Vec::new() };
        let template = template_of(&schema, b"customerID,Tenure\nX1,5\nX2,70\nX3,9\n");
        let plan = "\"a, \"\"b\"\"\"";
        assert_eq!(template, format!("customerID,tenure,Plan,Age\nC0001,5,{plan},1\nC0002,70,{plan},1\n"));
        let report = scoring::check_csv(
            &schema,
            &{
                let mut inspector = scoring::Inspector::new(scoring::Limits::default());
                inspector.push(template.as_bytes()).unwrap();
                inspector.finish().unwrap().dialect
            },
            template.as_bytes(),
        );
        assert_eq!(report.unwrap().problem_count, 0);
    }
}

//! A customer as they are, and as they would be: the form, and what the model says of it.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use platform::predictions::{self, Asked};
use platform::{Access, Error, PredictionId, ServiceId};
use scoring::{Cells, FeatureKind, Manifest, match_columns};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::predict::on_price_list;
use crate::console::charts::Tried;
use crate::console::errors::{PageError, is_fragment};
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, render_with};
use crate::console::text::{Why, faults, fill};
use crate::console::visitor::Visitor;
use crate::extract::Query;
use crate::state::Api;

/// Letters of a cell of a result.
const LETTERS_MAX: usize = 200;
/// Values that a list offers; of more, one is typed.
const LISTED_MAX: usize = 100;

/// Whose model, and which customer is shown first.
#[derive(Deserialize)]
pub struct WhatIfQuery {
    service_id: Option<String>,
    prediction_id: Option<String>,
    /// Of the result, from 1; the riskiest is the first.
    rank: Option<u64>,
    /// Of the sample, from 1.
    sample: Option<usize>,
}

/// The fields: whose model, and of each feature by its place what it is (`is-0`) and what is tried (`try-0`).
type Fields = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "console/what_if.html")]
struct WhatIfPage {
    shell: Shell,
    t: &'static Why,
    asked: (&'static str, String),
    who: String,
    another: Option<String>,
    back: Option<String>,
    levers: Vec<Field>,
    columns: Vec<Field>,
    tried: TriedPart,
}

/// One feature's field.
struct Field {
    name: String,
    label: String,
    value: String,
    is_number: bool,
    /// None where it is typed.
    values: Vec<String>,
}

/// What the model says, or what it cannot read.
#[derive(Template)]
#[template(path = "console/_tried.html")]
struct TriedPart {
    t: &'static Why,
    tried: Result<Tried, String>,
}

/// The form with a customer of the sample or of a result.
pub async fn show(State(api): State<Api>, visitor: Visitor, Query(query): Query<WhatIfQuery>) -> PageResult {
    let Visitor { access, shell } = visitor;
    let asked = match (&query.service_id, &query.prediction_id) {
        // The last of the price list is the best that is sold.
        (None, None) => on_price_list(&api, &access).await?.last().map(|service| Asked::Service(service.id)),
        (service, prediction) => Some(asked_of(service.as_deref(), prediction.as_deref())?),
    };
    let asked = asked.ok_or_else(PageError::not_found)?;
    let manifest = predictions::asked_manifest(&api.platform, &access, asked).await?;
    let t = Why::of(shell.language);
    let (cells, who, another, back) = match (asked, query.rank) {
        (Asked::Prediction(id), Some(rank)) => {
            let cells = of_result(&api, &access, &manifest, id, rank.max(1)).await?;
            let who = fill(t.of_rank, &[("rank", &shell.number(rank.max(1)))]);
            let page = (rank.max(1) - 1) / super::riskiest::ROWS as u64 + 1;
            (cells, who, None, Some(format!("/predictions/{id}?page={page}#riskiest")))
        }
        _ => {
            let number = query.sample.unwrap_or(1).max(1);
            let next = format!("/what-if?{}={}&sample={}", named(asked).0, named(asked).1, number + 1);
            (of_sample(&api, &manifest, number - 1), t.of_sample.to_owned(), Some(next), None)
        }
    };
    let fields: Fields =
        cells.iter().enumerate().map(|(at, cell)| (format!("is-{at}"), cell.clone())).collect();
    let tried = tried(&api, &access, &shell, asked, &manifest, &fields).await?;
    render(&page(shell, (asked, &manifest, &fields), who, (another, back), tried))
}

/// Scores what the form says, at once and again with every change.
pub async fn tried_again(
    State(api): State<Api>,
    headers: HeaderMap,
    SignedForm { access, shell, body }: SignedForm<Fields>,
) -> PageResult {
    let field = |wanted: &str| body.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let asked = asked_of(field("service_id"), field("prediction_id"))?;
    let manifest = predictions::asked_manifest(&api.platform, &access, asked).await?;
    let part = tried(&api, &access, &shell, asked, &manifest, &body).await?;
    let status = if part.tried.is_ok() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    if is_fragment(&headers) {
        return render_with(status, &part);
    }
    let who = Why::of(shell.language).the_customer.to_owned();
    render_with(status, &page(shell, (asked, &manifest, &body), who, (None, None), part))
}

fn asked_of(service: Option<&str>, prediction: Option<&str>) -> Result<Asked, PageError> {
    match (service, prediction) {
        (_, Some(id)) => {
            id.parse::<PredictionId>().map(Asked::Prediction).map_err(|_| PageError::not_found())
        }
        (Some(id), None) => id.parse::<ServiceId>().map(Asked::Service).map_err(|_| PageError::not_found()),
        (None, None) => Err(PageError::not_found()),
    }
}

fn named(asked: Asked) -> (&'static str, String) {
    match asked {
        Asked::Service(id) => ("service_id", id.to_string()),
        Asked::Prediction(id) => ("prediction_id", id.to_string()),
    }
}

/// The cells of a customer of a result, by feature.
async fn of_result(
    api: &Api,
    access: &Access,
    manifest: &Manifest,
    id: PredictionId,
    rank: u64,
) -> Result<Vec<String>, PageError> {
    let ranked = predictions::ranking(&api.platform, access, id).await?;
    let matched = match_columns(ranked.ranking.columns(), &manifest.schema).map_err(Error::from)?;
    let features = manifest.schema.features.iter();
    let column = |name: &String| matched.iter().position(|column| column.matched_to.as_ref() == Some(name));
    let columns: Vec<usize> = features.filter_map(|feature| column(&feature.name)).collect();
    let cells = Cells { columns, letters_max: LETTERS_MAX };
    let customers = ranked.page(&api.platform, access, rank - 1, 1, &cells).await?;
    let (_, customer) = customers.into_iter().next().ok_or_else(PageError::not_found)?;
    let is_number = |at: usize| manifest.schema.features[at].kind == FeatureKind::Number;
    let cell = |(at, cell): (usize, String)| match is_number(at) && ranked.decimal == ',' {
        true => cell.replace(',', "."),
        false => cell,
    };
    Ok(customer.cells.into_iter().enumerate().map(cell).collect())
}

/// The cells of a customer of the sample, by feature; where the sample has no such column, what is common.
fn of_sample(api: &Api, manifest: &Manifest, number: usize) -> Vec<String> {
    let sample = String::from_utf8_lossy(&api.sample_customers);
    // The sample is ours: no cell of it is quoted.
    let mut lines = sample.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header: Vec<String> = lines.next().unwrap_or_default().into_iter().map(str::to_owned).collect();
    let rows: Vec<Vec<&str>> = lines.collect();
    let row = rows.get(number % rows.len().max(1));
    let features = manifest.schema.features.iter().enumerate();
    let cell = |(at, feature): (usize, &scoring::Feature)| {
        let key = scoring::names::key(&feature.name);
        let column = header.iter().position(|name| scoring::names::key(name) == key);
        let known = column.and_then(|column| row?.get(column).copied());
        known.map_or_else(|| common(manifest, at), str::to_owned)
    };
    features.map(cell).collect()
}

/// What is in the middle of a number's training data, or the first of a category's values.
fn common(manifest: &Manifest, at: usize) -> String {
    use scoring::monitoring::ValuesProfile;
    let profile = manifest.profile.as_ref().and_then(|profile| profile.features.get(at));
    match (&manifest.schema.features[at].kind, profile.map(|profile| &profile.values)) {
        (FeatureKind::Number, Some(ValuesProfile::Number(number))) => {
            number.quantile(0.5).map(|middle| middle.to_string()).unwrap_or_default()
        }
        (FeatureKind::Number, _) => String::new(),
        (FeatureKind::Category { values }, _) => {
            values.first().map(|first| first.value.clone()).unwrap_or_default()
        }
    }
}

/// Has the model say what it says of the fields.
async fn tried(
    api: &Api,
    access: &Access,
    shell: &Shell,
    asked: Asked,
    manifest: &Manifest,
    fields: &Fields,
) -> Result<TriedPart, PageError> {
    let (mut customer, mut changes) = (Map::new(), Map::new());
    for (at, feature) in manifest.schema.features.iter().enumerate() {
        let is_number = feature.kind == FeatureKind::Number;
        let is = value_of(fields, &format!("is-{at}"), is_number).unwrap_or(Value::Null);
        if let Some(tried) = value_of(fields, &format!("try-{at}"), is_number).filter(|tried| *tried != is) {
            changes.insert(feature.name.clone(), tried);
        }
        customer.insert(feature.name.clone(), is);
    }
    let t = Why::of(shell.language);
    let is_changed = !changes.is_empty();
    api.count_try(access).await?;
    let language = shell.language.of_reasons();
    match predictions::what_if(&api.platform, access, asked, (customer, changes), language).await {
        Ok(what_if) => Ok(TriedPart { t, tried: Ok(Tried::new(shell, &what_if, is_changed)) }),
        Err(Error::Input(error)) => {
            let said = faults::whole(shell.language, error.code, &error.message);
            let columns: Vec<&str> = error.problems.iter().map(|problem| problem.column.as_str()).collect();
            let said = if columns.is_empty() { said } else { format!("{}: {said}", columns.join(", ")) };
            Ok(TriedPart { t, tried: Err(said) })
        }
        Err(error) => Err(error.into()),
    }
}

/// What a field says; nothing where there is no such field.
fn value_of(fields: &Fields, name: &str, is_number: bool) -> Option<Value> {
    let (_, typed) = fields.iter().find(|(field, _)| field == name)?;
    match (typed.trim(), is_number) {
        ("", _) => Some(Value::Null),
        (typed, true) => Some(Value::String(typed.replace(',', "."))),
        (_, false) => Some(Value::String(typed.clone())),
    }
}

fn page(
    shell: Shell,
    (asked, manifest, fields): (Asked, &Manifest, &Fields),
    who: String,
    (another, back): (Option<String>, Option<String>),
    tried: TriedPart,
) -> WhatIfPage {
    let typed = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    let (mut levers, mut columns) = (Vec::new(), Vec::new());
    for (at, feature) in manifest.schema.features.iter().enumerate() {
        let (is, tries) = (format!("is-{at}"), format!("try-{at}"));
        let value = typed(&is).unwrap_or_default();
        let field = |name: String, value: String| {
            let is_number = feature.kind == FeatureKind::Number;
            Field {
                name,
                label: feature.name.clone(),
                is_number,
                values: values(&feature.kind, &value),
                value,
            }
        };
        if manifest.is_lever(&feature.name) {
            levers.push(field(tries.clone(), typed(&tries).unwrap_or_else(|| value.clone())));
        }
        columns.push(field(is, value));
    }
    let t = Why::of(shell.language);
    let asked = named(asked);
    let json = format!(r#"{{"{}": "{}", "customer": {{...}}, "changes": {{...}}}}"#, asked.0, asked.1);
    let curl = shell.curl_send("POST", "/api/v1/what-if", &json);
    WhatIfPage { t, asked, who, another, back, levers, columns, tried, shell: shell.with_curl(curl) }
}

/// The values to choose from, what the customer has among them; none where it is typed.
fn values(kind: &FeatureKind, value: &str) -> Vec<String> {
    let FeatureKind::Category { values } = kind else { return Vec::new() };
    if values.len() > LISTED_MAX {
        return Vec::new();
    }
    let key = scoring::names::key(value);
    let is_spelled = |known: &scoring::CategoryValue| {
        let mut spellings = [&known.value].into_iter().chain(&known.aliases);
        spellings.any(|spelling| scoring::names::key(spelling) == key)
    };
    // What the customer has stands in their own spelling, so that nothing seems to change by itself.
    let spelled = |known: &scoring::CategoryValue| match is_spelled(known) {
        true => value.to_owned(),
        false => known.value.clone(),
    };
    let mut listed: Vec<String> = values.iter().map(spelled).collect();
    if !listed.iter().any(|known| known == value) {
        listed.insert(0, value.to_owned());
    }
    listed
}

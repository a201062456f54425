//! Outcomes: which predictions, which file, and what came of it.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::monitoring::outcomes::{
    self, KeptModel, OutcomeRequest, OutcomeUpload, Target, WINDOW_DAYS_DEFAULT,
};
use platform::{Access, Error, ModelId, Page};
use serde::Deserialize;

use super::check::{Place, places};
use crate::console::errors::PageError;
use crate::console::forgery::SignedUpload;
use crate::console::shell::{PageResult, Shell, render, render_with};
use crate::console::text::{Watch, faults, fill};
use crate::console::visitor::Visitor;
use crate::extract::Query;
use crate::file_names;
use crate::spooled_file::SpooledFile;
use crate::state::Api;

const UPLOADS: u32 = 20;

#[derive(Template)]
#[template(path = "console/outcomes.html")]
struct OutcomesPage {
    shell: Shell,
    t: &'static Watch,
    models: Vec<KeptModel>,
    chosen: OutcomesQuery,
    /// Where the file is sent, with what was chosen.
    action: String,
    template: String,
    headers: String,
    uploads: Vec<Upload>,
    is_first: bool,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "console/_outcomes_told.html")]
struct ToldFragment {
    t: &'static Watch,
    upload: Upload,
    remarks: Vec<String>,
}

#[derive(Template)]
#[template(path = "console/_outcomes_refused.html")]
struct RefusedFragment {
    t: &'static Watch,
    said: String,
    places: Vec<Place>,
}

/// A file that was sent.
struct Upload {
    file_name: String,
    model: String,
    model_name: String,
    joined: String,
    is_joined: bool,
    when: chrono::DateTime<chrono::Utc>,
    predictions: Vec<Got>,
}

/// What a prediction got.
struct Got {
    id: String,
    when: chrono::DateTime<chrono::Utc>,
    rows: String,
    known: String,
}

/// What outcomes are about.
#[derive(Clone, Default, Deserialize)]
pub struct OutcomesQuery {
    #[serde(default)]
    model_id: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    positive: String,
    cursor: Option<String>,
}

/// The page that outcomes are sent from.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Query(mut query): Query<OutcomesQuery>,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let t = Watch::of(shell.language);
    let models = outcomes::kept_models(&api.platform, &access).await?;
    if !models.iter().any(|model| model.id.to_string() == query.model_id) {
        query.model_id = models.first().map(|model| model.id.to_string()).unwrap_or_default();
    }
    let page = Page { limit: UPLOADS, cursor: query.cursor.take() };
    let sent = outcomes::list(&api.platform, &access, &page).await?;
    let pairs: Vec<(&str, &String)> = [
        ("model_id", &query.model_id),
        ("key", &query.key),
        ("outcome", &query.outcome),
        ("date", &query.date),
        ("positive", &query.positive),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .collect();
    let chosen = serde_urlencoded::to_string(&pairs).map_err(|error| PageError::internal(&error))?;
    let curl = format!(
        "curl -H \"Authorization: Bearer $AUGUR_API_KEY\" -F file=@outcomes.csv \\\n  '{}/api/v1/outcomes?{chosen}'",
        shell.base_url
    );
    let headers = serde_json::json!({ "X-CSRF-Token": shell.csrf }).to_string();
    render(&OutcomesPage {
        t,
        template: format!("/outcomes/template.csv?{chosen}"),
        action: format!("/outcomes/send?{chosen}"),
        headers,
        uploads: sent.data.iter().map(|upload| self::upload(&shell, upload)).collect(),
        is_first: page.cursor.is_none(),
        next_cursor: sent.next_cursor,
        models,
        chosen: query,
        shell: shell.with_curl(curl),
    })
}

/// A file with the columns of outcomes, and two customers as an example.
pub async fn template(
    State(api): State<Api>,
    visitor: Visitor,
    Query(query): Query<OutcomesQuery>,
) -> Result<Response, PageError> {
    let models = outcomes::kept_models(&api.platform, &visitor.access).await?;
    let chosen = models.iter().find(|model| model.id.to_string() == query.model_id);
    let or = |given: &str, usual: &str| template_cell(if given.is_empty() { usual } else { given });
    let key = or(&query.key, chosen.map_or("customerID", |model| &model.key_column));
    let (outcome, date) = (or(&query.outcome, "Churn"), or(&query.date, "date"));
    let left = or(&query.positive, "Yes");
    let text = format!("{key},{outcome},{date}\nC0001,{left},2026-10-31\nC0002,No,2026-10-31\n");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, file_names::attachment("outcomes-template.csv")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, text).into_response())
}

/// Takes a file in, and says what came of it.
pub async fn sent(
    State(api): State<Api>,
    Query(query): Query<OutcomesQuery>,
    signed: SignedUpload,
) -> PageResult {
    let SignedUpload { access, shell, upload } = signed;
    let t = Watch::of(shell.language);
    let file_name = upload.file_name.clone();
    match take(&api, &access, query, file_name, upload).await {
        Ok(upload) => {
            let mut remarks = Vec::new();
            let report = &upload.report;
            remarks.extend((report.rows_open > 0).then(|| shell.count(report.rows_open, t.open_rows)));
            remarks.extend((report.corrected > 0).then(|| shell.count(report.corrected, t.corrected)));
            render(&ToldFragment { t, upload: self::upload(&shell, &upload), remarks })
        }
        Err(Error::Input(error)) => {
            let said = match error.missing.is_empty() {
                true => faults::whole(shell.language, error.code, &error.message),
                false => fill(t.missing, &[("names", &error.missing.join(", "))]),
            };
            let places = places(&shell, &error.problems);
            // htmx shows what comes with a good status alone.
            render_with(StatusCode::OK, &RefusedFragment { t, said, places })
        }
        Err(Error::Conflict { code: "no_scores_kept", .. }) => {
            let said = t.nothing_kept_text.to_owned();
            render_with(StatusCode::OK, &RefusedFragment { t, said, places: Vec::new() })
        }
        Err(error) => Err(error.into()),
    }
}

async fn take(
    api: &Api,
    access: &Access,
    query: OutcomesQuery,
    file_name: String,
    upload: crate::extract::Upload,
) -> Result<OutcomeUpload, Error> {
    let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let model = query.model_id.parse().map(ModelId).map_err(|_| Error::NotFound("model"))?;
    let request = OutcomeRequest {
        target: Target::Model(model),
        key: given(query.key),
        outcome: given(query.outcome),
        date: given(query.date),
        positive: given(query.positive),
        window_days: WINDOW_DAYS_DEFAULT,
        file_name,
        idempotency: None,
    };
    outcomes::check(&api.platform, access, &request).await?;
    let (file, dialect) = SpooledFile::receive(&api.platform, upload.content).await?.into_parts();
    Ok(outcomes::accept(&api.platform, access, request, file, dialect).await?.value)
}

fn upload(shell: &Shell, upload: &OutcomeUpload) -> Upload {
    let t = Watch::of(shell.language);
    let report = &upload.report;
    let (rows, all) = (shell.number(report.rows_joined), shell.number(report.rows));
    let is_joined = report.rows_joined > 0;
    Upload {
        file_name: upload.file_name.clone(),
        model: upload.model.to_string(),
        model_name: upload.model_name.clone(),
        joined: match is_joined {
            true => fill(t.joined, &[("rows", &rows), ("all", &all)]),
            false => t.joined_none.to_owned(),
        },
        is_joined,
        when: upload.created_at,
        predictions: report
            .predictions
            .iter()
            .map(|got| Got {
                id: got.prediction_id.to_string(),
                when: got.predicted_at,
                rows: shell.number(got.rows),
                known: shell.number(got.rows_known),
            })
            .collect(),
    }
}

/// A cell of the template: quoted where it must be, and no formula for a spreadsheet.
fn template_cell(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

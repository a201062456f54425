//! Trainings: the list, and one at work, done or failed.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use platform::trainings::{self, Training, TrainingMetrics, TrainingStatus};
use platform::{Page, TrainingId};
use serde::Deserialize;
use serde_json::Value;

use super::account::NoFields;
use super::train::algorithm_name;
use crate::console::errors::is_fragment;
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, see_other};
use crate::console::text::{Models, faults, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::routes::trainings::report_page;
use crate::state::Api;

const TRAININGS: u32 = 25;
const HX_REFRESH: HeaderName = HeaderName::from_static("hx-refresh");

#[derive(Template)]
#[template(path = "console/trainings.html")]
struct TrainingsPage {
    shell: Shell,
    t: &'static Models,
    trainings: Vec<Training>,
    is_first: bool,
    next_cursor: Option<String>,
}

/// Which part of the list is wanted.
#[derive(Deserialize)]
pub struct TrainingsQuery {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "console/training.html")]
struct TrainingPage {
    shell: Shell,
    t: &'static Models,
    training: Training,
    facts: Vec<(&'static str, String)>,
    left_out: Vec<(String, String)>,
}

/// How far it is, asked for again and again.
#[derive(Template)]
#[template(path = "console/_training_progress.html")]
struct ProgressFragment {
    t: &'static Models,
    id: TrainingId,
    is_running: bool,
    done: u64,
    total: u64,
    said: String,
}

/// The list of trainings.
pub async fn list(
    State(api): State<Api>,
    visitor: Visitor,
    Query(query): Query<TrainingsQuery>,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let page = Page { limit: TRAININGS, cursor: query.cursor };
    let trainings = trainings::list(&api.platform, &access, &page).await?;
    let curl = shell.curl_get(&format!("/api/v1/trainings?limit={TRAININGS}"));
    render(&TrainingsPage {
        t: Models::of(shell.language),
        trainings: trainings.data,
        is_first: page.cursor.is_none(),
        next_cursor: trainings.next_cursor,
        shell: shell.with_curl(curl),
    })
}

/// One training.
pub async fn show(State(api): State<Api>, visitor: Visitor, Id(id): Id<TrainingId>) -> PageResult {
    let Visitor { access, shell } = visitor;
    let training = trainings::get(&api.platform, &access, id).await?;
    let t = Models::of(shell.language);
    let curl = shell.curl_get(&format!("/api/v1/trainings/{id}"));
    let (facts, left_out) = (facts_of(&shell, t, &training), left_out_of(&training));
    render(&TrainingPage { t, facts, left_out, training, shell: shell.with_curl(curl) })
}

/// How far it is. Once it has ended, the page is shown anew.
pub async fn progress(
    State(api): State<Api>,
    visitor: Visitor,
    headers: HeaderMap,
    Id(id): Id<TrainingId>,
) -> PageResult {
    let training = trainings::get(&api.platform, &visitor.access, id).await?;
    if !is_fragment(&headers) {
        return Ok(see_other(&format!("/trainings/{id}")));
    }
    let mut response = render(&progress_of(&visitor.shell, &training))?;
    if training.status.is_terminal() {
        response.headers_mut().insert(HX_REFRESH, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The report, in a page of its own.
pub async fn report(State(api): State<Api>, visitor: Visitor, Id(id): Id<TrainingId>) -> PageResult {
    let report: Response = report_page(trainings::report(&api.platform, &visitor.access, id).await?);
    Ok(report.into_response())
}

/// Erases the customers.
pub async fn delete(
    State(api): State<Api>,
    Id(id): Id<TrainingId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    trainings::delete(&api.platform, &access, id).await?;
    Ok(see_other(&format!("/trainings/{id}?notice=saved")))
}

fn progress_of(shell: &Shell, training: &Training) -> ProgressFragment {
    let t = Models::of(shell.language);
    let (done, total) = (training.fits_done, training.fits_total.max(1));
    let said = fill(t.fits, &[("done", &shell.number(done)), ("total", &shell.number(total))]);
    let is_running = training.status == TrainingStatus::Running;
    ProgressFragment { t, id: training.id, is_running, done, total, said }
}

/// An area under the curve with its interval, in three decimals.
pub fn auc_of(shell: &Shell, metrics: &TrainingMetrics) -> String {
    interval(
        shell,
        [metrics.unseen.metrics.auc, metrics.unseen.metrics.auc_low, metrics.unseen.metrics.auc_high],
    )
}

/// A figure with its interval; a dash where nothing was measured.
pub fn interval(shell: &Shell, figures: [Option<f64>; 3]) -> String {
    match figures {
        [Some(figure), Some(low), Some(high)] => {
            format!("{} ({}–{})", shell.fraction(figure, 3), shell.fraction(low, 3), shell.fraction(high, 3))
        }
        _ => "—".to_owned(),
    }
}

/// How long a training took.
pub fn seconds_of(shell: &Shell, training: &Training) -> String {
    match training.train_ms {
        Some(train_ms) => format!("{} s", shell.fraction(train_ms as f64 / 1000.0, 1)),
        None => "—".to_owned(),
    }
}

fn facts_of(shell: &Shell, t: &'static Models, training: &Training) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        (t.algorithm, algorithm_name(&training.algorithm).to_owned()),
        (t.data, shell.number(training.rows)),
        (t.paid, shell.money(training.price.minor_units())),
        (t.prediction_price, shell.money(training.prediction_price.minor_units())),
        (t.seed, training.seed().map(|seed| seed.to_string()).unwrap_or_default()),
        (t.took, seconds_of(shell, training)),
    ];
    if let Some(metrics) = &training.metrics {
        facts.insert(0, (t.quality, auc_of(shell, metrics)));
        if let Some(held_out) = &metrics.held_out {
            let metrics = &held_out.metrics;
            facts.insert(1, (t.held_out, interval(shell, [metrics.auc, metrics.auc_low, metrics.auc_high])));
        }
    }
    let target = training.data.as_ref().and_then(|data| {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        text("target").zip(text("positive")).map(|(target, positive)| format!("{target} = {positive}"))
    });
    facts.extend(target.map(|target| (t.target, target)));
    facts
}

/// Columns that are no features, each with the reason's word.
fn left_out_of(training: &Training) -> Vec<(String, String)> {
    let columns = training.data.as_ref().and_then(|data| data.get("left_out")).and_then(Value::as_array);
    let text =
        |column: &Value, name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    columns.into_iter().flatten().map(|column| (text(column, "column"), text(column, "reason"))).collect()
}

/// The word and the colour of a status.
pub fn status_of(t: &Models, status: TrainingStatus) -> (&'static str, &'static str) {
    match status {
        TrainingStatus::Queued => (t.queued, "accent"),
        TrainingStatus::Running => (t.running, "accent"),
        TrainingStatus::Succeeded => (t.succeeded, "stay"),
        TrainingStatus::Failed => (t.failed, "leave"),
    }
}

impl TrainingsPage {
    fn status(&self, training: &Training) -> (&'static str, &'static str) {
        status_of(self.t, training.status)
    }

    fn auc(&self, training: &Training) -> String {
        training.metrics.as_ref().map_or_else(|| "—".to_owned(), |metrics| auc_of(&self.shell, metrics))
    }

    fn algorithm(&self, training: &Training) -> &'static str {
        algorithm_name(&training.algorithm)
    }
}

impl TrainingPage {
    fn status(&self) -> (&'static str, &'static str) {
        status_of(self.t, self.training.status)
    }

    fn progress(&self) -> String {
        progress_of(&self.shell, &self.training).render().unwrap_or_default()
    }

    fn is_at_work(&self) -> bool {
        !self.training.status.is_terminal()
    }

    fn sha256(&self) -> String {
        hex::encode(&self.training.input_sha256)
    }

    fn money_back(&self) -> String {
        fill(self.t.failed_money, &[("price", &self.shell.money(self.training.price.minor_units()))])
    }

    fn kept(&self) -> String {
        match self.training.erased {
            true => self.t.erased.to_owned(),
            false => fill(self.t.kept_until, &[("date", &self.shell.date(self.training.expires_at))]),
        }
    }

    /// What is wrong, each with its place.
    fn problems(&self) -> Vec<(String, String)> {
        let Some(error) = &self.training.error else { return Vec::new() };
        let mut said = vec![(String::new(), faults::whole(self.shell.language, &error.code, &error.message))];
        said.extend(error.errors.iter().take(20).map(|problem| {
            let (line, column) = (self.shell.number(problem.line), problem.column.as_str());
            let place = fill(self.t.line, &[("line", &line), ("column", column)]);
            (place, faults::place(self.shell.language, &problem.message))
        }));
        said
    }

    /// What was asked for beside the usual.
    fn parameters(&self) -> Vec<(String, String)> {
        let Some(object) = self.training.parameters.as_object() else { return Vec::new() };
        let is_said = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(values) => !values.is_empty(),
            _ => true,
        };
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Array(values) => {
                let words =
                    values.iter().map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
                words.collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        object
            .iter()
            .filter(|(_, value)| is_said(value))
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }
}

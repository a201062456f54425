//! The predictions of all customers.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::administration::{self, People, Search};
use platform::predictions::{Prediction, PredictionError, PredictionStatus};

use super::Named;
use super::listed::ListQuery;
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Admin, faults, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::Query;
use crate::problem::sentence;
use crate::state::Api;

const PATH: &str = "/admin/predictions";

/// The states in which a prediction can be, by their words in an address.
const STATES: [(&str, PredictionStatus); 4] = [
    ("queued", PredictionStatus::Queued),
    ("running", PredictionStatus::Running),
    ("succeeded", PredictionStatus::Succeeded),
    ("failed", PredictionStatus::Failed),
];

/// A prediction as a list shows it.
pub struct PredictionView {
    pub id: String,
    pub created_at: DateTime<Utc>,
    pub order_href: String,
    pub file_name: String,
    pub customer: Option<Named>,
    pub model: String,
    pub rows: String,
    pub took: Option<String>,
    pub status: Tag,
    pub problem: Option<String>,
    pub erased: bool,
}

/// A state as a word in colour.
#[derive(Clone, Copy)]
pub struct Tag {
    pub class: &'static str,
    pub said: &'static str,
}

#[derive(Template)]
#[template(path = "console/admin/predictions.html")]
struct PredictionsPage {
    shell: Shell,
    t: &'static Admin,
    query: ListQuery,
    base: String,
    states: Vec<(&'static str, &'static str)>,
    predictions: Vec<PredictionView>,
    next_cursor: Option<String>,
}

/// The list.
pub async fn list(
    State(api): State<Api>,
    visitor: AdminVisitor,
    Query(query): Query<ListQuery>,
) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let (from, to) = query.span();
    let status = STATES.iter().find(|(word, _)| *word == query.status).map(|(_, status)| *status);
    let search = Search { status, words: query.words(), from, to };
    let found = administration::predictions(&api.platform, &access, &search, &query.page()).await?;
    let curl = shell.curl_get("/api/v1/admin/predictions?limit=50");
    let page = PredictionsPage {
        t,
        base: query.base(PATH),
        query,
        states: STATES.iter().map(|(word, status)| (*word, tag(t, *status).said)).collect(),
        predictions: PredictionView::all(&shell, t, found.list.data, &found.people),
        next_cursor: found.list.next_cursor,
        shell: shell.with_curl(curl),
    };
    render(&page)
}

impl PredictionView {
    /// Predictions as a list shows them.
    pub fn all(
        shell: &Shell,
        t: &Admin,
        predictions: Vec<Prediction>,
        people: &People,
    ) -> Vec<PredictionView> {
        predictions.into_iter().map(|prediction| PredictionView::of(shell, t, prediction, people)).collect()
    }

    fn of(shell: &Shell, t: &Admin, prediction: Prediction, people: &People) -> PredictionView {
        let done = match prediction.status {
            PredictionStatus::Running => {
                format!("{} / {}", shell.number(prediction.rows_done), shell.number(prediction.rows_total))
            }
            _ => shell.number(prediction.rows_total),
        };
        PredictionView {
            id: prediction.id.to_string(),
            created_at: prediction.created_at,
            order_href: format!("/admin/orders/{}", prediction.order),
            customer: Named::customer(t, people, prediction.tenant),
            model: format!("{} {}", prediction.model_name, prediction.model_version),
            rows: done,
            took: took(shell, t, prediction.started_at, prediction.finished_at),
            status: tag(t, prediction.status),
            problem: prediction.error.map(|error| said(shell, t, error)),
            erased: prediction.erased,
            file_name: match prediction.file_name.is_empty() {
                true => t.no_file_name.to_owned(),
                false => prediction.file_name,
            },
        }
    }
}

/// What was wrong, and the first place where it was.
fn said(shell: &Shell, t: &Admin, error: PredictionError) -> String {
    let whole = faults::whole(shell.language, &error.code, &sentence(&error.message));
    let Some(first) = error.errors.first() else { return whole };
    let message = faults::place(shell.language, &first.message);
    let line = shell.number(first.line);
    let place = [("line", line.as_str()), ("column", first.column.as_str()), ("message", message.as_str())];
    format!("{whole} {}", sentence(&fill(t.place, &place)))
}

/// How long the work took.
fn took(shell: &Shell, t: &Admin, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Option<String> {
    let ms = (to? - from?).num_milliseconds().max(0).unsigned_abs();
    let (number, unit) = match ms {
        0..1000 => (ms, t.milliseconds),
        1000..120_000 => (ms / 1000, t.seconds),
        _ => (ms / 60_000, t.minutes),
    };
    Some(fill(unit, &[("", &shell.number(number))]))
}

/// A prediction's state as a word in colour.
pub fn tag(t: &Admin, status: PredictionStatus) -> Tag {
    let (class, said) = match status {
        PredictionStatus::Queued => ("warn", t.prediction_queued),
        PredictionStatus::Running => ("accent", t.prediction_running),
        PredictionStatus::Succeeded => ("stay", t.prediction_succeeded),
        PredictionStatus::Failed => ("leave", t.prediction_failed),
    };
    Tag { class, said }
}

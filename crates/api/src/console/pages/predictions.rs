//! The list of predictions.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use platform::predictions::{self, Prediction, PredictionFilter, PredictionStatus};
use platform::{Page, services};
use serde::Deserialize;

use super::orders::filtered_address;
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Orders, Watch, fill};
use crate::console::visitor::Visitor;
use crate::extract::Query;
use crate::state::Api;

const PREDICTIONS: u32 = 25;
/// No name of a file is longer.
const FILE_CHARACTERS_MAX: usize = 255;
const STATUSES: [PredictionStatus; 4] = [
    PredictionStatus::Queued,
    PredictionStatus::Running,
    PredictionStatus::Succeeded,
    PredictionStatus::Failed,
];

#[derive(Template)]
#[template(path = "console/predictions.html")]
struct PredictionsPage {
    shell: Shell,
    t: &'static Orders,
    predictions: Vec<Prediction>,
    /// What each model is sold as.
    models: HashMap<String, String>,
    statuses: Vec<(&'static str, &'static str)>,
    status: String,
    file: String,
    is_filtered: bool,
    is_first: bool,
    base: String,
    next_cursor: Option<String>,
}

/// Which predictions are wanted.
#[derive(Deserialize)]
pub struct PredictionsQuery {
    #[serde(default)]
    status: String,
    #[serde(default)]
    file: String,
    cursor: Option<String>,
}

/// The list of predictions.
pub async fn list(
    State(api): State<Api>,
    visitor: Visitor,
    Query(query): Query<PredictionsQuery>,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let status = STATUSES.into_iter().find(|status| status.as_str() == query.status);
    let file: String = query.file.trim().chars().take(FILE_CHARACTERS_MAX).collect();
    let filter = PredictionFilter { status, file_name: (!file.is_empty()).then(|| file.clone()) };
    let page = Page { limit: PREDICTIONS, cursor: query.cursor };
    let predictions = predictions::list(&api.platform, &access, &filter, &page).await?;
    let services = services::list(&api.platform, &access, &Page { limit: 100, cursor: None }).await?;
    let t = Orders::of(shell.language);
    let curl = shell.curl_get(&format!("/api/v1/predictions?limit={PREDICTIONS}"));
    render(&PredictionsPage {
        t,
        predictions: predictions.data,
        // The list is cheapest first, and a model's cheapest service names it.
        models: services.data.into_iter().rev().map(|service| (service.model_name, service.name)).collect(),
        statuses: STATUSES.map(|status| (status.as_str(), label_of(t, status))).into(),
        is_filtered: filter != PredictionFilter::default(),
        is_first: page.cursor.is_none(),
        base: filtered_address("/predictions", &[("status", &query.status), ("file", &file)]),
        next_cursor: predictions.next_cursor,
        status: query.status,
        file,
        shell: shell.with_curl(curl),
    })
}

fn label_of(t: &Orders, status: PredictionStatus) -> &'static str {
    match status {
        PredictionStatus::Queued => t.queued,
        PredictionStatus::Running => t.running,
        PredictionStatus::Succeeded => t.succeeded,
        PredictionStatus::Failed => t.failed,
    }
}

impl PredictionsPage {
    fn outcomes(&self) -> &'static str {
        Watch::of(self.shell.language).outcomes
    }

    fn label(&self, prediction: &Prediction) -> &'static str {
        match prediction.erased {
            true => self.t.erased,
            false => label_of(self.t, prediction.status),
        }
    }

    fn tag(&self, prediction: &Prediction) -> &'static str {
        match prediction.status {
            _ if prediction.erased => "",
            PredictionStatus::Queued | PredictionStatus::Running => "accent",
            PredictionStatus::Succeeded => "stay",
            PredictionStatus::Failed => "leave",
        }
    }

    /// The file, or where its name was erased the end of the prediction's id.
    fn name(&self, prediction: &Prediction) -> String {
        match prediction.file_name.as_str() {
            "" => crate::console::movement::short_id(&prediction.id.to_string()),
            name => name.to_owned(),
        }
    }

    /// What the model is sold as, or else its own name.
    fn model<'a>(&'a self, prediction: &'a Prediction) -> &'a str {
        self.models.get(&prediction.model_name).unwrap_or(&prediction.model_name)
    }

    fn customers(&self, prediction: &Prediction) -> String {
        let total = self.shell.number(prediction.rows_total);
        match prediction.status {
            PredictionStatus::Running => {
                let done = self.shell.number(prediction.rows_done);
                fill(self.t.done_of, &[("done", &done), ("total", &total)])
            }
            _ => total,
        }
    }

    /// How many leave, and their share of those who were scored.
    fn leaves(&self, prediction: &Prediction) -> Option<(String, String)> {
        let summary = prediction.summary.as_ref()?;
        let scored = summary.stays + summary.leaves;
        let share = if scored == 0 { 0.0 } else { summary.leaves as f64 / scored as f64 };
        Some((self.shell.number(summary.leaves), self.shell.share(share)))
    }
}

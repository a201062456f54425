//! Models: the list, and one with its versions, the gate, its history and its experiments.

use askama::Template;
use axum::extract::State;
use platform::registry::{self, Action, Gate, GateVerdict, HistoryEntry, Model, Promotion, Stage, Version};
use platform::trainings::{self, Training};
use platform::{Access, ModelId, ModelVersionId, Page};
use serde::Deserialize;

use super::train::algorithm_name;
use super::trainings::{auc_of, interval, seconds_of};
use crate::console::charts::Intervals;
use crate::console::errors::PageError;
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, see_other};
use crate::console::text::{Models, Retraining, Watch, Why, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::problem::Problem;
use crate::routes::VersionPath;
use crate::state::Api;

const MODELS: u32 = 50;
const HISTORY: u32 = 50;

#[derive(Template)]
#[template(path = "console/models.html")]
struct ModelsPage {
    shell: Shell,
    t: &'static Models,
    own: Vec<Model>,
    shared: Vec<Model>,
    is_first: bool,
    next_cursor: Option<String>,
}

/// Which part of the list is wanted.
#[derive(Deserialize)]
pub struct ModelsQuery {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "console/model.html")]
struct ModelPage {
    shell: Shell,
    t: &'static Models,
    model: Model,
    versions: Vec<Version>,
    history: Vec<HistoryEntry>,
    experiments: Vec<Training>,
    /// The version that the gate was asked about, and what it said.
    judged: Option<(Version, Gate)>,
}

/// Which version the gate is to be asked about.
#[derive(Deserialize)]
pub struct ModelQuery {
    gate: Option<String>,
}

/// Where a version is to go.
#[derive(Deserialize)]
pub struct PromotionForm {
    #[serde(default)]
    stage: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    force: String,
}

/// Why the version in production is taken back.
#[derive(Deserialize)]
pub struct RollbackForm {
    #[serde(default)]
    reason: String,
}

/// The list of models, one's own first.
pub async fn list(State(api): State<Api>, visitor: Visitor, Query(query): Query<ModelsQuery>) -> PageResult {
    let Visitor { access, shell } = visitor;
    let page = Page { limit: MODELS, cursor: query.cursor };
    let models = registry::list(&api.platform, &access, &page).await?;
    let (shared, own) = models.data.into_iter().partition(|model| model.is_shared);
    let curl = shell.curl_get("/api/v1/models");
    render(&ModelsPage {
        t: Models::of(shell.language),
        own,
        shared,
        is_first: page.cursor.is_none(),
        next_cursor: models.next_cursor,
        shell: shell.with_curl(curl),
    })
}

/// One model.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<ModelId>,
    Query(query): Query<ModelQuery>,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let asked = query.gate.map(|version| version.parse::<ModelVersionId>());
    let asked = asked.transpose().map_err(|_| PageError::not_found())?;
    render(&page_of(&api, shell, &access, id, asked).await?)
}

/// Moves a version. Where the gate says no, the page shows what it measured.
pub async fn promoted(
    State(api): State<Api>,
    Id(path): Id<VersionPath>,
    SignedForm { access, body, .. }: SignedForm<PromotionForm>,
) -> PageResult {
    let (model, version) = (ModelId(path.id), ModelVersionId(path.version_id));
    // What is another's is not there, whatever the form says.
    registry::version(&api.platform, &access, model, version).await?;
    let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == body.stage);
    let stage = stage.ok_or_else(|| Problem::invalid_field("stage", "There is no such stage."))?;
    let reason = Some(body.reason).filter(|reason| !reason.trim().is_empty());
    let promotion = Promotion { stage, reason, force: !body.force.is_empty(), retraining: None };
    match registry::promote(&api.platform, &access, model, version, promotion).await {
        Ok(_) => Ok(see_other(&format!("/models/{model}?notice=saved"))),
        Err(platform::Error::Conflict { code: "gate_refused", .. }) => {
            Ok(see_other(&format!("/models/{model}?gate={version}#gate")))
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}

/// Puts the version back that served before.
pub async fn rolled_back(
    State(api): State<Api>,
    Id(id): Id<ModelId>,
    SignedForm { access, body, .. }: SignedForm<RollbackForm>,
) -> PageResult {
    registry::rollback(&api.platform, &access, id, Some(body.reason.as_str())).await?;
    Ok(see_other(&format!("/models/{id}?notice=saved")))
}

async fn page_of(
    api: &Api,
    shell: Shell,
    access: &Access,
    id: ModelId,
    asked: Option<ModelVersionId>,
) -> Result<ModelPage, PageError> {
    let model = registry::get(&api.platform, access, id).await?;
    let versions = registry::versions(&api.platform, access, id).await?;
    let page = Page { limit: HISTORY, cursor: None };
    let history = registry::history(&api.platform, access, id, &page).await?.data;
    let experiments = trainings::of_model(&api.platform, access, id).await?;
    let judged = match asked.filter(|_| !model.is_shared) {
        Some(version) => {
            let gate = registry::judge(&api.platform, access, id, version).await?;
            Some((registry::version(&api.platform, access, id, version).await?, gate))
        }
        None => None,
    };
    let curl = shell.curl_get(&format!("/api/v1/models/{id}/versions"));
    let t = Models::of(shell.language);
    Ok(ModelPage { t, model, versions, history, experiments, judged, shell: shell.with_curl(curl) })
}

fn stage_of(t: &Models, stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Development => (t.development, ""),
        Stage::Testing => (t.testing, "accent"),
        Stage::Production => (t.production, "stay"),
        Stage::Archived => (t.archived, ""),
    }
}

impl ModelsPage {
    /// One's own and the shared ones, each under its title.
    fn parts(&self) -> Vec<(&'static str, &Vec<Model>)> {
        vec![(self.t.own, &self.own), (self.t.shared, &self.shared)]
    }

    fn price(&self, model: &Model) -> String {
        model.price.map_or_else(|| "—".to_owned(), |price| self.shell.money(price.minor_units()))
    }

    fn serving(&self, model: &Model) -> String {
        model.production_label.clone().unwrap_or_else(|| self.t.nothing_serves.to_owned())
    }
}

impl ModelPage {
    fn reasons(&self) -> &'static str {
        Why::of(self.shell.language).see_model
    }

    fn monitoring(&self) -> &'static str {
        Watch::of(self.shell.language).see_model
    }

    fn retraining(&self) -> &'static str {
        Retraining::of(self.shell.language).link
    }

    fn stage(&self, version: &Version) -> (&'static str, &'static str) {
        stage_of(self.t, version.stage)
    }

    fn is_serving(&self, version: &Version) -> bool {
        version.stage == Stage::Production
    }

    fn algorithm(&self, version: &Version) -> &'static str {
        let word = serde_json::to_value(version.manifest.algorithm);
        algorithm_name(word.ok().as_ref().and_then(|word| word.as_str()).unwrap_or_default())
    }

    fn auc(&self, version: &Version) -> String {
        let metrics = &version.manifest.metrics;
        interval(&self.shell, [metrics.auc, metrics.auc_low, metrics.auc_high])
    }

    /// Where a version can go beside production.
    fn others(&self, version: &Version) -> Vec<(&'static str, &'static str)> {
        let stages = [Stage::Development, Stage::Testing, Stage::Archived].into_iter();
        stages
            .filter(|stage| *stage != version.stage)
            .map(|stage| (stage.as_str(), stage_of(self.t, stage).0))
            .collect()
    }

    fn can_roll_back(&self) -> bool {
        let last =
            self.history.iter().find(|entry| matches!(entry.action, Action::Promoted | Action::RolledBack));
        !self.model.is_shared && last.is_some_and(|entry| entry.champion.is_some())
    }

    fn event(&self, entry: &HistoryEntry) -> String {
        let t = self.t;
        let mut said = match entry.action {
            Action::Registered => t.history_registered.to_owned(),
            Action::Promoted => t.history_promoted.to_owned(),
            Action::Refused => t.history_refused.to_owned(),
            Action::RolledBack => t.history_rolled_back.to_owned(),
            Action::Moved => {
                let stage = entry.to_stage.map_or("", |stage| stage_of(t, stage).0);
                fill(t.history_moved, &[("stage", stage)])
            }
        };
        let is_served = matches!(entry.action, Action::Promoted | Action::RolledBack);
        if let Some(label) = entry.champion_label.as_ref().filter(|_| is_served) {
            said = format!("{said}, {}", fill(t.instead_of, &[("version", label)]));
        }
        if entry.is_forced { format!("{said}, {}", t.history_forced) } else { said }
    }

    /// The difference that the gate measured, with its interval.
    fn difference(&self, entry: &HistoryEntry) -> Option<String> {
        let compared = entry.gate.as_ref()?.comparison.as_ref()?;
        Some(self.signed(compared.difference, compared.low, compared.high))
    }

    fn signed(&self, figure: f64, low: f64, high: f64) -> String {
        let sign = |figure: f64| {
            let size = self.shell.fraction(figure.abs(), 3);
            if figure < 0.0 { format!("−{size}") } else { format!("+{size}") }
        };
        format!("{} ({} … {})", sign(figure), sign(low), sign(high))
    }

    fn verdict(&self, gate: &Gate) -> &'static str {
        let t = self.t;
        match gate.verdict {
            GateVerdict::FirstVersion => t.verdict_first_version,
            GateVerdict::Better => t.verdict_better,
            GateVerdict::NoBetterThanChance => t.verdict_no_better_than_chance,
            GateVerdict::NotBetter => t.verdict_not_better,
            GateVerdict::NobodyHeldOut => t.verdict_nobody_held_out,
            GateVerdict::DataErased => t.verdict_data_erased,
            GateVerdict::ColumnsMissing => t.verdict_columns_missing,
            GateVerdict::TooFewCustomers => t.verdict_too_few_customers,
        }
    }

    /// What the gate measured, drawn: each name with its figure, and the axis.
    fn picture(&self, gate: &Gate) -> Option<(Vec<(&'static str, String)>, Intervals)> {
        let figures: Vec<(&'static str, [f64; 3])> = match (&gate.comparison, gate.own_auc) {
            (Some(compared), _) => {
                let [champion, challenger] = [compared.champion, compared.challenger];
                vec![
                    (self.t.gate_champion, [champion.auc, champion.low, champion.high]),
                    (self.t.gate_challenger, [challenger.auc, challenger.low, challenger.high]),
                ]
            }
            (None, Some(own)) => vec![(self.t.gate_challenger, own)],
            (None, None) => return None,
        };
        let drawn = Intervals::new(&figures.iter().map(|(_, figure)| *figure).collect::<Vec<_>>());
        let said = |[auc, low, high]: [f64; 3]| interval(&self.shell, [Some(auc), Some(low), Some(high)]);
        Some((figures.into_iter().map(|(name, figure)| (name, said(figure))).collect(), drawn))
    }

    fn rule(&self, gate: &Gate) -> Option<(String, String)> {
        let compared = gate.comparison.as_ref()?;
        let (rows, positives) = (self.shell.number(compared.rows), self.shell.number(compared.positives));
        let rule = fill(self.t.gate_rule, &[("rows", &rows), ("positives", &positives)]);
        Some((self.signed(compared.difference, compared.low, compared.high), rule))
    }

    fn experiment_auc(&self, training: &Training) -> String {
        training.metrics.as_ref().map_or_else(|| "—".to_owned(), |metrics| auc_of(&self.shell, metrics))
    }

    fn experiment_held_out(&self, training: &Training) -> String {
        let held_out = training.metrics.as_ref().and_then(|metrics| metrics.held_out.as_ref());
        held_out.map_or_else(
            || "—".to_owned(),
            |figures| {
                let metrics = &figures.metrics;
                interval(&self.shell, [metrics.auc, metrics.auc_low, metrics.auc_high])
            },
        )
    }

    fn took(&self, training: &Training) -> String {
        seconds_of(&self.shell, training)
    }

    fn algorithm_of(&self, training: &Training) -> &'static str {
        algorithm_name(&training.algorithm)
    }
}

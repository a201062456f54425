//! Models, versions and their history as they are on the wire.

use chrono::{DateTime, Utc};
use platform::registry::{self, Gate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The ids in a version's path.
#[derive(Deserialize)]
pub struct VersionPath {
    /// The model's.
    pub id: Uuid,
    /// The version's.
    pub version_id: Uuid,
}

/// A model, your own or a shared one.
#[derive(Serialize, ToSchema)]
pub struct Model {
    id: Uuid,
    #[schema(example = "my-churn")]
    name: String,
    /// Whether it is everybody's, and only to be looked at.
    shared: bool,
    /// The version that new orders get.
    #[serde(skip_serializing_if = "Option::is_none")]
    production: Option<VersionName>,
    /// How many versions there are.
    versions: u64,
    /// The line of the price list that sells its predictions, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_id: Option<Uuid>,
    /// What one of them costs there, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<i64>,
    currency: String,
    created_at: DateTime<Utc>,
}

/// A version by its id and its label.
#[derive(Serialize, ToSchema)]
pub struct VersionName {
    id: Uuid,
    #[schema(example = "2")]
    version: String,
}

/// A version of a model.
#[derive(Serialize, ToSchema)]
pub struct ModelVersion {
    id: Uuid,
    model_id: Uuid,
    #[schema(example = "my-churn")]
    model: String,
    #[schema(example = "2")]
    version: String,
    stage: Stage,
    /// Of the model's file.
    sha256: String,
    /// What it reads, how it was trained, what was measured by cross-validation.
    #[schema(value_type = Object)]
    manifest: Value,
    /// The training that made it; none for a shared model.
    #[serde(skip_serializing_if = "Option::is_none")]
    training_id: Option<Uuid>,
    /// What a prediction costs with it, in minor units, where a training made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction_price: Option<i64>,
    created_at: DateTime<Utc>,
}

/// Where a version is on its way.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Made, and nothing more.
    Development,
    /// Looked at before it serves.
    Testing,
    /// New orders get it; one version of a model at most.
    Production,
    /// It has served, or never will.
    Archived,
}

/// A version that was moved.
#[derive(Serialize, ToSchema)]
pub struct Moved {
    version: ModelVersion,
    /// What the gate measured, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<GateShape>)]
    gate: Option<Gate>,
}

/// What the gate measured and decided.
#[derive(ToSchema)]
#[schema(as = Gate)]
#[expect(dead_code, reason = "it documents the shape of the registry's gate")]
pub struct GateShape {
    /// `first_version` and `better` pass; `not_better`, `no_better_than_chance`, `nobody_held_out`, `data_erased`,
    /// `columns_missing` and `too_few_customers` do not.
    #[schema(example = "better")]
    verdict: String,
    /// `held_out_by_both`: customers of one file that both trainings held out. `held_out_by_challenger`: the
    /// champion was asked about the challenger's, and may have learned from some of them. `new_customers`: a
    /// retraining held out customers with outcomes whom the champion has not learned from. `quality_bar`: there was
    /// no champion.
    #[schema(example = "held_out_by_both")]
    basis: String,
    /// Both versions on the same customers.
    comparison: Option<Comparison>,
    /// A first version's area under the curve, and its 95 % interval's lower and upper end.
    own_auc: Option<Vec<f64>>,
}

/// Champion and challenger on the same customers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents the shape of a paired comparison")]
pub struct Comparison {
    rows: u64,
    positives: u64,
    champion: Area,
    challenger: Area,
    /// The challenger's area under the curve less the champion's.
    difference: f64,
    /// The lower end of the difference's 95 % interval.
    low: f64,
    /// The upper end.
    high: f64,
}

/// An area under the ROC curve with its 95 % interval, and the mean squared error of the probabilities.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents the shape of a paired comparison")]
pub struct Area {
    auc: f64,
    low: f64,
    high: f64,
    brier: f64,
}

/// A line of a model's history.
#[derive(Serialize, ToSchema)]
pub struct HistoryEntry {
    id: Uuid,
    model_id: Uuid,
    version: VersionName,
    /// `registered`, `promoted`, `refused`, `rolled_back` or `moved`.
    #[schema(value_type = String, example = "promoted")]
    action: registry::Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_stage: Option<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_stage: Option<Stage>,
    /// The version that was in production until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<VersionName>,
    /// Who; none where the platform did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whether it was done against the gate.
    forced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<GateShape>)]
    gate: Option<Gate>,
    created_at: DateTime<Utc>,
}

impl Model {
    /// A model as it is on the wire.
    pub fn new(model: registry::Model, currency: &str) -> Model {
        let production = model.production.zip(model.production_label);
        Model {
            id: model.id.0,
            name: model.name,
            shared: model.is_shared,
            production: production.map(|(id, version)| VersionName { id: id.0, version }),
            versions: model.versions,
            service_id: model.service.map(|service| service.0),
            price: model.price.map(|price| price.minor_units()),
            currency: currency.to_owned(),
            created_at: model.created_at,
        }
    }
}

impl From<registry::Version> for ModelVersion {
    fn from(version: registry::Version) -> ModelVersion {
        ModelVersion {
            id: version.id.0,
            model_id: version.model.0,
            model: version.model_name,
            version: version.label,
            stage: version.stage.into(),
            sha256: version.sha256,
            manifest: serde_json::to_value(version.manifest).unwrap_or_default(),
            training_id: version.training.map(|training| training.0),
            prediction_price: version.prediction_price.map(|price| price.minor_units()),
            created_at: version.created_at,
        }
    }
}

impl Moved {
    /// A version that was moved as it is on the wire.
    pub fn new(version: registry::Version, gate: Option<Gate>) -> Moved {
        Moved { version: version.into(), gate }
    }
}

impl From<registry::HistoryEntry> for HistoryEntry {
    fn from(entry: registry::HistoryEntry) -> HistoryEntry {
        let replaced = entry.champion.zip(entry.champion_label);
        HistoryEntry {
            id: entry.id,
            model_id: entry.model.0,
            version: VersionName { id: entry.version.0, version: entry.label },
            action: entry.action,
            from_stage: entry.from_stage.map(Stage::from),
            to_stage: entry.to_stage.map(Stage::from),
            replaced: replaced.map(|(id, version)| VersionName { id: id.0, version }),
            actor_user_id: entry.actor.map(|actor| actor.0),
            reason: entry.reason,
            forced: entry.is_forced,
            gate: entry.gate,
            created_at: entry.created_at,
        }
    }
}

impl From<registry::Stage> for Stage {
    fn from(stage: registry::Stage) -> Stage {
        match stage {
            registry::Stage::Development => Stage::Development,
            registry::Stage::Testing => Stage::Testing,
            registry::Stage::Production => Stage::Production,
            registry::Stage::Archived => Stage::Archived,
        }
    }
}

impl From<Stage> for registry::Stage {
    fn from(stage: Stage) -> registry::Stage {
        match stage {
            Stage::Development => registry::Stage::Development,
            Stage::Testing => registry::Stage::Testing,
            Stage::Production => registry::Stage::Production,
            Stage::Archived => registry::Stage::Archived,
        }
    }
}

//! A tenant's models: their versions, where each is on its way, what put them there, and who may put another one
//! into production. The shared models are shown beside them, to be looked at.

pub(crate) mod db;
mod gate;
mod promote;
mod read;
mod register;

pub use gate::{Basis, Gate, GateVerdict};
pub use promote::{Promotion, RolledBack, judge, promote, rollback};
pub use read::{card, get, history, list, version, version_or_serving, versions};

pub(crate) use promote::own_model;
pub(crate) use register::register;

use crate::{ModelId, ModelVersionId, ServiceId, TrainingId, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use scoring::Manifest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a version is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Stage {
    /// Every stage, in the order of a version's way.
    pub const ALL: [Stage; 4] = [Stage::Development, Stage::Testing, Stage::Production, Stage::Archived];

    /// The stage as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Development => "development",
            Stage::Testing => "testing",
            Stage::Production => "production",
            Stage::Archived => "archived",
        }
    }
}

/// A model, a tenant's own or a shared one.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its id.
    pub id: ModelId,
    /// Its name.
    pub name: String,
    /// Whether it is everybody's, and can only be looked at.
    pub is_shared: bool,
    /// The version that new orders get.
    pub production: Option<ModelVersionId>,
    /// That version's label.
    pub production_label: Option<String>,
    /// How many versions there are.
    pub versions: u64,
    /// The line of the price list that sells its predictions, once there is one.
    pub service: Option<ServiceId>,
    /// What one of them costs there.
    pub price: Option<Money>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A version of a model.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its id.
    pub id: ModelVersionId,
    /// Whose version it is.
    pub model: ModelId,
    /// The model's name.
    pub model_name: String,
    /// Its label.
    pub label: String,
    /// Where it is on its way.
    pub stage: Stage,
    /// The SHA-256 of its file.
    pub sha256: String,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The training that made it; none for a shared model.
    pub training: Option<TrainingId>,
    /// What a prediction costs with it, where a training of the tenant's made it.
    pub prediction_price: Option<Money>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What happened to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A training made it.
    Registered,
    /// It went into production.
    Promoted,
    /// The gate did not let it.
    Refused,
    /// It went back into production.
    RolledBack,
    /// It moved between the other stages.
    Moved,
}

impl Action {
    /// The action as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Registered => "registered",
            Action::Promoted => "promoted",
            Action::Refused => "refused",
            Action::RolledBack => "rolled_back",
            Action::Moved => "moved",
        }
    }
}

/// A line of a model's history.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// Its id.
    pub id: Uuid,
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: ModelVersionId,
    /// That version's label.
    pub label: String,
    /// What happened.
    pub action: Action,
    /// From where.
    pub from_stage: Option<Stage>,
    /// To where.
    pub to_stage: Option<Stage>,
    /// The version that was in production until then.
    pub champion: Option<ModelVersionId>,
    /// That version's label.
    pub champion_label: Option<String>,
    /// Who; none where the platform did it.
    pub actor: Option<UserId>,
    /// Why, as they said; none where nothing was said or it was erased.
    pub reason: Option<String>,
    /// Whether it was done against the gate.
    pub is_forced: bool,
    /// What the gate had measured.
    pub gate: Option<Gate>,
    /// When.
    pub created_at: DateTime<Utc>,
}

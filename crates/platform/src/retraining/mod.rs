//! Training a tenant's model again: when, for how much, on whom, and what becomes of the version.
//!
//! A policy says what sets a run off. The sweeper looks for causes and begins a run for each, once; gathers the
//! customers whose outcomes are known; orders an ordinary training in the name of whoever wrote the policy; and
//! takes the version to the gate, which nothing here goes past. Each trigger and each decision is a line that
//! nobody can change.

mod causes;
mod conclude;
pub(crate) mod db;
mod gather;
mod policy;
mod read;
mod start;
mod sweep;
mod weave;

pub use policy::{Policy, PolicyChange, policy, update_policy};
pub use read::{list, retrain};

pub(crate) use conclude::{Judged, judged};
pub(crate) use policy::db::select_policies;
pub(crate) use start::begin;
pub(crate) use sweep::sweep;

use crate::{ModelId, ModelVersionId, RetrainingRunId, TenantId, TrainingId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What sets a run off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Drift is raised for the version in production.
    Drift,
    /// Outcomes say that it has become too bad.
    Performance,
    /// So many outcomes are new.
    Outcomes,
    /// Its time has come.
    Schedule,
    /// Somebody asked.
    Hand,
}

impl Trigger {
    /// The trigger as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Drift => "drift",
            Trigger::Performance => "performance",
            Trigger::Outcomes => "outcomes",
            Trigger::Schedule => "schedule",
            Trigger::Hand => "hand",
        }
    }
}

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Set off; its customers are being gathered.
    Triggered,
    /// Its training is paid for and at work.
    Training,
    /// Nothing was trained; the reason tells why.
    Skipped,
    /// The training failed and was refunded.
    Failed,
    /// The gate said no.
    Refused,
    /// The gate said yes, and somebody is to promote the version.
    Passed,
    /// The version is in production.
    Promoted,
}

impl RunStatus {
    /// The status as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Triggered => "triggered",
            RunStatus::Training => "training",
            RunStatus::Skipped => "skipped",
            RunStatus::Failed => "failed",
            RunStatus::Refused => "refused",
            RunStatus::Passed => "passed",
            RunStatus::Promoted => "promoted",
        }
    }
}

/// Why nothing was trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Another run of this model was at work.
    AlreadyRunning,
    /// The last training is too short a time ago.
    QuietTime,
    /// The balance does not cover the training.
    NoBalance,
    /// The training costs more than a run may.
    TooExpensive,
    /// The month's money is spent.
    MonthSpent,
    /// Too few customers with outcomes whom the version in production has not learned from.
    NoData,
    /// No version is in production.
    NoProduction,
    /// The training's line is not on the price list any more, or does not train this algorithm.
    ServiceGone,
    /// Whoever wrote the policy may not write any more.
    NoAuthor,
    /// The customers that were gathered cannot be trained on.
    CannotTrain,
    /// The policy was switched off meanwhile.
    PolicyOff,
    /// The account was closed.
    AccountClosed,
}

impl SkipReason {
    /// The reason as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            SkipReason::AlreadyRunning => "already_running",
            SkipReason::QuietTime => "quiet_time",
            SkipReason::NoBalance => "no_balance",
            SkipReason::TooExpensive => "too_expensive",
            SkipReason::MonthSpent => "month_spent",
            SkipReason::NoData => "no_data",
            SkipReason::NoProduction => "no_production",
            SkipReason::ServiceGone => "service_gone",
            SkipReason::NoAuthor => "no_author",
            SkipReason::CannotTrain => "cannot_train",
            SkipReason::PolicyOff => "policy_off",
            SkipReason::AccountClosed => "account_closed",
        }
    }
}

/// Whom a training learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gathered {
    /// Customers with outcomes whom the version in production has not learned from as they are: only of them anybody
    /// is held out, so that the gate compares on customers whom neither version knows.
    pub rows_new: u64,
    /// Customers with outcomes whom it has learned from.
    pub rows_again: u64,
    /// Customers of its own training.
    pub rows_before: u64,
}

/// A line of a run: a trigger or a decision, for good.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its id.
    pub id: Uuid,
    /// The status that the run got.
    pub kind: RunStatus,
    /// The figures behind it.
    pub detail: Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// One time that a model was to be trained again.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RetrainingRunId,
    /// Whose.
    pub tenant: TenantId,
    /// Of which model.
    pub model: ModelId,
    /// What set it off.
    pub trigger: Trigger,
    /// Who asked; none where the policy did.
    pub actor: Option<UserId>,
    /// Where it is in its life.
    pub status: RunStatus,
    /// Why nothing was trained.
    pub reason: Option<SkipReason>,
    /// Its training, once that is paid for.
    pub training: Option<TrainingId>,
    /// Whom that learned from.
    pub gathered: Option<Gathered>,
    /// The version in production that the new one is measured against.
    pub champion: Option<ModelVersionId>,
    /// What happened, oldest first.
    pub lines: Vec<Line>,
    /// When it was set off.
    pub created_at: DateTime<Utc>,
}

/// What a training needs to know of the run that it is a part of.
#[derive(Clone, Copy, Debug)]
pub struct RetrainingStart {
    pub(crate) run: RetrainingRunId,
    pub(crate) model: ModelId,
    pub(crate) champion: ModelVersionId,
    pub(crate) gathered: Gathered,
}

//! Data in from where it lies: a tenant names a source once, and files are fetched from it on demand or on a schedule.
//!
//! A [`Source`] is a place and what opens it, sealed. An [`Intake`] fetches a file from it, holds it against the
//! contract of the model, and orders a prediction or a training exactly as an upload does: through the same
//! operations, in the name of the user who asked. What it ordered is written into its row in the transaction that
//! pays ([`attach`]), so that a crash anywhere pays once or not at all. A refused intake costs nothing.

mod address;
pub(crate) mod db;
mod events;
mod fetch;
mod intakes;
mod manage;
mod place;
mod postgresql;
mod schedule;
mod take;

pub use events::EventLog;
pub use fetch::Failure;
pub use intakes::{Intake, IntakeReport, IntakeStatus, get_intake, list_intakes, start};
pub(crate) use intakes::{attach_prediction, attach_training, fail, forget_old, requeue, started};
pub use manage::{NewSource, SourceChange, Tested, create, delete, get, list, set_schedule, test, update};
pub use place::{Credentials, Place, Tls};
pub(crate) use schedule::start_due;
pub use schedule::{Schedule, When};
pub use take::{Taken, take_in};

use crate::predictions::PredictionOptions;
use crate::trainings::TrainRequest;
use crate::{ServiceId, SourceId, TenantId, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use scoring::OnError;
use scoring::contract::{Expected, FindingKind, Freshness};
use serde::{Deserialize, Serialize};

/// Where data of a tenant's lie.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What its owner calls it.
    pub name: String,
    /// Where it is, without what opens it.
    pub place: Place,
    /// Whether there is something that opens it, which is never shown.
    pub has_credentials: bool,
    /// What is expected of its files.
    pub policy: Policy,
    /// What is done with it by itself.
    pub schedule: Option<Schedule>,
    /// In whose name.
    pub user: Option<UserId>,
    /// When for the next time.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What is expected of a source's files beside what the model has learned, and which findings refuse one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// The column that tells customers apart: none is there twice.
    pub key: Option<String>,
    /// The column of dates whose newest one says how fresh a file is.
    pub date: Option<String>,
    /// How many days old that one may be.
    pub age_days_max: Option<u32>,
    /// What may not be found.
    pub refuse: Vec<FindingKind>,
}

impl Policy {
    /// What a file is held against now.
    pub(crate) fn expected(&self, now: DateTime<Utc>) -> Expected {
        let freshness = self.date.clone().zip(self.age_days_max);
        let freshness =
            freshness.map(|(column, days_max)| Freshness { column, days_max, now: now.timestamp() });
        Expected { key: self.key.clone(), freshness }
    }
}

/// What is made of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A prediction.
    Predict,
    /// A training.
    Train,
}

/// What an intake orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntakeRequest {
    /// What is made of the file.
    pub purpose: Purpose,
    /// The line of the price list, of predictions or of trainings.
    pub service: ServiceId,
    /// The most that it may cost; none takes whatever the price is.
    #[serde(default)]
    pub price_max: Option<Money>,
    /// What becomes of customers who cannot be scored.
    #[serde(default)]
    pub on_error: OnError,
    /// What is asked for beside the plain result of a prediction.
    #[serde(default)]
    pub options: PredictionOptions,
    /// The model that gets a version by a training; the algorithm's name where nothing is said.
    #[serde(default)]
    pub model: Option<String>,
    /// What is asked of a training.
    #[serde(default)]
    pub training: Option<TrainRequest>,
    /// A log of what the customers did, of which features are made first.
    #[serde(default)]
    pub events: Option<EventLog>,
}

//! Models in use: how the customers of each prediction differ from those of the training, and how true the
//! predictions turned out to be.
//!
//! The worker looks at a finished result once more before it settles ([`SecondLook`]); what it saw is written in
//! the settlement's transaction. Outcomes that a tenant sends later are joined to what was kept then, by a keyed
//! hash. Statistics are `scoring::monitoring`'s.

pub(crate) mod db;
mod erase;
mod history;
pub mod outcomes;
mod scores;
mod second_look;
pub(crate) mod settings;

pub use history::{DriftEvent, DriftPoint, PredictionDrift, history, of_prediction};
pub use scores::{GROUP_CONTROL, KeyHasher, Score, ScoreReader, ScoreWriter, scores_path};
pub use second_look::{KeptScores, SecondLook};
pub use settings::{Costs, Monitoring, Settings, settings, update_settings};

pub(crate) use erase::{erase_expired, erase_of, erase_orphans, erase_tenant};
pub(crate) use scores::Keys;
pub(crate) use second_look::record;

use crate::{Error, Platform};

/// What hashes the keys of a tenant's customers, for the worker.
pub async fn key_hasher(platform: &Platform, tenant: crate::TenantId) -> Result<KeyHasher, Error> {
    platform.monitoring_keys.hasher(platform, tenant).await
}

//! Risk tiers: where each begins for a tenant, and what the tenant does about its customers.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::{Access, Error, Platform, TenantTx};
use chrono::{DateTime, Utc};
use scoring::{Tier, TierCount, TierThresholds};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// The most letters that an action has.
const ACTION_LETTERS_MAX: usize = 200;

/// What is done about the customers of each tier, in the tenant's own words; empty where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actions {
    /// Of those who are most likely to leave.
    pub very_high: String,
    /// Of the next.
    pub high: String,
    /// Of the next.
    pub medium: String,
    /// Of the rest.
    pub low: String,
}

/// A tenant's tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskTiers {
    /// Where they begin.
    pub thresholds: TierThresholds,
    /// What is done.
    pub actions: Actions,
    /// When the tenant last changed them; none where they are the defaults.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Actions {
    /// What is done about a tier.
    pub fn of(&self, tier: Tier) -> &str {
        match tier {
            Tier::VeryHigh => &self.very_high,
            Tier::High => &self.high,
            Tier::Medium => &self.medium,
            Tier::Low => &self.low,
        }
    }

    /// The actions as they are kept.
    fn checked(self) -> Result<Actions, Error> {
        let check = |field: &'static str, text: String| {
            let text = text.trim();
            if text.chars().count() > ACTION_LETTERS_MAX || text.chars().any(char::is_control) {
                return Err(Error::invalid(field, "an action has at most 200 characters, on one line"));
            }
            Ok(text.to_owned())
        };
        Ok(Actions {
            very_high: check("actions.very_high", self.very_high)?,
            high: check("actions.high", self.high)?,
            medium: check("actions.medium", self.medium)?,
            low: check("actions.low", self.low)?,
        })
    }
}

/// The tiers of the caller's tenant.
pub async fn get(platform: &Platform, access: &Access) -> Result<RiskTiers, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    Ok(db::select(tx.connection(), tenant).await?.unwrap_or_default())
}

/// Changes the tiers of the caller's tenant. Predictions that were accepted before keep theirs.
///
/// # Errors
/// [`Error::Invalid`] on an action that is too long; [`Error::Forbidden`] for a read-only API key.
pub async fn change(
    platform: &Platform,
    access: &Access,
    thresholds: TierThresholds,
    actions: Actions,
) -> Result<RiskTiers, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let actions = actions.checked()?;
    let updated_at = db::upsert(tx.connection(), writer, &thresholds, &actions).await?;
    let event = Event {
        action: "risk_tiers.changed",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(writer.tenant().0),
        // Without the actions, which are texts that could never be erased here.
        detail: json!({ "thresholds_millionths": thresholds }),
        request_id: Some(&access.request_id),
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    Ok(RiskTiers { thresholds, actions, updated_at: Some(updated_at) })
}

/// How many customers of a ranked result are in each tier, the riskiest first.
pub async fn counts(
    ranking: &Arc<scoring::Ranking>,
    thresholds: TierThresholds,
) -> Result<[TierCount; Tier::ALL.len()], Error> {
    let ranking = ranking.clone();
    let counts = spawn_blocking(move || ranking.tiers(&thresholds)).await.map_err(Error::internal)?;
    counts.map_err(|error| Error::Unavailable { dependency: "temporary files", detail: error.to_string() })
}

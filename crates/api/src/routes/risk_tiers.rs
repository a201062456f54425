//! Risk tiers: where they begin, and what is done about each.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::risk_tiers::{self, Actions};
use scoring::TierThresholds;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Caller, JsonBody};
use crate::problem::Problem;
use crate::state::Api;

/// Where tiers begin: probabilities from 0 to 1 with up to six decimals, each above the next.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RiskThresholds, example = json!({"very_high": 0.75, "high": 0.5, "medium": 0.25}))]
pub struct Thresholds {
    #[schema(minimum = 0, maximum = 1)]
    very_high: f64,
    #[schema(minimum = 0, maximum = 1)]
    high: f64,
    #[schema(minimum = 0, maximum = 1)]
    medium: f64,
}

/// What is done about the customers of each tier, in your own words, at most 200 characters each.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RiskActions, example = json!({"very_high": "Call today", "high": "Offer a yearly contract", "medium": "", "low": ""}))]
pub struct TierActions {
    #[schema(max_length = 200)]
    very_high: String,
    #[schema(max_length = 200)]
    high: String,
    #[schema(max_length = 200)]
    medium: String,
    #[schema(max_length = 200)]
    low: String,
}

/// The tenant's risk tiers.
#[derive(Serialize, ToSchema)]
pub struct RiskTiers {
    thresholds: Thresholds,
    actions: TierActions,
    /// When they were changed last; missing where they are the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}

/// New risk tiers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskTiersRequest {
    #[serde(deserialize_with = "crate::extract::object")]
    thresholds: Thresholds,
    #[serde(default, deserialize_with = "crate::extract::object")]
    actions: TierActions,
}

/// The risk tiers
#[utoipa::path(
    get, path = "/api/v1/risk-tiers", tag = "Acting", operation_id = "get_risk_tiers",
    responses((status = 200, description = "The tenant's tiers, or the defaults", body = RiskTiers)),
)]
pub async fn get(State(api): State<Api>, Caller(access): Caller) -> Result<Json<RiskTiers>, Problem> {
    Ok(Json(risk_tiers::get(&api.platform, &access).await?.into()))
}

/// Change the risk tiers
///
/// Predictions that were accepted before keep the column that they were asked for.
#[utoipa::path(
    put, path = "/api/v1/risk-tiers", tag = "Acting", operation_id = "change_risk_tiers",
    request_body = RiskTiersRequest,
    responses((status = 200, description = "The tiers from now on", body = RiskTiers)),
)]
pub async fn change(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<RiskTiersRequest>,
) -> Result<Json<RiskTiers>, Problem> {
    let thresholds = body.thresholds.checked()?;
    let actions = body.actions.into();
    Ok(Json(risk_tiers::change(&api.platform, &access, thresholds, actions).await?.into()))
}

impl Thresholds {
    fn checked(self) -> Result<TierThresholds, Problem> {
        // What is no probability becomes a number that is refused: the conversion saturates.
        let millionths = |share: f64| (share * 1e6).round() as u32;
        TierThresholds::new(millionths(self.very_high), millionths(self.high), millionths(self.medium))
            .ok_or_else(|| {
                let message = "The thresholds descend, from at most 1 to more than 0.";
                Problem::invalid_field("thresholds", message)
            })
    }
}

impl From<TierThresholds> for Thresholds {
    fn from(thresholds: TierThresholds) -> Thresholds {
        let share = |millionths: u32| f64::from(millionths) / 1e6;
        Thresholds {
            very_high: share(thresholds.very_high),
            high: share(thresholds.high),
            medium: share(thresholds.medium),
        }
    }
}

impl From<TierActions> for Actions {
    fn from(actions: TierActions) -> Actions {
        let TierActions { very_high, high, medium, low } = actions;
        Actions { very_high, high, medium, low }
    }
}

impl From<risk_tiers::RiskTiers> for RiskTiers {
    fn from(tiers: risk_tiers::RiskTiers) -> RiskTiers {
        let Actions { very_high, high, medium, low } = tiers.actions;
        RiskTiers {
            thresholds: tiers.thresholds.into(),
            actions: TierActions { very_high, high, medium, low },
            updated_at: tiers.updated_at,
        }
    }
}

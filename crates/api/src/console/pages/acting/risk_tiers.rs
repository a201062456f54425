//! The page of the risk tiers.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::risk_tiers::{self, Actions};
use platform::{Access, Error};
use scoring::{Tier, TierThresholds};
use serde::Deserialize;

use crate::console::charts::tiers::name_of;
use crate::console::errors::PageError;
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::Acting;
use crate::console::visitor::Visitor;
use crate::state::Api;

#[derive(Template)]
#[template(path = "console/risk_tiers.html")]
struct TiersPage {
    shell: Shell,
    t: &'static Acting,
    rows: Vec<Row>,
    error: Option<&'static str>,
}

/// A tier of the form.
struct Row {
    word: &'static str,
    name: &'static str,
    /// As it was typed; the lowest tier has none.
    threshold: Option<String>,
    action: String,
}

/// What was typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TiersFields {
    very_high: String,
    high: String,
    medium: String,
    action_very_high: String,
    action_high: String,
    action_medium: String,
    action_low: String,
}

/// The tiers as they are.
pub async fn show(State(api): State<Api>, visitor: Visitor) -> PageResult {
    let Visitor { access, shell } = visitor;
    let fields = fields_of(&api, &access).await?;
    render(&page(shell, &fields, None))
}

/// Changes them.
pub async fn changed(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<TiersFields>,
) -> PageResult {
    let t = Acting::of(shell.language);
    let Some(thresholds) = body.thresholds() else {
        return render_with(StatusCode::UNPROCESSABLE_ENTITY, &page(shell, &body, Some(t.tiers_unordered)));
    };
    match risk_tiers::change(&api.platform, &access, thresholds, body.actions()).await {
        Ok(_) => Ok(see_other("/risk-tiers?notice=saved")),
        Err(Error::Invalid(_)) => {
            render_with(StatusCode::UNPROCESSABLE_ENTITY, &page(shell, &body, Some(t.tiers_too_long)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn fields_of(api: &Api, access: &Access) -> Result<TiersFields, PageError> {
    let tiers = risk_tiers::get(&api.platform, access).await?;
    let percent = |millionths: u32| (f64::from(millionths) / 1e4).to_string();
    let TierThresholds { very_high, high, medium } = tiers.thresholds;
    Ok(TiersFields {
        very_high: percent(very_high),
        high: percent(high),
        medium: percent(medium),
        action_very_high: tiers.actions.very_high,
        action_high: tiers.actions.high,
        action_medium: tiers.actions.medium,
        action_low: tiers.actions.low,
    })
}

fn page(shell: Shell, fields: &TiersFields, error: Option<&'static str>) -> TiersPage {
    let t = Acting::of(shell.language);
    let typed = |tier: Tier| match tier {
        Tier::VeryHigh => (Some(&fields.very_high), &fields.action_very_high),
        Tier::High => (Some(&fields.high), &fields.action_high),
        Tier::Medium => (Some(&fields.medium), &fields.action_medium),
        Tier::Low => (None, &fields.action_low),
    };
    let row = |tier: Tier| {
        let (threshold, action) = typed(tier);
        let name = name_of(t, tier);
        Row { word: tier.as_str(), name, threshold: threshold.cloned(), action: action.clone() }
    };
    let json = r#"{"thresholds": {"very_high": 0.75, "high": 0.5, "medium": 0.25}, "actions": {"very_high": "Call"}}"#;
    let curl = shell.curl_send("PUT", "/api/v1/risk-tiers", json);
    TiersPage { rows: Tier::ALL.map(row).into(), shell: shell.with_curl(curl), t, error }
}

impl TiersFields {
    fn thresholds(&self) -> Option<TierThresholds> {
        let millionths = |typed: &str| {
            let percent: f64 =
                typed.trim().trim_end_matches('%').trim_end().replace(',', ".").parse().ok()?;
            // What is no percentage becomes a number that is refused: the conversion saturates.
            Some((percent * 1e4).round() as u32)
        };
        TierThresholds::new(millionths(&self.very_high)?, millionths(&self.high)?, millionths(&self.medium)?)
    }

    fn actions(&self) -> Actions {
        Actions {
            very_high: self.action_very_high.clone(),
            high: self.action_high.clone(),
            medium: self.action_medium.clone(),
            low: self.action_low.clone(),
        }
    }
}

//! What a plan has done, on its page, and the outcomes that tell it.

use askama::Template;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use ledger::Money;
use platform::monitoring::outcomes;
use platform::plans::{self, Plan, PlanEffect};
use platform::{Access, PlanId};
use scoring::campaign::{Effect, Interval};
use serde::Deserialize;

use super::plan::count_of;
use crate::console::charts::EffectPicture;
use crate::console::errors::PageError;
use crate::console::forgery::{SignedForm, SignedUpload};
use crate::console::pages::admin::amount;
use crate::console::pages::admin::form_key::new_key;
use crate::console::pages::riskiest::ranking_within;
use crate::console::shell::{PageResult, Shell, see_other};
use crate::console::text::{Acting, Admin, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, KeyName, Query, key_of_upload};
use crate::problem::Problem;
use crate::state::Api;

/// How long the page waits for the names of the list's columns, which are only a help.
const COLUMNS_PATIENCE: std::time::Duration = std::time::Duration::from_millis(25);

/// The part of the plan's page.
#[derive(Template)]
#[template(path = "console/_measured.html")]
pub struct MeasuredPart {
    t: &'static Acting,
    id: PlanId,
    key: String,
    csrf: String,
    /// Outcomes of its prediction were sent before, and can be taken.
    is_known: bool,
    /// Outcomes can be sent: the list is there, and somebody is held out.
    is_open: bool,
    columns: Vec<String>,
    measured: Option<Measured>,
}

/// What was measured, in words.
struct Measured {
    headline: String,
    class: &'static str,
    facts: Vec<Fact>,
    picture: Option<EffectPicture>,
    remarks: Vec<String>,
    said: String,
}

struct Fact {
    name: &'static str,
    value: String,
    detail: String,
}

/// How outcomes are to be read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SentQuery {
    column: String,
    outcome: String,
    spent: String,
}

/// Measures a plan by a file that a script sends.
pub async fn measured(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<PlanId>,
    Query(query): Query<SentQuery>,
    KeyName(key): KeyName,
    request: Request,
) -> PageResult {
    // Whose plan it is comes before what is sent.
    plans::get(&api.platform, &visitor.access, id).await?;
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let SignedUpload { access, shell, upload } = SignedUpload::from_request(request, &api).await?;
    let spent = spent(&shell, &query.spent)?;
    let request = plans::OutcomesRequest {
        key: query.column,
        outcome: Some(query.outcome).filter(|name| !name.trim().is_empty()),
        positive: None,
        spent,
        idempotency: key_of_upload(key, &method, &uri),
    };
    plans::measure(&api.platform, &access, id, request, upload.content).await?;
    let location = HeaderValue::from_str(&format!("/plans/{id}?notice=measured#effect"));
    let location = location.map_err(|error| PageError::internal(&error))?;
    Ok((StatusCode::CREATED, [(LOCATION, location)]).into_response())
}

/// What the campaign has cost, where outcomes were sent before.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct KnownForm {
    spent: String,
}

/// Measures a plan by outcomes that were sent for its prediction.
pub async fn measured_by_known(
    State(api): State<Api>,
    Id(id): Id<PlanId>,
    SignedForm { access, shell, body }: SignedForm<KnownForm>,
) -> PageResult {
    // Whose plan it is comes before what is typed.
    plans::get(&api.platform, &access, id).await?;
    let spent = spent(&shell, &body.spent)?;
    // To measure twice does no harm, so that the form needs no key.
    plans::measure_by_known(&api.platform, &access, id, spent, None).await?;
    Ok(see_other(&format!("/plans/{id}?notice=measured#effect")))
}

/// What is typed as spent; nothing where nothing is.
fn spent(shell: &Shell, typed: &str) -> Result<Option<Money>, Problem> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let amount = amount::parse(Admin::of(shell.language), shell.language, &shell.currency, typed.trim());
    amount.map(Some).map_err(|message| Problem::invalid_field("spent", message))
}

impl MeasuredPart {
    /// The part as it is now.
    pub async fn read(
        api: &Api,
        access: &Access,
        shell: &Shell,
        plan: &Plan,
    ) -> Result<MeasuredPart, PageError> {
        let t = Acting::of(shell.language);
        let is_open = plan.has_list && plan.figures.plan.controls > 0;
        let columns = match is_open {
            true => match ranking_within(api, access, plan.prediction, COLUMNS_PATIENCE).await {
                Ok(Some(ranked)) => ranked.ranking.columns().iter().take(200).cloned().collect(),
                // Whoever knows the column can type it.
                Ok(None) | Err(_) => Vec::new(),
            },
            false => Vec::new(),
        };
        let measured = plan.measured.as_ref().map(|(effect, when)| words(shell, effect, *when));
        let is_known = is_open && outcomes::are_known(&api.platform, access, plan.prediction).await?;
        let (key, csrf) = (new_key(), shell.csrf.clone());
        Ok(MeasuredPart { t, id: plan.id, key, csrf, is_known, is_open, columns, measured })
    }
}

fn words(shell: &Shell, measured: &PlanEffect, when: chrono::DateTime<chrono::Utc>) -> Measured {
    let t = Acting::of(shell.language);
    let known = measured.contact.customers + measured.control.customers;
    let customers = shell.count(known, t.of_customers);
    let mut remarks = Vec::new();
    let mut remark = |count: u64, text: &str| {
        if count > 0 {
            remarks.push(fill(text, &[("customers", &shell.count(count, t.of_customers))]));
        }
    };
    remark(measured.unknown.iter().sum(), t.effect_unknown);
    remark(measured.ambiguous, t.effect_ambiguous);
    let (headline, class, facts) = match &measured.effect {
        None => (t.effect_lacks.to_owned(), "", Vec::new()),
        Some(effect) => {
            let (headline, class) = headline(shell, effect);
            (headline, class, facts(shell, measured, effect))
        }
    };
    let picture = measured.effect.as_ref().map(|effect| EffectPicture::new(shell, effect));
    let said = fill(t.effect_measured, &[("time", &shell.time(when)), ("customers", &customers)]);
    Measured { headline, class, facts, picture, remarks, said }
}

/// What can be said for sure: the interval is on one side of nothing, or it is not.
fn headline(shell: &Shell, effect: &Effect) -> (String, &'static str) {
    let t = Acting::of(shell.language);
    let saved = effect.saved.estimate;
    let customers = |forms| [("customers", shell.count(saved.abs().round() as u64, forms))];
    let filled = |text: &str, values: [(&str, String); 1]| {
        fill(text, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    match () {
        () if effect.effect.low > 0.0 => {
            (filled(t.effect_found, customers(t.effect_found_customers)), "good-ink")
        }
        () if effect.effect.high < 0.0 => {
            (filled(t.effect_harm, customers(t.effect_harm_customers)), "bad-ink")
        }
        () => (t.effect_not_found.to_owned(), ""),
    }
}

fn facts(shell: &Shell, measured: &PlanEffect, effect: &Effect) -> Vec<Fact> {
    let t = Acting::of(shell.language);
    let bounds = |low: String, high: String| fill(t.effect_interval, &[("low", &low), ("high", &high)]);
    let points = |share: f64| fill(t.points, &[("points", &shell.fraction(share * 100.0, 1))]);
    let of = |interval: &Interval<f64>, said: &dyn Fn(f64) -> String| {
        (said(interval.estimate), bounds(said(interval.low), said(interval.high)))
    };
    let fact = |name, (value, detail)| Fact { name, value, detail };
    let mut facts = Vec::new();
    if let Some(money) = &effect.money {
        let profit = &money.profit;
        let estimate = |amount: i64| shell.estimate(amount as f64);
        let detail = bounds(estimate(profit.low), estimate(profit.high));
        facts.push(fact(t.effect_profit, (estimate(profit.estimate), detail)));
        facts.push(fact(t.cost, (shell.estimate(money.cost as f64), String::new())));
        if let Some(share) = &money.return_on_investment {
            facts.push(fact(t.return_on_investment, of(share, &|share| shell.whole_share(share))));
        }
    }
    facts.push(fact(t.effect_saved, of(&effect.saved, &|customers| count_of(shell, customers))));
    facts.push(fact(t.effect_difference, of(&effect.effect, &points)));
    let left = |arm: &scoring::campaign::Arm| {
        let values = [("left", shell.number(arm.left)), ("customers", shell.number(arm.customers))];
        fill(t.effect_left_of, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    facts.push(fact(
        t.effect_contacted,
        (shell.share(effect.contact_churn.estimate), left(&measured.contact)),
    ));
    facts
        .push(fact(t.effect_held_out, (shell.share(effect.control_churn.estimate), left(&measured.control))));
    let p_value = if effect.p_value < 0.001 {
        format!("< {}", shell.fraction(0.001, 3))
    } else {
        shell.fraction(effect.p_value, 3)
    };
    facts.push(fact(t.effect_p, (p_value, t.effect_p_text.to_owned())));
    facts
}

//! A model that is trained again: the policy, and what was decided in each run.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::ledger::Money;
use platform::retraining::{self, Line, Policy, PolicyChange, Run, RunStatus, SkipReason, Trigger};
use platform::{Access, Error, ModelId, Page, ServiceId, registry, trainings};
use serde::Deserialize;

use super::admin::amount;
use super::admin::form_key::{key_of_form, new_key};
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, Retraining, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::problem::Problem;
use crate::state::Api;

const RUNS: u32 = 25;
const SERVICES_MAX: u32 = 100;
const YES: &str = "yes";

#[derive(Template)]
#[template(path = "console/retraining.html")]
struct RetrainingPage {
    shell: Shell,
    t: &'static Retraining,
    model: String,
    name: String,
    title: String,
    is_set: bool,
    is_active: bool,
    next: Option<String>,
    now_text: String,
    /// Makes a run by hand one, however often its button is pressed.
    key: String,
    refusal: Option<&'static str>,
    runs: Vec<RunRow>,
    is_first: bool,
    next_cursor: Option<String>,
    services: Vec<(String, String)>,
    form: PolicyForm,
    errors: FieldErrors,
}

struct RunRow {
    when: chrono::DateTime<chrono::Utc>,
    cause: &'static str,
    state: &'static str,
    class: &'static str,
    lines: Vec<String>,
    training: Option<String>,
}

/// Which part of the runs is wanted, and why a run could not be asked for.
#[derive(Deserialize)]
pub struct RunsQuery {
    cursor: Option<String>,
    refused: Option<String>,
}

/// A policy as it is typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    active: String,
    service: String,
    price_max: String,
    month_price_max: String,
    on_drift: String,
    auc_min: String,
    auc_loss_max: String,
    outcomes_min: String,
    every_hours: String,
    quiet_hours: String,
    hold_out: String,
    auto_promote: String,
}

/// A run by hand.
#[derive(Deserialize)]
pub struct RetrainForm {
    #[serde(default)]
    key: String,
}

/// The policy and the runs.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<ModelId>,
    Query(query): Query<RunsQuery>,
) -> PageResult {
    let t = Retraining::of(visitor.shell.language);
    let refusal = query.refused.map(|code| match code.as_str() {
        "running" => t.running,
        _ => t.save_first,
    });
    let shown = page(&api, &visitor.access, visitor.shell, id, query.cursor, None).await?;
    render(&RetrainingPage { refusal, ..shown })
}

/// Writes the policy.
pub async fn changed(
    State(api): State<Api>,
    Id(id): Id<ModelId>,
    SignedForm { access, shell, body }: SignedForm<PolicyForm>,
) -> PageResult {
    // What is another's is not there, whatever the form says.
    registry::get(&api.platform, &access, id).await?;
    let language = shell.language;
    let errors = match change_of(&shell, &body) {
        Err(errors) => errors,
        Ok(change) => match retraining::update_policy(&api.platform, &access, id, change).await {
            Ok(_) => return Ok(see_other(&format!("/models/{id}/retraining?notice=saved"))),
            Err(error) => {
                let mut errors = FieldErrors::default();
                errors.take(language, error)?;
                errors
            }
        },
    };
    let shown = page(&api, &access, shell, id, None, Some((body, errors))).await?;
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

/// Asks for a run.
pub async fn asked(
    State(api): State<Api>,
    Id(id): Id<ModelId>,
    SignedForm { access, body, .. }: SignedForm<RetrainForm>,
) -> PageResult {
    registry::get(&api.platform, &access, id).await?;
    let path = format!("/models/{id}/retraining");
    let key = key_of_form(&body.key, &path, &[]);
    let key = key.ok_or_else(|| Problem::invalid_field("key", "The page makes the key."))?;
    match retraining::retrain(&api.platform, &access, id, Some(&key)).await {
        Ok(_) => Ok(see_other(&path)),
        Err(Error::Conflict { code: "retraining_running", .. }) => {
            Ok(see_other(&format!("{path}?refused=running")))
        }
        Err(Error::Conflict { code: "no_retraining_policy", .. }) => {
            Ok(see_other(&format!("{path}?refused=policy")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(
    api: &Api,
    access: &Access,
    shell: Shell,
    id: ModelId,
    cursor: Option<String>,
    typed: Option<(PolicyForm, FieldErrors)>,
) -> Result<RetrainingPage, PageError> {
    let t = Retraining::of(shell.language);
    let model = registry::get(&api.platform, access, id).await?;
    let policy = retraining::policy(&api.platform, access, id).await?;
    let wanted = Page { limit: RUNS, cursor };
    let runs = retraining::list(&api.platform, access, id, &wanted).await?;
    let all = Page { limit: SERVICES_MAX, cursor: None };
    let offers = trainings::list_services(&api.platform, access, &all).await?.data;
    let services = offers.iter().map(|offer| {
        let price = shell.money(offer.price.minor_units());
        (offer.id.to_string(), fill(t.service_price, &[("name", &offer.name), ("price", &price)]))
    });
    let usual = offers.first().map(|offer| (offer.id, offer.price));
    let (form, errors) = typed.unwrap_or_else(|| {
        (form_of(&shell, policy.as_ref().map(|policy| &policy.terms), usual), FieldErrors::default())
    });
    let price = policy.as_ref().map_or(Money::ZERO, |policy| policy.terms.price_max);
    let active = policy.as_ref().filter(|policy| policy.terms.is_active);
    let curl = shell.curl_get(&format!("/api/v1/models/{id}/retraining/runs"));
    Ok(RetrainingPage {
        t,
        model: id.to_string(),
        title: fill(t.title, &[("model", &model.name)]),
        name: model.name,
        is_set: policy.is_some(),
        is_active: active.is_some(),
        next: active
            .and_then(|policy: &Policy| policy.due_at)
            .map(|due| fill(t.next, &[("date", &shell.time(due))])),
        now_text: fill(t.now_text, &[("price", &shell.money(price.minor_units()))]),
        key: new_key(),
        refusal: None,
        runs: runs.data.iter().map(|run| row(&shell, run)).collect(),
        is_first: wanted.cursor.is_none(),
        next_cursor: runs.next_cursor,
        services: services.collect(),
        form,
        errors,
        shell: shell.with_curl(curl),
    })
}

fn row(shell: &Shell, run: &Run) -> RunRow {
    let t = Retraining::of(shell.language);
    let (state, class) = match run.status {
        RunStatus::Triggered => (t.is_triggered, "accent"),
        RunStatus::Training => (t.is_training, "accent"),
        RunStatus::Skipped => (t.is_skipped, ""),
        RunStatus::Failed => (t.is_failed, "bad"),
        RunStatus::Refused => (t.is_refused, "warn"),
        RunStatus::Passed => (t.is_passed, "good"),
        RunStatus::Promoted => (t.is_promoted, "good"),
    };
    let mut lines: Vec<String> = run.lines.iter().map(|line| said(shell, run, line)).collect();
    if let Some(gathered) = run.gathered {
        let [new, again, before] =
            [gathered.rows_new, gathered.rows_again, gathered.rows_before].map(|rows| shell.number(rows));
        let values = [("new", new.as_str()), ("again", again.as_str()), ("before", before.as_str())];
        lines.insert(lines.len().min(2), fill(t.customers_said, &values));
    }
    let training = run.training.map(|training| training.to_string());
    RunRow { when: run.created_at, cause: cause(t, run.trigger), state, class, lines, training }
}

fn cause(t: &Retraining, trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Drift => t.by_drift,
        Trigger::Performance => t.by_performance,
        Trigger::Outcomes => t.by_outcomes,
        Trigger::Schedule => t.by_schedule,
        Trigger::Hand => t.by_hand,
    }
}

/// A line of a run in words.
fn said(shell: &Shell, run: &Run, line: &Line) -> String {
    let t = Retraining::of(shell.language);
    let detail = &line.detail;
    let number = |name: &str| shell.number(detail[name].as_u64().unwrap_or(0));
    match line.kind {
        RunStatus::Triggered => {
            let began = fill(t.began, &[("cause", cause(t, run.trigger))]);
            let more = match run.trigger {
                Trigger::Performance => {
                    let auc = shell.fraction(detail["auc"].as_f64().unwrap_or(0.0), 3);
                    fill(t.quality_was, &[("auc", &auc)])
                }
                Trigger::Outcomes => fill(t.outcomes_new, &[("new", &number("new"))]),
                _ => return began,
            };
            format!("{began}, {more}")
        }
        RunStatus::Training => {
            let price = shell.money(detail["price"].as_i64().unwrap_or(0));
            fill(t.paid, &[("price", &price)])
        }
        RunStatus::Skipped => fill(reason(t, run.reason), &[("new", &number("rows_new"))]),
        RunStatus::Failed => t.refunded.to_owned(),
        RunStatus::Passed => format!("{}; {}", judged(shell, line).unwrap_or_default(), t.wait_for_you),
        RunStatus::Refused => judged(shell, line).unwrap_or_else(|| t.is_refused.to_owned()),
        RunStatus::Promoted => judged(shell, line).unwrap_or_else(|| t.is_promoted.to_owned()),
    }
}

/// What the gate measured.
fn judged(shell: &Shell, line: &Line) -> Option<String> {
    let compared = line.detail.get("gate")?.get("comparison")?;
    let figure = |name: &str| compared[name].as_f64();
    let sign = |figure: f64| {
        let size = shell.fraction(figure.abs(), 3);
        if figure < 0.0 { format!("−{size}") } else { format!("+{size}") }
    };
    let (difference, low, high) = (figure("difference")?, figure("low")?, figure("high")?);
    let difference = format!("{} ({} … {})", sign(difference), sign(low), sign(high));
    let rows = shell.number(compared["rows"].as_u64()?);
    let t = Retraining::of(shell.language);
    Some(fill(t.difference, &[("difference", &difference), ("rows", &rows)]))
}

fn reason(t: &Retraining, reason: Option<SkipReason>) -> &'static str {
    match reason {
        Some(SkipReason::AlreadyRunning) => t.skip_already_running,
        Some(SkipReason::QuietTime) => t.skip_quiet_time,
        Some(SkipReason::NoBalance) => t.skip_no_balance,
        Some(SkipReason::TooExpensive) => t.skip_too_expensive,
        Some(SkipReason::MonthSpent) => t.skip_month_spent,
        Some(SkipReason::NoData) => t.skip_no_data,
        Some(SkipReason::NoProduction) => t.skip_no_production,
        Some(SkipReason::ServiceGone) => t.skip_service_gone,
        Some(SkipReason::NoAuthor) => t.skip_no_author,
        Some(SkipReason::CannotTrain) => t.skip_cannot_train,
        Some(SkipReason::PolicyOff) => t.skip_policy_off,
        Some(SkipReason::AccountClosed) => t.skip_account_closed,
        None => t.is_skipped,
    }
}

/// Reads a policy as it was typed, or says which fields cannot be read.
fn change_of(shell: &Shell, form: &PolicyForm) -> Result<PolicyChange, FieldErrors> {
    let t = Retraining::of(shell.language);
    let mut errors = FieldErrors::default();
    let mut number = |field: &'static str, typed: &str| -> Option<f64> {
        let text = typed.trim().replace(',', ".");
        if text.is_empty() {
            return None;
        }
        let number = text.parse::<f64>().ok().filter(|number| (0.0..1e9).contains(number));
        if number.is_none() {
            errors.add(field, t.bad_number);
        }
        number
    };
    let auc_min = number("auc_min", &form.auc_min);
    let auc_loss_max = number("auc_loss_max", &form.auc_loss_max);
    let outcomes_min = number("outcomes_min", &form.outcomes_min).map(|count| count as u64);
    let every_hours = number("every_hours", &form.every_hours).map(|hours| hours as u32);
    let quiet_hours = number("quiet_hours", &form.quiet_hours).unwrap_or(0.0) as u32;
    let hold_out = number("hold_out", &form.hold_out).unwrap_or(0.0) / 100.0;
    let mut money = |field: &'static str, typed: &str| {
        amount::parse(Admin::of(shell.language), shell.language, &shell.currency, typed)
            .map_err(|_| errors.add(field, t.bad_amount))
            .unwrap_or(Money::ZERO)
    };
    let price_max = money("price_max", &form.price_max);
    let month_price_max = money("month_price_max", &form.month_price_max);
    let service = form.service.parse::<ServiceId>().map_err(|_| errors.add("service", t.bad_number));
    match service {
        Ok(service) if errors.is_empty() => Ok(PolicyChange {
            is_active: form.active == YES,
            service,
            price_max,
            month_price_max,
            on_drift: form.on_drift == YES,
            auc_min,
            auc_loss_max,
            outcomes_min,
            every_hours,
            quiet_hours,
            hold_out,
            auto_promote: form.auto_promote == YES,
        }),
        _ => Err(errors),
    }
}

/// What holds, as it is typed; without a policy, what is usual.
fn form_of(shell: &Shell, terms: Option<&PolicyChange>, usual: Option<(ServiceId, Money)>) -> PolicyForm {
    let money = |amount: Money| amount::typed(shell.language, &shell.currency, amount);
    let is = |holds: bool| if holds { YES.to_owned() } else { String::new() };
    let Some(terms) = terms else {
        let (service, price) =
            usual.map_or((String::new(), Money::ZERO), |(id, price)| (id.to_string(), price));
        return PolicyForm {
            service,
            price_max: money(price),
            month_price_max: money(price),
            on_drift: is(true),
            quiet_hours: "24".to_owned(),
            hold_out: "50".to_owned(),
            ..PolicyForm::default()
        };
    };
    let share = |share: Option<f64>| share.map(|share| share.to_string()).unwrap_or_default();
    PolicyForm {
        active: is(terms.is_active),
        service: terms.service.to_string(),
        price_max: money(terms.price_max),
        month_price_max: money(terms.month_price_max),
        on_drift: is(terms.on_drift),
        auc_min: share(terms.auc_min),
        auc_loss_max: share(terms.auc_loss_max),
        outcomes_min: terms.outcomes_min.map(|count| count.to_string()).unwrap_or_default(),
        every_hours: terms.every_hours.map(|hours| hours.to_string()).unwrap_or_default(),
        quiet_hours: terms.quiet_hours.to_string(),
        hold_out: ((terms.hold_out * 1e4).round() / 1e2).to_string(),
        auto_promote: is(terms.auto_promote),
    }
}

impl PolicyForm {
    fn is_active(&self) -> bool {
        self.active == YES
    }

    fn is_on_drift(&self) -> bool {
        self.on_drift == YES
    }

    fn promotes(&self) -> bool {
        self.auto_promote == YES
    }
}

/// A field of the form: its name, what stands above it, what is in it.
type Field<'a> = (&'static str, String, &'a str);

impl RetrainingPage {
    fn amounts(&self) -> [Field<'_>; 2] {
        let label = |text: &str| fill(text, &[("currency", &self.shell.currency)]);
        [
            ("price_max", label(self.t.price_max), &self.form.price_max),
            ("month_price_max", label(self.t.month_price_max), &self.form.month_price_max),
        ]
    }

    fn reasons(&self) -> [Field<'_>; 4] {
        let (t, form) = (self.t, &self.form);
        [
            ("auc_min", t.auc_min.to_owned(), &form.auc_min),
            ("auc_loss_max", t.auc_loss_max.to_owned(), &form.auc_loss_max),
            ("outcomes_min", t.outcomes_min.to_owned(), &form.outcomes_min),
            ("every_hours", t.every_hours.to_owned(), &form.every_hours),
        ]
    }

    fn limits(&self) -> [Field<'_>; 2] {
        [
            ("quiet_hours", self.t.quiet_hours.to_owned(), &self.form.quiet_hours),
            ("hold_out", self.t.hold_out.to_owned(), &self.form.hold_out),
        ]
    }

    fn error(&self, field: &str) -> Option<&str> {
        self.errors.of(field)
    }

    fn error_id(&self, field: &str) -> String {
        format!("{field}-error")
    }
}

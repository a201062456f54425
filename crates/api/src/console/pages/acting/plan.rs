//! A plan: made by its form, shown, and its list downloaded.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use platform::plans::{self, Plan};
use platform::{Access, PlanId, PredictionId, predictions};
use scoring::campaign::{Measurement, PlanMoney};

use super::effect::MeasuredPart;
use super::form::{PlanFields, PlanForm};
use super::section::title;
use crate::console::charts::ProfitCurve;
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::SignedForm;
use crate::console::pages::admin::form_key::key_of_form;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Acting, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::problem::Problem;
use crate::routes::{ListQuery, result_body};
use crate::state::Api;

/// The form by itself, with what was wrong.
#[derive(Template)]
#[template(path = "console/plan_form.html")]
struct FormPage {
    shell: Shell,
    t: &'static Acting,
    id: PredictionId,
    form: PlanForm,
}

#[derive(Template)]
#[template(path = "console/plan.html")]
struct PlanPage {
    shell: Shell,
    t: &'static Acting,
    id: PlanId,
    prediction: PredictionId,
    title: String,
    of_file: String,
    has_list: bool,
    /// Nobody is worth contacting.
    is_empty: bool,
    remarks: Vec<String>,
    facts: Facts,
    curve: Option<ProfitCurve>,
    control: ControlPart,
    measured: MeasuredPart,
    terms: Vec<(&'static str, String)>,
}

/// What is expected, in words.
struct Facts {
    money: Option<MoneyFacts>,
    leavers: String,
    saved: Option<String>,
}

struct MoneyFacts {
    profit: String,
    is_loss: bool,
    between: String,
    cost: String,
    return_on_investment: Option<String>,
}

/// The control group, in words.
struct ControlPart {
    said: Vec<String>,
    options: Vec<(String, String, bool)>,
}

/// Makes a plan. A form that is sent twice makes one.
pub async fn made(
    State(api): State<Api>,
    Id(id): Id<PredictionId>,
    SignedForm { access, shell, body }: SignedForm<PlanFields>,
) -> PageResult {
    // Whose prediction it is comes before what the form says.
    predictions::get(&api.platform, &access, id).await?;
    let target = format!("/predictions/{id}/plans");
    let Some(key) = key_of_form(&body.key, &target, &body.all()) else {
        return Err(Problem::invalid_field("key", "A form has a key of its own.").into());
    };
    let errors = match body.request(&shell) {
        Err(errors) => errors,
        Ok(request) => match plans::create(&api.platform, &access, id, request, Some(&key)).await {
            Ok(made) => return Ok(see_other(&format!("/plans/{}?notice=planned", made.value.id))),
            Err(error) => {
                let mut errors = FieldErrors::default();
                errors.take(shell.language, error)?;
                errors
            }
        },
    };
    let ranked = predictions::ranking(&api.platform, &access, id).await?;
    let form = PlanForm::new(&shell, id, ranked.ranking.columns(), body, errors);
    let t = Acting::of(shell.language);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &FormPage { shell, t, id, form })
}

/// A plan as it is.
pub async fn show(State(api): State<Api>, visitor: Visitor, Id(id): Id<PlanId>) -> PageResult {
    let Visitor { access, shell } = visitor;
    let plan = plans::get(&api.platform, &access, id).await?;
    render(&page(&api, &access, shell, plan).await?)
}

/// Its list as a file.
pub async fn list(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<PlanId>,
    Query(query): Query<ListQuery>,
) -> Result<Response, PageError> {
    let list = plans::list_file(&api.platform, &visitor.access, id).await?;
    let is_safe = query.spreadsheet_safe.unwrap_or(false);
    Ok(result_body::plan_list(&api, list, query.wanted(), is_safe)?)
}

async fn page(api: &Api, access: &Access, shell: Shell, plan: Plan) -> Result<PlanPage, PageError> {
    let t = Acting::of(shell.language);
    let prediction = predictions::get(&api.platform, access, plan.prediction).await?;
    let figures = &plan.figures.plan;
    let customers = shell.count(figures.customers, t.of_customers);
    let of_file = match prediction.erased {
        true => fill(t.of_gone, &[("customers", &customers)]),
        false => fill(t.of_all, &[("customers", &customers), ("file", &prediction.file_name)]),
    };
    let unvalued = (plan.figures.unvalued > 0).then(|| {
        let customers = shell.count(plan.figures.unvalued, t.control_count);
        fill(t.unvalued, &[("customers", &customers)])
    });
    let gone = (!plan.has_list).then(|| t.list_gone.to_owned());
    let curl = shell.curl_get(&format!("/api/v1/plans/{}/list", plan.id));
    Ok(PlanPage {
        t,
        id: plan.id,
        prediction: plan.prediction,
        title: title(&shell, &plan),
        of_file,
        has_list: plan.has_list,
        is_empty: figures.contacts == 0,
        remarks: unvalued.into_iter().chain(gone).collect(),
        facts: Facts {
            money: figures.money.as_ref().map(|money| money_facts(&shell, money)),
            leavers: count_of(&shell, figures.leavers),
            saved: figures.saved.map(|saved| count_of(&shell, saved)),
        },
        curve: ProfitCurve::draw(&shell, figures),
        control: control_part(&shell, &plan),
        measured: MeasuredPart::read(api, access, &shell, &plan).await?,
        terms: terms(&shell, &plan),
        shell: shell.with_curl(format!("{curl} -o contacts.csv")),
    })
}

fn money_facts(shell: &Shell, money: &PlanMoney) -> MoneyFacts {
    let t = Acting::of(shell.language);
    let bounds = [
        ("low", shell.estimate(money.profit_low as f64)),
        ("high", shell.estimate(money.profit_high as f64)),
    ];
    let bounds = bounds.each_ref().map(|(name, value)| (*name, value.as_str()));
    MoneyFacts {
        profit: shell.estimate(money.profit as f64),
        is_loss: money.profit < 0,
        between: fill(t.between, &bounds),
        cost: shell.estimate(money.cost as f64),
        return_on_investment: money.return_on_investment.map(|share| shell.whole_share(share)),
    }
}

/// An expected number of customers, which of a few is no whole number.
pub fn count_of(shell: &Shell, customers: f64) -> String {
    if customers.abs() < 9.95 { shell.fraction(customers, 1) } else { shell.number(customers.round() as u64) }
}

fn points(shell: &Shell, share: f64) -> String {
    let t = Acting::of(shell.language);
    fill(t.points, &[("points", &shell.fraction(share * 100.0, 1))])
}

fn control_part(shell: &Shell, plan: &Plan) -> ControlPart {
    let t = Acting::of(shell.language);
    let figures = &plan.figures.plan;
    let measurement = &figures.measurement;
    if figures.controls == 0 {
        return ControlPart {
            said: vec![t.control_none.to_owned()],
            options: options(shell, measurement, 0.0),
        };
    }
    let controls = shell.count(figures.controls, t.control_count);
    let mut said = vec![fill(t.control_text, &[("controls", &controls)])];
    if let Some(money) = figures.money.as_ref().filter(|money| money.control_forgone > 0) {
        said.push(fill(t.control_price, &[("profit", &shell.estimate(money.control_forgone as f64))]));
    }
    said.extend(power(shell, measurement));
    ControlPart { said, options: options(shell, measurement, plan.terms.control.share) }
}

/// What the comparison will be able to tell.
fn power(shell: &Shell, measurement: &Measurement) -> Vec<String> {
    let t = Acting::of(shell.language);
    let share = shell.whole_share(measurement.suggested_share);
    let suggestion = |text: &str| fill(text, &[("share", &share)]);
    match (measurement.detectable_effect, measurement.expected_effect) {
        (None, _) => vec![t.control_finds_nothing.to_owned()],
        (Some(effect), None) => vec![fill(t.control_finds_only, &[("effect", &points(shell, effect))])],
        (Some(effect), Some(expected)) => {
            let values = [("effect", points(shell, effect)), ("expected", points(shell, expected))];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            let finds = fill(t.control_finds, &values);
            let found =
                |option: &&scoring::campaign::ShareOption| option.share == measurement.suggested_share;
            let suggested =
                measurement.options.iter().find(found).and_then(|option| option.detectable_effect);
            match suggested {
                _ if effect <= expected => vec![finds],
                Some(suggested) if suggested <= expected => vec![finds, suggestion(t.control_better)],
                _ => vec![finds, suggestion(t.control_best)],
            }
        }
    }
}

fn options(shell: &Shell, measurement: &Measurement, chosen: f64) -> Vec<(String, String, bool)> {
    let option = |option: &scoring::campaign::ShareOption| {
        let detects = option.detectable_effect.map_or_else(|| "–".to_owned(), |effect| points(shell, effect));
        (shell.whole_share(option.share), detects, (option.share - chosen).abs() < 1e-9)
    };
    measurement.options.iter().map(option).collect()
}

/// What was assumed, as it was typed.
fn terms(shell: &Shell, plan: &Plan) -> Vec<(&'static str, String)> {
    let t = Acting::of(shell.language);
    let mut terms = Vec::new();
    if let Some(economics) = plan.terms.economics {
        terms.push((t.contact_cost, shell.money(economics.contact_cost)));
        if economics.offer_cost > 0 {
            terms.push((t.offer_cost, shell.money(economics.offer_cost)));
        }
        if let Some(value) = plan.terms.value {
            terms.push((t.customer_value, shell.money(value)));
        }
        let success = economics.success;
        let range = match success.low < success.high {
            true => format!(" ({}–{})", shell.share(success.low), shell.share(success.high)),
            false => String::new(),
        };
        terms.push((t.success_rate, format!("{}{range}", shell.share(success.expected))));
    }
    if let Some(column) = &plan.value_column {
        terms.push((t.value_column, column.clone()));
    }
    terms.push((t.control_share, shell.whole_share(plan.terms.control.share)));
    terms
}

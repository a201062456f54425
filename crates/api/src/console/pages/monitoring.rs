//! A model in use: drift over time, true quality, thresholds.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::ledger::Money;
use platform::monitoring::outcomes::{self, Figures, Performance, VersionPerformance};
use platform::monitoring::{self, Costs, DriftEvent, DriftPoint, Monitoring, Settings};
use platform::{Access, Error, ModelId, Page};
use scoring::monitoring::Thresholds;
use serde::Deserialize;

use super::drift::level_of;
use crate::console::charts::{CalibrationCurve, LineChart, Rule, Series};
use crate::console::errors::PageError;
use crate::console::forgery::SignedForm;
use crate::console::format;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Watch, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::state::Api;

/// Predictions of the history that are drawn and listed.
const POINTS: u32 = 60;
/// Features that are named of a raised drift.
const NAMED_MAX: usize = 5;

#[derive(Template)]
#[template(path = "console/monitoring.html")]
struct MonitoringPage {
    shell: Shell,
    t: &'static Watch,
    model: String,
    title: String,
    raised: Vec<Raised>,
    points: Vec<Entry>,
    is_first: bool,
    next_cursor: Option<String>,
    shifts: Option<LineChart>,
    qualities: Option<LineChart>,
    versions: Vec<Version>,
    months: Vec<Month>,
    form: SettingsForm,
    currency: String,
    error: Option<&'static str>,
}

struct Raised {
    said: String,
    moved: Option<String>,
}

/// A prediction that was looked at.
struct Entry {
    prediction: String,
    when: chrono::DateTime<chrono::Utc>,
    version: String,
    rows: String,
    psi: String,
    level: &'static str,
    class: &'static str,
    estimated: String,
}

/// What outcomes say of a version.
struct Version {
    name: String,
    known: String,
    facts: Vec<(&'static str, String, String)>,
    warnings: Vec<&'static str>,
    calibration: Option<CalibrationCurve>,
}

struct Month {
    month: String,
    version: String,
    rows: String,
    auc: String,
    precision: String,
    recall: String,
    value: Option<String>,
}

/// Which part of the history is wanted.
#[derive(Deserialize)]
pub struct HistoryQuery {
    cursor: Option<String>,
}

/// Thresholds and costs, as they are typed.
#[derive(Clone, Default, Deserialize)]
pub struct SettingsForm {
    #[serde(default)]
    psi_moderate: String,
    #[serde(default)]
    psi_major: String,
    #[serde(default)]
    contact_cost: String,
    #[serde(default)]
    customer_value: String,
    #[serde(default)]
    success_rate: String,
}

/// How a model fares.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<ModelId>,
    Query(query): Query<HistoryQuery>,
) -> PageResult {
    render(&page(&api, &visitor.access, visitor.shell, (id, query.cursor), None).await?)
}

/// Settles thresholds and costs.
pub async fn changed(
    State(api): State<Api>,
    Id(id): Id<ModelId>,
    SignedForm { access, shell, body }: SignedForm<SettingsForm>,
) -> PageResult {
    let t = Watch::of(shell.language);
    let refusal = match settings_of(&body, &shell.currency) {
        Err(NotSettings::Thresholds) => t.bad_numbers,
        Err(NotSettings::Costs) => t.bad_costs,
        Ok(settings) => match monitoring::update_settings(&api.platform, &access, id, settings).await {
            Ok(_) => return Ok(see_other(&format!("/models/{id}/monitoring?notice=saved"))),
            Err(Error::Invalid(problems)) if problems.iter().any(|one| one.field == "success_rate") => {
                t.bad_costs
            }
            Err(Error::Invalid(_)) => t.bad_numbers,
            Err(error) => return Err(error.into()),
        },
    };
    let page = page(&api, &access, shell, (id, None), Some((body, refusal))).await?;
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn page(
    api: &Api,
    access: &Access,
    shell: Shell,
    (id, cursor): (ModelId, Option<String>),
    refused: Option<(SettingsForm, &'static str)>,
) -> Result<MonitoringPage, PageError> {
    let t = Watch::of(shell.language);
    let settled = monitoring::settings(&api.platform, access, id).await?;
    let wanted = Page { limit: POINTS, cursor };
    let history = monitoring::history(&api.platform, access, id, &wanted).await?;
    let performance = outcomes::performance(&api.platform, access, id).await?;
    let (form, error) = match refused {
        Some((form, error)) => (form, Some(error)),
        None => (form_of(&shell, &settled.settings), None),
    };
    let curl = shell.curl_get(&format!("/api/v1/models/{id}/performance"));
    Ok(MonitoringPage {
        t,
        model: id.to_string(),
        title: fill(t.title, &[("model", &settled.model_name)]),
        raised: raised(&shell, &settled),
        shifts: shifts(&shell, &history.data, &settled.settings.thresholds),
        qualities: qualities(&shell, &history.data, &performance),
        points: history.data.iter().map(|point| entry(&shell, point)).collect(),
        is_first: wanted.cursor.is_none(),
        next_cursor: history.next_cursor,
        versions: performance.versions.iter().map(|version| self::version(&shell, version)).collect(),
        months: months(&shell, &performance),
        form,
        currency: shell.currency.clone(),
        error,
        shell: shell.with_curl(curl),
    })
}

fn raised(shell: &Shell, monitoring: &Monitoring) -> Vec<Raised> {
    let t = Watch::of(shell.language);
    let open = monitoring.events.iter().filter(|event| event.cleared_at.is_none());
    open.map(|event| {
        let said = if event.kind == "concept" { t.raised_concept } else { t.raised_data };
        Raised { said: fill(said, &[("date", &shell.date(event.raised_at))]), moved: moved(t, event) }
    })
    .collect()
}

/// The features that moved most, by name.
fn moved(t: &'static Watch, event: &DriftEvent) -> Option<String> {
    let features = event.detail["features"].as_array()?.iter();
    let names: Vec<&str> = features.filter_map(|feature| feature["name"].as_str()).take(NAMED_MAX).collect();
    (!names.is_empty()).then(|| fill(t.moved_most, &[("names", &names.join(", "))]))
}

/// Shifts of the predictions, oldest first.
fn shifts(shell: &Shell, points: &[DriftPoint], thresholds: &Thresholds) -> Option<LineChart> {
    let t = Watch::of(shell.language);
    let (places, said) = places(shell, points, |point| shell.fraction(point.psi_max, 3));
    let of = |value: fn(&DriftPoint) -> f64| points.iter().rev().map(|point| Some(value(point))).collect();
    let series = vec![
        Series { name: t.series_features, class: "accent", values: of(|point| point.psi_max) },
        Series { name: t.series_probability, class: "second", values: of(|point| point.psi_probability) },
    ];
    let rule = |value: f64, name: &str| Rule { value, name: format!("{name} {}", shell.fraction(value, 2)) };
    let rules = vec![rule(thresholds.moderate, t.level_moderate), rule(thresholds.major, t.level_major)];
    let described = fill(t.over_time_text, &[("points", &said)]);
    LineChart::draw(described, 0.0, (series, rules), &places, |value| shell.fraction(value, 2))
}

/// What the probabilities promised, and what the outcomes of the month's predictions say.
fn qualities(shell: &Shell, points: &[DriftPoint], performance: &Performance) -> Option<LineChart> {
    let t = Watch::of(shell.language);
    let truth = |point: &DriftPoint| {
        let of_month = performance.months.iter().find(|month| {
            month.version == point.version
                && month.month.format("%Y-%m").to_string() == point.created_at.format("%Y-%m").to_string()
        });
        of_month.and_then(|month| month.figures.auc).map(|auc| auc.area)
    };
    let (places, said) = places(shell, points, |point| {
        point.estimated_auc.map_or_else(|| "—".to_owned(), |auc| shell.fraction(auc, 3))
    });
    let series = vec![
        Series {
            name: t.series_estimated,
            class: "accent",
            values: points.iter().rev().map(|point| point.estimated_auc).collect(),
        },
        Series { name: t.series_true, class: "second", values: points.iter().rev().map(truth).collect() },
    ];
    let training = performance.versions.first().and_then(|version| version.training.auc);
    let rules = training
        .map(|auc| Rule { value: auc, name: format!("{} {}", t.at_training, shell.fraction(auc, 3)) });
    let lowest = series
        .iter()
        .flat_map(|one| one.values.iter().flatten())
        .chain(training.iter())
        .fold(0.5_f64, |least, value| least.min((value * 10.0).floor() / 10.0));
    let described = fill(t.quality_text, &[("points", &said)]);
    let rules = rules.into_iter().collect();
    LineChart::draw(described, lowest, (series, rules), &places, |value| shell.fraction(value, 2))
}

/// The dates of predictions, oldest first, and what is said of each.
fn places(
    shell: &Shell,
    points: &[DriftPoint],
    said: impl Fn(&DriftPoint) -> String,
) -> (Vec<String>, String) {
    let dates = points.iter().rev().map(|point| format::day(shell.language, point.created_at)).collect();
    let texts: Vec<String> = points
        .iter()
        .rev()
        .map(|point| format!("{}: {}", shell.date(point.created_at), said(point)))
        .collect();
    (dates, texts.join("; "))
}

fn entry(shell: &Shell, point: &DriftPoint) -> Entry {
    let (level, class) = level_of(shell, point.level);
    Entry {
        prediction: point.prediction.to_string(),
        when: point.created_at,
        version: point.version.clone(),
        rows: shell.number(point.rows),
        psi: shell.fraction(point.psi_max, 3),
        level,
        class,
        estimated: optional(shell, point.estimated_auc),
    }
}

fn version(shell: &Shell, version: &VersionPerformance) -> Version {
    let t = Watch::of(shell.language);
    let VersionPerformance { figures, training, concept, .. } = version;
    let then = |value: Option<f64>| fill(t.then, &[("share", &optional(shell, value))]);
    let auc_hint = figures.auc.map_or_else(String::new, |auc| {
        let places = [
            ("low", shell.fraction(auc.low, 3)),
            ("high", shell.fraction(auc.high, 3)),
            ("then", optional(shell, training.auc)),
        ];
        fill(t.from_to, &places.each_ref().map(|(name, value)| (*name, value.as_str())))
    });
    let mut facts = vec![
        (t.auc, optional(shell, figures.auc.map(|auc| auc.area)), auc_hint),
        (t.precision, optional(shell, figures.precision), then(training.precision)),
        (t.recall, optional(shell, figures.recall), then(training.recall)),
        (
            t.captured,
            figures.captured_in_riskiest_tenth.map_or_else(dash, |share| shell.share(share)),
            String::new(),
        ),
        (t.brier, optional(shell, figures.brier), then(training.brier)),
        (t.calibration_error, optional(shell, figures.calibration_error), then(training.calibration_error)),
    ];
    facts.extend(figures.value.map(|value| (t.value, shell.money(value), String::new())));
    let mut warnings = Vec::new();
    warnings.extend(concept.is_performance_lost.then_some(t.performance_lost));
    warnings.extend(concept.is_calibration_lost.then_some(t.calibration_lost));
    Version {
        name: fill(t.version, &[("version", &version.version)]),
        known: shell.count(figures.rows, t.known),
        facts,
        warnings,
        calibration: CalibrationCurve::new(shell, &figures.calibration),
    }
}

fn months(shell: &Shell, performance: &Performance) -> Vec<Month> {
    let month = |one: &outcomes::MonthPerformance| {
        let Figures { rows, auc, precision, recall, value, .. } = &one.figures;
        Month {
            month: one.month.format("%Y-%m").to_string(),
            version: one.version.clone(),
            rows: shell.number(*rows),
            auc: optional(shell, auc.map(|auc| auc.area)),
            precision: optional(shell, *precision),
            recall: optional(shell, *recall),
            value: value.map(|value| shell.money(value)),
        }
    };
    performance.months.iter().rev().map(month).collect()
}

fn optional(shell: &Shell, value: Option<f64>) -> String {
    value.map_or_else(dash, |value| shell.fraction(value, 3))
}

fn dash() -> String {
    "—".to_owned()
}

/// What is wrong with what was typed.
enum NotSettings {
    Thresholds,
    Costs,
}

fn settings_of(form: &SettingsForm, currency: &str) -> Result<Settings, NotSettings> {
    let number =
        |text: &str| text.trim().replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite());
    let threshold = |text: &str| number(text).ok_or(NotSettings::Thresholds);
    let thresholds =
        Thresholds { moderate: threshold(&form.psi_moderate)?, major: threshold(&form.psi_major)? };
    let given = [&form.contact_cost, &form.customer_value, &form.success_rate];
    if given.iter().all(|text| text.trim().is_empty()) {
        return Ok(Settings { thresholds, costs: None });
    }
    let minor_units = |text: &str| {
        let unit = 10_f64.powi(i32::try_from(format::decimals_of(currency)).unwrap_or(2));
        let amount = number(text).map(|amount| (amount * unit).round()).filter(|units| units.abs() < 9e15);
        let money = amount.and_then(|units| Money::from_minor_units(units as i64).ok());
        money.ok_or(NotSettings::Costs)
    };
    let costs = Costs {
        contact_cost: minor_units(&form.contact_cost)?,
        customer_value: minor_units(&form.customer_value)?,
        success_rate: number(&form.success_rate).ok_or(NotSettings::Costs)? / 100.0,
    };
    Ok(Settings { thresholds, costs: Some(costs) })
}

/// What is typed stays in the form a number has everywhere: with a point.
fn form_of(shell: &Shell, settings: &Settings) -> SettingsForm {
    let unit = 10_f64.powi(i32::try_from(format::decimals_of(&shell.currency)).unwrap_or(2));
    let amount = |money: Money| (money.minor_units() as f64 / unit).to_string();
    let costs = settings.costs;
    SettingsForm {
        psi_moderate: settings.thresholds.moderate.to_string(),
        psi_major: settings.thresholds.major.to_string(),
        contact_cost: costs.map(|costs| amount(costs.contact_cost)).unwrap_or_default(),
        customer_value: costs.map(|costs| amount(costs.customer_value)).unwrap_or_default(),
        success_rate: costs.map(|costs| (costs.success_rate * 100.0).to_string()).unwrap_or_default(),
    }
}

impl MonitoringPage {
    fn with_currency(&self, text: &str) -> String {
        fill(text, &[("currency", &self.currency)])
    }
}

//! What a file holds, and what each model would make of it for how much: the answer to a file that was dropped.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::orders::OrderOptions;
use platform::outlook;
use platform::services::Service;
use platform::{Access, Error, predictions};
use scoring::{CheckReport, Compression, Dialect, Encoding, InputError, Schema};
use uuid::Uuid;

use super::offers::{self, Offer};
use super::predict::on_price_list;
use crate::console::forgery::SignedUpload;
use crate::console::shell::{PageResult, Shell, render, render_with};
use crate::console::text::{Predict, Watch, faults, fill};
use crate::extract::Upload;
use crate::spooled_file::SpooledFile;
use crate::state::Api;

/// So many problems are shown; what there is more is only counted.
const PROBLEMS_SHOWN_MAX: usize = 10;
/// Names of columns that a card has room for.
const COLUMNS_SHOWN_MAX: usize = 4;
/// A smaller share is said to be less than this.
const SHARE_SHOWN_MIN: f64 = 0.001;
/// From here on a time is told in minutes.
const MINUTES_FROM_SECONDS: u64 = 90;

/// What a model makes of a file.
type Reading = Result<CheckReport, InputError>;

/// A file that can be predicted.
#[derive(Template)]
#[template(path = "console/_check.html")]
struct CheckedFragment {
    watch: &'static Watch,
    t: &'static Predict,
    shell: Shell,
    file_name: String,
    rows: String,
    matched: String,
    dialect: String,
    missing: String,
    problems: Option<Problems>,
    /// Whether no leaving out can make the file whole.
    is_cut_short: bool,
    columns: Vec<Column>,
    cards: Vec<Card>,
    /// What the keys of its payments begin with.
    key: Uuid,
    support: Option<String>,
}

/// A file that cannot.
#[derive(Template)]
#[template(path = "console/_check_refused.html")]
struct RefusedFragment {
    t: &'static Predict,
    file_name: String,
    said: String,
    missing: Vec<String>,
    places: Vec<Place>,
}

struct Problems {
    count: String,
    places: Vec<Place>,
    more: Option<String>,
}

/// A place in a file and what is wrong there.
pub struct Place {
    pub line: String,
    pub column: String,
    pub said: String,
}

struct Column {
    name: String,
    matched_to: Option<String>,
    missing: String,
}

/// A model that can be chosen.
struct Card {
    offer: Offer,
    is_chosen: bool,
    ready: Option<String>,
    /// Why it cannot be chosen.
    refused: Option<String>,
    /// What its choice means that another's does not.
    warned: Option<String>,
    leaves_out: bool,
    pay: String,
    /// Reasons for each customer: what they cost on top, and the button that pays for both.
    reasons: Option<(String, String)>,
    leaves: Option<String>,
    short: Option<String>,
    curl: String,
}

/// A file and what the models of the price list say of it.
struct Checked {
    file_name: String,
    dialect: Dialect,
    services: Vec<(Service, usize)>,
    reports: Vec<(Schema, Reading)>,
}

/// Reads a file for its owner, free of charge.
pub async fn check(State(api): State<Api>, signed: SignedUpload) -> PageResult {
    let SignedUpload { access, shell, upload } = signed;
    let file_name = upload.file_name.clone();
    let checked = match examine(&api, &access, upload).await {
        Ok(checked) => checked,
        Err(Error::Input(error)) => return refused(&shell, file_name, error),
        Err(error) => return Err(error.into()),
    };
    let Some(chosen) = checked.chosen() else { return refused(&shell, file_name, checked.fault()) };
    let outlook = outlook::outlook(&api.platform).await?;
    let versions: Vec<_> = checked.services.iter().map(|(service, _)| service.model_version).collect();
    let speeds = outlook::speeds(&api.platform, &outlook, &versions, &api.sample_customers).await;
    // Nobody has to know when it will be ready.
    let speeds = speeds.inspect_err(|error| tracing::warn!(%error, "The models' speed is not known."));
    let speeds = speeds.unwrap_or_default();
    let mut cards = Vec::with_capacity(checked.services.len());
    for (service, report) in &checked.services {
        let report = &checked.reports[*report].1;
        let speed = speeds.get(&service.model_version).copied();
        let rows = report.as_ref().ok().map(|report| report.rows);
        let ready = rows.zip(speed).map(|(rows, speed)| ready(&shell, outlook.expected(rows, speed)));
        let is_chosen = service.id == chosen.0.id;
        let is_recommended = is_chosen && service.quality.auc.is_some();
        cards.push(card(&shell, &checked, (service, is_chosen, is_recommended), (report, chosen.1), ready));
    }
    render(&fragment(&api, shell, &checked, chosen.1, cards))
}

async fn examine(api: &Api, access: &Access, upload: Upload) -> Result<Checked, Error> {
    let file = SpooledFile::receive(&api.platform, upload.content).await?;
    let mut reports: Vec<(Schema, Reading)> = Vec::new();
    let mut services = Vec::new();
    for listed in on_price_list(api, access).await? {
        let (service, manifest) = predictions::check(&api.platform, access, listed.id).await?;
        let schema = manifest.schema;
        let known = reports.iter().position(|(known, _)| *known == schema);
        let report = match known {
            Some(known) => known,
            None => {
                let report = match file.check(schema.clone()).await {
                    Err(Error::Input(error)) => Err(error),
                    report => Ok(report?),
                };
                reports.push((schema, report));
                reports.len() - 1
            }
        };
        services.push((service, report));
    }
    if services.is_empty() {
        return Err(Error::conflict("no_services", "there is nothing on the price list"));
    }
    Ok(Checked { file_name: upload.file_name, dialect: file.dialect().clone(), services, reports })
}

impl Checked {
    /// The model that is chosen until the visitor chooses another, and what it says of the file.
    fn chosen(&self) -> Option<(&Service, &(Schema, Reading))> {
        let takes = |(service, report): &&(Service, usize)| {
            let report = self.reports[*report].1.as_ref();
            report.is_ok_and(|report| report.rows <= service.rows_max)
        };
        let taking = self.services.iter().filter(takes);
        let recommended = offers::recommended(taking.clone().map(|(service, _)| service));
        let is_recommended =
            |(service, _): &&(Service, usize)| recommended.is_some_and(|one| one.id == service.id);
        let readable = self.services.iter().find(|(_, report)| self.reports[*report].1.is_ok());
        let chosen = taking.clone().find(is_recommended).or_else(|| taking.clone().next()).or(readable)?;
        Some((&chosen.0, &self.reports[chosen.1]))
    }

    /// Why no model can read it.
    fn fault(&self) -> InputError {
        let fault = self.reports.iter().find_map(|(_, report)| report.as_ref().err().cloned());
        fault.unwrap_or(InputError {
            code: "",
            message: String::new(),
            problems: Vec::new(),
            missing: Vec::new(),
        })
    }
}

fn refused(shell: &Shell, file_name: String, error: InputError) -> PageResult {
    let said = faults::whole(shell.language, error.code, &error.message);
    let places = places(shell, &error.problems);
    let fragment =
        RefusedFragment { t: Predict::of(shell.language), file_name, said, missing: error.missing, places };
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &fragment)
}

/// Places as they are shown.
pub fn places(shell: &Shell, problems: &[scoring::Problem]) -> Vec<Place> {
    let place = |problem: &scoring::Problem| Place {
        line: shell.number(problem.line),
        column: problem.column.clone(),
        said: faults::place(shell.language, &problem.message),
    };
    problems.iter().map(place).collect()
}

fn fragment(
    api: &Api,
    shell: Shell,
    checked: &Checked,
    (schema, report): &(Schema, Reading),
    cards: Vec<Card>,
) -> CheckedFragment {
    let t = Predict::of(shell.language);
    let empty = Vec::new();
    let found = report.as_ref().ok();
    let columns = found.map_or(&empty, |report| &report.columns);
    let matched: Vec<f64> = columns
        .iter()
        .filter(|column| column.matched_to.is_some())
        .map(|column| column.missing_share)
        .collect();
    let missing = matched.iter().sum::<f64>() / matched.len().max(1) as f64;
    let of = [("count", matched.len().to_string()), ("all", schema.features.len().to_string())];
    let of = of.each_ref().map(|(name, value)| (*name, value.as_str()));
    CheckedFragment {
        file_name: checked.file_name.clone(),
        rows: shell.number(found.map_or(0, |report| report.rows)),
        matched: fill(t.matched_of, &of),
        dialect: dialect(t, &checked.dialect),
        missing: small_share(&shell, missing),
        is_cut_short: found.is_some_and(|report| report.is_cut_short),
        problems: found.filter(|report| report.problem_count > 0).map(|report| problems(&shell, report)),
        columns: columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                matched_to: column.matched_to.clone(),
                missing: small_share(&shell, column.missing_share),
            })
            .collect(),
        cards,
        key: Uuid::now_v7(),
        support: api.config.support_email.clone(),
        watch: Watch::of(shell.language),
        shell,
        t,
    }
}

fn problems(shell: &Shell, report: &CheckReport) -> Problems {
    let t = Predict::of(shell.language);
    let shown = report.problems.len().min(PROBLEMS_SHOWN_MAX);
    let more = report.problem_count - shown as u64;
    Problems {
        count: shell.count(report.problem_count, t.problem_count),
        places: places(shell, &report.problems[..shown]),
        more: (more > 0).then(|| shell.count(more, t.problems_more)),
    }
}

/// A model beside the others: its service, whether it is chosen and recommended, and its report beside the chosen one's.
fn card(
    shell: &Shell,
    checked: &Checked,
    (service, is_chosen, is_recommended): (&Service, bool, bool),
    (report, chosen): (&Reading, &(Schema, Reading)),
    ready: Option<String>,
) -> Card {
    let t = Predict::of(shell.language);
    let price = service.price.minor_units();
    let balance = shell.member.as_ref().map_or(0, |member| member.balance.minor_units());
    let left = balance - price;
    let faults = report.as_ref().map_or(0, |report| report.problem_count);
    let chosen_faults = chosen.1.as_ref().map_or(0, |report| report.problem_count);
    let refused = match report {
        Err(error) => Some(refusal(t, shell, error)),
        Ok(report) if report.rows > service.rows_max => {
            Some(fill(t.too_many_rows, &[("rows", &shell.count(service.rows_max, t.customers))]))
        }
        Ok(_) => None,
    };
    let offer = Offer::new(shell, service, is_recommended);
    let with_reasons = service.price_with(OrderOptions { explain: true }).ok();
    let with_reasons = with_reasons.map(ledger::Money::minor_units).filter(|sum| *sum <= balance);
    let reasons = service.explain_price.zip(with_reasons).map(|(surcharge, sum)| {
        let surcharge = shell.money(surcharge.minor_units());
        (fill(t.with_reasons, &[("price", &surcharge)]), fill(t.pay, &[("price", &shell.money(sum))]))
    });
    Card {
        reasons,
        pay: fill(t.pay, &[("price", &offer.price)]),
        leaves: (left >= 0).then(|| fill(t.leaves, &[("balance", &shell.money(left))])),
        short: (left < 0).then(|| fill(t.short, &[("missing", &shell.money(-left))])),
        warned: (faults > 0 && chosen_faults == 0)
            .then(|| fill(t.other_faults, &[("count", &shell.number(faults))])),
        leaves_out: faults > 0,
        curl: curl(shell, checked, service, faults > 0),
        offer,
        is_chosen: is_chosen && refused.is_none(),
        ready,
        refused,
    }
}

fn refusal(t: &'static Predict, shell: &Shell, error: &InputError) -> String {
    if error.missing.is_empty() {
        return faults::whole(shell.language, error.code, &error.message);
    }
    let mut columns = error.missing.iter().take(COLUMNS_SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    if error.missing.len() > COLUMNS_SHOWN_MAX {
        columns.push_str(", …");
    }
    fill(t.lacks, &[("columns", &columns)])
}

/// When the file would be ready.
fn ready(shell: &Shell, expected: Duration) -> String {
    let t = Predict::of(shell.language);
    let seconds = (expected.as_secs() + u64::from(expected.subsec_nanos() > 0)).max(1);
    match seconds {
        0..=MINUTES_FROM_SECONDS => shell.count(seconds, t.ready_seconds),
        _ => shell.count(seconds.div_ceil(60), t.ready_minutes),
    }
}

/// A share, of which something is said even where rounding would leave nothing.
fn small_share(shell: &Shell, share: f64) -> String {
    if share > 0.0 && share < SHARE_SHOWN_MIN {
        return format!("< {}", shell.share(SHARE_SHOWN_MIN));
    }
    shell.share(share)
}

fn dialect(t: &'static Predict, dialect: &Dialect) -> String {
    let delimiter = match dialect.delimiter {
        ';' => t.delimiter_semicolon,
        '\t' => t.delimiter_tab,
        '|' => t.delimiter_bar,
        _ => t.delimiter_comma,
    };
    let encoding = match dialect.encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16le | Encoding::Utf16be => "UTF-16",
        Encoding::Windows1251 => "Windows-1251",
    };
    let gzip = if dialect.compression == Compression::Gzip { " · gzip" } else { "" };
    format!("{delimiter} · 1{}5 · {encoding}{gzip}", dialect.decimal)
}

/// The same prediction as a command. A name that a shell or curl would take apart is not repeated.
fn curl(shell: &Shell, checked: &Checked, service: &Service, leaves_out: bool) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let name =
        Some(checked.file_name.as_str()).filter(|name| name.chars().all(is_plain) && !name.starts_with('-'));
    let skip = if leaves_out { "&on_error=skip" } else { "" };
    format!(
        "curl -H \"Authorization: Bearer $AUGUR_API_KEY\" -F file=@{} \\\n  '{}/api/v1/predictions?service_id={}{skip}'",
        name.unwrap_or("customers.csv"),
        shell.base_url,
        service.id
    )
}

//! One prediction: at work, done, failed or gone.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use platform::orders::{self, Order, OrderStatus};
use platform::outlook::{self, Standing};
use platform::predictions::{self, Prediction, PredictionStatus};
use platform::{Access, PredictionId};
use scoring::{Manifest, Summary};
use serde::Deserialize;

use super::account::NoFields;
use super::acting::WhatToDo;
use super::check::{Place, places};
use super::drift::{self, DriftPart};
use super::riskiest::{Riskiest, ranking_within};
use crate::console::charts::{Effects, GainsCurve, Histogram};
use crate::console::errors::{PageError, is_fragment};
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, see_other};
use crate::console::text::{Outcome, faults, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::routes::result_body;
use crate::state::Api;

/// A page is shown without the ranking where that takes longer; a script then asks for the rest and waits.
const PAGE_PATIENCE: Duration = Duration::from_millis(25);
const FRAGMENT_PATIENCE: Duration = Duration::from_secs(20);

const HX_REFRESH: HeaderName = HeaderName::from_static("hx-refresh");
const HX_PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");

/// From here on a time is told in minutes.
const MINUTES_FROM_SECONDS: u64 = 90;

/// What is said of every prediction under its title.
struct About {
    file_name: String,
    model: String,
    paid: String,
    order: String,
    kept_until: String,
}

#[derive(Template)]
#[template(path = "console/prediction_running.html")]
struct RunningPage {
    shell: Shell,
    t: &'static Outcome,
    about: About,
    progress: Progress,
}

/// How far it is, asked for again and again.
#[derive(Template)]
#[template(path = "console/_progress.html")]
struct Progress {
    t: &'static Outcome,
    id: PredictionId,
    headline: String,
    pace: Option<String>,
    place: String,
    done: u64,
    total: u64,
    is_running: bool,
}

#[derive(Template)]
#[template(path = "console/prediction.html")]
struct ResultPage {
    shell: Shell,
    t: &'static Outcome,
    about: About,
    id: PredictionId,
    headline: String,
    of_file: String,
    remarks: Vec<String>,
    mean: String,
    histogram: Histogram,
    ranked: Option<RankedPart>,
    /// Why, over all customers, where reasons were bought.
    effects: Option<Effects>,
    page: u64,
    drift: Option<DriftPart>,
}

/// What only the ranking can tell.
struct RankedPart {
    reached: String,
    expected: String,
    lift: String,
    catches: String,
    basis: String,
    curve: GainsCurve,
    acting: WhatToDo,
    riskiest: Riskiest,
}

#[derive(Template)]
#[template(path = "console/prediction_failed.html")]
struct FailedPage {
    shell: Shell,
    t: &'static Outcome,
    about: About,
    said: String,
    places: Vec<Place>,
    more: Option<String>,
    money: String,
    service: String,
}

#[derive(Template)]
#[template(path = "console/prediction_gone.html")]
struct GonePage {
    shell: Shell,
    t: &'static Outcome,
    about: About,
}

/// Which page of the table is shown.
#[derive(Deserialize)]
pub struct PageNumber {
    page: Option<u64>,
}

/// How a result is downloaded.
#[derive(Deserialize)]
pub struct ResultQuery {
    #[serde(default)]
    spreadsheet_safe: bool,
}

/// A prediction as it is now.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<PredictionId>,
    Query(query): Query<PageNumber>,
    headers: HeaderMap,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let prediction = predictions::get(&api.platform, &access, id).await?;
    let order = orders::get(&api.platform, &access, prediction.order).await?;
    let t = Outcome::of(shell.language);
    let about = about(&shell, &prediction, &order);
    let is_over = prediction.status.is_terminal() && prediction.expires_at <= Utc::now();
    if prediction.erased || is_over {
        let curl = shell.curl_get(&format!("/api/v1/predictions/{id}/erasure"));
        return render(&GonePage { shell: shell.with_curl(curl), t, about });
    }
    let curl = shell.curl_get(&format!("/api/v1/predictions/{id}"));
    match prediction.status {
        PredictionStatus::Queued | PredictionStatus::Running => {
            let progress = progress_of(&api, &shell, &prediction).await?;
            render(&RunningPage { shell: shell.with_curl(curl), t, about, progress })
        }
        PredictionStatus::Failed => {
            let mut page = failed(shell, about, prediction, &order);
            page.shell = page.shell.with_curl(curl);
            render(&page)
        }
        PredictionStatus::Succeeded => {
            let patience = if is_fragment(&headers) { FRAGMENT_PATIENCE } else { PAGE_PATIENCE };
            let page = query.page.unwrap_or(1).max(1);
            render(&succeeded(&api, &access, shell, about, (prediction, page, patience)).await?)
        }
    }
}

/// How far a prediction is; once it has ended, the whole page is to be looked at again.
pub async fn progress(State(api): State<Api>, visitor: Visitor, Id(id): Id<PredictionId>) -> PageResult {
    let prediction = predictions::get(&api.platform, &visitor.access, id).await?;
    if prediction.status.is_terminal() {
        return Ok([(HX_REFRESH, HeaderValue::from_static("true"))].into_response());
    }
    render(&progress_of(&api, &visitor.shell, &prediction).await?)
}

/// A page of the table.
pub async fn riskiest(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<PredictionId>,
    Query(query): Query<PageNumber>,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let page = query.page.unwrap_or(1).max(1);
    let Some(ranked) = ranking_within(&api, &access, id, FRAGMENT_PATIENCE).await? else {
        return Err(platform::Error::Busy.into());
    };
    let manifest = predictions::manifest(&api.platform, &access, id).await?;
    let table = Riskiest::read(&api, &access, &shell, (&ranked, &manifest), page).await?;
    let mut response = render(&table)?;
    // The browser's address is that of the whole page, so that it can be kept and come back to.
    if let Ok(address) = HeaderValue::from_str(&format!("/predictions/{id}?page={}", table.page())) {
        response.headers_mut().insert(HX_PUSH_URL, address);
    }
    Ok(response)
}

/// The result as a file.
pub async fn result(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<PredictionId>,
    Query(query): Query<ResultQuery>,
) -> Result<Response, PageError> {
    let download = predictions::result(&api.platform, &visitor.access, id).await?;
    if query.spreadsheet_safe {
        return Ok(result_body::spreadsheet_safe(&api, download)?);
    }
    Ok(result_body::as_stored(download))
}

/// Erases the files of a prediction.
pub async fn delete(
    State(api): State<Api>,
    Id(id): Id<PredictionId>,
    form: SignedForm<NoFields>,
) -> Result<Response, PageError> {
    predictions::delete(&api.platform, &form.access, id).await?;
    Ok(see_other("/predictions?notice=deleted"))
}

fn about(shell: &Shell, prediction: &Prediction, order: &Order) -> About {
    let t = Outcome::of(shell.language);
    let version = fill(t.version, &[("version", &prediction.model_version)]);
    About {
        file_name: prediction.file_name.clone(),
        model: format!("{}, {version}", order.service.name),
        paid: fill(t.paid, &[("price", &shell.money(order.price.minor_units()))]),
        order: order.id.to_string(),
        kept_until: fill(t.kept_until, &[("date", &shell.date(prediction.expires_at))]),
    }
}

async fn progress_of(api: &Api, shell: &Shell, prediction: &Prediction) -> Result<Progress, PageError> {
    let t = Outcome::of(shell.language);
    let standing = outlook::standing(&api.platform, prediction.id).await?;
    let (done, total) = (prediction.rows_done.min(prediction.rows_total), prediction.rows_total);
    let is_running = prediction.status == PredictionStatus::Running;
    let of = [("done", shell.number(done)), ("total", shell.count(total, t.of_customers))];
    let of = of.each_ref().map(|(name, value)| (*name, value.as_str()));
    Ok(Progress {
        t,
        id: prediction.id,
        headline: if is_running { fill(t.done_of, &of) } else { t.waiting.to_owned() },
        pace: pace(shell, prediction),
        place: place(shell, &standing, is_running),
        done,
        total,
        is_running,
    })
}

/// Customers per second so far, and what that means for the rest.
fn pace(shell: &Shell, prediction: &Prediction) -> Option<String> {
    let t = Outcome::of(shell.language);
    let seconds = (Utc::now() - prediction.started_at?).as_seconds_f64();
    if prediction.rows_done == 0 || seconds <= 0.0 {
        return None;
    }
    // Counts are far below 2^53, so that nothing is lost.
    let per_second = prediction.rows_done as f64 / seconds;
    let left =
        prediction.rows_total.saturating_sub(prediction.rows_done) as f64 / per_second.max(f64::MIN_POSITIVE);
    let left = Duration::try_from_secs_f64(left).map_or(u64::MAX, |left| left.as_secs());
    let left = match left {
        0..=MINUTES_FROM_SECONDS => shell.count(left, t.seconds_left),
        _ => shell.count(left.div_ceil(60), t.minutes_left),
    };
    let rows = shell.number(per_second as u64);
    Some(format!("{} · {left}", fill(t.per_second, &[("rows", &rows)])))
}

fn place(shell: &Shell, standing: &Standing, is_running: bool) -> String {
    let t = Outcome::of(shell.language);
    match standing.worker {
        Some(worker) if is_running => {
            let (worker, workers) = (worker.to_string(), standing.workers.max(worker).to_string());
            fill(t.on_worker, &[("worker", &worker), ("workers", &workers)])
        }
        _ if standing.ahead > 0 => shell.count(standing.ahead, t.ahead),
        _ => t.next.to_owned(),
    }
}

async fn succeeded(
    api: &Api,
    access: &Access,
    shell: Shell,
    about: About,
    (prediction, page, patience): (Prediction, u64, Duration),
) -> Result<ResultPage, PageError> {
    let (id, t) = (prediction.id, Outcome::of(shell.language));
    let summary = prediction.summary.as_ref().ok_or_else(PageError::not_found)?;
    let manifest = predictions::manifest(&api.platform, access, id).await?;
    let ranked = match ranking_within(api, access, id, patience).await {
        Ok(Some(ranked)) => {
            let riskiest = Riskiest::read(api, access, &shell, (&ranked, &manifest), page).await?;
            let acting = WhatToDo::read(api, access, &shell, &ranked).await?;
            Some(ranked_part(&shell, ranked.ranking.gains(), &manifest, (acting, riskiest)))
        }
        // The page asks for it once more.
        Ok(None) | Err(platform::Error::Busy) => None,
        Err(error) => return Err(error.into()),
    };
    let drift = drift::part(api, access, &shell, id).await?;
    let headline = match summary.leaves {
        0 => t.nobody_leaves.to_owned(),
        leaves => shell.count(leaves, t.leave_headline),
    };
    let customers = shell.count(summary.rows, t.of_customers);
    let of_file = fill(t.of_file, &[("customers", &customers), ("file", &prediction.file_name)]);
    let (stays, leaves) = (summary.stays, summary.leaves);
    let histogram = Histogram::new(&shell, &summary.histogram, manifest.threshold, stays, leaves);
    let effects =
        Effects::new(&shell, (t.why_overall, t.why_overall_text), manifest.score_unit(), &summary.effects);
    let curl = format!("{} -o result.csv", shell.curl_get(&format!("/api/v1/predictions/{id}/result")));
    Ok(ResultPage {
        remarks: remarks(&shell, summary),
        mean: fill(t.mean, &[("share", &shell.share(summary.mean_churn_probability))]),
        shell: shell.with_curl(curl),
        t,
        about,
        id,
        headline,
        of_file,
        histogram,
        ranked,
        effects,
        page,
        drift,
    })
}

/// What else is to be known of a result.
fn remarks(shell: &Shell, summary: &Summary) -> Vec<String> {
    let t = Outcome::of(shell.language);
    let skipped =
        (summary.rows_skipped > 0).then(|| format!("{}.", shell.count(summary.rows_skipped, t.skipped)));
    let unknown = summary.unknown_categories.iter().map(|unknown| {
        let customers = shell.count(unknown.count, t.of_customers);
        fill(t.unknown, &[("customers", &customers), ("column", &unknown.column)])
    });
    skipped.into_iter().chain(unknown).collect()
}

fn ranked_part(
    shell: &Shell,
    gains: &scoring::Gains,
    manifest: &Manifest,
    (acting, riskiest): (WhatToDo, Riskiest),
) -> RankedPart {
    let t = Outcome::of(shell.language);
    let percent = GainsCurve::MARKED_PERCENT;
    let measured = manifest.metrics.lift_at_10.map(|lift| shell.fraction(lift, 1));
    RankedPart {
        reached: shell.number(gains.reached(percent)),
        expected: expected(shell, gains.expected_leavers(percent)),
        lift: fill(t.times, &[("lift", &shell.fraction(gains.lift(percent), 1))]),
        catches: fill(t.catches, &[("share", &shell.whole_share(gains.share(percent)))]),
        basis: match measured {
            Some(lift) => fill(t.expected_measured, &[("lift", &lift)]),
            None => t.expected_by_model.to_owned(),
        },
        curve: GainsCurve::new(shell, gains),
        acting,
        riskiest,
    }
}

/// How many are expected to leave, which of a few customers is no whole number.
fn expected(shell: &Shell, leavers: f64) -> String {
    if leavers < 10.0 {
        return shell.fraction(leavers, 1);
    }
    // A sum of probabilities, below the number of customers.
    shell.number(leavers.round() as u64)
}

fn failed(shell: Shell, about: About, prediction: Prediction, order: &Order) -> FailedPage {
    let t = Outcome::of(shell.language);
    let error = prediction.error.unwrap_or_else(|| predictions::PredictionError::new("", ""));
    let places = places(&shell, &error.errors);
    let more = (error.errors.len() >= scoring::problem::PROBLEMS_MAX)
        .then(|| fill(t.first_problems, &[("count", &shell.number(places.len() as u64))]));
    let price = shell.money(order.price.minor_units());
    let is_back = order.status == OrderStatus::Refunded;
    FailedPage {
        said: faults::whole(shell.language, &error.code, &error.message),
        money: fill(if is_back { t.money_back_text } else { t.money_back_later }, &[("price", &price)]),
        service: order.service.id.to_string(),
        shell,
        t,
        about,
        places,
        more,
    }
}

//! Money: the balance over time, every movement with what it was for, statements.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Days, NaiveTime, Utc};
use platform::Page;
use platform::money::{self, Course, Movement};
use serde::Deserialize;

use crate::console::charts::{BalanceChart, Point};
use crate::console::movement::Told;
use crate::console::shell::{PageResult, Shell, render};
use crate::console::statement::{self, Month};
use crate::console::text::{Money, fill};
use crate::console::visitor::Visitor;
use crate::extract::Query;
use crate::problem::Problem;
use crate::state::Api;

const MOVEMENTS: u32 = 25;
const PERIODS_DAYS: [u32; 3] = [30, 90, 365];
/// Months that a statement can be chosen of; others can be asked for by their address.
const MONTHS_MAX: usize = 36;

#[derive(Template)]
#[template(path = "console/money.html")]
struct MoneyPage {
    shell: Shell,
    t: &'static Money,
    balance: i64,
    course: Course,
    chart: Option<BalanceChart>,
    periods: Vec<Period>,
    days: u32,
    rows: Vec<Row>,
    is_first: bool,
    next_cursor: Option<String>,
    months: Vec<Month>,
    top_up: TopUp,
}

/// How money gets in.
pub struct TopUp {
    /// What to do.
    pub said: String,
    /// Whom to write to, where somebody is named.
    pub email: Option<String>,
    /// Whether the visitor can do it.
    pub is_own: bool,
}

struct Period {
    days: u32,
    said: String,
}

struct Row {
    at: DateTime<Utc>,
    told: Told,
    balance_after: i64,
}

/// What of the money is wanted.
#[derive(Deserialize)]
pub struct MoneyQuery {
    #[serde(default)]
    days: String,
    cursor: Option<String>,
}

/// Which statement is wanted.
#[derive(Deserialize)]
pub struct StatementQuery {
    #[serde(default)]
    month: String,
}

/// The page of money.
pub async fn show(State(api): State<Api>, visitor: Visitor, Query(query): Query<MoneyQuery>) -> PageResult {
    let Visitor { access, shell } = visitor;
    let days = query.days.parse().ok().filter(|days| PERIODS_DAYS.contains(days)).unwrap_or(PERIODS_DAYS[0]);
    let moments = ends_of_days(Utc::now(), days);
    let course = money::course(&api.platform, &access, &moments).await?;
    let page = Page { limit: MOVEMENTS, cursor: query.cursor };
    let movements = money::movements(&api.platform, &access, &page).await?;
    let t = Money::of(shell.language);
    let points: Vec<Point> = moments.iter().zip(&course.balances).map(point).collect();
    let curl = shell.curl_get(&format!("/api/v1/transactions?limit={MOVEMENTS}"));
    let page = MoneyPage {
        t,
        balance: shell.member.as_ref().map_or(0, |member| member.balance.minor_units()),
        chart: course.began_at.and_then(|_| BalanceChart::draw(&shell, t, &points)),
        periods: PERIODS_DAYS.map(|days| Period { days, said: period(&shell, t, days) }).into(),
        days,
        rows: movements.data.iter().map(|movement| row(&shell, t, movement)).collect(),
        is_first: page.cursor.is_none(),
        next_cursor: movements.next_cursor,
        months: months(course.began_at),
        top_up: TopUp::of(&api, &shell),
        course,
        shell: shell.with_curl(curl),
    };
    render(&page)
}

/// The statement of a month.
pub async fn statement(
    State(api): State<Api>,
    visitor: Visitor,
    Query(query): Query<StatementQuery>,
) -> PageResult {
    let month = Month::parse(&query.month)
        .ok_or_else(|| Problem::bad_request("bad_query", "A month is written like 2026-11."))?;
    Ok(statement::answer(api, visitor.access, visitor.shell.language, month).await?)
}

impl TopUp {
    /// What a visitor is told who wants to pay money in.
    pub fn of(api: &Api, shell: &Shell) -> TopUp {
        let t = Money::of(shell.language);
        let account = shell.member.as_ref().map(|member| member.email.as_str()).unwrap_or_default();
        let email = api.config.support_email.clone();
        let said = match &email {
            _ if shell.is_admin() => t.top_up_yourself.to_owned(),
            Some(email) => fill(t.top_up_by_email, &[("email", email), ("account", account)]),
            None => fill(t.top_up_by_administrator, &[("account", account)]),
        };
        TopUp { said, email, is_own: shell.is_admin() }
    }
}

/// The ends of so many days, today's last, and of the day before them.
fn ends_of_days(now: DateTime<Utc>, days: u32) -> Vec<DateTime<Utc>> {
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let tomorrow = midnight.checked_add_days(Days::new(1)).unwrap_or(midnight);
    (0..=days).rev().filter_map(|ago| tomorrow.checked_sub_days(Days::new(ago.into()))).collect()
}

/// A day's end belongs to the day that ends.
fn point((end, balance): (&DateTime<Utc>, &ledger::Money)) -> Point {
    Point { at: *end - chrono::TimeDelta::seconds(1), balance: balance.minor_units() }
}

fn period(shell: &Shell, t: &'static Money, days: u32) -> String {
    if days == 365 { t.year.to_owned() } else { shell.count(u64::from(days), t.days) }
}

fn row(shell: &Shell, t: &'static Money, movement: &Movement) -> Row {
    Row {
        at: movement.transaction.created_at,
        told: Told::of(shell.language, t, movement),
        balance_after: movement.transaction.balance_after.minor_units(),
    }
}

/// The months since money first moved, newest first.
fn months(began_at: Option<DateTime<Utc>>) -> Vec<Month> {
    let first = began_at.unwrap_or_else(Utc::now);
    std::iter::successors(Some(Month::of(Utc::now())), |month| month.before())
        .take_while(|month| month.end() > first)
        .take(MONTHS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_midnight_and_the_last_is_today() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T12:30:00Z").unwrap().to_utc();
        let ends = ends_of_days(now, 30);
        assert_eq!(ends.len(), 31);
        assert_eq!(ends[30].to_rfc3339(), "2026-03-02T00:00:00+00:00");
        assert_eq!(ends[0].to_rfc3339(), "2026-01-31T00:00:00+00:00");
    }
}

//! The administration's first page: how everything is.

use askama::Template;
use axum::extract::State;
use chrono::{TimeDelta, Utc};
use platform::Page;
use platform::administration::totals::{Hour, Totals, totals};
use platform::administration::{self, Search};
use platform::health::Health;
use platform::predictions::PredictionStatus;

use super::predictions::PredictionView;
use super::queue::QueueView;
use crate::console::charts::hours::{HoursChart, bars};
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Admin, fill};
use crate::console::visitor::AdminVisitor;
use crate::state::Api;

const FAILURES: u32 = 5;

#[derive(Template)]
#[template(path = "console/admin/overview.html")]
struct OverviewPage {
    shell: Shell,
    t: &'static Admin,
    view: QueueView,
    totals: Totals,
    charts: [HoursChart; 2],
    dependencies: Vec<DependencyView>,
    failures: Vec<PredictionView>,
}

/// Something that the installation depends on.
struct DependencyView {
    name: &'static str,
    problem: Option<String>,
}

/// How everything is.
pub async fn show(State(api): State<Api>, visitor: AdminVisitor) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let failed = Search {
        status: Some(PredictionStatus::Failed),
        from: Some(Utc::now() - TimeDelta::days(1)),
        ..Search::default()
    };
    let page = Page { limit: FAILURES, cursor: None };
    let (health, view, totals, failures) = tokio::join!(
        api.health.check(&api),
        QueueView::look(&api, &access, &shell, t),
        totals(&api.platform, &access),
        administration::predictions(&api.platform, &access, &failed, &page),
    );
    let (view, totals, failures) = (view?, totals?, failures?);
    let failures = PredictionView::all(&shell, t, failures.list.data, &failures.people);
    let orders = chart(&shell, t, t.chart_orders, &totals.hours, |hour| hour.orders);
    let rows = chart(&shell, t, t.chart_rows, &totals.hours, |hour| hour.rows);
    let dependencies = health.into_iter().map(|health| DependencyView::of(t, health)).collect();
    let curl = shell.curl_get("/readyz");
    let shell = shell.with_curl(curl);
    render(&OverviewPage { shell, t, view, totals, charts: [orders, rows], dependencies, failures })
}

impl OverviewPage {
    fn is_well(&self) -> bool {
        self.dependencies.iter().all(|dependency| dependency.problem.is_none())
    }

    /// What customers paid for orders and did not get back.
    fn earned(&self, moved: &ledger::Moved) -> String {
        self.shell.money(moved.debits.minor_units() - moved.refunds.minor_units())
    }
}

impl DependencyView {
    fn of(t: &Admin, health: Health) -> DependencyView {
        let name = match health.name {
            "database" => t.dependency_database,
            "object_store" => t.dependency_object_store,
            "rabbitmq" | "broker" | "queue" => t.dependency_broker,
            "redis" => "Redis",
            other => other,
        };
        DependencyView { name, problem: health.problem }
    }
}

fn chart(
    shell: &Shell,
    t: &Admin,
    title: &'static str,
    hours: &[Hour],
    value: impl Fn(&Hour) -> i64,
) -> HoursChart {
    let values: Vec<(u64, String)> = hours
        .iter()
        .map(|hour| {
            let value = value(hour).unsigned_abs();
            let start = hour.start.format("%H:%M").to_string();
            (value, format!("{start} UTC: {}", shell.number(value)))
        })
        .collect();
    let total: u64 = values.iter().map(|(value, _)| value).sum();
    let most = values.iter().map(|(value, _)| *value).max().unwrap_or(0);
    HoursChart {
        title,
        total: fill(t.chart_total, &[("", &shell.number(total))]),
        most: fill(t.chart_most, &[("", &shell.number(most))]),
        bars: bars(values.into_iter()),
    }
}

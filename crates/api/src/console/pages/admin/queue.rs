//! The queue and the workers, as a part of a page that renews itself.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::Access;
use platform::administration::queue::{self, Queue};

use super::Named;
use crate::console::errors::PageError;
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Admin, fill};
use crate::console::visitor::AdminVisitor;
use crate::state::Api;

/// The queue at a glance.
pub struct QueueView {
    /// Since when the oldest prediction has waited, in words.
    pub oldest: Option<String>,
    /// How many predictions the workers take at a time.
    pub places: u64,
    /// Those at work.
    pub running: Vec<RunningView>,
    /// The workers.
    pub workers: Vec<WorkerView>,
    /// Whose predictions wait.
    pub waiting: Vec<WaitingView>,
    /// When this was looked at.
    pub as_of: String,
    /// The figures.
    pub queue: Queue,
}

/// A prediction at work.
pub struct RunningView {
    /// Keeps the focus on its link while the page renews itself.
    pub id: String,
    pub order_search: String,
    pub file_name: String,
    pub customer: Option<Named>,
    pub worker: String,
    pub attempt: i32,
    pub lost: bool,
    pub share: f64,
    pub rows: String,
    pub since: Option<String>,
}

/// A worker.
pub struct WorkerView {
    pub id: String,
    pub said: String,
    pub lost: bool,
}

/// Somebody who waits.
pub struct WaitingView {
    pub customer: Option<Named>,
    pub predictions: String,
    pub rows: String,
    pub oldest: String,
}

#[derive(Template)]
#[template(path = "console/admin/_queue.html")]
struct QueueFragment {
    shell: Shell,
    t: &'static Admin,
    view: QueueView,
}

/// The queue alone, for the page that shows it.
pub async fn fragment(State(api): State<Api>, visitor: AdminVisitor) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let view = QueueView::look(&api, &access, &shell, t).await?;
    render(&QueueFragment { shell, t, view })
}

impl QueueView {
    /// The queue as it is now.
    pub async fn look(api: &Api, access: &Access, shell: &Shell, t: &Admin) -> Result<QueueView, PageError> {
        let mut queue = queue::queue(&api.platform, access).await?;
        let now = Utc::now();
        let running = std::mem::take(&mut queue.running);
        let running = running.into_iter().map(|job| RunningView {
            id: format!("job-{}", job.prediction),
            order_search: format!("/admin/predictions?q={}", job.prediction),
            customer: Named::customer(t, &queue.people, job.tenant),
            worker: job.worker,
            attempt: job.attempt,
            lost: job.lost,
            share: job.rows_done as f64 / job.rows_total.max(1) as f64,
            rows: format!("{} / {}", shell.number(job.rows_done), shell.number(job.rows_total)),
            since: job.since.map(|since| age(shell, t, since, now)),
            file_name: job.file_name,
        });
        let waiting = queue.waiting_by_tenant.iter().map(|entry| WaitingView {
            customer: Named::customer(t, &queue.people, entry.tenant),
            predictions: shell.count(entry.jobs.unsigned_abs(), t.predictions_count),
            rows: shell.count(entry.rows.unsigned_abs(), t.rows),
            oldest: fill(t.oldest_since, &[("age", &age(shell, t, entry.oldest_since, now))]),
        });
        let workers = queue.workers.iter().map(|worker| WorkerView {
            id: worker.id.clone(),
            lost: worker.lost,
            said: match worker.lost {
                true => fill(t.worker_lost, &[("time", &shell.time(worker.seen_at))]),
                false => {
                    let [running, places] = [worker.running, i64::from(worker.concurrency)]
                        .map(|count| shell.number(count.unsigned_abs()));
                    fill(t.worker_busy, &[("running", &running), ("places", &places)])
                }
            },
        });
        let alive = queue.workers.iter().filter(|worker| !worker.lost);
        Ok(QueueView {
            oldest: queue.waiting.oldest_since.map(|since| age(shell, t, since, now)),
            places: alive.map(|worker| u64::from(worker.concurrency.unsigned_abs())).sum(),
            running: running.collect(),
            waiting: waiting.collect(),
            workers: workers.collect(),
            as_of: fill(t.queue_as_of, &[("time", &now.format("%H:%M:%S").to_string())]),
            queue,
        })
    }

    /// How many are at work beside those that are listed.
    pub fn more_running(&self) -> u64 {
        self.queue.running_count.unsigned_abs().saturating_sub(self.running.len() as u64)
    }
}

/// How long ago something was, in the largest unit that says it.
fn age(shell: &Shell, t: &Admin, since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - since).num_seconds().max(0).unsigned_abs();
    let (number, unit) = match seconds {
        0..120 => (seconds, t.seconds),
        120..7200 => (seconds / 60, t.minutes),
        7200..172_800 => (seconds / 3600, t.hours),
        _ => (seconds / 86_400, t.days),
    };
    fill(unit, &[("", &shell.number(number))])
}

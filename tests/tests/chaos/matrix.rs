//! The matrix of faults and moments: one list, and one way through every cell of it.
//!
//! `CHAOS=full` tries all cells; otherwise it is a short choice, every family of faults at its most
//! dangerous moment.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::join_all;
use tests::proxy::Stalled::{DeadForEver, Reset};
use tests::suite::{Body, Flow, words};

use crate::conclusion::{conclude, expect_end_during_fault};
use crate::fault::Fault::{self, *};
use crate::fault::Server::{Postgresql, Rabbitmq, Redis};
use crate::moment::MOMENTS;
use crate::plan::Whose;
use crate::record::{self, Run};
use crate::reference;
use crate::stage::{Cell, Stage};

/// How long the cells of one fault may take together.
const LIMIT: Duration = Duration::from_secs(420);
/// How long a request may take to be answered during a fault.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How much of each log a failure shows.
const LOG_LINES: usize = 12;

/// N: nothing is charged, a retry is safe. C: charged once, completes by itself. R: refunded once.
/// D: a duplicate is suppressed, then as C. W: 503 before any debit. -: no effect.
const MATRIX: &[(Fault, [&str; 6])] = &[
    (ApiKilled, ["N", "C", "-", "-", "-", "-"]),
    (ApiStopped, ["NC", "D", "-", "-", "-", "-"]),
    (ClientGone, ["NC", "C", "-", "-", "-", "-"]),
    (WorkerKilled, ["-", "-", "C", "C", "C", "D"]),
    (WorkerStopped, ["-", "-", "C", "D", "D", "D"]),
    (PanicOnce, ["-", "-", "-", "C", "C", "-"]),
    (PanicThrice, ["-", "-", "-", "R", "R", "-"]),
    (Poison, ["-", "-", "C", "R", "-", "-"]),
    (PostgresqlStopped, ["N", "C", "C", "C", "C", "D"]),
    (Cut(Postgresql), ["NC", "C", "C", "C", "C", "D"]),
    (HalfOpen(Postgresql, Reset), ["NC", "C", "C", "C", "C", "D"]),
    (HalfOpen(Postgresql, DeadForEver), ["NC", "C", "C", "C", "C", "D"]),
    (RabbitmqKilled, ["C", "C", "C", "C", "C", "D"]),
    (RabbitmqStopped, ["C", "C", "C", "C", "C", "D"]),
    (Cut(Rabbitmq), ["C", "C", "C", "C", "C", "D"]),
    (HalfOpen(Rabbitmq, Reset), ["C", "C", "C", "C", "C", "D"]),
    (HalfOpen(Rabbitmq, DeadForEver), ["C", "C", "C", "C", "C", "D"]),
    (QueuePurged, ["-", "C", "C", "C", "C", "D"]),
    (RedisKilled, ["-", "-", "-", "C", "C", "C"]),
    (RedisFlushed, ["-", "-", "-", "C", "C", "C"]),
    (RedisStopped, ["-", "-", "-", "C", "C", "C"]),
    (Cut(Redis), ["-", "-", "-", "C", "C", "C"]),
    (HalfOpen(Redis, Reset), ["-", "-", "-", "C", "C", "C"]),
    (HalfOpen(Redis, DeadForEver), ["-", "-", "-", "C", "C", "C"]),
    (StoreUnwritable, ["W", "C", "C", "C", "C", "C"]),
    (StoreAway, ["W", "CR", "CR", "CR", "CR", "C"]),
    (DiskFull, ["W", "-", "-", "C", "C", "-"]),
    (MessageAgain, ["-", "-", "D", "D", "D", "D"]),
    (Clock(Whose::Server, "+1h"), ["-", "-", "-", "C", "-", "-"]),
    (Clock(Whose::Server, "-1h"), ["-", "-", "-", "C", "-", "-"]),
    (Clock(Whose::Holder, "+1h"), ["-", "-", "-", "C", "-", "-"]),
    (Clock(Whose::Holder, "-1h"), ["-", "-", "-", "C", "-", "-"]),
    (Clock(Whose::Rescuer, "+1h"), ["-", "-", "-", "C", "-", "-"]),
    (Clock(Whose::Rescuer, "-1h"), ["-", "-", "-", "C", "-", "-"]),
    (Sweeper, ["-", "-", "R", "CR", "CR", "C"]),
    (SweeperFirst, ["-", "-", "-", "-", "R", "-"]),
    (Terminated, ["NC", "C", "C", "C", "C", "D"]),
];

/// What `make test` tries: faults, and the numbers of the moments.
const SHORT: &[(Fault, &[&str])] = &[
    (ApiKilled, &["M2"]),
    (ClientGone, &["M1"]),
    (WorkerKilled, &["M5"]),
    (WorkerStopped, &["M4"]),
    (PanicThrice, &["M4"]),
    (PostgresqlStopped, &["M1", "M5"]),
    (HalfOpen(Postgresql, DeadForEver), &["M5"]),
    (RabbitmqKilled, &["M2"]),
    (RedisStopped, &["M5"]),
    (DiskFull, &["M4"]),
    (Clock(Whose::Rescuer, "+1h"), &["M4"]),
    (SweeperFirst, &["M5"]),
    (Terminated, &["M4"]),
];

/// One flow for each cell; where a server is harmed that all share, one for all cells of the fault.
pub fn flows() -> Vec<Flow> {
    let is_whole = std::env::var("CHAOS").is_ok_and(|size| size == "full");
    let mut flows = Vec::new();
    for (place, &(fault, letters)) in MATRIX.iter().enumerate() {
        let cells = MOMENTS.into_iter().zip(letters).map(|(moment, expected)| Cell {
            fault,
            moment,
            expected,
            place,
        });
        let cells = cells.filter(|cell| cell.expected != "-" && (is_whole || is_in_short(cell)));
        let cells: Vec<Cell> = cells.collect();
        if let Some(obstacle) = fault.obstacle().filter(|_| !cells.is_empty()) {
            eprintln!("skipped: {}: {obstacle}", fault.name());
        } else if fault.is_shared() && !cells.is_empty() {
            flows.push(flow(fault.name(), cells, true));
        } else {
            flows.extend(cells.into_iter().map(|cell| flow(cell.name(), vec![cell], false)));
        }
    }
    // What bears no other beside it comes last, so that nothing waits for it.
    flows.sort_by_key(|flow| matches!(flow.body, Body::PlainAlone(_)));
    flows
}

fn is_in_short(cell: &Cell) -> bool {
    SHORT.iter().any(|(fault, moments)| *fault == cell.fault && moments.contains(&cell.moment.name()))
}

fn flow(name: String, cells: Vec<Cell>, alone: bool) -> Flow {
    let work =
        Box::new(move || -> futures::future::BoxFuture<'static, ()> { Box::pin(conduct(cells.clone())) });
    let body = if alone { Body::PlainAlone(work) } else { Body::Plain(work) };
    Flow { limit: LIMIT, ..Flow::new(name, body) }
}

/// Catches the orders at their moments, has one fault strike them all, and judges each.
async fn conduct(cells: Vec<Cell>) {
    reference::result().await;
    let fault = cells[0].fault;
    let mut stages = join_all(cells.into_iter().map(Stage::set)).await;
    let harm = fault.strike().await;
    join_all(stages.iter_mut().map(|stage| strike(fault, stage))).await;
    fault.linger().await;
    let lasting = stages.iter_mut().filter(|stage| stage.plan.ends_during_fault);
    join_all(lasting.map(expect_end_during_fault)).await;
    harm.end().await;
    join_all(stages.iter_mut().map(|stage| fault.heal(stage))).await;
    let judging = stages.into_iter().map(|stage| tokio::spawn(judge(stage)));
    let problems: Vec<String> =
        join_all(judging).await.into_iter().filter_map(|judged| judged.expect("not aborted").err()).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

async fn strike(fault: Fault, stage: &mut Stage) {
    fault.inject(stage).await;
    if stage.plan.held_at.is_none() {
        stage.send();
        stage.first_answer(ANSWER_LIMIT).await;
    }
    fault.linger_held(stage).await;
    stage.release();
}

async fn judge(mut stage: Stage) -> Result<(), String> {
    let started = Instant::now();
    let cell = stage.cell.clone();
    // In a task of its own, so that one cell's failure leaves the others their judgement.
    let judged = tokio::spawn(async move {
        let concluding = async {
            let run = conclude(&mut stage).await;
            stage.on.audit().await;
            run
        };
        let concluded = AssertUnwindSafe(concluding).catch_unwind().await;
        let logs = stage.on.log_tails(LOG_LINES);
        stage.on.remove().await;
        concluded.map_err(|panic| format!("{}\n{logs}", words(panic)))
    });
    let (run, result) = match judged.await.map_err(|failure| words(failure.into_panic())).flatten() {
        Ok(run) => (run, Ok(())),
        Err(problem) => {
            let run =
                Run { outcome: Err(problem.clone()), recovery_seconds: started.elapsed().as_secs_f64() };
            (run, Err(format!("{}: {problem}", cell.name())))
        }
    };
    record::keep(cell.place, &cell.fault.name(), cell.moment.name(), cell.expected, run);
    result
}

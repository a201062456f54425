//! Random schedules: many tenants at work while random faults happen, and every answer kept.
//!
//! `make chaos SEED=n ORDERS=n` runs one as long as wanted; `make test` a short one.

mod history;
mod injector;
mod judge;
mod judge_flows;
mod observation;
mod random;
mod report;
mod requests;
mod run;
mod samples;
mod tenants;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tests::suite::{Body, Flow};

use random::Random;
use run::{Run, Size};

const SHORT_SEED: u64 = 22;
const LONG_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// The judge's own flows, and a short or a long schedule.
pub fn flows() -> Vec<Flow> {
    let mut flows = judge_flows::flows();
    if std::env::var("CHAOS").is_ok_and(|size| size == "full") {
        let body = Body::PlainAlone(Box::new(|| Box::pin(run(long()))));
        let name = "a_long_schedule_of_random_faults_breaks_no_promise";
        flows.push(Flow { limit: LONG_LIMIT, ..Flow::new(name, body) });
    } else {
        let body = Body::Plain(Box::new(|| Box::pin(run(short()))));
        flows.push(Flow::new("a_short_schedule_of_random_faults_breaks_no_promise", body));
    }
    flows
}

fn given(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, and not {value:?}")))
}

/// One round, whose faults disturb nobody else on the servers.
fn short() -> Size {
    Size {
        seed: given("SEED").unwrap_or(SHORT_SEED),
        orders: 150,
        orders_per_round: 150,
        tenants: 8,
        workers: 2,
        rows: &[5, 30, 300, 2_000],
        faults: 2..=3,
        fault_ms_max: 4_000,
        of_servers: false,
        pause_ms: 10..150,
    }
}

fn long() -> Size {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    let seed = given("SEED").unwrap_or_else(|| u64::from(now));
    let mut random = Random::of_seed(seed).branch(0);
    Size {
        seed,
        orders: given("ORDERS").unwrap_or(3_000) as usize,
        orders_per_round: 250,
        tenants: 8 + random.below(13),
        workers: 2 + random.below(2),
        rows: &[5, 12, 30, 100, 300, 1_000, 4_000, 20_000, 80_000],
        faults: 3..=5,
        fault_ms_max: 14_000,
        of_servers: true,
        pause_ms: 100..900,
    }
}

async fn run(size: Size) {
    eprintln!(
        "SEED={} ORDERS={} ({} tenants, {} workers)",
        size.seed, size.orders, size.tenants, size.workers
    );
    let mut run = Run::begin(size.clone()).await;
    let outcome = run.go().await;
    report::write(&size, &run.operations(), &run.tally, outcome.as_ref().err());
    run.end().await;
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

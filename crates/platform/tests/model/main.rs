//! A model of accounts against the real platform and ledger: whatever is called, in whatever order and
//! at once, must be what some serial order of the calls gives.
//!
//! Wants TEST_DATABASE_URL, as `make test` gives it. CASES is how many cases are run, SEED what they
//! are made of; both are printed, and a case that fails is made as short as it can be, unless SHORTEN is
//! 0. TEST_MUTATION_SQL changes the schema, for `make mutate`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(missing_docs, reason = "a test has no callers")]

mod account;
mod journeys;
mod operations;
mod refunds;
mod refused;
mod run;
mod system;
mod tenants;
mod walls;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use futures::FutureExt;
use futures::future::join_all;
use operations::Case;
use run::Tested;
use system::System;

/// How many cases `make test` runs.
const SAMPLE: u64 = 2_000;
const SAMPLE_SEED: u64 = 4;
/// How many run at once, each on accounts of its own.
const AT_ONCE: u64 = 8;
const ACCOUNTS_EACH: u64 = 2;
/// What happens at once may need luck to happen again.
const TRIES: usize = 8;

/// Runs a test on a system of its own, and removes the system however it ends.
async fn on_a_system(name: &str, test: impl AsyncFnOnce(&System)) {
    let Some(system) = System::make(name).await else { return };
    let ended = AssertUnwindSafe(test(&system)).catch_unwind().await;
    system.remove().await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_called_in_whatever_order_is_what_some_serial_order_gives() {
    on_a_system("model", async |system| {
        // The sample is always the same: what has not changed must not fail by chance.
        let wanted = number("CASES");
        let seed = number("SEED").unwrap_or_else(|| if wanted.is_some() { random() } else { SAMPLE_SEED });
        let cases = wanted.unwrap_or(SAMPLE);
        println!("model: SEED={seed} CASES={cases}");
        let started = Instant::now();
        let (operations, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let progress = Progress { seed, cases, operations: &operations, failed: &failed };
        let found = join_all((0..AT_ONCE).map(|worker| run_cases(system, worker, &progress))).await;
        let operations = operations.load(Ordering::Relaxed);
        let seconds = started.elapsed().as_secs_f64();
        if let Some(failure) = found.into_iter().flatten().next() {
            panic!("SEED={seed}: {}", shortened(system, failure).await);
        }
        println!("model: {cases} cases, {operations} operations, seed {seed}, {seconds:.1} s");
        system.check().await;
    })
    .await;
}

struct Progress<'a> {
    seed: u64,
    cases: u64,
    operations: &'a AtomicU64,
    failed: &'a AtomicBool,
}

/// A case that failed, and from which balance.
struct Failure {
    number: u64,
    case: Case,
    balance: i64,
    message: String,
}

/// Every eighth case, until one fails anywhere.
async fn run_cases(system: &System, worker: u64, progress: &Progress<'_>) -> Option<Failure> {
    let mut accounts = Vec::new();
    for _ in 0..ACCOUNTS_EACH {
        accounts.push(Tested::open(system).await);
    }
    let mut number = worker;
    while number < progress.cases && !progress.failed.load(Ordering::Relaxed) {
        let case = Case::generate(progress.seed, number);
        let account = &mut accounts[((number / AT_ONCE) % ACCOUNTS_EACH) as usize];
        let balance = account.balance();
        progress.operations.fetch_add(case.operations() as u64, Ordering::Relaxed);
        if let Err(message) = account.run(system, &case).await {
            progress.failed.store(true, Ordering::Relaxed);
            return Some(Failure { number, case, balance, message });
        }
        number += AT_ONCE;
    }
    None
}

/// Drops operations as long as what is left still fails, on a new account each time.
async fn shortened(system: &System, mut failure: Failure) -> String {
    while number("SHORTEN") != Some(0) {
        let mut shorter = None;
        for dropped in failure.case.numbers() {
            let case = failure.case.without(dropped);
            if let Some(message) = fails(system, failure.balance, &case).await {
                shorter = Some(Failure { case, message, ..failure });
                break;
            }
        }
        match shorter {
            Some(shorter) => failure = shorter,
            None => break,
        }
    }
    let Failure { number, case, balance, message } = failure;
    let groups: String = case.groups.iter().map(|group| format!("  at once: {group:?}\n")).collect();
    format!("case {number}, from a balance of {balance}, shortened to\n{groups}{message}")
}

async fn fails(system: &System, balance: i64, case: &Case) -> Option<String> {
    for _ in 0..TRIES {
        let mut account = Tested::with_balance(system, balance).await;
        if let Err(message) = account.run(system, case).await {
            return Some(message);
        }
    }
    None
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
    u64::from(now.subsec_nanos()) ^ u64::from(std::process::id()) << 32
}

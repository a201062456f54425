//! What the cells came to, kept until the end and written as a table.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

/// What one run of one cell came to.
pub struct Run {
    /// The outcome's letter, or what went wrong.
    pub outcome: Result<String, String>,
    /// From healing to the order's end.
    pub recovery_seconds: f64,
}

/// The runs by place in the table, fault, moment and what is expected.
type Runs = BTreeMap<(usize, String, &'static str, String), Vec<Run>>;

static RUNS: Mutex<Runs> = Mutex::new(BTreeMap::new());

/// Keeps a run.
pub fn keep(place: usize, fault: &str, moment: &'static str, expected: &str, run: Run) {
    let key = (place, fault.to_owned(), moment, expected.to_owned());
    RUNS.lock().unwrap().entry(key).or_default().push(run);
}

/// Writes target/chaos/matrix.md, if anything was kept.
pub fn write() {
    let runs = RUNS.lock().unwrap();
    if runs.is_empty() {
        return;
    }
    let mut table = introduction();
    table += "| Fault | Moment | Expected | Runs | Outcome | Seconds to recovery |\n";
    table += "|---|---|---|---|---|---|\n";
    for ((_, fault, moment, expected), runs) in runs.iter() {
        let mut outcomes: Vec<String> = runs.iter().map(shown).collect();
        outcomes.sort();
        outcomes.dedup();
        let slowest = runs.iter().map(|run| run.recovery_seconds).fold(0.0, f64::max);
        let (runs, outcomes) = (runs.len(), outcomes.join(", "));
        let line =
            writeln!(table, "| {fault} | {moment} | {expected} | {runs} | {outcomes} | {slowest:.1} |");
        line.expect("a string takes everything");
    }
    let directory = tests::program::target_directory().join("chaos");
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join("matrix.md"), table).expect("a table");
}

/// What the table is, and where it was measured.
fn introduction() -> String {
    let cores = std::thread::available_parallelism().map_or(0, |number| number.get());
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes =
        memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    let gibibytes = kibibytes.unwrap_or_default().div_ceil(1 << 20);
    INTRODUCTION.replace("CORES", &cores.to_string()).replace("GIBIBYTES", &gibibytes.to_string())
}

const INTRODUCTION: &str = "# Faults and moments

Written by `make chaos` (target/chaos/matrix.md) on CORES cores with GIBIBYTES GiB, beside other work. Every line is one
order on an installation of its own, with real servers behind proxies, that was caught at one moment of its life
when the fault struck; or a process that was killed at a named place in the code. Afterwards the request was
repeated with its Idempotency-Key, the job's message was published twice more, the result was compared with that of
an undisturbed run, another order was placed, and `augur audit` had to find nothing.

Moments: M1 before the debit commits, M2 accepted and not confirmed by the broker, M3 published and not started, M4
while scoring, M5 result stored and not settled, M6 settled and not acknowledged. Outcomes: N nothing was charged and
a retry was safe; C charged once, and the result was there; R refunded once; D a duplicate was suppressed, then as
C; W 503 before any debit. Where several letters are expected, each of them is right. Seconds are counted from the
end of the fault, or from the last death, to the end of the order; 0.0 where it had ended before.

";

fn shown(run: &Run) -> String {
    match &run.outcome {
        Ok(letter) => letter.clone(),
        Err(error) => {
            let line = error.lines().next().unwrap_or_default().replace('|', "/");
            format!("FAILED: {}", line.chars().take(100).collect::<String>())
        }
    }
}

//! What a schedule came to, as a table in target/chaos/schedule.md.

use std::collections::BTreeMap;
use std::fmt::Write;

use tests::program;

use super::history::{Operation, Outcome};
use super::run::{Size, Tally};

/// How operations of one kind ended.
#[derive(Default)]
struct Ends {
    accepted: usize,
    refused: usize,
    unknown: usize,
    /// Ended well or refused after tries that told nothing.
    resolved: usize,
}

/// Writes the report, and prints it.
pub fn write(size: &Size, operations: &[Operation], tally: &Tally, error: Option<&String>) {
    let text = report(size, operations, tally, error);
    let directory = program::target_directory().join("chaos");
    std::fs::create_dir_all(&directory).expect("a directory for reports");
    std::fs::write(directory.join("schedule.md"), &text).expect("the report is written");
    std::fs::write(directory.join(format!("schedule-{}.md", size.seed)), &text)
        .expect("the report is written");
    eprintln!("{text}");
}

fn report(size: &Size, operations: &[Operation], tally: &Tally, error: Option<&String>) -> String {
    let orders = operations.iter().filter(|operation| operation.asks_for_an_order());
    let placed = orders.clone().filter(|operation| matches!(operation.outcome, Outcome::Accepted(_)));
    let mut text = format!("# SEED={} ORDERS={}\n\n", size.seed, size.orders);
    let settling = tally.settling.iter().max().map_or(0.0, |longest| longest.as_secs_f64());
    let lines = [
        ("outcome", error.map_or("no promise broken".to_owned(), |error| first_line(error))),
        ("rounds judged", tally.rounds.to_string()),
        ("tenants / APIs / workers", format!("{} / 2 / {}", size.tenants, size.workers)),
        ("operations", operations.len().to_string()),
        ("orders asked for / placed", format!("{} / {}", orders.count(), placed.count())),
        ("faults", tally.faults.values().sum::<usize>().to_string()),
        ("jobs given up after three attempts, refunded", tally.given_up.to_string()),
        ("longest settling after the load and the faults", format!("{settling:.1} s")),
        ("duration", format!("{:.0} s", tally.lasted.as_secs_f64())),
    ];
    text += "| | |\n|---|---|\n";
    for (name, value) in lines {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text += "\n| Operation | 2xx | 4xx | unknown | resolved after tries without an answer |\n|---|---|---|---|---|\n";
    for (kind, ends) in ends(operations) {
        let Ends { accepted, refused, unknown, resolved } = ends;
        let _ = writeln!(text, "| {kind} | {accepted} | {refused} | {unknown} | {resolved} |");
    }
    text += "\n| Fault | Times |\n|---|---|\n";
    for (fault, times) in &tally.faults {
        let _ = writeln!(text, "| {fault:?} | {times} |");
    }
    text
}

fn ends(operations: &[Operation]) -> BTreeMap<&'static str, Ends> {
    let mut by_kind: BTreeMap<&'static str, Ends> = BTreeMap::new();
    for operation in operations {
        let ends = by_kind.entry(operation.kind.word()).or_default();
        match operation.outcome {
            Outcome::Accepted(_) => ends.accepted += 1,
            Outcome::Refused { .. } => ends.refused += 1,
            Outcome::Unknown => ends.unknown += 1,
        }
        if operation.unknown_tries > 0 && operation.outcome != Outcome::Unknown {
            ends.resolved += 1;
        }
    }
    by_kind
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('|', "/")
}

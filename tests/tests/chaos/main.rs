//! Faults: every one at every moment of an order's life, and in random schedules. They need the program
//! built with the feature `failpoints`.
//!
//! `make test` runs a short choice of them, `make chaos` all.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod conclusion;
mod fault;
mod kills;
mod matrix;
mod moment;
mod plan;
mod proxies;
mod record;
mod reference;
mod schedule;
mod stage;
mod supervisor;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::program::test_with_failpoints();
    let ended = tests::suite::run(vec![
        ("proxies", proxies::flows()),
        ("kills", kills::flows()),
        ("matrix", matrix::flows()),
        ("schedule", schedule::flows()),
    ]);
    record::write();
    ended
}

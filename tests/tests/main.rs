//! Every flow through the public door, on real servers, in both profiles.
//!
//! `make test` gives the servers and builds the program. Arguments filter by name, such as
//! `cargo test --release -p tests embedded::money`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod command_line;
mod dialects;
mod faults;
mod files;
mod idempotency;
mod invariants;
mod journey;
mod million;
mod model_making;
mod money;
mod operation;
mod outages;
mod predictions;
mod style;
mod tenants;
mod tokens;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::suite::run(vec![
        ("style", style::flows()),
        ("journey", journey::flows()),
        ("dialects", dialects::flows()),
        ("predictions", predictions::flows()),
        ("files", files::flows()),
        ("money", money::flows()),
        ("idempotency", idempotency::flows()),
        ("invariants", invariants::flows()),
        ("tenants", tenants::flows()),
        ("accounts", accounts::flows()),
        ("tokens", tokens::flows()),
        ("operation", operation::flows()),
        ("command_line", command_line::flows()),
        ("model_making", model_making::flows()),
        ("faults", faults::flows()),
        // What bears no other beside it comes last, so that nothing waits for it.
        ("outages", outages::flows()),
        ("million", million::flows()),
    ])
}

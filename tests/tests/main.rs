//! Every flow through the public door, on real servers, in both profiles.
//!
//! `make test` gives the servers and builds the program. Arguments filter by name, such as
//! `cargo test --release -p tests embedded::money`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod acting;
mod administration;
mod closing;
mod command_line;
mod console;
mod dialects;
mod export;
mod faults;
mod files;
mod idempotency;
mod invariants;
mod journey;
mod million;
mod model_making;
mod money;
mod monitoring;
mod operation;
mod outages;
mod overload;
mod predictions;
mod privacy;
mod reasons;
mod retraining;
mod security_access;
mod security_accounts;
mod security_input;
mod security_table;
mod security_wire;
mod sources;
mod style;
mod tenants;
mod tokens;
mod training;
mod upgrades;
mod webhooks;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::suite::run(vec![
        ("style", style::flows()),
        ("journey", journey::flows()),
        ("dialects", dialects::flows()),
        ("predictions", predictions::flows()),
        ("reasons", reasons::flows()),
        ("retraining", retraining::flows()),
        ("files", files::flows()),
        ("monitoring", monitoring::flows()),
        ("money", money::flows()),
        ("idempotency", idempotency::flows()),
        ("invariants", invariants::flows()),
        ("tenants", tenants::flows()),
        ("accounts", accounts::flows()),
        ("administration", administration::flows()),
        ("tokens", tokens::flows()),
        ("training", training::flows()),
        ("operation", operation::flows()),
        ("security_access", security_access::flows()),
        ("security_accounts", security_accounts::flows()),
        ("security_input", security_input::flows()),
        ("security_wire", security_wire::flows()),
        ("security_table", security_table::flows()),
        ("acting", acting::flows()),
        ("console", console::flows()),
        ("privacy", privacy::flows()),
        ("closing", closing::flows()),
        ("export", export::flows()),
        ("command_line", command_line::flows()),
        ("model_making", model_making::flows()),
        ("faults", faults::flows()),
        ("upgrades", upgrades::flows()),
        ("sources", sources::flows()),
        ("webhooks", webhooks::flows()),
        // What bears no other beside it comes last, so that nothing waits for it.
        ("overload", overload::flows()),
        ("outages", outages::flows()),
        ("million", million::flows()),
    ])
}

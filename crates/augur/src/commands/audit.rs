//! `augur audit`: checks that the books are in order.

use anyhow::{Result, bail};
use clap::Args;
use platform::invariants::{self, Depth};
use serde_json::json;

use super::Global;
use crate::environment::Environment;
use crate::installation::Installation;
use crate::output::{print_json, print_line};

/// Check the invariants of the ledger, the orders and the predictions
///
/// The exit status is 1 where one is broken, and every violation is listed. Safe beside a running
/// server.
#[derive(Args)]
pub struct Arguments {
    /// Look at the tables only, and do not read every result again
    #[arg(long)]
    tables_only: bool,
}

/// Runs the command.
pub async fn run(arguments: Arguments, global: Global) -> Result<()> {
    let installation = Installation::open(&Environment::of_process(), &global).await?;
    let depth = if arguments.tables_only { Depth::Tables } else { Depth::Files };
    let checked = invariants::check(&installation.platform, depth).await;
    installation.close().await?;
    let found = checked?;
    if global.json {
        print_json(&json!({
            "ok": found.violations.is_empty(),
            "accounts": found.accounts,
            "transactions": found.transactions,
            "violations": found.violations,
        }))?;
    } else {
        print_line(&format!("{} accounts, {} transactions", found.accounts, found.transactions))?;
        for violation in &found.violations {
            print_line(&format!("{} {}: {}", violation.invariant, violation.subject_id, violation.detail))?;
        }
    }
    match found.violations.len() {
        0 => Ok(()),
        count => bail!("{count} invariants are broken"),
    }
}

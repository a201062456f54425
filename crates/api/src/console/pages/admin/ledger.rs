//! The check of all money.

use std::time::Instant;

use askama::Template;
use axum::extract::State;
use ledger::Violation;
use platform::invariants;
use serde::Deserialize;

use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Admin, Invariants, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::Query;
use crate::state::Api;

/// More violations than these are counted and not shown.
const SHOWN: usize = 200;

/// Whether to check.
#[derive(Default, Deserialize)]
pub struct LedgerQuery {
    #[serde(default)]
    check: String,
}

/// What a check has found.
struct Checked {
    accounts: String,
    transactions: String,
    violations: String,
    took: String,
    found: Vec<Found>,
    is_cut: bool,
}

/// Something that does not hold.
struct Found {
    said: String,
    /// Where to look for what is at fault.
    href: String,
    violation: Violation,
}

#[derive(Template)]
#[template(path = "console/admin/ledger.html")]
struct LedgerPage {
    shell: Shell,
    t: &'static Admin,
    checked: Option<Checked>,
}

/// The page, with a check where one is wanted.
pub async fn show(
    State(api): State<Api>,
    visitor: AdminVisitor,
    Query(query): Query<LedgerQuery>,
) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let checked = match query.check.is_empty() {
        true => None,
        false => {
            let begun = Instant::now();
            let check = invariants::check_for_administrator(&api.platform, &access).await?;
            Some(Checked::of(&shell, t, check, begun))
        }
    };
    let curl = shell.curl_get("/api/v1/admin/ledger/check");
    render(&LedgerPage { t, checked, shell: shell.with_curl(curl) })
}

impl Checked {
    fn of(shell: &Shell, t: &Admin, check: ledger::Check, begun: Instant) -> Checked {
        let words = Invariants::of(shell.language);
        let count = |number: i64| shell.number(number.unsigned_abs());
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Checked {
            accounts: count(check.accounts),
            transactions: count(check.transactions),
            violations: shell.number(check.violations.len() as u64),
            took: fill(t.milliseconds, &[("", &shell.number(took))]),
            is_cut: check.violations.len() > SHOWN,
            found: check
                .violations
                .into_iter()
                .take(SHOWN)
                .map(|violation| Found::of(words, violation))
                .collect(),
        }
    }

    fn is_ok(&self) -> bool {
        self.found.is_empty()
    }
}

impl Found {
    fn of(words: &Invariants, violation: Violation) -> Found {
        // A balance is named by its tenant; all else is found among the orders by any of its ids.
        let list = if violation.invariant == "balance_is_sum_of_transactions" { "users" } else { "orders" };
        Found {
            said: words.said(&violation.invariant).map_or_else(|| violation.invariant.clone(), str::to_owned),
            href: format!("/admin/{list}?q={}", violation.subject_id),
            violation,
        }
    }
}

impl LedgerPage {
    fn shown(&self) -> String {
        fill(self.t.violations_shown, &[("", &self.shell.number(SHOWN as u64))])
    }
}

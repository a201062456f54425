//! What must hold whatever broke, in one place: the ledger's invariants, the orders', and that what
//! was delivered can be read and what was erased cannot.

mod db;
mod files;
mod trainings;

use crate::{Access, AdminTx, Error, Platform, PredictionId};
use ledger::{Check, Violation};
use sqlx::PgConnection;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// At the tables.
    Tables,
    /// At the tables, and every input and result is read again and compared with its SHA-256 and its
    /// number of rows, and what was erased is looked for.
    Files,
}

/// Checks the tables, for an administrator.
pub async fn check_for_administrator(platform: &Platform, access: &Access) -> Result<Check, Error> {
    AdminTx::begin(platform, access).await?;
    check(platform, Depth::Tables).await
}

/// Checks every invariant at one moment, and lists what does not hold.
pub async fn check(platform: &Platform, depth: Depth) -> Result<Check, Error> {
    let mut transaction = platform.system.begin().await?;
    db::set_repeatable_read(&mut transaction).await?;
    let mut found = ledger::check(&mut transaction).await?;
    found.violations.extend(check_tables(&mut transaction).await?);
    transaction.commit().await?;
    if depth == Depth::Files {
        let mut after = None;
        while let Some(checked) = files::check_some(platform, after, u64::MAX).await? {
            found.violations.extend(checked.violations);
            after = Some(checked.last);
        }
        found.violations.extend(files::check_erased(platform).await?);
        found.violations.extend(trainings::check(platform).await?);
    }
    metrics::gauge!("augur_invariant_violations", "depth" => "tables").set(found.violations.len() as f64);
    Ok(found)
}

/// Where the sweeper is in its round over all results: each is read again in its turn, so many bytes
/// at a time.
#[derive(Debug, Default)]
pub(crate) struct Round {
    after: Option<PredictionId>,
    violations: usize,
    /// What the round before this one found, which stands until this one is over.
    violations_before: usize,
}

impl Round {
    /// Reads some more results again; at the end of a round, looks for what was erased and begins
    /// anew.
    pub(crate) async fn go_on(
        &mut self,
        platform: &Platform,
        bytes_max: u64,
    ) -> Result<Vec<Violation>, Error> {
        let found = match files::check_some(platform, self.after, bytes_max).await? {
            Some(checked) => {
                self.after = Some(checked.last);
                metrics::counter!("augur_results_read_again_total").increment(checked.results);
                checked.violations
            }
            None => {
                let found = files::check_erased(platform).await?;
                *self = Round { violations_before: self.violations + found.len(), ..Round::default() };
                metrics::gauge!("augur_invariant_violations", "depth" => "files")
                    .set(self.violations_before as f64);
                return Ok(found);
            }
        };
        self.violations += found.len();
        let known = self.violations.max(self.violations_before);
        metrics::gauge!("augur_invariant_violations", "depth" => "files").set(known as f64);
        Ok(found)
    }
}

async fn check_tables(connection: &mut PgConnection) -> Result<Vec<Violation>, Error> {
    let findings = [
        ("order_is_provided_or_refunded", db::select_wrong_orders(connection).await?),
        ("job_and_prediction_agree", db::select_wrong_jobs(connection).await?),
        ("prediction_ends_by_its_deadline", db::select_late_jobs(connection).await?),
        ("key_has_one_effect", db::select_wrong_keys(connection).await?),
        ("expired_is_erased", db::select_unerased(connection).await?),
        ("erasure_is_completed", db::select_unfinished_erasures(connection).await?),
        ("production_is_current", db::select_wrong_versions(connection).await?),
    ];
    Ok(findings
        .into_iter()
        .flat_map(|(invariant, rows)| {
            rows.into_iter().map(move |(id, detail)| Violation::new(invariant, id, detail))
        })
        .collect())
}

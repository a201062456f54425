//! What must hold whatever broke, in one place: the ledger's invariants and the orders'.

mod db;

use crate::objects::{input_path, result_path};
use crate::{Access, AdminTx, Error, Platform};
use futures::TryStreamExt;
use ledger::{Check, Violation};
use object_store::path::Path;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// At the tables.
    Tables,
    /// At the tables, and every input and result is read again and compared with its SHA-256.
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
    found.violations.extend(check_orders(&mut transaction).await?);
    let results = match depth {
        Depth::Tables => Vec::new(),
        Depth::Files => db::select_results(&mut transaction).await?,
    };
    transaction.commit().await?;
    for result in results {
        found.violations.extend(check_files(platform, &result).await?);
    }
    metrics::gauge!("augur_invariant_violations").set(found.violations.len() as f64);
    Ok(found)
}

async fn check_orders(connection: &mut PgConnection) -> Result<Vec<Violation>, Error> {
    let findings = [
        ("order_is_provided_or_refunded", db::select_wrong_orders(connection).await?),
        ("job_and_prediction_agree", db::select_wrong_jobs(connection).await?),
        ("prediction_ends_by_its_deadline", db::select_late_jobs(connection).await?),
    ];
    Ok(findings
        .into_iter()
        .flat_map(|(invariant, rows)| {
            rows.into_iter().map(move |(id, detail)| Violation::new(invariant, id, detail))
        })
        .collect())
}

/// Reads the input and the result of a prediction again. What was erased since the tables were read
/// is no violation.
async fn check_files(platform: &Platform, stored: &db::StoredResult) -> Result<Vec<Violation>, Error> {
    let files = [
        ("the input", input_path(stored.prediction), &stored.input_sha256),
        ("the result", result_path(stored.prediction, stored.attempt), &stored.sha256),
    ];
    let mut found = Vec::new();
    for (name, path, expected) in files {
        let problem = match digest(platform, &path).await {
            Ok(digest) if digest.as_slice() == expected.as_slice() => continue,
            Ok(_) => format!("the SHA-256 of {name} is not the one that was recorded"),
            Err(Error::NotFound(_)) => {
                let mut connection = platform.system.acquire().await?;
                if db::is_erased(&mut connection, stored.prediction).await? {
                    continue;
                }
                format!("{name} is missing")
            }
            Err(error) => return Err(error),
        };
        found.push(Violation::new("result_can_be_read", stored.prediction.0, problem));
    }
    Ok(found)
}

async fn digest(platform: &Platform, path: &Path) -> Result<[u8; 32], Error> {
    let mut stream = platform.objects.reader(path).await?.into_stream();
    let mut hasher = Sha256::new();
    while let Some(piece) = stream.try_next().await? {
        hasher.update(&piece);
    }
    Ok(hasher.finalize().into())
}

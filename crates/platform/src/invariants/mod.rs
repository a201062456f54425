//! What must hold whatever broke, in one place: the ledger's invariants and the orders'.

mod db;

use crate::objects::result_path;
use crate::{Access, AdminTx, Error, Platform};
use futures::TryStreamExt;
use ledger::{Check, Violation};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// At the tables.
    Tables,
    /// At the tables, and every result is read again and compared with its SHA-256.
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
        found.violations.extend(check_result(platform, &result).await?);
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

/// Reads a result again. One that was erased since the tables were read is no violation.
async fn check_result(platform: &Platform, result: &db::StoredResult) -> Result<Option<Violation>, Error> {
    let violation = |detail: String| Some(Violation::new("result_can_be_read", result.prediction.0, detail));
    let reader = match platform.objects.reader(&result_path(result.prediction, result.attempt)).await {
        Ok(reader) => reader,
        Err(Error::NotFound(_)) => {
            let mut connection = platform.system.acquire().await?;
            let erased = db::is_erased(&mut connection, result.prediction).await?;
            return Ok(if erased { None } else { violation("the result is missing".to_owned()) });
        }
        Err(error) => return Err(error),
    };
    let mut stream = reader.into_stream();
    let mut hasher = Sha256::new();
    while let Some(piece) = stream.try_next().await? {
        hasher.update(&piece);
    }
    if hasher.finalize().as_slice() == result.sha256 {
        return Ok(None);
    }
    Ok(violation("the result's SHA-256 is not the one that was settled".to_owned()))
}

//! The invariants that the object store takes part in: a result that counts is there, whole, with as
//! many rows as it has customers; what was erased is gone.

use super::db;
use crate::objects::{input_path, result_path};
use crate::{Error, Platform, PredictionId};
use futures::{StreamExt, TryStreamExt};
use ledger::Violation;
use object_store::path::Path;
use scoring::{Inspector, Limits};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// How many results are looked up at a time.
const RESULTS_AT_ONCE: i64 = 100;

/// How many listed files are compared with the predictions at a time.
const LISTED_AT_ONCE: usize = 1000;

/// A result's records are longer than the input's by two or three short cells.
const RECORD_BYTES_MAX: usize = 2 << 20;

/// What some results turned out to be.
pub(super) struct Checked {
    pub(super) last: PredictionId,
    pub(super) results: u64,
    pub(super) violations: Vec<Violation>,
}

/// Reads results again, those after `after` in the order of their ids: at least one, and no more once
/// `bytes_max` were read. None where there are no more.
pub(super) async fn check_some(
    platform: &Platform,
    after: Option<PredictionId>,
    bytes_max: u64,
) -> Result<Option<Checked>, Error> {
    let results = {
        let mut connection = platform.system.acquire().await?;
        db::select_results(&mut connection, after, RESULTS_AT_ONCE).await?
    };
    let mut checked: Option<Checked> = None;
    let mut bytes = 0;
    for stored in results {
        let violations = check_one(platform, &stored).await?;
        bytes += stored.bytes;
        let checked =
            checked.get_or_insert(Checked { last: stored.prediction, results: 0, violations: Vec::new() });
        checked.last = stored.prediction;
        checked.results += 1;
        checked.violations.extend(violations);
        if bytes >= bytes_max {
            break;
        }
    }
    Ok(checked)
}

/// Reads the input and the result of a prediction again. What was erased since the tables were read
/// is no violation.
async fn check_one(platform: &Platform, stored: &db::StoredResult) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    let mut report = |detail: String| {
        found.push(Violation::new("result_can_be_read", stored.prediction.0, detail));
    };
    if stored.rows_total != stored.summary_rows {
        report(format!("{} rows went in, {} came out", stored.rows_total, stored.summary_rows));
    }
    let input = read_again(platform, &input_path(stored.prediction), false).await;
    let result = read_again(platform, &result_path(stored.prediction, stored.attempt), true).await;
    for (name, file, expected) in
        [("the input", input, &stored.input_sha256), ("the result", result, &stored.sha256)]
    {
        match file {
            Ok(file) if file.sha256.as_slice() != expected.as_slice() => {
                report(format!("the SHA-256 of {name} is not the one that was recorded"));
            }
            Ok(FileRead { rows: Some(Ok(rows)), .. }) if rows != stored.summary_rows => {
                report(format!("{name} has {rows} rows where {} customers were scored", stored.summary_rows));
            }
            Ok(FileRead { rows: Some(Err(problem)), .. }) => report(format!("{name} is no table: {problem}")),
            Ok(_) => {}
            Err(Error::NotFound(_)) => {
                let mut connection = platform.system.acquire().await?;
                if !db::is_erased(&mut connection, stored.prediction).await? {
                    report(format!("{name} is missing"));
                }
            }
            Err(error) => report(format!("{name} cannot be read: {error}")),
        }
    }
    Ok(found)
}

struct FileRead {
    sha256: [u8; 32],
    /// How many customers it holds, where they were counted.
    rows: Option<Result<u64, String>>,
}

async fn read_again(platform: &Platform, path: &Path, counts_rows: bool) -> Result<FileRead, Error> {
    let mut stream = platform.objects.reader(path).await?.into_stream();
    let mut hasher = Sha256::new();
    let limits = Limits { bytes_max: u64::MAX, columns_max: usize::MAX, record_bytes_max: RECORD_BYTES_MAX };
    let mut inspector = counts_rows.then(|| Inspector::new(limits));
    let mut problem = None;
    while let Some(piece) = stream.try_next().await? {
        hasher.update(&piece);
        if let (Some(inspector), None) = (&mut inspector, &problem) {
            problem = inspector.push(&piece).err();
        }
    }
    let rows = inspector.map(|inspector| {
        let counted = match problem {
            Some(error) => Err(error),
            None => inspector.finish().map(|inspection| inspection.rows),
        };
        counted.map_err(|error| error.code.to_owned())
    });
    Ok(FileRead { sha256: hasher.finalize().into(), rows })
}

/// Files of predictions that count as erased.
pub(super) async fn check_erased(platform: &Platform) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    let mut listed = platform.objects.list_predictions().try_chunks(LISTED_AT_ONCE);
    while let Some(some) = listed.next().await {
        let some = some.map_err(|error| error.1)?;
        let listed: BTreeSet<PredictionId> = some.into_iter().map(|(id, _)| id).collect();
        let listed: Vec<PredictionId> = listed.into_iter().collect();
        let mut connection = platform.system.acquire().await?;
        for gone in db::select_gone(&mut connection, &listed).await? {
            let detail = "it counts as erased, but the object store holds a file of it".to_owned();
            found.push(Violation::new("erased_is_gone", gone.0, detail));
        }
    }
    Ok(found)
}

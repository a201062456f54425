//! A file of outcomes as a sorted list of keyed hashes.

use super::{OutcomeRequest, ROWS_MAX, bad_rows};
use crate::Error;
use crate::monitoring::KeyHasher;
use scoring::{Dialect, OutcomeColumns, OutcomeRow, Outcomes, ScoreError, read_outcomes};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) hash: [u8; 16],
    /// When it was known, in days from 1970-01-01; after all predictions where the file does not say.
    pub(super) day: i32,
    /// Later rows of a file count more.
    row: u32,
    pub(super) has_left: bool,
}

/// A file that was read.
pub(super) struct Entries {
    /// By hash, then day, then row.
    pub(super) list: Vec<Entry>,
    pub(super) read: Outcomes,
    pub(super) sha256: [u8; 32],
}

impl Entries {
    /// The entries of a hash, earliest first, as a range of the list.
    pub(super) fn of(&self, hash: &[u8; 16]) -> std::ops::Range<usize> {
        let start = self.list.partition_point(|entry| entry.hash < *hash);
        let length = self.list[start..].iter().take_while(|entry| entry.hash == *hash).count();
        start..start + length
    }
}

/// Reads a file on a blocking thread.
pub(super) async fn read(
    request: OutcomeRequest,
    key: String,
    mut file: File,
    dialect: Dialect,
    hasher: KeyHasher,
) -> Result<Entries, Error> {
    let reading = move || -> Result<Entries, ScoreError> {
        file.seek(SeekFrom::Start(0))?;
        let sha256 = hash_of(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let columns = OutcomeColumns {
            key: &key,
            outcome: request.outcome.as_deref(),
            date: request.date.as_deref(),
            positive: request.positive.as_deref(),
        };
        let mut list = Vec::new();
        let mut each = |row: OutcomeRow| {
            let entry = Entry {
                hash: hasher.hash(row.key),
                day: row.day.unwrap_or(i32::MAX),
                row: u32::try_from(list.len()).unwrap_or(u32::MAX),
                has_left: row.has_left,
            };
            list.push(entry);
        };
        let read = read_outcomes(&dialect, &columns, file, ROWS_MAX, &mut each)?;
        list.sort_unstable();
        Ok(Entries { list, read, sha256 })
    };
    let read = tokio::task::spawn_blocking(reading).await.map_err(Error::internal)?;
    let entries = read.map_err(|error| match error {
        ScoreError::Input(input) => Error::Input(input),
        ScoreError::Stopped => Error::Internal(error.to_string()),
        ScoreError::Io(error) => {
            Error::Unavailable { dependency: "temporary files", detail: error.to_string() }
        }
    })?;
    match entries.read.problem_count {
        0 => Ok(entries),
        count => Err(bad_rows(entries.read.problems, count)),
    }
}

fn hash_of(file: &mut File) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

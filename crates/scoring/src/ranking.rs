//! The customers of a result, riskiest first, without a copy of it.
//!
//! One pass over the result finds where each record begins and how likely its customer is to leave. Both
//! fit one number of 64 bits, so that a million customers are eight megabytes of a temporary file, sorted in
//! bounded memory. A page of the ranking is then a few numbers of that file and as many records of the result.

mod gains;
mod list;
mod order;
mod records;
mod row;
mod sorting;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;

pub use gains::Gains;
pub use list::{ContactList, ListedCustomer};
pub use order::{ContactOrder, ValueColumn, ValuedOrder};
pub use row::{Cells, RankedCustomer};

use records::Records;
use row::Columns;
use sorting::{Key, Sorter};

use crate::tiers::{Tier, TierCount, TierThresholds};

/// The lower bits of a key are the record's place, so that equally likely customers keep the file's order.
const OFFSET_BITS: u32 = 44;
const OFFSET_MAX: u64 = (1 << OFFSET_BITS) - 1;
const MILLION: u32 = 1_000_000;
const KEY_BYTES: u64 = 8;
/// Places that are read at a time where all are.
const PLACES: usize = 64 * 1024;

/// The customers of one result by descending probability of leaving, in a temporary file without a name.
#[derive(Debug)]
pub struct Ranking {
    keys: File,
    rows: u64,
    skipped: u64,
    record_bytes_max: u64,
    columns: Columns,
    gains: Gains,
}

/// Where a customer's record begins in the result, and how likely the customer is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: u64,
    /// The probability in millionths, as it is written in the record.
    pub millionths: u32,
}

impl Ranking {
    /// Ranks the customers of a result that [`crate::score_csv`] wrote with this delimiter. Those that were
    /// skipped are counted and left out.
    ///
    /// # Errors
    /// Those of reading and of the temporary files; `InvalidData` where the input is no such result.
    pub fn of_result(delimiter: char, input: impl Read) -> io::Result<Ranking> {
        Ranking::with_runs(delimiter, input, sorting::RUN_KEYS)
    }

    fn with_runs(delimiter: char, input: impl Read, run_keys: usize) -> io::Result<Ranking> {
        let delimiter = u8::try_from(delimiter).unwrap_or(b',');
        let mut records = Records::new(delimiter, input);
        let Some(header) = records.next()? else { return Err(invalid("the result is empty")) };
        let columns = Columns::of_header(records.content(&header), delimiter)?;
        let mut sorter: Sorter<u64> = Sorter::new(run_keys);
        let (mut rows, mut skipped, mut record_bytes_max, mut sum) = (0, 0, 0, 0);
        let mut cells = Vec::new();
        while let Some(record) = records.next()? {
            let Some(millionths) = columns.millionths(records.content(&record), &mut cells)? else {
                skipped += 1;
                continue;
            };
            record_bytes_max = record_bytes_max.max(record.bytes());
            rows += 1;
            sum += u64::from(millionths);
            sorter.push(key_of(Place { offset: record.offset, millionths })?)?;
        }
        let mut gains = gains::Counter::new(rows, sum);
        let mut file = BufWriter::with_capacity(sorting::BUFFER_BYTES, tempfile::tempfile()?);
        sorter.finish(|key| {
            gains.count(place_of(key).millionths);
            file.write_all(&key.to_le_bytes())
        })?;
        let keys = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Ranking { keys, rows, skipped, record_bytes_max, columns, gains: gains.finish() })
    }

    /// Customers that are ranked.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Customers that could not be scored, who are not ranked.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The columns of the customers' own file.
    pub fn columns(&self) -> &[String] {
        self.columns.of_file()
    }

    /// The columns behind the probability, without the one for problems.
    pub fn extra(&self) -> &[String] {
        self.columns.extra()
    }

    /// The most bytes that a ranked customer's record has, its line end included.
    pub fn record_bytes_max(&self) -> u64 {
        self.record_bytes_max
    }

    /// What calling the riskiest would bring.
    pub fn gains(&self) -> &Gains {
        &self.gains
    }

    /// What the temporary file takes.
    pub fn bytes(&self) -> u64 {
        self.rows * KEY_BYTES
    }

    /// The places of up to `rows` customers, after the first `skipped` of the ranking.
    pub fn places(&self, skipped: u64, rows: usize) -> io::Result<Vec<Place>> {
        let left = usize::try_from(self.rows.saturating_sub(skipped)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; rows.min(left) * KEY_BYTES as usize];
        self.keys.read_exact_at(&mut bytes, skipped.saturating_mul(KEY_BYTES))?;
        Ok(u64::read(&bytes).map(place_of).collect())
    }

    /// How many customers are in each tier, the riskiest first, by reading the ranking once.
    pub fn tiers(&self, thresholds: &TierThresholds) -> io::Result<[TierCount; Tier::ALL.len()]> {
        let mut counts = [TierCount::default(); Tier::ALL.len()];
        let mut seen = 0;
        while seen < self.rows {
            let places = self.places(seen, PLACES)?;
            for place in &places {
                let tier = thresholds.of(place.millionths);
                let count = &mut counts[tier as usize];
                count.customers += 1;
                count.leavers_millionths += u64::from(place.millionths);
            }
            seen += places.len() as u64;
        }
        Ok(counts)
    }

    /// Reads a customer from the bytes that begin at a place: the record and what may follow it. Nothing where
    /// the record does not end in them and `is_end` does not say that the result does.
    pub fn customer(&self, bytes: &[u8], is_end: bool, cells: &Cells) -> Option<RankedCustomer> {
        self.columns.customer(bytes, is_end, cells)
    }
}

/// Ascending keys are descending probabilities, and within one the order of the file.
fn key_of(place: Place) -> io::Result<u64> {
    if place.offset > OFFSET_MAX {
        return Err(invalid("the result is too large to be ranked"));
    }
    Ok(u64::from(MILLION - place.millionths) << OFFSET_BITS | place.offset)
}

fn place_of(key: u64) -> Place {
    // What is left above the offset came from 32 bits.
    Place { offset: key & OFFSET_MAX, millionths: MILLION - (key >> OFFSET_BITS) as u32 }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests;

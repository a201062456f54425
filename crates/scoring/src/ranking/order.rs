//! The order in which customers are worth contacting.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::records::Records;
use super::row::Columns;
use super::sorting::{BUFFER_BYTES, Key, RUN_KEYS, Sorter};
use super::{OFFSET_BITS, OFFSET_MAX, Ranking, invalid};
use crate::campaign::Candidate;
use crate::numbers;
use crate::records::{split, unquote};

/// Customers that are read of an order at a time.
const CUSTOMERS: usize = 8192;
/// A probability in millionths fits into so many bits, and a value into the lowest of a key.
const MILLIONTHS_BITS: u32 = 20;
const VALUE_BITS: u32 = 32;

/// The customers of a result by descending expected gain. Where all are worth the same, that is the order of the
/// ranking: the gain grows with the probability.
#[derive(Debug)]
pub enum ContactOrder {
    /// All are worth the same, in minor units.
    Likeliest(Arc<Ranking>, f64),
    /// Each is worth what a column of the file says.
    Valued(ValuedOrder),
}

/// Where a customer's value stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueColumn {
    /// The column's position in the file.
    pub position: usize,
    /// The file's decimal mark.
    pub decimal: char,
    /// How many minor units one of the column's units is worth.
    pub units: f64,
}

/// An order by gain, in a temporary file without a name: 128 bits a customer.
#[derive(Debug)]
pub struct ValuedOrder {
    keys: File,
    customers: u64,
    unvalued: u64,
}

impl ContactOrder {
    /// Sorts the customers of a result by what contacting them is expected to bring. Customers whose value cannot be
    /// read are counted and left out.
    ///
    /// # Errors
    /// As [`Ranking::of_result`].
    pub fn by_value(
        delimiter: char,
        result: impl Read,
        column: &ValueColumn,
        gain: impl Fn(&Candidate) -> f64,
    ) -> io::Result<ContactOrder> {
        Ok(ContactOrder::Valued(ValuedOrder::of_result(delimiter, result, column, gain)?))
    }

    /// How many customers can be contacted.
    pub fn customers(&self) -> u64 {
        match self {
            ContactOrder::Likeliest(ranking, _) => ranking.rows(),
            ContactOrder::Valued(valued) => valued.customers,
        }
    }

    /// How many scored customers cannot, because their value cannot be read.
    pub fn unvalued(&self) -> u64 {
        match self {
            ContactOrder::Likeliest(..) => 0,
            ContactOrder::Valued(valued) => valued.unvalued,
        }
    }

    /// Shows every customer in the order, until one is enough.
    pub fn visit(&self, mut each: impl FnMut(&Candidate) -> io::Result<bool>) -> io::Result<()> {
        let mut skipped = 0;
        loop {
            let candidates = self.candidates(skipped)?;
            if candidates.is_empty() {
                return Ok(());
            }
            for candidate in &candidates {
                if !each(candidate)? {
                    return Ok(());
                }
            }
            skipped += candidates.len() as u64;
        }
    }

    fn candidates(&self, skipped: u64) -> io::Result<Vec<Candidate>> {
        match self {
            ContactOrder::Likeliest(ranking, value) => {
                let places = ranking.places(skipped, CUSTOMERS)?.into_iter();
                let candidate = |place: super::Place| Candidate {
                    offset: place.offset,
                    millionths: place.millionths,
                    value: *value,
                };
                Ok(places.map(candidate).collect())
            }
            ContactOrder::Valued(valued) => {
                let left = usize::try_from(valued.customers.saturating_sub(skipped)).unwrap_or(usize::MAX);
                let mut bytes = vec![0; CUSTOMERS.min(left) * u128::BYTES];
                valued.keys.read_exact_at(&mut bytes, skipped * u128::BYTES as u64)?;
                Ok(u128::read(&bytes).map(candidate_of).collect())
            }
        }
    }
}

impl ValuedOrder {
    fn of_result(
        delimiter: char,
        result: impl Read,
        column: &ValueColumn,
        gain: impl Fn(&Candidate) -> f64,
    ) -> io::Result<ValuedOrder> {
        let delimiter = u8::try_from(delimiter).unwrap_or(b',');
        let mut records = Records::new(delimiter, result);
        let Some(header) = records.next()? else { return Err(invalid("the result is empty")) };
        let columns = Columns::of_header(records.content(&header), delimiter)?;
        let mut sorter = Sorter::new(RUN_KEYS);
        let (mut customers, mut unvalued, mut cells) = (0, 0, Vec::new());
        while let Some(record) = records.next()? {
            let content = records.content(&record);
            let Some(millionths) = columns.millionths(content, &mut cells)? else { continue };
            split(content, delimiter, &mut cells);
            let cell = cells.get(column.position).map(|cell| unquote(&content[cell.clone()]));
            let Some(value) = cell.and_then(|cell| value_of(&cell, column)) else {
                unvalued += 1;
                continue;
            };
            customers += 1;
            sorter.push(key_of(&Candidate { offset: record.offset, millionths, value }, &gain)?)?;
        }
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?);
        sorter.finish(|key: u128| file.write_all(&key.to_le_bytes()))?;
        let keys = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(ValuedOrder { keys, customers, unvalued })
    }
}

/// A value in minor units, as precise as the key holds it; nothing where the cell is no number.
fn value_of(cell: &[u8], column: &ValueColumn) -> Option<f64> {
    let decimal = u8::try_from(column.decimal).unwrap_or(b'.');
    let value = numbers::parse(cell.trim_ascii(), decimal).ok()? * column.units;
    Some(f64::from(value as f32)).filter(|value| value.is_finite())
}

/// Ascending keys are descending gains, and within one the order of the file. Below them stand the probability and
/// the value.
fn key_of(candidate: &Candidate, gain: impl Fn(&Candidate) -> f64) -> io::Result<u128> {
    if candidate.offset > OFFSET_MAX {
        return Err(invalid("the result is too large to be ranked"));
    }
    let gain = (gain(candidate) as f32).to_bits();
    // As bits, positive numbers ascend and negative ones descend.
    let ascending = if gain >> 31 == 0 { gain | 1 << 31 } else { !gain };
    let mut key = u128::from(!ascending) << OFFSET_BITS | u128::from(candidate.offset);
    key = key << MILLIONTHS_BITS | u128::from(candidate.millionths);
    Ok(key << VALUE_BITS | u128::from((candidate.value as f32).to_bits()))
}

fn candidate_of(key: u128) -> Candidate {
    let millionths = key >> VALUE_BITS & ((1 << MILLIONTHS_BITS) - 1);
    let offset = key >> (VALUE_BITS + MILLIONTHS_BITS) & u128::from(OFFSET_MAX);
    Candidate {
        // Each part was put in with as many bits as it is taken out with.
        offset: offset as u64,
        millionths: millionths as u32,
        value: f64::from(f32::from_bits(key as u32)),
    }
}

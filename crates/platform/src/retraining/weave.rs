//! Weaves customers of several files into one that can be trained on: those whom the version in production has not
//! learned from come first, so that only they are held out.

use super::Gathered;
use super::gather::Customers;
use crate::monitoring::KeyHasher;
use scoring::outcome_words::{REVERSED, has, says_left};
use scoring::{CellColumns, CustomerCells, Dialect, Manifest, ScoreError, names, read_cells};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// What the customers' column is called in the file.
pub(super) const KEY: &str = "customer_key";
/// What the column is called that tells who left, and its values.
pub(super) const TARGET: &str = "Churn";
pub(super) const LEFT: &str = "Yes";
const STAYED: &str = "No";

type Hash = [u8; 16];

/// The outcomes of a prediction's customers, sorted by hash.
pub(super) struct Known(pub(super) Vec<(Hash, bool)>);

impl Known {
    fn of(&self, hash: &Hash) -> Option<bool> {
        let place = self.0.binary_search_by_key(hash, |(hash, _)| *hash).ok()?;
        Some(self.0[place].1)
    }
}

/// Whom of a prediction's customers the version in production has learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// Those of its training's file.
    AsRemembered,
    /// None of them.
    Nobody,
    /// Perhaps all of them.
    Everybody,
}

/// Writes the file in three parts, which are put together at the end.
pub(super) struct Weaver<'a> {
    manifest: &'a Manifest,
    hasher: &'a KeyHasher,
    /// What customers' columns are called, the newest first.
    keys: Vec<&'a str>,
    rows_max: u64,
    /// Customers of the training of the version in production.
    learned: HashSet<Hash>,
    /// Whether its file tells them apart by a key, too.
    has_key: bool,
    /// Customers that were added, by their key.
    added: HashSet<Hash>,
    /// Those of them whom the version has learned from, told apart as those are.
    again: HashSet<Hash>,
    parts: [Part; 3],
    leavers_new: u64,
}

/// One part of the file, in a temporary file without a name.
struct Part {
    output: BufWriter<File>,
    rows: u64,
    bytes: u64,
}

/// The parts, in the file's order.
const NEW: usize = 0;
const AGAIN: usize = 1;
const BEFORE: usize = 2;

impl<'a> Weaver<'a> {
    pub(super) fn new(
        manifest: &'a Manifest,
        hasher: &'a KeyHasher,
        key_columns: &[&'a str],
        rows_max: u64,
    ) -> Result<Weaver<'a>, ScoreError> {
        let mut keys = vec![KEY];
        for name in key_columns {
            if !keys.contains(name) {
                keys.push(name);
            }
        }
        Ok(Weaver {
            manifest,
            hasher,
            keys,
            rows_max,
            learned: HashSet::new(),
            has_key: false,
            added: HashSet::new(),
            again: HashSet::new(),
            parts: [Part::new()?, Part::new()?, Part::new()?],
            leavers_new: 0,
        })
    }

    /// Remembers whom the version in production has learned from.
    pub(super) fn learn(&mut self, dialect: &Dialect, input: &mut File) -> Result<(), ScoreError> {
        let (hasher, mut learned, mut has_key) = (self.hasher, HashSet::new(), false);
        read_cells(dialect, &self.columns(None), input, &mut |customer| {
            has_key = customer.key.is_some();
            learned.insert(identity(hasher, has_key, &customer));
            Ok(())
        })?;
        (self.learned, self.has_key) = (learned, has_key);
        Ok(())
    }

    /// Whether no more fits.
    pub(super) fn is_full(&self, bytes_max: u64) -> bool {
        let rows: u64 = self.parts.iter().map(|part| part.rows).sum();
        let bytes: u64 = self.parts.iter().map(|part| part.bytes).sum();
        rows >= self.rows_max || bytes >= bytes_max
    }

    /// Adds those of a prediction's customers whose outcomes are known and who have not been added before.
    pub(super) fn add(
        &mut self,
        dialect: &Dialect,
        key_column: &str,
        input: impl Read,
        known: &Known,
        learned: Learned,
    ) -> Result<(), ScoreError> {
        let manifest = self.manifest;
        let keys = [key_column];
        let columns = CellColumns { schema: &manifest.schema, keys: &keys, target: None };
        read_cells(dialect, &columns, input, &mut |customer| {
            let Some(key) = &customer.key else { return Ok(()) };
            let hash = self.hasher.hash(key);
            let Some(has_left) = known.of(&hash) else { return Ok(()) };
            if self.is_full(u64::MAX) || !self.added.insert(hash) {
                return Ok(());
            }
            let identity = identity(self.hasher, self.has_key, &customer);
            let is_known = match learned {
                Learned::AsRemembered => self.learned.contains(&identity),
                Learned::Nobody => false,
                Learned::Everybody => true,
            };
            if is_known {
                self.again.insert(identity);
            } else {
                self.leavers_new += u64::from(has_left);
            }
            self.parts[if is_known { AGAIN } else { NEW }].write(&customer, has_left)?;
            Ok(())
        })
    }

    /// Adds the customers of the training of the version in production, but those who were added with a newer
    /// outcome.
    pub(super) fn add_before(
        &mut self,
        dialect: &Dialect,
        input: &mut File,
        bytes_max: u64,
    ) -> Result<(), ScoreError> {
        let training = self.manifest.training.clone();
        let target = training.as_ref().and_then(|training| training.target.as_deref());
        let Some(target) = target else { return Ok(()) };
        let positive = training.as_ref().and_then(|training| training.positive.as_deref()).map(names::key);
        let is_named = training.as_ref().is_some_and(|training| training.is_positive_named);
        let is_reversed = has(&REVERSED, &names::key(target));
        let keys = self.keys.clone();
        let manifest = self.manifest;
        let columns = CellColumns { schema: &manifest.schema, keys: &keys, target: Some(target) };
        read_cells(dialect, &columns, input, &mut |customer| {
            let outcome = customer.target.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let outcome = names::key(&outcome);
            let is_again = self.again.contains(&identity(self.hasher, self.has_key, &customer));
            if outcome.is_empty() || is_again || self.is_full(bytes_max) {
                return Ok(());
            }
            let says_so = !is_named && says_left(&outcome, is_reversed) == Some(true);
            let has_left = positive.as_deref() == Some(outcome.as_str()) || says_so;
            self.parts[BEFORE].write(&customer, has_left)?;
            Ok(())
        })
    }

    /// The parts as one file.
    pub(super) fn finish(self) -> io::Result<Customers> {
        let features = self.manifest.schema.features.iter().map(|feature| feature.name.as_bytes());
        let header = [KEY.as_bytes()].into_iter().chain(features).chain([TARGET.as_bytes()]);
        let mut whole = Part::new()?;
        whole.write_record(header)?;
        let mut file = whole.output.into_inner().map_err(io::IntoInnerError::into_error)?;
        let rows = self.parts.each_ref().map(|part| part.rows);
        for part in self.parts {
            let mut part = part.output.into_inner().map_err(io::IntoInnerError::into_error)?;
            part.seek(SeekFrom::Start(0))?;
            io::copy(&mut part, &mut file)?;
        }
        file.seek(SeekFrom::Start(0))?;
        let counts = Gathered { rows_new: rows[NEW], rows_again: rows[AGAIN], rows_before: rows[BEFORE] };
        Ok(Customers { file, counts, leavers_new: self.leavers_new })
    }

    fn columns<'b>(&'b self, target: Option<&'b str>) -> CellColumns<'b> {
        CellColumns { schema: &self.manifest.schema, keys: &self.keys, target }
    }
}

/// What tells a customer apart as a version has learned from them: all that it reads, and the key where its file has
/// one. A customer who has changed since is a new one to it.
fn identity(hasher: &KeyHasher, has_key: bool, customer: &CustomerCells) -> Hash {
    let key = customer.key.as_deref().filter(|_| has_key).unwrap_or_default();
    let read = customer.features.iter().map(AsRef::as_ref);
    hasher.hash(&[key].into_iter().chain(read).collect::<Vec<&[u8]>>().join(&0x1f))
}

impl Part {
    fn new() -> io::Result<Part> {
        Ok(Part { output: BufWriter::with_capacity(256 << 10, tempfile::tempfile()?), rows: 0, bytes: 0 })
    }

    fn write(&mut self, customer: &CustomerCells, has_left: bool) -> io::Result<()> {
        let key = customer.key.as_deref().unwrap_or_default();
        let outcome = if has_left { LEFT } else { STAYED };
        let features = customer.features.iter().map(AsRef::as_ref);
        self.write_record([key].into_iter().chain(features).chain([outcome.as_bytes()]))?;
        self.rows += 1;
        Ok(())
    }

    fn write_record<'c>(&mut self, cells: impl Iterator<Item = &'c [u8]>) -> io::Result<()> {
        let mut record = Vec::new();
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                record.push(b',');
            }
            if cell.iter().any(|byte| b",\"\r\n;\t|".contains(byte)) {
                record.push(b'"');
                for &byte in cell {
                    record.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
                }
                record.push(b'"');
            } else {
                record.extend(cell);
            }
        }
        record.push(b'\n');
        self.bytes += record.len() as u64;
        self.output.write_all(&record)
    }
}

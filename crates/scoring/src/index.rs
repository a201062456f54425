//! Where the records and cells of a chunk are, found a stretch at a time so that the text is still near
//! the processor when its cells are read.

use std::ops::Range;

use crate::kernels::Level;
use crate::kernels::separators::{Carry, Separators, scan};
use crate::records::{RecordEnd, record_end, split, without_line_end};

/// How much text is looked at before its records are taken.
#[allow(unexpected_cfgs, reason = "cargo fuzz sets it, for small inputs to have many parts")]
const STRETCH_BYTES: usize = if cfg!(fuzzing) { 256 } else { 64 * 1024 };

/// The records of one chunk after the other.
#[derive(Debug)]
pub(crate) struct RecordIndex {
    level: Level,
    delimiter: u8,
    /// In front stands the line end before the first record that was not taken yet; before the chunk's
    /// first record it is the number whose successor is 0.
    found: Separators,
    taken: usize,
    /// The text before this is indexed.
    scanned: usize,
    carry: Carry,
    cells: Vec<Range<usize>>,
}

/// A record, by the places of its separators.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// The index of the place where its first cell ends; right before it is the place before the record.
    pub(crate) first: usize,
    /// How many cells it has.
    pub(crate) cells: usize,
    /// Where it begins in the text.
    pub(crate) start: usize,
    /// Where its line end begins or, in its absence, the text ends; a carriage return may be before it.
    pub(crate) line_end: usize,
}

impl RecordIndex {
    pub(crate) fn new(level: Level) -> RecordIndex {
        let found = Separators::default();
        RecordIndex {
            level,
            delimiter: b',',
            found,
            taken: 0,
            scanned: 0,
            carry: Carry::RECORD,
            cells: Vec::new(),
        }
    }

    /// Begins with another chunk.
    pub(crate) fn begin(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
        self.found.places.clear();
        self.found.places.push(u32::MAX);
        self.found.ends.clear();
        self.taken = 0;
        self.scanned = 0;
        self.carry = Carry::RECORD;
    }

    /// Whether the whole chunk is indexed.
    pub(crate) fn is_done(&self, text: &[u8]) -> bool {
        self.scanned == text.len()
    }

    /// Forgets the records that were taken and looks at the next stretch. Says whether that is known to be
    /// ASCII without NUL.
    pub(crate) fn advance(&mut self, text: &[u8]) -> bool {
        self.forget_taken();
        let (from, to) = (self.scanned, text.len().min(self.scanned + STRETCH_BYTES));
        let (places, ends) = (self.found.places.len(), self.found.ends.len());
        let seen = scan(self.level, text, (from, to), self.delimiter, &mut self.carry, &mut self.found);
        self.scanned = to;
        // A delimiter that is a quote or a line end means something else to a scan.
        if !seen.is_regular || matches!(self.delimiter, b'"' | b'\n' | b'\r') {
            self.found.places.truncate(places);
            self.found.ends.truncate(ends);
            self.read_exactly(text, to);
        }
        // What was read exactly may go on behind what the scan has seen.
        let is_plain = seen.is_plain && self.scanned == to;
        if self.scanned == text.len() {
            self.end_last_record(text);
        }
        is_plain
    }

    /// How many records can be taken.
    pub(crate) fn available(&self) -> usize {
        self.found.ends.len() - self.taken
    }

    /// The next record. There must be one.
    pub(crate) fn take(&mut self) -> Record {
        let before = self.last_end(self.taken);
        let last = self.found.ends[self.taken] as usize;
        self.taken += 1;
        let places = &self.found.places;
        Record {
            first: before + 1,
            cells: last - before,
            start: places[before].wrapping_add(1) as usize,
            line_end: places[last] as usize,
        }
    }

    /// The places that [`Record::first`] refers to, until the next [`RecordIndex::advance`].
    pub(crate) fn places(&self) -> &[u32] {
        &self.found.places
    }

    /// The index of the place before the record with this number.
    fn last_end(&self, record: usize) -> usize {
        record.checked_sub(1).map_or(0, |before| self.found.ends[before] as usize)
    }

    fn forget_taken(&mut self) {
        let kept = self.last_end(self.taken);
        self.found.places.drain(..kept);
        self.found.ends.drain(..self.taken);
        self.found.ends.iter_mut().for_each(|end| *end -= kept as u32);
        self.taken = 0;
    }

    /// Reads the records one by one from the last that is not complete to at least `to`: there are quotes
    /// in the middle of cells.
    fn read_exactly(&mut self, text: &[u8], to: usize) {
        let before = self.last_end(self.found.ends.len());
        self.found.places.truncate(before + 1);
        let mut start = self.found.places[before].wrapping_add(1) as usize;
        while start < to {
            let end = match record_end(text, start, self.delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } => break,
            };
            self.push_exactly(&text[start..end], start);
            self.found.places.push(end as u32 - 1);
            self.found.ends.push(self.found.places.len() as u32 - 1);
            start = end;
        }
        if start < to {
            // The last record has no line end.
            self.push_exactly(&text[start..], start);
            start = text.len();
        }
        self.scanned = start;
        self.carry = Carry::RECORD;
    }

    /// Appends the delimiters of a record.
    fn push_exactly(&mut self, record: &[u8], start: usize) {
        split(without_line_end(record), self.delimiter, &mut self.cells);
        let inner = &self.cells[..self.cells.len() - 1];
        self.found.places.extend(inner.iter().map(|cell| (start + cell.end) as u32));
    }

    /// A last record without a line end ends where the text does.
    fn end_last_record(&mut self, text: &[u8]) {
        let before = self.last_end(self.found.ends.len());
        if (self.found.places[before].wrapping_add(1) as usize) < text.len() {
            self.found.places.push(text.len() as u32);
            self.found.ends.push(self.found.places.len() as u32 - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordIndex, STRETCH_BYTES};
    use crate::kernels::Level;
    use crate::records::{RecordEnd, record_end, split, without_line_end};

    type Cells = Vec<Vec<(usize, usize)>>;

    /// Every record's cells by the definition, the last with the record's carriage return.
    fn expected(text: &[u8]) -> Cells {
        let (mut records, mut start, mut cells) = (Vec::new(), 0, Vec::new());
        while start < text.len() {
            let end = match record_end(text, start, b',') {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } => text.len(),
            };
            let record = &text[start..end];
            split(without_line_end(record), b',', &mut cells);
            let mut cells: Vec<_> = cells.iter().map(|cell| (start + cell.start, start + cell.end)).collect();
            cells.last_mut().unwrap().1 = end - usize::from(record.ends_with(b"\n"));
            records.push(cells);
            start = end;
        }
        records
    }

    fn indexed(level: Level, text: &[u8], batch: usize) -> Cells {
        let mut index = RecordIndex::new(level);
        let mut records = Vec::new();
        index.begin(b',');
        loop {
            if !index.is_done(text) {
                index.advance(text);
            }
            while index.available() >= batch || (index.is_done(text) && index.available() > 0) {
                for _ in 0..batch.min(index.available()) {
                    let record = index.take();
                    let places = &index.places()[record.first - 1..][..record.cells + 1];
                    let cells = places.windows(2);
                    let cells: Vec<_> =
                        cells.map(|pair| (pair[0].wrapping_add(1) as usize, pair[1] as usize)).collect();
                    assert_eq!((record.start, record.line_end), (cells[0].0, cells[cells.len() - 1].1));
                    records.push(cells);
                }
            }
            if index.is_done(text) {
                return records;
            }
        }
    }

    fn check(text: &str) {
        for level in Level::all() {
            for batch in [1, 256] {
                let found = indexed(level, text.as_bytes(), batch);
                assert!(found == expected(text.as_bytes()), "{level:?} {batch}");
            }
        }
    }

    #[test]
    fn small_texts_are_indexed() {
        for text in ["", "a", "\n", "a\n", "a,b", "a,b\r\n", "\r\n\n,", "\"a\nb\",c\n\"\"", "x\"y,\"z\n\",\n"]
        {
            check(text);
        }
    }

    #[test]
    fn quotes_in_the_middle_of_cells_are_letters_wherever_a_stretch_ends() {
        let usual = "abc,\"quoted, with\nall\",29.85,\"\"\"\",x\r\n";
        for odd in ["5\" disk,\"a\n,b\"\n", "a\"\"b,c\"\n", "\"a\"b\"c,\"\n"] {
            for before in [0, 1, STRETCH_BYTES / usual.len() - 1, STRETCH_BYTES / usual.len() + 1] {
                for shift in 0..3 {
                    let text = "z".repeat(shift * 17) + &usual.repeat(before) + odd + &usual.repeat(4000);
                    check(&text);
                }
            }
        }
    }

    #[test]
    fn what_lies_behind_the_stretch_is_never_called_plain_unseen() {
        for (odd, is_plain) in [("5\" disk\n", false), ("5 disk\n", true)] {
            let text = format!("{odd}{}\0\n", "z".repeat(STRETCH_BYTES));
            for level in Level::all() {
                let mut index = RecordIndex::new(level);
                index.begin(b',');
                assert_eq!(index.advance(text.as_bytes()), is_plain);
                assert_eq!(index.is_done(text.as_bytes()), !is_plain);
            }
        }
    }

    #[test]
    fn records_longer_than_a_stretch_are_one_record() {
        let long = "y,".repeat(STRETCH_BYTES);
        check(&format!("a,b\n{long}\n\"{long}\n\",c\n{long}"));
    }
}

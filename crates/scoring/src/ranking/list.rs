//! The list of a campaign: the customers' own records out of a result, most profitable first.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::{ContactOrder, Ranking, invalid};
use crate::campaign::{Candidate, Control, Group};
use crate::records::{RecordEnd, record_end, split, unquote, without_line_end};
use crate::result::write_cell;
use crate::score::free_name;

/// What is read for a record at first; nearly all are shorter.
const RECORD_BYTES: u64 = 4 * 1024;
/// What a header is read in steps of, and has at most.
const HEADER_BYTES: u64 = 64 * 1024;
const HEADER_BYTES_MAX: u64 = 64 * 1024 * 1024;
const BOM: &[u8] = "\u{feff}".as_bytes();
/// The column that says who is held out.
const GROUP_COLUMN: &str = "group";

/// Everything that a list is made of.
#[derive(Debug)]
pub struct ContactList<'a> {
    /// The ranking of the result.
    pub ranking: &'a Ranking,
    /// The order of the customers.
    pub order: &'a ContactOrder,
    /// How many of the order are on the list.
    pub listed: u64,
    /// How they are divided.
    pub control: Control,
    /// The result itself.
    pub result: &'a File,
}

/// A customer of a list.
#[derive(Debug)]
pub struct ListedCustomer<'a> {
    /// What becomes of the customer.
    pub group: Group,
    /// How likely the customer is to leave, and what the customer is worth.
    pub candidate: Candidate,
    /// The record of the result, without its line end.
    pub record: &'a [u8],
    cells: &'a [Range<usize>],
}

impl ListedCustomer<'_> {
    /// A cell's value; empty where the record has none.
    pub fn cell(&self, position: usize) -> Cow<'_, [u8]> {
        self.cells.get(position).map_or(Cow::Borrowed(&[]), |cell| unquote(&self.record[cell.clone()]))
    }
}

impl ContactList<'_> {
    /// Shows every customer of the list in its order.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` where the result is not the one that was ranked.
    pub fn each(&self, mut each: impl FnMut(&ListedCustomer) -> io::Result<()>) -> io::Result<()> {
        let bytes_all = self.result.metadata()?.len();
        let longest = self.ranking.record_bytes_max();
        let (mut bytes, mut cells, mut seen) = (Vec::new(), Vec::new(), 0);
        if self.listed == 0 {
            return Ok(());
        }
        self.order.visit(|candidate| {
            let mut wanted = longest.min(RECORD_BYTES);
            let end = loop {
                let end = bytes_all.min(candidate.offset.saturating_add(wanted));
                let length = usize::try_from(end.saturating_sub(candidate.offset)).unwrap_or(0);
                bytes.resize(length, 0);
                self.result.read_exact_at(&mut bytes, candidate.offset)?;
                match record_end(&bytes, 0, self.delimiter()) {
                    RecordEnd::At(found) => break found,
                    RecordEnd::Open { .. } if end == bytes_all => break length,
                    RecordEnd::Open { .. } if wanted < longest => wanted = longest,
                    RecordEnd::Open { .. } => {
                        return Err(invalid("the result is not the one that was ranked"));
                    }
                }
            };
            let record = without_line_end(&bytes[..end]);
            split(record, self.delimiter(), &mut cells);
            let group = self.control.group(candidate.offset);
            each(&ListedCustomer { group, candidate: *candidate, record, cells: &cells })?;
            seen += 1;
            Ok(seen < self.listed)
        })
    }

    /// Writes the records with a column `group`, of one group or of both, under the result's own header and with its
    /// line end.
    pub fn write(&self, wanted: Option<Group>, mut output: impl Write) -> io::Result<()> {
        let header = self.header()?;
        let content = without_line_end(&header);
        let line_end = match &header[content.len()..] {
            [] => b"\n",
            line_end => line_end,
        };
        let mut line = Vec::with_capacity(content.len() + 32);
        line.extend_from_slice(content);
        line.push(self.delimiter());
        let name = free_name(GROUP_COLUMN, &self.ranking.columns.of_result(content));
        write_cell(&name, self.delimiter(), &mut line);
        line.extend_from_slice(line_end);
        output.write_all(&line)?;
        self.each(|customer| {
            if wanted.is_some_and(|wanted| wanted != customer.group) {
                return Ok(());
            }
            line.clear();
            line.extend_from_slice(customer.record);
            line.push(self.delimiter());
            line.extend_from_slice(customer.group.as_str().as_bytes());
            line.extend_from_slice(line_end);
            output.write_all(&line)
        })?;
        output.flush()
    }

    fn delimiter(&self) -> u8 {
        self.ranking.columns.delimiter()
    }

    /// The first record, with its byte order mark and line end.
    fn header(&self) -> io::Result<Vec<u8>> {
        let all = self.result.metadata()?.len();
        let mut wanted = HEADER_BYTES;
        loop {
            let mut bytes = vec![0; usize::try_from(all.min(wanted)).unwrap_or(0)];
            self.result.read_exact_at(&mut bytes, 0)?;
            let start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
            match record_end(&bytes, start, self.delimiter()) {
                RecordEnd::At(end) => {
                    bytes.truncate(end);
                    return Ok(bytes);
                }
                RecordEnd::Open { .. } if wanted >= all => return Ok(bytes),
                RecordEnd::Open { .. } if wanted >= HEADER_BYTES_MAX => {
                    return Err(invalid("the header of the result does not end"));
                }
                RecordEnd::Open { .. } => wanted *= 2,
            }
        }
    }
}

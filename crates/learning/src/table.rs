//! A labelled customer file in memory: cells as text, under the names of their columns.
//!
//! Training needs every row at once, so nothing here streams. What counts as a readable file is decided
//! by scoring's inspector, so that a file that trains is a file that can be scored.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use scoring::{Compression, Dialect, Encoding, Inspector, Limits, model};

use crate::error::Error;

/// The most bytes of a training file: it lies in memory several times over.
const BYTES_MAX: u64 = 512 << 20;

/// A customer file.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Without a directory.
    pub(crate) file_name: String,
    /// Of the file as it is, in lower-case hexadecimal digits.
    pub(crate) sha256: String,
    pub(crate) header: Vec<String>,
    records: Vec<csv::StringRecord>,
    decimal: char,
}

impl Table {
    /// Reads a file in any dialect that can be scored.
    pub(crate) fn read(path: &Path) -> Result<Table, Error> {
        let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Table::from_bytes(file_name, &bytes)
    }

    /// The same from bytes.
    pub(crate) fn from_bytes(file_name: String, bytes: &[u8]) -> Result<Table, Error> {
        let mut inspector = Inspector::new(Limits { bytes_max: BYTES_MAX, ..Limits::default() });
        inspector.push(bytes)?;
        let inspection = inspector.finish()?;
        let text = decode(&inspection.dialect, bytes)?;
        let delimiter = u8::try_from(inspection.dialect.delimiter).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let columns = inspection.header.len();
        let mut records = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| Error::Data(format!("the file cannot be read: {error}")))?;
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if record.len() != columns {
                let line = record.position().map_or(0, csv::Position::line);
                let message = format!("the row has {} cells, the header {columns}", record.len());
                return Err(Error::Cell { line, column: columns.min(record.len()).to_string(), message });
            }
            records.push(record);
        }
        // The first record is the header, whose names the inspection has already cleaned.
        records.drain(..1.min(records.len()));
        if records.is_empty() {
            return Err(Error::Data("the file has a header and no customer".to_owned()));
        }
        let (header, decimal) = (inspection.header, inspection.dialect.decimal);
        Ok(Table { file_name, sha256: model::checksum(bytes), header, records, decimal })
    }

    pub(crate) fn rows(&self) -> usize {
        self.records.len()
    }

    /// The cells of a column, without white space around them.
    pub(crate) fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.records.iter().map(move |record| record[column].trim())
    }

    /// The cells of a row, as they are.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        self.records[row].iter()
    }

    /// A cell as a number: NaN where it is empty, nothing where it is no number.
    pub(crate) fn number(&self, cell: &str) -> Option<f64> {
        if cell.is_empty() {
            return Some(f64::NAN);
        }
        let starts_as_number =
            cell.starts_with(|first: char| first.is_ascii_digit() || "+-.,".contains(first));
        let plain = if self.decimal == ',' { cell.replace(',', ".") } else { cell.to_owned() };
        plain.parse().ok().filter(|number: &f64| starts_as_number && number.is_finite())
    }

    /// The error for a cell that is not what it must be.
    pub(crate) fn cell_error(&self, row: usize, column: usize, message: String) -> Error {
        Error::Cell { line: self.line(row), column: self.header[column].clone(), message }
    }

    /// The line in which a row begins, the header's being 1.
    pub(crate) fn line(&self, row: usize) -> u64 {
        self.records[row].position().map_or(0, csv::Position::line)
    }
}

fn decode(dialect: &Dialect, bytes: &[u8]) -> Result<String, Error> {
    let unpacked = match dialect.compression {
        Compression::None => bytes.to_vec(),
        Compression::Gzip => {
            let mut unpacked = Vec::new();
            let mut decoder = MultiGzDecoder::new(bytes).take(BYTES_MAX + 1);
            let error = |error| Error::Data(format!("the file cannot be unpacked: {error}"));
            decoder.read_to_end(&mut unpacked).map_err(error)?;
            unpacked
        }
    };
    let encoding = match dialect.encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Utf16le => encoding_rs::UTF_16LE,
        Encoding::Utf16be => encoding_rs::UTF_16BE,
        Encoding::Windows1251 => encoding_rs::WINDOWS_1251,
    };
    Ok(encoding.decode(&unpacked).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::error::Error;

    fn table(bytes: &[u8]) -> Result<Table, Error> {
        Table::from_bytes("customers.csv".to_owned(), bytes)
    }

    #[test]
    fn files_are_read_as_people_write_them() {
        let read =
            table("\u{feff}Имя;\"Monthly Charges\"\r\n\"Аня\";53,85\r\n\r\nБорис; \r\n".as_bytes()).unwrap();
        assert_eq!(read.header, ["Имя", "Monthly Charges"]);
        assert_eq!(read.cells(0).collect::<Vec<_>>(), ["Аня", "Борис"]);
        let numbers: Vec<_> = read.cells(1).map(|cell| read.number(cell).unwrap()).collect();
        assert!(numbers[0] == 53.85 && numbers[1].is_nan());
    }

    #[test]
    fn words_are_no_numbers() {
        let read = table(b"a,b\n1,2\n").unwrap();
        for word in ["NaN", "inf", "-inf", "ten", "1 000", "1,5"] {
            assert_eq!(read.number(word), None, "{word}");
        }
        assert_eq!(read.number("-1.5e2"), Some(-150.0));
    }

    #[test]
    fn a_row_with_a_cell_too_many_is_named() {
        match table(b"a,b\n1,2\n1,2,3\n") {
            Err(Error::Cell { line: 3, .. }) => {}
            other => panic!("{other:?}"),
        }
        assert!(table(b"a,b\n").is_err());
    }
}

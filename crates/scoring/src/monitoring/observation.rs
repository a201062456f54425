//! One pass over a result: how its customers are spread over the cells of a profile, and, where somebody
//! wants them, each customer's key and probability.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::profile::{Profile, ValuesProfile};
use crate::block::{Block, ROWS, Slot};
use crate::dialect::{Compression, Dialect, Encoding};
use crate::index::RecordIndex;
use crate::kernels::Level;
use crate::kernels::cells::Column;
use crate::manifest::{Feature, FeatureKind, Manifest, Schema};
use crate::names;
use crate::numbers::millionths;
use crate::problem::{InputError, ScoreError, code};
use crate::reader::{Chunk, TextReader};
use crate::records::{is_blank, unquote};
use crate::rows::{Plan, RowReader};
use crate::text;

/// The column of a result that tells the probability; longer where the file has a column of this name.
const PROBABILITY: &str = "churn_probability";
/// The column of a result that tells who was held out, and its value for those who were.
const GROUP: &str = "group";
const CONTROL: &[u8] = b"control";
/// What a group is written as in the kept scores.
const NO_GROUP: u8 = 0;
const IS_TREATED: u8 = 1;
const IS_CONTROL: u8 = 2;

/// What is to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Of the model that made the result. Without a profile that fits, no feature is counted.
    pub manifest: &'a Manifest,
    /// The result's delimiter.
    pub delimiter: char,
    /// Its decimal mark.
    pub decimal: char,
    /// About how many customers it has.
    pub rows: u64,
    /// Of more customers than this only every so-manieth is read feature by feature, always the same ones.
    pub rows_read_max: u64,
    /// The column whose cells go to `each`.
    pub key: Option<&'a str>,
}

/// Customers by the cells of a feature's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Of a number: by its points, and one cell more for what is above the last; of a category: by its values,
    /// and one more for what is unknown.
    pub cells: Vec<u64>,
    /// Without a value.
    pub missing: u64,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Customers with a probability.
    pub rows: u64,
    /// Those of them who were read feature by feature.
    pub rows_read: u64,
    /// One per feature of the profile; empty without one.
    pub features: Vec<Counts>,
    /// All probabilities by the cells of the profile's.
    pub probability: Counts,
    /// How many customers have a probability, in steps of a ten-thousandth, ascending.
    pub probabilities: Vec<(f64, u64)>,
}

/// Takes a customer: the key's cell, the probability in millionths, the group.
type Take<'take> = dyn FnMut(&[u8], u32, u8) -> io::Result<()> + 'take;

/// Reads a result. `each` gets the key's cell without quotes, the probability in millionths and the group (0
/// none, 1 treated, 2 held out as control) of every customer with a probability, in the file's order. After
/// each stretch `goes_on` may stop the reading by answering false.
///
/// # Errors
/// [`ScoreError::Input`] where it is no result of this model or has no such key; [`ScoreError::Stopped`]; those
/// of reading and of `each`.
pub fn observe(
    look: &Look,
    result: impl Read,
    each: &mut Take<'_>,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Observation, ScoreError> {
    let dialect = Dialect {
        encoding: Encoding::Utf8,
        compression: Compression::None,
        bom: false,
        delimiter: look.delimiter,
        decimal: look.decimal,
    };
    let mut reader = TextReader::new(&dialect, result);
    let header = reader.header()?.names;
    let profile = look.manifest.profile.as_ref().filter(|profile| profile.fits(&look.manifest.schema));
    let added = added_column(&header, PROBABILITY, 0)
        .ok_or_else(|| InputError::new(code::MISSING_COLUMNS, "The file is no result."))?;
    let key = look.key.map(|name| column_of(&header, name)).transpose()?;
    let group = added_column(&header, GROUP, added);
    let schema = probability_schema(&header[added]);
    let probability_plan = Plan::new(&schema, &dialect, header.clone())?;
    let plan = Plan::new(&look.manifest.schema, &dialect, header)?;
    let mut observer = Observer {
        step: look.rows.div_ceil(look.rows_read_max.max(1)).max(1),
        seen: 0,
        key,
        group,
        columns: plan.header.len(),
        delimiter: plan.delimiter,
        index: RecordIndex::new(Level::best()),
        probabilities: RowReader::new(&schema, &probability_plan),
        probability_block: Block::new(&probability_plan.slots),
        features: RowReader::new(&look.manifest.schema, &plan),
        block: Block::new(&plan.slots),
        firsts: Vec::with_capacity(ROWS),
        sampled: Vec::with_capacity(ROWS),
        is_faulty: [false; ROWS],
        counter: Counter::new(profile),
        plan: &plan,
    };
    let mut chunk = Chunk::default();
    while reader.read(&mut chunk)? {
        observer.go_through(&chunk, each)?;
        if !goes_on() {
            return Err(ScoreError::Stopped);
        }
    }
    Ok(observer.counter.finish())
}

/// Where a column is: by its name as it is, or as names are compared.
///
/// # Errors
/// `missing_columns` where it is not there.
pub fn column_of(header: &[String], name: &str) -> Result<usize, InputError> {
    let exact = header.iter().position(|other| other == name);
    let alike = || header.iter().position(|other| names::key(other) == names::key(name));
    exact.or_else(alike).ok_or_else(|| crate::columns::missing_columns(vec![name.to_owned()]))
}

/// The last column behind `from` that a result may have added under this name.
fn added_column(header: &[String], name: &str, from: usize) -> Option<usize> {
    let is_it = |other: &String| {
        other.strip_prefix(name).is_some_and(|rest| rest.replace("_predicted", "").is_empty())
    };
    header.iter().skip(from).rposition(is_it).map(|place| place + from)
}

fn probability_schema(column: &str) -> Schema {
    let feature = Feature { name: column.to_owned(), aliases: Vec::new(), kind: FeatureKind::Number };
    Schema { features: vec![feature], outcomes: Vec::new() }
}

/// Goes through the chunks of a result.
struct Observer<'plan> {
    /// Every so-manieth customer is read feature by feature.
    step: u64,
    seen: u64,
    key: Option<usize>,
    group: Option<usize>,
    columns: usize,
    delimiter: u8,
    index: RecordIndex,
    probabilities: RowReader<'plan>,
    probability_block: Block,
    features: RowReader<'plan>,
    block: Block,
    firsts: Vec<usize>,
    sampled: Vec<usize>,
    is_faulty: [bool; ROWS],
    counter: Counter<'plan>,
    plan: &'plan Plan,
}

impl Observer<'_> {
    fn go_through(&mut self, chunk: &Chunk, each: &mut Take<'_>) -> Result<(), ScoreError> {
        self.index.begin(self.delimiter);
        let mut is_checked = false;
        while !self.index.is_done(&chunk.text) {
            if !self.index.advance(&chunk.text) && !is_checked {
                text::check(&chunk.text, chunk.first_line, self.delimiter, &self.plan.header)?;
                is_checked = true;
            }
            while self.index.available() > 0 {
                self.take_records(&chunk.text);
                self.look_at_records(&chunk.text, each)?;
            }
        }
        Ok(())
    }

    /// Takes the records of a block that have as many cells as the header; others have no probability.
    fn take_records(&mut self, text: &[u8]) {
        self.firsts.clear();
        for _ in 0..self.index.available().min(ROWS) {
            let record = self.index.take();
            let content = &text[record.start..record.line_end];
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            let is_blank =
                content.first().is_none_or(u8::is_ascii_whitespace) && is_blank(content, self.delimiter);
            if record.cells == self.columns && !is_blank {
                self.firsts.push(record.first);
            }
        }
    }

    fn look_at_records(&mut self, text: &[u8], each: &mut Take<'_>) -> Result<(), ScoreError> {
        let places = self.index.places();
        self.probabilities.read_columns(
            text,
            places,
            &self.firsts,
            &mut self.probability_block,
            &mut self.is_faulty,
        );
        let column = |column: usize| Column {
            text,
            places,
            firsts: &self.firsts,
            column,
            is_last: column + 1 == self.columns,
        };
        self.sampled.clear();
        for (row, &first) in self.firsts.iter().enumerate() {
            let probability = self.probability_block.numbers(0)[row];
            // A customer who was skipped has none.
            if self.is_faulty[row] || probability.is_nan() {
                continue;
            }
            self.counter.count_probability(probability);
            if let Some(key) = self.key {
                let cell = |place: usize| {
                    let (start, end) = column(place).cell(first);
                    unquote(&text[start..end])
                };
                let group = self.group.map_or(NO_GROUP, |place| group_of(&cell(place)));
                each(cell(key).trim_ascii(), millionths(probability), group)?;
            }
            if self.seen.is_multiple_of(self.step) && self.counter.profile.is_some() {
                self.sampled.push(first);
            }
            self.seen += 1;
        }
        if self.sampled.is_empty() {
            return Ok(());
        }
        self.features.read_columns(text, places, &self.sampled, &mut self.block, &mut self.is_faulty);
        self.counter.count_features(&self.block, self.plan, self.sampled.len(), &self.is_faulty);
        Ok(())
    }
}

fn group_of(cell: &[u8]) -> u8 {
    match cell.trim_ascii() {
        b"" => NO_GROUP,
        CONTROL => IS_CONTROL,
        _ => IS_TREATED,
    }
}

/// Counts into the cells of a profile.
struct Counter<'a> {
    profile: Option<&'a Profile>,
    rows: u64,
    rows_read: u64,
    features: Vec<Counts>,
    probability: Counts,
    steps: BTreeMap<u32, u64>,
}

impl<'a> Counter<'a> {
    fn new(profile: Option<&'a Profile>) -> Counter<'a> {
        let cells = |values: &ValuesProfile| match values {
            ValuesProfile::Number(number) => number.points.len() + 1,
            ValuesProfile::Category { counts, .. } => counts.len() + 1,
        };
        let empty = |cells: usize| Counts { cells: vec![0; cells], missing: 0 };
        let features = profile.map_or(&[][..], |profile| &profile.features[..]);
        Counter {
            profile,
            rows: 0,
            rows_read: 0,
            features: features.iter().map(|feature| empty(cells(&feature.values))).collect(),
            probability: empty(profile.map_or(1, |profile| profile.probability.points.len() + 1)),
            steps: BTreeMap::new(),
        }
    }

    fn count_probability(&mut self, probability: f64) {
        self.rows += 1;
        let cell = self.profile.map_or(0, |profile| profile.probability.cell(probability));
        self.probability.cells[cell] += 1;
        *self.steps.entry((probability * 1e4).round() as u32).or_default() += 1;
    }

    fn count_features(&mut self, block: &Block, plan: &Plan, rows: usize, is_faulty: &[bool; ROWS]) {
        let Some(profile) = self.profile else { return };
        let whole = || (0..rows).filter(|&row| !is_faulty[row]);
        self.rows_read += whole().count() as u64;
        for ((feature, &slot), counts) in
            profile.features.iter().zip(&plan.slots.features).zip(&mut self.features)
        {
            match (&feature.values, slot) {
                (ValuesProfile::Number(number), Slot::Number(slot)) => {
                    for row in whole() {
                        match block.numbers(slot)[row] {
                            value if value.is_nan() => counts.missing += 1,
                            value => counts.cells[number.cell(value)] += 1,
                        }
                    }
                }
                (ValuesProfile::Category { .. }, Slot::Category(slot)) => {
                    for row in whole() {
                        // A value's own position, then one for an unknown value, then one for a missing one.
                        match counts.cells.get_mut(usize::from(block.codes(slot)[row])) {
                            Some(count) => *count += 1,
                            None => counts.missing += 1,
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn finish(self) -> Observation {
        Observation {
            rows: self.rows,
            rows_read: self.rows_read,
            features: self.features,
            probability: self.probability,
            probabilities: self
                .steps
                .into_iter()
                .map(|(step, count)| (f64::from(step) / 1e4, count))
                .collect(),
        }
    }
}

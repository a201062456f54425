//! Target statistics (CTR): what share of the training data's rows with the same value, or the same
//! combination of values, left, or how many there were (Prokhorenkova et al., "CatBoost: unbiased boosting
//! with categorical features", 2018).
//!
//! The counts are in the file, by a hash of the combination. Everything is calculated in `f32`, as
//! CatBoost does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::columns::{ABOVE, Category, Column, Float};
use super::{CatBoostFile, Ctr, CtrElement, CtrTable};
use crate::bins::BinColumn;
use crate::block::{Block, ROWS, Source};
use crate::model::ModelError;

/// The most bins and terms of all target statistics together, for a hostile file's many statistics of one
/// large table or category.
const ENTRIES_MAX: usize = 1 << 25;

/// The key of an entry that holds nothing.
const EMPTY: u64 = u64::MAX;

/// The target statistics of a file, with the counts that were read so far.
pub(super) struct Statistics<'a> {
    file: &'a CatBoostFile,
    /// The index of the first question of each statistic.
    first_questions: Vec<usize>,
    columns: Vec<Option<u16>>,
    counts: HashMap<&'a str, Arc<Counts>>,
    /// Bins and terms of the columns that were made.
    entries: usize,
}

/// The entries of a table.
#[derive(Debug)]
struct Counts {
    /// From a combination's hash to its entry.
    entries: HashMap<u64, usize>,
    /// The numbers of each entry.
    numbers: Vec<f64>,
    /// How many numbers an entry has.
    width: usize,
    denominator: f64,
}

/// A target statistic of several features, which is looked up row by row.
#[derive(Debug, Clone)]
pub(crate) struct Combination {
    parts: Vec<Part>,
    counts: Arc<Counts>,
    /// By entry.
    bins: Vec<u16>,
    bin_if_unmet: u16,
}

#[derive(Debug, Clone)]
enum Part {
    /// What each code puts into the hash; nothing for an unknown value, which is in no combination.
    Category { slot: usize, terms: Vec<Option<u64>> },
    /// Whether the bin of a column before is greater.
    Number { column: u16, bin: u16 },
}

impl<'a> Statistics<'a> {
    pub(super) fn new(file: &'a CatBoostFile) -> Result<Statistics<'a>, ModelError> {
        let features = &file.features_info;
        let floats = features.float_features.iter().map(|feature| feature.borders.iter().flatten().count());
        let values = features.categorical_features.iter().map(|feature| feature.values.len());
        let mut next: usize = floats.chain(values).sum();
        let mut first_questions = Vec::new();
        for ctr in &features.ctrs {
            first_questions.push(next);
            next += ctr.borders.len();
        }
        let columns = vec![None; features.ctrs.len()];
        Ok(Statistics { file, first_questions, columns, counts: HashMap::new(), entries: 0 })
    }

    /// The statistic that a question is about, and the place of its border.
    pub(super) fn place(&self, split_index: usize) -> Option<(usize, u16)> {
        let ctr = self.first_questions.partition_point(|&first| first <= split_index).checked_sub(1)?;
        let border = split_index - self.first_questions[ctr];
        let is_its_own = border < self.file.features_info.ctrs[ctr].borders.len();
        Some((ctr, u16::try_from(border).ok()?)).filter(|_| is_its_own)
    }

    pub(super) fn column(&self, ctr: usize) -> Option<u16> {
        self.columns[ctr]
    }

    pub(super) fn set_column(&mut self, ctr: usize, column: u16) {
        self.columns[ctr] = Some(column);
    }

    /// The column of a statistic: a table by code where it is made of one category.
    pub(super) fn make(
        &mut self,
        ctr: usize,
        floats: &HashMap<usize, Float>,
        categories: &HashMap<usize, Category>,
    ) -> Result<Column, ModelError> {
        let ctr = &self.file.features_info.ctrs[ctr];
        let formula = Formula::new(ctr)?;
        let counts = self.counts(ctr, &formula)?;
        self.count_entries(ctr, &counts, categories)?;
        let values = (0..counts.entries.len()).map(|entry| formula.value(&counts, Some(entry)));
        let values: Vec<f32> = values.collect();
        let unmet = formula.value(&counts, None);
        let parts = parts(&ctr.elements, floats, categories)?;
        if let [Part::Category { slot, terms }] = parts.as_slice() {
            let value = |term: &Option<u64>| {
                let entry = term.and_then(|term| counts.entries.get(&mix(0, term)));
                f64::from(entry.map_or(unmet, |&entry| values[entry]))
            };
            let source = Source::Category { slot: *slot, table: terms.iter().map(value).collect() };
            return Ok(Column::Bins(BinColumn::new(&source, &ctr.borders, ABOVE)?));
        }
        let borders: Vec<f32> = ctr.borders.iter().map(|&border| border as f32).collect();
        if borders.len() > usize::from(u16::MAX) || !borders.is_sorted() {
            return Err(invalid("the borders of a target statistic are too many or do not ascend"));
        }
        let bin = |value: f32| borders.partition_point(|&border| value > border) as u16;
        let bins = values.into_iter().map(bin).collect();
        Ok(Column::Combination(Combination { parts, counts, bins, bin_if_unmet: bin(unmet) }))
    }

    /// Refuses a statistic with which there would be too much of them.
    fn count_entries(
        &mut self,
        ctr: &Ctr,
        counts: &Counts,
        categories: &HashMap<usize, Category>,
    ) -> Result<(), ModelError> {
        let terms = ctr.elements.iter().map(|element| match element {
            CtrElement::CatFeatureValue { cat_feature_index }
            | CtrElement::CatFeatureExactValue { cat_feature_index, .. } => {
                categories.get(cat_feature_index).map_or(0, |category| category.hashes.len())
            }
            CtrElement::FloatFeature { .. } => 1,
        });
        self.entries += counts.entries.len() + terms.sum::<usize>();
        if self.entries > ENTRIES_MAX {
            return Err(ModelError::Unsupported("its target statistics have too many entries".to_owned()));
        }
        Ok(())
    }

    fn counts(&mut self, ctr: &'a Ctr, formula: &Formula) -> Result<Arc<Counts>, ModelError> {
        if !self.counts.contains_key(ctr.identifier.as_str()) {
            let table = self.file.ctr_data.get(&ctr.identifier);
            let table = table.ok_or_else(|| invalid("the counts of a target statistic are not there"))?;
            self.counts.insert(&ctr.identifier, Arc::new(Counts::read(table)?));
        }
        let counts = Arc::clone(&self.counts[ctr.identifier.as_str()]);
        if formula.is_possible(counts.width) {
            Ok(counts)
        } else {
            Err(invalid("a target statistic has other counts than its type needs"))
        }
    }
}

impl Counts {
    fn read(table: &CtrTable) -> Result<Counts, ModelError> {
        let wrong = || invalid("the counts of a target statistic cannot be read");
        if table.hash_stride < 2 || !table.hash_map.len().is_multiple_of(table.hash_stride) {
            return Err(wrong());
        }
        let width = table.hash_stride - 1;
        let mut counts = Counts {
            entries: HashMap::new(),
            numbers: Vec::new(),
            width,
            denominator: table.counter_denominator as f64,
        };
        for entry in table.hash_map.chunks_exact(table.hash_stride) {
            let hash = match &entry[0] {
                Value::String(digits) => digits.parse().map_err(|_| wrong())?,
                other => other.as_u64().ok_or_else(wrong)?,
            };
            if hash == EMPTY {
                continue;
            }
            let place = counts.entries.len();
            if counts.entries.insert(hash, place).is_some() {
                return Err(wrong());
            }
            for number in &entry[1..] {
                counts.numbers.push(number.as_f64().ok_or_else(wrong)?);
            }
        }
        Ok(counts)
    }
}

/// How a statistic is made of an entry's numbers.
struct Formula<'a> {
    ctr: &'a Ctr,
    kind: Kind,
}

enum Kind {
    /// The share of the classes above the target's border.
    Borders,
    /// The share of one class.
    Buckets,
    /// A sum and the number of its terms.
    Mean,
    /// A number of rows, divided by the same for all.
    Counter,
}

impl<'a> Formula<'a> {
    fn new(ctr: &'a Ctr) -> Result<Formula<'a>, ModelError> {
        let kind = match ctr.ctr_type.as_str() {
            "Borders" => Kind::Borders,
            "Buckets" => Kind::Buckets,
            "BinarizedTargetMeanValue" | "FloatTargetMeanValue" => Kind::Mean,
            "Counter" | "FeatureFreq" => Kind::Counter,
            other => {
                return Err(ModelError::Unsupported(format!(
                    "it has target statistics (CTR) of type {other:?}"
                )));
            }
        };
        Ok(Formula { ctr, kind })
    }

    /// Whether it can be made of entries of so many numbers.
    fn is_possible(&self, width: usize) -> bool {
        match self.kind {
            Kind::Counter => width == 1,
            Kind::Mean => width == 2,
            Kind::Borders => self.ctr.target_border_idx < width - 1,
            Kind::Buckets => self.ctr.target_border_idx < width,
        }
    }

    /// The statistic of an entry, or of a combination that has none.
    fn value(&self, counts: &Counts, entry: Option<usize>) -> f32 {
        let numbers = entry.map(|entry| &counts.numbers[entry * counts.width..][..counts.width]);
        let numbers = numbers.unwrap_or_default();
        let from = |first: usize| numbers.get(first..).unwrap_or_default().iter().sum::<f64>();
        let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
        let (good, all) = match self.kind {
            Kind::Counter => (at(0), counts.denominator),
            Kind::Mean => (at(0), at(1)),
            Kind::Borders => (from(self.ctr.target_border_idx + 1), from(0)),
            Kind::Buckets => (at(self.ctr.target_border_idx), from(0)),
        };
        let share = (good as f32 + self.ctr.prior_numerator) / (all as f32 + self.ctr.prior_denomerator);
        (share + self.ctr.shift) * self.ctr.scale
    }
}

/// The parts in the order in which CatBoost hashes them: categories, numbers, values asked for.
fn parts(
    elements: &[CtrElement],
    floats: &HashMap<usize, Float>,
    categories: &HashMap<usize, Category>,
) -> Result<Vec<Part>, ModelError> {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    let not_listed = || invalid("a target statistic is made of a feature that is not listed");
    for element in elements {
        match element {
            CtrElement::CatFeatureValue { cat_feature_index } => {
                let category = categories.get(cat_feature_index).ok_or_else(not_listed)?;
                // A hash of 32 bits is put in with its sign.
                let term = |hash: &Option<i32>| hash.map(|hash| i64::from(hash).cast_unsigned());
                let terms = category.hashes.iter().map(term).collect();
                parts[0].push(Part::Category { slot: category.slot, terms });
            }
            CtrElement::FloatFeature { float_feature_index, border } => {
                let float = floats.get(float_feature_index).ok_or_else(not_listed)?;
                parts[1].push(Part::Number { column: float.column, bin: float.bin(*border)? });
            }
            CtrElement::CatFeatureExactValue { cat_feature_index, value } => {
                let category = categories.get(cat_feature_index).ok_or_else(not_listed)?;
                let term = |hash: &Option<i32>| Some(u64::from(*hash == Some(*value)));
                let terms = category.hashes.iter().map(term).collect();
                parts[2].push(Part::Category { slot: category.slot, terms });
            }
        }
    }
    Ok(parts.into_iter().flatten().collect())
}

/// Whether these values are all that a statistic of one category has counted. What a statistic of several
/// features has counted is not looked through.
pub(super) fn counts_no_others(file: &CatBoostFile, ctr: &Ctr, hashes: &[i32]) -> Result<bool, ModelError> {
    let ([CtrElement::CatFeatureValue { .. }], Some(table)) =
        (ctr.elements.as_slice(), file.ctr_data.get(&ctr.identifier))
    else {
        return Ok(true);
    };
    let known: HashSet<u64> = hashes.iter().map(|&hash| mix(0, i64::from(hash).cast_unsigned())).collect();
    Ok(Counts::read(table)?.entries.keys().all(|hash| known.contains(hash)))
}

/// One more term in a combination's hash.
fn mix(hash: u64, term: u64) -> u64 {
    const MULTIPLIER: u64 = 0x4906_ba49_4954_cb65;
    MULTIPLIER.wrapping_mul(hash.wrapping_add(MULTIPLIER.wrapping_mul(term)))
}

impl Combination {
    pub(super) fn read(&self, block: &Block, before: &[u16], bins: &mut [u16; ROWS]) {
        let mut hashes = [Some(0); ROWS];
        for part in &self.parts {
            match part {
                Part::Category { slot, terms } => {
                    for (hash, &code) in hashes.iter_mut().zip(block.codes(*slot)) {
                        *hash = hash.zip(terms[usize::from(code)]).map(|(hash, term)| mix(hash, term));
                    }
                }
                Part::Number { column, bin } => {
                    for (hash, other) in hashes.iter_mut().zip(&before[usize::from(*column) * ROWS..]) {
                        *hash = hash.map(|hash| mix(hash, u64::from(other > bin)));
                    }
                }
            }
        }
        for (bin, hash) in bins.iter_mut().zip(hashes) {
            let entry = hash.and_then(|hash| self.counts.entries.get(&hash));
            *bin = entry.map_or(self.bin_if_unmet, |&entry| self.bins[entry]);
        }
    }
}

fn invalid(message: &str) -> ModelError {
    ModelError::Invalid(message.to_owned())
}

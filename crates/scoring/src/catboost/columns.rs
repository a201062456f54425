//! What CatBoost's trees ask, as columns of bins: a number's borders, whether a category has a value, and
//! a target statistic's borders.

use std::collections::HashMap;

use super::ctr::{Combination, Statistics};
use super::{CatBoostFile, FloatFeature, NanValueTreatment, Split};
use crate::bins::{Beyond, BinColumn, Binning, MissingBin, Precision};
use crate::block::{Block, ROWS, Source};
use crate::manifest::Input;
use crate::model::ModelError;

/// The most bins that all one-hot questions may keep in their tables, 64 MiB.
const ONE_HOT_BINS_MAX: usize = 1 << 25;

/// Bins of one value each: above a border of `f32`, where NaN is above none.
pub(super) const ABOVE: Binning =
    Binning { beyond: Beyond::Above, precision: Precision::F32, missing: MissingBin::Lowest };

/// One column of bins.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Bins(BinColumn),
    Combination(Combination),
}

impl Column {
    /// The bins of all columns, [`ROWS`] for each, one column after the other.
    pub(crate) fn read_all(columns: &[Column], block: &Block) -> Vec<u16> {
        let mut bins = vec![0; columns.len() * ROWS];
        for (place, column) in columns.iter().enumerate() {
            let (before, here) = bins.split_at_mut(place * ROWS);
            if let Some(here) = here.first_chunk_mut() {
                column.read(block, before, here);
            }
        }
        bins
    }

    /// Writes the bin of every row. `before` holds the columns before this one.
    fn read(&self, block: &Block, before: &[u16], bins: &mut [u16; ROWS]) {
        match self {
            Column::Bins(column) => column.read(block, bins),
            Column::Combination(combination) => combination.read(block, before, bins),
        }
    }
}

/// The columns of a model, made as its trees ask for them.
pub(super) struct Columns<'a> {
    made: Vec<Column>,
    floats: HashMap<usize, Float>,
    categories: HashMap<usize, Category>,
    /// By the category and the hash asked for.
    one_hot: HashMap<(usize, i32), u16>,
    one_hot_bins: usize,
    statistics: Statistics<'a>,
}

/// A number as trees ask for it.
pub(super) struct Float {
    pub(super) column: u16,
    borders: Vec<f32>,
}

/// A category: where its codes are, and the hash of each; nothing for an unknown value.
pub(super) struct Category {
    pub(super) slot: usize,
    pub(super) hashes: Vec<Option<i32>>,
}

impl Float {
    /// The bin that a value must exceed to be above the border.
    pub(super) fn bin(&self, border: f64) -> Result<u16, ModelError> {
        let border = border as f32;
        let place = self.borders.partition_point(|&other| other < border);
        if self.borders.get(place) != Some(&border) {
            return Err(invalid("a tree's border is not its feature's".to_owned()));
        }
        // `BinColumn` lets no more borders through than a u16 counts.
        Ok(place as u16)
    }
}

impl<'a> Columns<'a> {
    pub(super) fn new(
        file: &'a CatBoostFile,
        inputs: &[Input],
        sources: &[Source],
    ) -> Result<Columns<'a>, ModelError> {
        let source = |place: usize, id: &str| -> Result<&Source, ModelError> {
            let input = inputs.get(place).zip(sources.get(place));
            let (input, source) = input.ok_or_else(|| invalid(format!("no input for feature {place}")))?;
            if id.is_empty() || id == input.name {
                return Ok(source);
            }
            Err(invalid(format!("the feature {id:?} stands where the input {:?} does", input.name)))
        };
        let mut columns = Columns {
            made: Vec::new(),
            floats: HashMap::new(),
            categories: HashMap::new(),
            one_hot: HashMap::new(),
            one_hot_bins: 0,
            statistics: Statistics::new(file)?,
        };
        for feature in &file.features_info.float_features {
            let borders: Vec<f64> = feature.borders.iter().flatten().copied().collect();
            let source = source(feature.flat_feature_index, &feature.feature_id)?;
            let column = Column::Bins(BinColumn::new(source, &borders, binning(feature))?);
            let column = columns.add(column)?;
            let borders = borders.iter().map(|&border| border as f32).collect();
            columns.floats.insert(feature.feature_index, Float { column, borders });
        }
        for feature in &file.features_info.categorical_features {
            let category = Category::new(source(feature.flat_feature_index, &feature.feature_id)?)?;
            columns.categories.insert(feature.feature_index, category);
        }
        Ok(columns)
    }

    /// The column that answers a question, and the bin that a row's must exceed for a yes.
    pub(super) fn question(&mut self, split: &Split) -> Result<(u16, u16), ModelError> {
        match split.split_type.as_str() {
            "FloatFeature" => {
                let float = self.floats.get(&split.float_feature_index).ok_or_else(not_listed)?;
                Ok((float.column, float.bin(split.border)?))
            }
            "OneHotFeature" => match (split.cat_feature_index, split.value) {
                (Some(feature), Some(hash)) => Ok((self.one_hot(feature, hash)?, 0)),
                _ => Err(invalid("a question for a category has no feature or no value".to_owned())),
            },
            "OnlineCtr" => self.statistic(split.split_index),
            other => Err(ModelError::Unsupported(format!("a tree asks for a {other:?}"))),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.made.len()
    }

    pub(super) fn made(self) -> Vec<Column> {
        self.made
    }

    fn add(&mut self, column: Column) -> Result<u16, ModelError> {
        let place = u16::try_from(self.made.len());
        self.made.push(column);
        place.map_err(|_| ModelError::Unsupported("it asks for too many different things".to_owned()))
    }

    /// The column of 0 and 1 that tells whether a category has a value.
    fn one_hot(&mut self, feature: usize, hash: i32) -> Result<u16, ModelError> {
        if let Some(&column) = self.one_hot.get(&(feature, hash)) {
            return Ok(column);
        }
        let category = self.categories.get(&feature).ok_or_else(not_listed)?;
        self.one_hot_bins += category.hashes.len();
        if self.one_hot_bins > ONE_HOT_BINS_MAX {
            return Err(ModelError::Unsupported("its categories have too many values".to_owned()));
        }
        let is_asked = |other: &Option<i32>| f64::from(u8::from(*other == Some(hash)));
        let table = category.hashes.iter().map(is_asked).collect();
        let source = Source::Category { slot: category.slot, table };
        let column = self.add(Column::Bins(BinColumn::new(&source, &[0.5], ABOVE)?))?;
        self.one_hot.insert((feature, hash), column);
        Ok(column)
    }

    /// The column of a target statistic, which is made once, and the place of the border.
    fn statistic(&mut self, split_index: usize) -> Result<(u16, u16), ModelError> {
        let (ctr, border) = self.statistics.place(split_index).ok_or_else(not_listed)?;
        if let Some(column) = self.statistics.column(ctr) {
            return Ok((column, border));
        }
        let column = self.statistics.make(ctr, &self.floats, &self.categories)?;
        let column = self.add(column)?;
        self.statistics.set_column(ctr, column);
        Ok((column, border))
    }
}

impl Category {
    fn new(source: &Source) -> Result<Category, ModelError> {
        let Source::Category { slot, table } = source else {
            return Err(invalid("the input of a categorical feature is a number".to_owned()));
        };
        let hash = |&number: &f64| match number {
            super::UNKNOWN_HASH => Ok(None),
            _ if (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0 => {
                Ok(Some((number as u32).cast_signed()))
            }
            _ => Err(invalid(format!("{number} is no hash of a category's value"))),
        };
        Ok(Category { slot: *slot, hashes: table.iter().map(hash).collect::<Result<_, _>>()? })
    }
}

/// CatBoost compares as `f32`; NaN is above nothing but where training met missing values and put them
/// above all others.
fn binning(feature: &FloatFeature) -> Binning {
    let is_above = feature.has_nans && feature.nan_value_treatment == NanValueTreatment::AsTrue;
    Binning { missing: if is_above { MissingBin::Highest } else { MissingBin::Lowest }, ..ABOVE }
}

fn not_listed() -> ModelError {
    invalid("a tree asks for a feature that is not listed".to_owned())
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}

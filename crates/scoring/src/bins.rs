//! Inputs as trees see them: how many of a column's borders a value is beyond.
//!
//! A tree asks whether a value is beyond a border. Beyond border `k` of an ascending list is the same as
//! having a bin greater than `k`, where the bin is the number of borders that the value is beyond. So
//! everything that differs between libraries (which number type compares, what a value that equals a
//! border is, where a missing value goes) is settled here, once per row and column.

use crate::block::{Block, ROWS, Source};
use crate::kernels::{Borders, Level, count_f32, count_f64};
use crate::model::ModelError;
use crate::pieces::Pieces;

/// When a value is beyond a border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// `value > border`, as CatBoost and scikit-learn ask.
    Above,
    /// `value >= border`, as XGBoost asks.
    AtLeast,
}

/// In which type a value is compared with a border; it is rounded to it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    F32,
    F64,
}

/// Where a number that stays missing is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingBin {
    /// In bin 0.
    Lowest,
    /// In the bin beyond every border.
    Highest,
}

/// How bins of a column are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binning {
    pub(crate) beyond: Beyond,
    pub(crate) precision: Precision,
    pub(crate) missing: MissingBin,
}

/// One input of a model, turned into a bin for each row of a block.
#[derive(Debug, Clone)]
pub(crate) struct BinColumn {
    level: Level,
    ladder: Ladder,
    /// The bin of a number that stays missing.
    missing_bin: u16,
    origin: Origin,
}

/// What the bins are made of.
#[derive(Debug, Clone)]
enum Origin {
    Number {
        slot: usize,
        missing: f64,
    },
    Pieces {
        slot: usize,
        pieces: Pieces,
    },
    /// The bin of each code.
    Category {
        slot: usize,
        table: Vec<u16>,
    },
}

/// A value is beyond a border where it is greater.
#[derive(Debug, Clone)]
enum Ladder {
    F32(Borders<f32>),
    F64(Borders<f64>),
}

impl BinColumn {
    /// Refuses borders that do not ascend, and more of them than a `u16` counts. Where values are
    /// compared as `f32`, the borders are rounded to it.
    pub(crate) fn new(source: &Source, borders: &[f64], binning: Binning) -> Result<BinColumn, ModelError> {
        let Ok(count) = u16::try_from(borders.len()) else {
            let message = format!("an input is compared with {} borders", borders.len());
            return Err(ModelError::Unsupported(message));
        };
        if borders.iter().any(|border| border.is_nan()) || !borders.is_sorted() {
            return Err(ModelError::Invalid("the borders of an input do not ascend".to_owned()));
        }
        let missing_bin = match binning.missing {
            MissingBin::Lowest => 0,
            MissingBin::Highest => count,
        };
        let ladder = Ladder::new(borders, binning);
        let origin = match source {
            Source::Number { slot, missing } => Origin::Number { slot: *slot, missing: *missing },
            Source::Pieces { slot, pieces } => Origin::Pieces { slot: *slot, pieces: pieces.clone() },
            Source::Category { slot, table } => {
                let table = table.iter().map(|&value| ladder.bin(value)).collect();
                Origin::Category { slot: *slot, table }
            }
        };
        Ok(BinColumn { level: Level::best(), ladder, missing_bin, origin })
    }

    /// Writes the bin of every row of the block.
    pub(crate) fn read(&self, block: &Block, bins: &mut [u16; ROWS]) {
        match &self.origin {
            Origin::Category { slot, table } => {
                for (bin, &code) in bins.iter_mut().zip(block.codes(*slot)) {
                    *bin = table[usize::from(code)];
                }
            }
            Origin::Number { slot, missing } if missing.is_nan() => {
                self.count(block.numbers(*slot), bins);
            }
            Origin::Number { slot, missing } => {
                let mut values = [0.0; ROWS];
                for (value, &number) in values.iter_mut().zip(block.numbers(*slot)) {
                    *value = if number.is_nan() { *missing } else { number };
                }
                self.count(&values, bins);
            }
            Origin::Pieces { slot, pieces } => {
                let mut values = [0.0; ROWS];
                for (value, &number) in values.iter_mut().zip(block.numbers(*slot)) {
                    *value = pieces.value(number);
                }
                self.count(&values, bins);
            }
        }
    }

    /// The bins of inputs that are made already, NaN where one stays missing; as many as `bins`.
    pub(crate) fn count(&self, values: &[f64], bins: &mut [u16]) {
        match &self.ladder {
            Ladder::F32(borders) => count_f32(self.level, borders, values, bins),
            Ladder::F64(borders) => count_f64(self.level, borders, values, bins),
        }
        if self.missing_bin > 0 {
            for (bin, value) in bins.iter_mut().zip(values) {
                *bin = if value.is_nan() { self.missing_bin } else { *bin };
            }
        }
    }
}

/// Bins of rows of inputs, as many columns as `columns`, which names each one's place in a row.
///
/// `matrix` has up to [`ROWS`] rows of `width` inputs; `bins` holds [`ROWS`] bins for each column.
pub(crate) fn count_matrix<'a>(
    columns: impl Iterator<Item = (usize, &'a BinColumn)> + Clone,
    width: usize,
    matrix: &[f64],
    bins: &mut [u16],
) {
    // So few rows that all their inputs stay in the nearest cache while the columns are read.
    const TILE: usize = 64;
    for (tile, rows) in matrix.chunks(TILE * width).enumerate() {
        let count = rows.len() / width;
        let mut values = [0.0; TILE];
        for ((input, column), bins) in columns.clone().zip(bins.as_chunks_mut::<ROWS>().0) {
            for (value, row) in values.iter_mut().zip(rows.chunks_exact(width)) {
                *value = row[input];
            }
            column.count(&values[..count], &mut bins[tile * TILE..][..count]);
        }
    }
}

impl Ladder {
    fn new(borders: &[f64], binning: Binning) -> Ladder {
        // A number that is at least the border is greater than the number before the border.
        let borders = borders.iter().copied();
        match (binning.precision, binning.beyond) {
            (Precision::F32, Beyond::Above) => Ladder::F32(Borders::new(borders.map(|border| border as f32))),
            (Precision::F32, Beyond::AtLeast) => {
                Ladder::F32(Borders::new(borders.map(|border| (border as f32).next_down())))
            }
            (Precision::F64, Beyond::Above) => Ladder::F64(Borders::new(borders)),
            (Precision::F64, Beyond::AtLeast) => Ladder::F64(Borders::new(borders.map(f64::next_down))),
        }
    }

    /// The bin of one value; 0 for NaN.
    fn bin(&self, value: f64) -> u16 {
        match self {
            Ladder::F32(borders) => borders.bin(value),
            Ladder::F64(borders) => borders.bin(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Beyond, BinColumn, Binning, MissingBin, Precision};
    use crate::block::{Block, ROWS, Slots, Source};
    use crate::manifest::{Feature, FeatureKind, Schema};
    use crate::pieces::Pieces;

    fn block(values: &[f64]) -> Block {
        let feature = Feature { name: "a".to_owned(), aliases: Vec::new(), kind: FeatureKind::Number };
        let schema = Schema { features: vec![feature], outcomes: Vec::new() };
        let mut block = Block::new(&Slots::new(&schema, 0));
        values.iter().enumerate().for_each(|(row, &value)| block.set_number(0, row, value));
        block
    }

    fn bins(source: &Source, borders: &[f64], binning: Binning, values: &[f64]) -> Vec<u16> {
        let mut bins = [9; ROWS];
        BinColumn::new(source, borders, binning).unwrap().read(&block(values), &mut bins);
        bins[..values.len()].to_vec()
    }

    const NUMBER: Source = Source::Number { slot: 0, missing: f64::NAN };

    #[test]
    fn a_value_on_a_border_goes_where_the_library_says() {
        let values = [0.5, 1.0, 1.5, 2.0, 3.0, f64::NAN, f64::NEG_INFINITY, f64::INFINITY];
        for precision in [Precision::F32, Precision::F64] {
            let above = Binning { beyond: Beyond::Above, precision, missing: MissingBin::Lowest };
            assert_eq!(bins(&NUMBER, &[1.0, 2.0], above, &values), [0, 0, 1, 1, 2, 0, 0, 2]);
            let at_least = Binning { beyond: Beyond::AtLeast, precision, missing: MissingBin::Highest };
            assert_eq!(bins(&NUMBER, &[1.0, 2.0], at_least, &values), [0, 1, 1, 2, 2, 2, 0, 2]);
        }
    }

    #[test]
    fn numbers_are_rounded_before_they_are_compared_as_f32() {
        let borders = [f64::from(0.1_f32)];
        let precision = Precision::F32;
        let above = Binning { beyond: Beyond::Above, precision, missing: MissingBin::Lowest };
        // 0.1 is below 0.1_f32 and rounds to it.
        let at_least = Binning { beyond: Beyond::AtLeast, ..above };
        assert_eq!(bins(&NUMBER, &borders, above, &[0.1, 0.100_000_002]), [0, 0]);
        assert_eq!(bins(&NUMBER, &borders, at_least, &[0.1, 0.100_000_002]), [1, 1]);
        let exactly = Binning { precision: Precision::F64, ..at_least };
        assert_eq!(bins(&NUMBER, &borders, exactly, &[0.1, 0.100_000_002]), [0, 1]);
    }

    #[test]
    fn a_number_for_missing_goes_before_the_bin_for_missing() {
        let above =
            Binning { beyond: Beyond::Above, precision: Precision::F64, missing: MissingBin::Highest };
        let source = Source::Number { slot: 0, missing: 1.5 };
        assert_eq!(bins(&source, &[1.0, 2.0], above, &[f64::NAN, 3.0]), [1, 2]);
        let pieces = Pieces { knots: Vec::new(), coefficients: vec![[1.0, 1.0, 0.0, 0.0]], missing: 1.5 };
        let source = Source::Pieces { slot: 0, pieces };
        assert_eq!(bins(&source, &[1.0, 2.0], above, &[f64::NAN, 0.5, 1.5]), [1, 1, 2]);
    }

    #[test]
    fn borders_must_ascend_and_be_countable() {
        let above = Binning { beyond: Beyond::Above, precision: Precision::F64, missing: MissingBin::Lowest };
        let many: Vec<f64> = (0..=65_536).map(f64::from).collect();
        assert!(BinColumn::new(&NUMBER, &[2.0, 1.0], above).is_err());
        assert!(BinColumn::new(&NUMBER, &[f64::NAN], above).is_err());
        assert!(BinColumn::new(&NUMBER, &many[..65_536], above).is_err());
        assert!(BinColumn::new(&NUMBER, &many[..65_535], above).is_ok());
    }
}

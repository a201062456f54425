//! The linear engine: logistic regression and linear SVM.

use serde::{Deserialize, Serialize};

use crate::block::{Block, ROWS, Source};
use crate::manifest::Input;
use crate::model::ModelError;
use crate::pieces::{NUMBER_MAX, Pieces};

/// The value of [`LinearFile::format`].
pub const FORMAT: &str = "augur-linear-1";

/// The model file: `score = intercept + sum of weight * (input - mean) / scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearFile {
    /// [`FORMAT`].
    pub format: String,
    /// The score of an average customer.
    pub intercept: f64,
    /// One per input of the manifest, in its order.
    pub terms: Vec<LinearTerm>,
}

/// Folded weights and coefficients are at most this far from 0: with numbers that count as [`NUMBER_MAX`] at
/// most, no sum is infinite less infinite.
const WEIGHT_MAX: f64 = 1e100;
/// The most knots of a number's function.
const KNOTS_MAX: usize = 4096;
/// The most knots that are gone through while the functions of all numbers are added up, for a hostile file.
const STEPS_MAX: usize = 1 << 22;

/// What one input adds to the score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LinearTerm {
    /// Subtracted from the input; 0 where the input is not centred.
    pub mean: f64,
    /// Divides the input, not 0; 1 where it is not scaled.
    pub scale: f64,
    /// Of the scaled input.
    pub weight: f64,
}

/// A linear model with means, scales and imputed numbers folded into weights, polynomials and tables: one
/// for each feature, however many inputs are made of it.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    constant: f64,
    numbers: Vec<NumberWeight>,
    curves: Vec<Curve>,
    categories: Vec<CategoryWeights>,
    /// How many knots were gone through.
    steps: usize,
}

#[derive(Debug, Clone)]
struct NumberWeight {
    slot: usize,
    weight: f64,
    /// What a missing number adds.
    missing: f64,
}

#[derive(Debug, Clone)]
struct Curve {
    slot: usize,
    pieces: Pieces,
}

#[derive(Debug, Clone)]
struct CategoryWeights {
    slot: usize,
    table: Vec<f64>,
}

impl Linear {
    pub(crate) fn read(file: &[u8], inputs: &[Input], sources: &[Source]) -> Result<Linear, ModelError> {
        let file: LinearFile = serde_json::from_slice(file)
            .map_err(|error| ModelError::Invalid(format!("the model file is no linear model: {error}")))?;
        if file.format != FORMAT {
            return Err(ModelError::Unsupported(format!("the format {:?} is not {FORMAT}", file.format)));
        }
        if file.terms.len() != inputs.len() {
            let (terms, inputs) = (file.terms.len(), inputs.len());
            return Err(ModelError::Invalid(format!("{terms} terms for {inputs} inputs")));
        }
        let mut linear = Linear {
            constant: file.intercept,
            numbers: Vec::new(),
            curves: Vec::new(),
            categories: Vec::new(),
            steps: 0,
        };
        for ((term, input), source) in file.terms.iter().zip(inputs).zip(sources) {
            let weight = term.weight / term.scale;
            if !(weight.is_finite() && term.mean.is_finite()) {
                return Err(ModelError::Invalid(format!("the term of {:?} is not finite", input.name)));
            }
            if source.keeps_missing() {
                let name = &input.name;
                return Err(ModelError::Invalid(format!("{name:?} has no number that stands for missing")));
            }
            match source {
                Source::Number { slot, missing } => {
                    linear.add_curve(*slot, weight, term.mean, &Pieces::number(*missing))?;
                }
                Source::Pieces { slot, pieces } => linear.add_curve(*slot, weight, term.mean, pieces)?,
                Source::Category { slot, table } => linear.add_category(*slot, weight, term.mean, table),
            }
        }
        linear.straighten();
        if !linear.factors().all(|factor| factor.abs() <= WEIGHT_MAX) {
            let message = format!("a folded weight or the intercept is not a number below {WEIGHT_MAX:e}");
            return Err(ModelError::Invalid(message));
        }
        Ok(linear)
    }

    /// Everything that was folded.
    fn factors(&self) -> impl Iterator<Item = f64> {
        let numbers = self.numbers.iter().flat_map(|number| [number.weight, number.missing]);
        let curves = self.curves.iter().flat_map(|Curve { pieces, .. }| {
            pieces.coefficients.iter().flatten().copied().chain([pieces.missing])
        });
        let tables = self.categories.iter().flat_map(|category| category.table.iter().copied());
        [self.constant].into_iter().chain(numbers).chain(curves).chain(tables)
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        scores.fill(self.constant);
        for NumberWeight { slot, weight, missing } in &self.numbers {
            for (score, &number) in scores.iter_mut().zip(block.numbers(*slot)) {
                *score +=
                    if number.is_nan() { *missing } else { number.clamp(-NUMBER_MAX, NUMBER_MAX) * weight };
            }
        }
        for Curve { slot, pieces } in &self.curves {
            for (score, &number) in scores.iter_mut().zip(block.numbers(*slot)) {
                *score += pieces.value(number);
            }
        }
        for CategoryWeights { slot, table } in &self.categories {
            for (score, &code) in scores.iter_mut().zip(block.codes(*slot)) {
                *score += table[usize::from(code)];
            }
        }
    }

    fn add_curve(&mut self, slot: usize, weight: f64, mean: f64, pieces: &Pieces) -> Result<(), ModelError> {
        self.constant -= weight * mean;
        let before = self.curves.iter().find(|curve| curve.slot == slot);
        let knots = pieces.knots.len() + before.map_or(0, |curve| curve.pieces.knots.len());
        self.steps += knots;
        if knots > KNOTS_MAX || self.steps > STEPS_MAX {
            return Err(ModelError::Unsupported("the functions of a number have too many knots".to_owned()));
        }
        match self.curves.iter_mut().find(|curve| curve.slot == slot) {
            Some(curve) => curve.pieces.add(weight, pieces),
            None => {
                let mut sum = Pieces { knots: Vec::new(), coefficients: vec![[0.0; 4]], missing: 0.0 };
                sum.add(weight, pieces);
                self.curves.push(Curve { slot, pieces: sum });
            }
        }
        Ok(())
    }

    /// What is a straight line needs no polynomial.
    fn straighten(&mut self) {
        let (lines, curves): (Vec<Curve>, Vec<Curve>) = std::mem::take(&mut self.curves)
            .into_iter()
            .partition(|curve| matches!(curve.pieces.coefficients[..], [[_, _, 0.0, 0.0]]));
        self.curves = curves;
        for Curve { slot, pieces } in lines {
            let [constant, weight, ..] = pieces.coefficients[0];
            self.constant += constant;
            self.numbers.push(NumberWeight { slot, weight, missing: pieces.missing - constant });
        }
    }

    fn add_category(&mut self, slot: usize, weight: f64, mean: f64, table: &[f64]) {
        let added = table.iter().map(|value| weight * (value - mean));
        match self.categories.iter_mut().find(|category| category.slot == slot) {
            Some(category) => category.table.iter_mut().zip(added).for_each(|(sum, value)| *sum += value),
            None => self.categories.push(CategoryWeights { slot, table: added.collect() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FORMAT, Linear, LinearFile, LinearTerm};
    use crate::block::Source;
    use crate::manifest::{Input, InputEncoding};
    use crate::model::ModelError;
    use crate::pieces::Pieces;

    fn read(terms: &[(f64, f64)], sources: &[Source]) -> Result<Linear, ModelError> {
        let terms = terms.iter().map(|&(mean, weight)| LinearTerm { mean, scale: 1.0, weight }).collect();
        let file = LinearFile { format: FORMAT.to_owned(), intercept: 0.0, terms };
        let input = Input {
            name: "tenure".to_owned(),
            feature: "tenure".to_owned(),
            encoding: InputEncoding::Number { missing: Some(0.0) },
        };
        let inputs = vec![input; sources.len()];
        Linear::read(&serde_json::to_vec(&file).unwrap(), &inputs, sources)
    }

    #[test]
    fn weights_whose_sums_could_overflow_are_refused() {
        let number = || Source::Number { slot: 0, missing: 0.0 };
        let table = || Source::Category { slot: 0, table: vec![1e308, 0.0, 0.0] };
        assert!(read(&[(0.0, 2.0)], &[number()]).is_ok());
        assert!(read(&[(0.0, 2.0)], &[table()]).is_err());
        assert!(read(&[(0.0, 1e308)], &[number()]).is_err());
        assert!(read(&[(1e308, 1.0)], &[number()]).is_err());
        assert!(read(&[(0.0, 1e308), (0.0, 1e308)], &[number(), number()]).is_err());
    }

    #[test]
    fn endless_knots_are_refused() {
        let curve = |first: u32| {
            let knots: Vec<f64> = (first..first + 100).map(f64::from).collect();
            let pieces = Pieces { coefficients: vec![[0.0, 1.0, 1.0, 0.0]; 101], knots, missing: 0.0 };
            Source::Pieces { slot: 0, pieces }
        };
        let (few, many) = (vec![curve(0); 50], (0..50).map(|part| curve(part * 100)).collect::<Vec<_>>());
        assert!(read(&[(0.0, 1.0); 50], &few).is_ok());
        assert!(read(&[(0.0, 1.0); 50], &many).is_err());
    }
}

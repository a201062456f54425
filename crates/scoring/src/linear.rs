//! The linear engine: logistic regression and linear SVM.

use serde::{Deserialize, Serialize};

use crate::block::{Block, ROWS, Source};
use crate::manifest::Input;
use crate::model::ModelError;
use crate::pieces::Pieces;

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
                    linear.add_curve(*slot, weight, term.mean, &Pieces::number(*missing));
                }
                Source::Pieces { slot, pieces } => linear.add_curve(*slot, weight, term.mean, pieces),
                Source::Category { slot, table } => linear.add_category(*slot, weight, term.mean, table),
            }
        }
        linear.straighten();
        if !linear.constant.is_finite() {
            return Err(ModelError::Invalid("the intercept is not finite".to_owned()));
        }
        Ok(linear)
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        scores.fill(self.constant);
        for NumberWeight { slot, weight, missing } in &self.numbers {
            for (score, &number) in scores.iter_mut().zip(block.numbers(*slot)) {
                *score += if number.is_nan() { *missing } else { number * weight };
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

    fn add_curve(&mut self, slot: usize, weight: f64, mean: f64, pieces: &Pieces) {
        self.constant -= weight * mean;
        match self.curves.iter_mut().find(|curve| curve.slot == slot) {
            Some(curve) => curve.pieces.add(weight, pieces),
            None => {
                let mut sum = Pieces { knots: Vec::new(), coefficients: vec![[0.0; 4]], missing: 0.0 };
                sum.add(weight, pieces);
                self.curves.push(Curve { slot, pieces: sum });
            }
        }
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

//! Linear models: a feature's contribution is what its inputs add beyond what they add on average, which is
//! the interventional Shapley value where inputs are taken for independent (Lundberg and Lee, "A Unified
//! Approach to Interpreting Model Predictions", 2017, corollary 1).

use super::attribution::Attribution;
use crate::block::{Block, ROWS, Source};
use crate::linear::LinearFile;
use crate::model::ModelError;
use crate::pieces::NUMBER_MAX;

#[derive(Debug, Clone)]
pub(super) struct LinearExplainer {
    base: f64,
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    source: Source,
    weight: f64,
    mean: f64,
    shares: Vec<(u16, f64)>,
}

impl LinearExplainer {
    /// `means` has the mean of each input over training's customers.
    pub(super) fn new(
        file: &[u8],
        sources: &[Source],
        means: &[f64],
        attribution: &Attribution,
    ) -> Result<LinearExplainer, ModelError> {
        let file: LinearFile = serde_json::from_slice(file)
            .map_err(|error| ModelError::Invalid(format!("the model file is no linear model: {error}")))?;
        let mut explainer = LinearExplainer { base: file.intercept, terms: Vec::new() };
        for (place, ((term, source), &mean)) in file.terms.iter().zip(sources).zip(means).enumerate() {
            let weight = term.weight / term.scale;
            explainer.base += weight * (mean - term.mean);
            let shares = attribution.shares(&[place]);
            explainer.terms.push(Term { source: source.clone(), weight, mean, shares });
        }
        Ok(explainer)
    }

    pub(super) fn base(&self) -> f64 {
        self.base
    }

    pub(super) fn add(&self, block: &Block, contributions: &mut [f64]) {
        let mut values = [0.0; ROWS];
        for Term { source, weight, mean, shares } in &self.terms {
            source.read(block, &mut values);
            for &(feature, share) in shares {
                let sums = &mut contributions[usize::from(feature) * ROWS..][..ROWS];
                for (sum, value) in sums.iter_mut().zip(&values) {
                    *sum += share * weight * (value.clamp(-NUMBER_MAX, NUMBER_MAX) - mean);
                }
            }
        }
    }
}

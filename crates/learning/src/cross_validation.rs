//! Stratified cross-validation: every customer is scored by a model that has not seen it.

use rayon::prelude::*;
use scoring::Calibration;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::metrics::Auc;
use crate::recipe::{Fitted, Recipe};
use crate::{calibration, calibration::CalibrationMethod, folds};

/// Scores of customers by models that had not seen them.
pub(crate) struct Unseen {
    pub(crate) folds: usize,
    pub(crate) fold_of: Vec<usize>,
    /// Before calibration.
    pub(crate) scores: Vec<f64>,
    /// The model that scored each fold.
    pub(crate) models: Vec<Fitted>,
}

/// Fits a recipe once for each fold on the customers outside of it. `report` is called after each fit and
/// may stop all by an error.
pub(crate) fn cross_validate(
    data: &Dataset,
    recipe: &Recipe,
    folds: usize,
    seed: u64,
    report: &(dyn Fn() -> Result<(), Error> + Sync),
) -> Result<Unseen, Error> {
    let fold_of = folds::stratified(&data.labels, folds, seed);
    let fit_fold = |fold: usize| {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..data.rows()).partition(|&row| fold_of[row] == fold);
        let fitted = recipe.fit(&data.select(&outside), seed)?;
        let scores = fitted.scores(&data.select(&inside))?;
        report()?;
        Ok((inside, scores, fitted))
    };
    let by_fold = (0..folds).into_par_iter().map(fit_fold).collect::<Result<Vec<_>, Error>>()?;
    let mut scores = vec![0.0; data.rows()];
    let mut models = Vec::with_capacity(folds);
    for (rows, fold_scores, fitted) in by_fold {
        rows.iter().zip(fold_scores).for_each(|(&row, score)| scores[row] = score);
        models.push(fitted);
    }
    Ok(Unseen { folds, fold_of, scores, models })
}

impl Unseen {
    /// Probabilities of all customers. Each fold is calibrated on the others, so that no calibration is fitted
    /// on the customer's own score.
    pub(crate) fn probabilities(&self, labels: &[bool], method: CalibrationMethod, seed: u64) -> Vec<f64> {
        let calibration_without = |fold: usize| -> Calibration {
            let others = (0..labels.len()).filter(|&row| self.fold_of[row] != fold);
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                others.map(|row| (self.scores[row], labels[row])).unzip();
            calibration::fit(method, &scores, &labels, seed)
        };
        let calibrations: Vec<Calibration> = (0..self.folds).map(calibration_without).collect();
        let calibrate = |(&fold, &score): (&usize, &f64)| calibrations[fold].probability(score);
        self.fold_of.iter().zip(&self.scores).map(calibrate).collect()
    }

    /// The area under the ROC curve in each fold.
    pub(crate) fn fold_aucs(&self, labels: &[bool]) -> Vec<Auc> {
        let auc = |fold: usize| {
            let inside = (0..labels.len()).filter(|&row| self.fold_of[row] == fold);
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                inside.map(|row| (self.scores[row], labels[row])).unzip();
            Auc::measure(&scores, &labels)
        };
        (0..self.folds).map(auc).collect()
    }
}

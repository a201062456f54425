//! Everything that is measured of a trained model: the file `quality.json` beside its manifest.
//!
//! Only figures and their meaning, never a customer's row. All of it is measured on customers that the
//! scoring model had not seen, and the same evidence gives the same bytes: there is no date in it.

mod card;
mod curves;
mod estimate;
mod fairness;
mod figures;
mod groups;
pub(crate) mod importance;

use scoring::Manifest;
use serde::{Deserialize, Serialize};

pub use card::{Card, CardColumn, CardFeature, CardKind};
pub use curves::{CalibrationBin, Costs, Curves, Point, ProfitCurve};
pub use estimate::Estimate;
pub use fairness::{Difference, Fairness, Group, Measure};
pub use figures::{Confusion, Figures, NamedMetric, named_metrics};
pub(crate) use groups::Groups;
pub use importance::Importance;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::features::LeftOut;

/// The name of this file in a model's directory.
pub const QUALITY_FILE: &str = "quality.json";

/// What is known of a model's quality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// What the model is, what it learned from, and where it should not be used.
    pub card: Card,
    /// A customer leaves where the probability of leaving is at least this.
    pub threshold: f64,
    /// All customers of the cross-validation together, each judged by the model of the other folds. The area
    /// under the ROC curve is the mean of the folds', because scores of different models are on different
    /// scales. A threshold that was not fixed was chosen on these very customers, and so were parameters by a
    /// search, so that these figures flatter a little: `held_out` judges both.
    pub unseen: Figures,
    /// Each fold by itself.
    pub folds: Vec<Figures>,
    /// Customers who had no part in any choice, judged by the same recipe fitted on the others.
    pub held_out: Option<Figures>,
    /// Of the customers in `unseen`.
    pub curves: Curves,
    /// How much each feature matters, the most important first.
    pub importance: Vec<Importance>,
    /// How the model treats groups of customers, for each column that tells them apart.
    pub fairness: Vec<Fairness>,
}

/// What quality is measured on.
pub(crate) struct Evidence<'a> {
    /// Complete but for its metrics.
    pub(crate) manifest: &'a Manifest,
    pub(crate) left_out: &'a [LeftOut],
    /// The customers of the cross-validation.
    pub(crate) data: &'a Dataset,
    /// For each of them the fold in which the customer was unseen.
    pub(crate) fold_of: &'a [usize],
    /// For each of them the calibrated probability by a model, and a calibration, of the other folds.
    pub(crate) probabilities: &'a [f64],
    pub(crate) held_out: Option<HeldOut<'a>>,
    pub(crate) costs: Option<Costs>,
    pub(crate) importance: Vec<Importance>,
    /// Of the customers in `data`.
    pub(crate) groups: &'a [Groups],
}

/// Customers who were set aside before parameters, threshold and calibration were chosen. Which columns are
/// features was decided on the whole file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldOut<'a> {
    pub(crate) labels: &'a [bool],
    /// By the same recipe, fitted and calibrated on the others.
    pub(crate) probabilities: &'a [f64],
    /// Chosen on the others, too.
    pub(crate) threshold: f64,
}

/// Measures everything. Each fold, and the part held out, must have leavers and stayers.
pub(crate) fn measure(evidence: Evidence) -> Quality {
    let Evidence { manifest, data, probabilities, .. } = evidence;
    let (labels, threshold) = (&data.labels, manifest.threshold);
    let (unseen, folds) = figures::by_fold(probabilities, labels, evidence.fold_of, threshold);
    let held_out =
        evidence.held_out.map(|part| Figures::measure(part.probabilities, part.labels, part.threshold));
    Quality {
        card: Card::write(manifest, evidence.left_out, data),
        threshold,
        unseen,
        folds,
        held_out,
        curves: Curves::draw(probabilities, labels, threshold, evidence.costs),
        importance: evidence.importance,
        fairness: evidence
            .groups
            .iter()
            .map(|groups| Fairness::measure(groups, probabilities, labels, threshold))
            .collect(),
    }
}

impl Quality {
    /// Reads the file.
    pub fn read(bytes: &[u8]) -> Result<Quality, Error> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::Data(format!("{QUALITY_FILE} cannot be read: {error}")))
    }

    /// The bytes of the file.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut json = serde_json::to_vec(self)
            .map_err(|error| Error::Training(format!("{QUALITY_FILE} cannot be written: {error}")))?;
        json.push(b'\n');
        Ok(json)
    }
}

/// Six decimals: more would only be noise in a file.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

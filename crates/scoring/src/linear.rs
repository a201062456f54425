//! The linear engine: logistic regression and linear SVM.

use serde::{Deserialize, Serialize};

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

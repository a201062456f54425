//! A model in use: what its training data were like, how the customers of today differ from them, and how
//! good its probabilities turned out to be.
//!
//! [`Profile`] is the training data in figures, part of the manifest. [`observe`] counts the customers of a
//! result into the profile's cells, [`DriftReport`] compares the two. [`Judged`] holds probabilities against
//! what really happened. Nothing here keeps a customer's row.

mod area;
mod concept;
mod drift;
mod judged;
mod observation;
mod profile;
pub mod significance;

pub use area::{Area, ESTIMATE_ROWS_MIN, estimated};
pub use concept::Concept;
pub use drift::{
    Bin, BinKind, DRIFT_ROWS_MIN, DriftReport, FeatureDrift, Level as DriftLevel, Test, Thresholds,
};
pub use judged::{CalibrationBin, Judged, Spiegelhalter};
pub use observation::{Counts, Look, Observation, column_of, observe};
pub use profile::{FeatureProfile, NumberProfile, Profile, ValuesProfile};

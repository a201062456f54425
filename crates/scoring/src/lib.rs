//! Models at work: from a customer file or JSON to probabilities of leaving.
//!
//! Everything here is synchronous and works in bounded memory. The crate knows no database, no network
//! and none of the other crates: whoever calls it gives readers, writers and byte slices.
//!
//! A model is two files: `manifest.json` ([`Manifest`]) and the model file that it names and pins by
//! SHA-256. Between a customer and a probability stand three lists, all in the manifest:
//!
//! 1. `schema.features`: what is read of a customer, numbers and categories ([`Schema`]);
//! 2. `inputs`: how each number that the model calculates with is made of one feature ([`Input`]);
//! 3. `calibration`: the strictly increasing map from the model's score to a probability ([`Calibration`]).
//!
//! The model file says only what the algorithm makes of the inputs: [`linear::LinearFile`],
//! [`forest::ForestFile`], or the JSON format of CatBoost ([`catboost`]).

mod block;
pub mod catboost;
pub mod forest;
pub mod linear;
pub mod manifest;
pub mod model;
pub mod names;
mod oblivious;
pub mod vocabulary;

pub use manifest::{
    Algorithm, Calibration, CategoryValue, Feature, FeatureKind, Input, InputEncoding, Manifest, Metrics,
    Schema, Training,
};
pub use model::{MISSING, Model, ModelError, UNKNOWN};

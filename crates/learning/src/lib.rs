//! Models in the making: from a labelled customer file to a model directory that scoring can load.
//!
//! [`train`] reads a file, decides which columns are features, measures the algorithm by stratified
//! cross-validation, calibrates it on the scores of customers it had not seen, and fits it on everybody.
//! [`evaluate`] judges any model on a labelled file. [`DemoData`] generates customers that never existed.
//!
//! Everything is seeded: the same file, options and program give the same bytes. Nothing here scores by
//! itself: a model is measured through the engine that will serve it, so that what is measured is what is
//! sold.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod adam;
mod agreement;
mod bins;
mod boosting;
mod boosting_file;
mod bounds;
mod bundles;
mod calibration;
mod cholesky;
mod column_names;
mod cross_validation;
mod dataset;
mod decision_tree;
mod demo_customer;
mod demo_data;
mod duplicates;
mod encoding;
mod engineering;
mod error;
mod evaluation;
mod features;
mod folds;
mod forest;
mod forest_file;
mod gate;
mod held_out;
mod intervals;
mod labelled;
mod layers;
mod leakage;
mod learner;
mod levers;
mod linear;
mod logistic;
mod metrics;
mod mlp;
mod network;
mod newton;
mod oblivious;
mod options;
mod parameters;
mod preparation;
mod profile;
pub mod quality;
mod random;
mod recipe;
mod reference;
pub mod report;
mod request;
mod resampling;
mod rows;
mod samples;
mod search;
mod selection;
mod slopes;
mod splines;
mod stopping;
mod svm;
mod table;
mod target;
mod threshold;
mod trained_model;
mod training;
mod tree;
mod xgboost;
mod xgboost_file;

pub use agreement::{Agreement, Compared, agreement};
pub use calibration::CalibrationMethod;
pub use demo_data::{DemoData, SHIFT_MAX};
pub use duplicates::Duplicates;
pub use error::Error;
pub use evaluation::evaluate;
pub use features::{LeftOut, LeftOutReason};
pub use folds::stratified as stratified_folds;
pub use gate::{Area, PairedComparison};
pub use held_out::HeldOutCustomers;
pub use labelled::{DataOptions, DataReport};
pub use options::TrainOptions;
pub use parameters::{parse_choice, parse_setting, search};
pub use request::{BadParameter, Resampling, TrainRequest, algorithm_word};
pub use search::{Range, Search};
pub use threshold::ThresholdAim;
pub use trained_model::TrainedModel;
pub use training::{Progress, train};

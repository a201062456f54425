//! Models at work: from a customer file or JSON to probabilities of leaving.
//!
//! Everything here is synchronous and works in bounded memory. The crate knows no database, no network
//! and none of the other crates: whoever calls it gives readers, writers and byte slices.
//!
//! A model is two files: `manifest.json` ([`Manifest`]) and the model file that it names and pins by
//! SHA-256. Between a customer and a probability stand three lists, all in the manifest:
//!
//! 1. `schema.features`: what is read of a customer, numbers and categories ([`Schema`]), and `derived`,
//!    numbers made of these ([`Derived`]);
//! 2. `inputs`: how each number that the model calculates with is made of one of them ([`Input`]);
//! 3. `calibration`: the strictly increasing map from the model's score to a probability ([`Calibration`]).
//!
//! The model file says only what the algorithm makes of the inputs: [`linear::LinearFile`],
//! [`forest::ForestFile`], [`mlp::MlpFile`], or the JSON format of CatBoost ([`catboost`]) or XGBoost
//! ([`xgboost`]).
//!
//! A customer file goes through [`Inspector`] while it is stored, which finds its [`Dialect`] and refuses
//! what cannot be read; then through [`score_csv`], [`check_csv`] or, for JSON, [`score_customers`].
//! What is wrong with a file is an [`InputError`] with stable codes ([`problem::code`]), lines and columns.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking"))]

mod bins;
mod block;
mod calibration;
pub mod campaign;
pub mod catboost;
mod charset;
mod check;
mod chunk;
mod chunks;
mod columns;
pub mod contract;
mod customer_cells;
mod customers;
mod derived;
mod dialect;
mod dictionary;
pub mod events;
mod extra;
pub mod forest;
mod import;
mod index;
mod inputs;
mod inspector;
mod kernels;
mod layout;
pub mod linear;
mod magic;
pub mod manifest;
pub mod mlp;
pub mod model;
pub mod moment;
pub mod monitoring;
pub mod names;
mod numbers;
mod outcome_file;
pub mod outcome_words;
mod pieces;
pub mod problem;
mod ranking;
mod reader;
mod records;
mod result;
mod rows;
mod score;
mod shap;
mod spreadsheet;
mod summary;
mod text;
mod tiers;
mod transcode;
pub mod vocabulary;
mod what_if;
pub mod xgboost;

pub use calibration::Calibration;
pub use check::{CheckReport, ColumnReport, check_contract, check_csv, count_cells};
pub use columns::{ColumnMatch, match_columns};
pub use customer_cells::{CellColumns, CustomerCells, read_cells};
pub use customers::{Explained, explain_customers};
pub use customers::{Scored, score_customers};
pub use derived::{Derived, Formula};
pub use dialect::{Compression, Dialect, Encoding};
pub use extra::{ExtraColumn, RiskTiers};
pub use import::import;
pub use inputs::Inputs;
pub use inspector::{Inspection, Inspector, Limits};
pub use kernels::Level;
pub use manifest::{
    Algorithm, CategoryValue, Feature, FeatureKind, Input, InputEncoding, Manifest, Metrics, Schema, Training,
};
pub use model::{MISSING, Model, ModelError, UNKNOWN};
pub use outcome_file::{OutcomeColumns, OutcomeRow, Outcomes, read_outcomes};
pub use pieces::Pieces;
pub use problem::{InputError, Problem, ScoreError};
pub use ranking::{
    Cells, ContactList, ContactOrder, Gains, ListedCustomer, Place, RankedCustomer, Ranking, ValueColumn,
    ValuedOrder,
};
pub use reader::RECORD_BYTES_MAX;
pub use score::{OnError, ScoreOptions, score_csv};
pub use shap::{
    Contributions, Explainer, FeatureEffect, Language, REASONS_MAX, RangeEffect, Reason, ReasonColumns,
    Reference, ValueEffect, known_lever,
};
pub use spreadsheet::spreadsheet_safe;
pub use summary::{Summary, UnknownCategory};
pub use tiers::{Tier, TierCount, TierThresholds};
pub use what_if::{WhatIf, what_if};

//! The pages, one file for each part of the console.

pub mod account;
pub mod acting;
pub mod admin;
pub mod api_keys;
pub mod check;
pub mod models;
pub mod money;
pub mod monitoring;
pub mod orders;
pub mod outcomes;
pub mod predict;
pub mod prediction;
pub mod predictions;
pub mod reasons;
pub mod retraining;
pub mod sources;
pub mod train;
pub mod trainings;
pub mod webhooks;
pub mod what_if;

mod drift;
mod offers;
mod riskiest;

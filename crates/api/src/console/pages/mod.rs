//! The pages, one file for each part of the console.

pub mod account;
pub mod admin;
pub mod api_keys;
pub mod check;
pub mod money;
pub mod orders;
pub mod predict;
pub mod prediction;
pub mod predictions;

mod offers;
mod riskiest;

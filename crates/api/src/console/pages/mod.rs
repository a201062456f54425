//! The pages, one file for each part of the console.

pub mod account;
pub mod admin;
pub mod check;
pub mod predict;
pub mod prediction;

mod offers;
mod riskiest;

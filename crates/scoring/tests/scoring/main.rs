//! The scoring crate through its public door, on invented customers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod campaigns;
mod checks;
mod customers;
mod engines;
mod faults;
mod imports;
mod inspection;
mod monitoring;
mod networks;
mod reasons;
mod results;
mod seeds;
mod shop;
mod threads;

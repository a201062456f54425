//! The scoring crate through its public door, on invented customers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod checks;
mod customers;
mod engines;
mod faults;
mod imports;
mod inspection;
mod networks;
mod results;
mod seeds;
mod shop;
mod threads;

//! The crate through its public door.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
mod references;
mod training;

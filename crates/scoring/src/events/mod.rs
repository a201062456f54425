//! Features of what customers did: from a log of events (customer, time, amount) to columns of numbers.
//!
//! [`add_features`] is the one function for it, before training and before scoring, so that a feature cannot mean
//! one thing here and another there. Of each customer only what happened *before* a moment counts: one moment for
//! all, or a column of the customers' file, such as the day on which the outcome was taken down. An event at the
//! moment itself is already after it.
//!
//! Memory holds one [`History`] a customer, however many events there are. Times are seconds in UTC; what names no
//! offset of its own is at the offset that is given. Amounts are added as whole ten-thousandths, so that the order of
//! events changes nothing.

mod files;
mod history;

pub use files::{AsOf, EventColumns, EventsReport, add_features};
pub use history::{FEATURES, History};

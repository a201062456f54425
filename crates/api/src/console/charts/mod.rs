//! Charts, drawn on the server. A picture holds no text, which stays readable at any width beside it; what it shows is
//! said in its label.

mod balance;
mod gains;
mod histogram;
pub mod hours;

pub use balance::{BalanceChart, Point};
pub use gains::GainsCurve;
pub use histogram::Histogram;

//! Charts, drawn on the server. A picture holds no text, which stays readable at any width beside it; what it shows is
//! said in its label.

mod balance;
mod calibration;
mod effect;
mod effects;
mod gains;
mod histogram;
pub mod hours;
mod intervals;
mod lines;
mod profit;
pub mod tiers;
mod tried;

pub use balance::{BalanceChart, Point};
pub use calibration::CalibrationCurve;
pub use effect::EffectPicture;
pub use effects::Effects;
pub use gains::GainsCurve;
pub use histogram::Histogram;
pub use intervals::Intervals;
pub use lines::{LineChart, Rule, Series};
pub use profit::ProfitCurve;
pub use tiers::TiersPicture;
pub use tried::Tried;

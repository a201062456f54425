//! Risk tiers: four parts of the probabilities, each with a name.

use serde::{Deserialize, Serialize};

use crate::extra::RiskTiers;

/// Where tiers begin, in millionths of probability. Each is above the next, and the last above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierThresholds {
    /// From here on the risk is very high.
    pub very_high: u32,
    /// From here on it is high.
    pub high: u32,
    /// From here on it is medium; below, it is low.
    pub medium: u32,
}

/// How likely a customer is to leave, in one of four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// From [`TierThresholds::very_high`] on.
    VeryHigh,
    /// From [`TierThresholds::high`] on.
    High,
    /// From [`TierThresholds::medium`] on.
    Medium,
    /// Below all.
    Low,
}

/// Customers of one tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierCount {
    /// How many there are.
    pub customers: u64,
    /// How many of them are expected to leave, in millionths.
    pub leavers_millionths: u64,
}

impl Tier {
    /// All tiers, the riskiest first.
    pub const ALL: [Tier; 4] = [Tier::VeryHigh, Tier::High, Tier::Medium, Tier::Low];

    /// The tier as it is written in a result.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::VeryHigh => "very_high",
            Tier::High => "high",
            Tier::Medium => "medium",
            Tier::Low => "low",
        }
    }
}

impl Default for TierThresholds {
    /// Three quarters, half and a quarter.
    fn default() -> TierThresholds {
        TierThresholds { very_high: 750_000, high: 500_000, medium: 250_000 }
    }
}

impl TierThresholds {
    /// The thresholds, where each is above the next, the last above 0 and none above 1.
    pub fn new(very_high: u32, high: u32, medium: u32) -> Option<TierThresholds> {
        let is_descending = 1_000_000 >= very_high && very_high > high && high > medium && medium > 0;
        is_descending.then_some(TierThresholds { very_high, high, medium })
    }

    /// The tier of a probability in millionths.
    pub fn of(&self, millionths: u32) -> Tier {
        match millionths {
            _ if millionths >= self.very_high => Tier::VeryHigh,
            _ if millionths >= self.high => Tier::High,
            _ if millionths >= self.medium => Tier::Medium,
            _ => Tier::Low,
        }
    }

    /// From which probability on, in millionths, a tier is.
    pub fn from(&self, tier: Tier) -> u32 {
        match tier {
            Tier::VeryHigh => self.very_high,
            Tier::High => self.high,
            Tier::Medium => self.medium,
            Tier::Low => 0,
        }
    }

    /// The column `risk_tier` of a result.
    pub fn column(&self) -> RiskTiers {
        RiskTiers { tiers: Tier::ALL.map(|tier| (self.from(tier), tier.as_str().to_owned())).to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_is_in_the_tier_that_it_reaches_in_the_column_as_well() {
        let thresholds = TierThresholds::new(800_000, 500_000, 1).unwrap();
        let column = thresholds.column();
        for (millionths, tier) in [
            (1_000_000, Tier::VeryHigh),
            (800_000, Tier::VeryHigh),
            (799_999, Tier::High),
            (500_000, Tier::High),
            (499_999, Tier::Medium),
            (1, Tier::Medium),
            (0, Tier::Low),
        ] {
            assert_eq!(thresholds.of(millionths), tier);
            assert_eq!(column.of(millionths), tier.as_str());
        }
    }

    #[test]
    fn thresholds_descend_within_what_a_probability_can_be() {
        for (very_high, high, medium) in [(1_000_001, 2, 1), (3, 3, 1), (3, 2, 2), (3, 2, 0), (1, 2, 3)] {
            assert_eq!(TierThresholds::new(very_high, high, medium), None);
        }
        let TierThresholds { very_high, high, medium } = TierThresholds::default();
        assert!(TierThresholds::new(very_high, high, medium).is_some());
    }
}

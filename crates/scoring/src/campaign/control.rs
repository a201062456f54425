//! The control group: who is held out, and what a comparison with it can show.

use serde::{Deserialize, Serialize};

use super::{Group, Z_95};

/// What 80 % of a normal distribution lie below, in deviations.
const Z_80: f64 = 0.841_621_233_572_914_3;
/// Shares of a list that are weighed as a control group.
const SHARES: [f64; 7] = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5];
/// The bisection halves the interval so often; f64 has no more.
const HALVINGS: u32 = 60;

/// How a list is divided. Whether somebody is held out depends on the seed and the place in the result alone, and
/// never on the score, so that both groups are the same but for chance. It is a simple randomisation, not a
/// stratified one: every customer is held out with the same chance whatever the others are, so that the exact test
/// of the effect is what it says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// The share that is held out, 0 to 1; 0 holds nobody out.
    pub share: f64,
    /// The same seed divides the same way.
    pub seed: u64,
}

/// What the comparison with the control group will be able to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The mean probability of leaving on the list: the churn that is expected without contacts.
    pub base_rate: f64,
    /// By how much contacting is expected to lower it, where a success rate is given.
    pub expected_effect: Option<f64>,
    /// The smallest effect that is found with 80 %, at 5 % two-sided; none where no effect would be.
    pub detectable_effect: Option<f64>,
    /// What other shares would find.
    pub options: Vec<ShareOption>,
    /// The smallest of these shares that would find the expected effect; where none does, the one that finds most.
    pub suggested_share: f64,
}

/// A share of a list as a control group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShareOption {
    /// The share that is held out.
    pub share: f64,
    /// The smallest effect that is found with 80 %.
    pub detectable_effect: Option<f64>,
}

impl Control {
    /// Nobody is held out.
    pub const NONE: Control = Control { share: 0.0, seed: 0 };

    /// Which group the customer is in whose record begins here. The number is mixed as in SplitMix64 (Steele, Lea
    /// and Flood, "Fast splittable pseudorandom number generators", 2014), with the seed mixed before it.
    pub fn group(&self, offset: u64) -> Group {
        let mixed = mix(mix(self.seed).wrapping_add(offset));
        // 53 bits fill the mantissa; the division by a power of two is exact.
        let place = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
        if place < self.share { Group::Control } else { Group::Contact }
    }
}

fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Measurement {
    pub(super) fn new(
        (contacts, controls): (u64, u64),
        base_rate: f64,
        expected_effect: Option<f64>,
    ) -> Measurement {
        let listed = contacts + controls;
        let option = |share: f64| {
            let held_out = (listed as f64 * share).round();
            let rest = listed as f64 - held_out;
            ShareOption { share, detectable_effect: detectable_effect(rest, held_out, base_rate) }
        };
        let options = SHARES.map(option).to_vec();
        Measurement {
            base_rate,
            expected_effect,
            detectable_effect: detectable_effect(contacts as f64, controls as f64, base_rate),
            suggested_share: suggested_share(&options, expected_effect),
            options,
        }
    }
}

/// The smallest share that would find the effect; where none does, or no effect is expected, the one that finds the
/// smallest.
pub fn suggested_share(options: &[ShareOption], expected_effect: Option<f64>) -> f64 {
    let finds = |option: &&ShareOption| {
        expected_effect
            .zip(option.detectable_effect)
            .is_some_and(|(expected, detectable)| detectable <= expected)
    };
    let best = || {
        let found = options.iter().filter(|option| option.detectable_effect.is_some());
        found.min_by(|one, other| {
            let effect = |option: &ShareOption| option.detectable_effect.unwrap_or(f64::INFINITY);
            effect(one).total_cmp(&effect(other))
        })
    };
    options.iter().find(finds).or_else(best).map_or(SHARES[SHARES.len() - 1], |option| option.share)
}

/// The smallest difference of two churn rates that a two-sided test at 5 % finds with 80 %, by the normal
/// approximation with the pooled variance under no difference (Fleiss, Levin and Paik, "Statistical Methods for Rates
/// and Proportions", 3rd edition, formula 4.14 without the correction). None where even no churn at all would not be
/// found.
pub fn detectable_effect(contacts: f64, controls: f64, base_rate: f64) -> Option<f64> {
    if contacts < 1.0 || controls < 1.0 || !(base_rate > 0.0 && base_rate < 1.0) {
        return None;
    }
    let lacks = |effect: f64| {
        let rate = base_rate - effect;
        let pooled = (rate * contacts + base_rate * controls) / (contacts + controls);
        let under_none = (pooled * (1.0 - pooled) * (1.0 / contacts + 1.0 / controls)).sqrt();
        let under_effect = (rate * (1.0 - rate) / contacts + base_rate * (1.0 - base_rate) / controls).sqrt();
        Z_95 * under_none + Z_80 * under_effect - effect
    };
    if lacks(base_rate) > 0.0 {
        return None;
    }
    let (mut low, mut high) = (0.0, base_rate);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if lacks(middle) > 0.0 { low = middle } else { high = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_held_out_whatever_the_places_look_like_and_the_same_each_time() {
        for (share, step, seed) in [(0.1, 1, 1), (0.1, 212, 2), (0.5, 4096, 3), (0.25, 97, u64::MAX)] {
            let control = Control { share, seed };
            let held_out =
                (0..100_000_u64).filter(|place| control.group(place * step) == Group::Control).count();
            // Four deviations of a binomial.
            let tolerance = 4.0 * (share * (1.0 - share) * 100_000.0).sqrt();
            assert!((held_out as f64 - share * 100_000.0).abs() < tolerance, "{share}: {held_out}");
            assert_eq!(control.group(step), Control { share, seed }.group(step));
        }
        assert_eq!(Control::NONE.group(7), Group::Contact);
    }

    #[test]
    fn two_seeds_divide_independently() {
        let [one, other] = [5, 6].map(|seed| Control { share: 0.5, seed });
        let same = (0..100_000).filter(|&place| one.group(place) == other.group(place)).count();
        assert!((same as f64 - 50_000.0).abs() < 700.0, "{same}");
    }

    #[test]
    fn a_wider_share_does_not_lose_who_was_held_out() {
        let [narrow, wide] = [0.1, 0.3].map(|share| Control { share, seed: 9 });
        for place in 0..10_000 {
            assert!(narrow.group(place) == Group::Contact || wide.group(place) == Group::Control);
        }
    }

    #[test]
    fn the_smallest_share_that_finds_the_expected_effect_is_suggested() {
        let large = Measurement::new((90_000, 10_000), 0.4, Some(0.12));
        assert_eq!(large.suggested_share, 0.05);
        let small = Measurement::new((450, 50), 0.6, Some(0.18));
        assert!(small.suggested_share > 0.05 && small.suggested_share < 0.5, "{}", small.suggested_share);
        let hopeless = Measurement::new((9, 1), 0.6, Some(0.05));
        assert_eq!((hopeless.suggested_share, hopeless.detectable_effect), (0.5, None));
    }
}

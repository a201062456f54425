//! How far a sum of independent customers may lie from its expectation.

use super::{Candidate, Economics, Z_95};

/// The first three cumulants of a sum of independent amounts, and what it can be at all. Cumulants of independent
/// amounts add up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) mean: f64,
    variance: f64,
    third: f64,
    least: f64,
    most: f64,
}

impl Sum {
    /// Adds the profit of contacting a customer where the offer succeeds at a rate: v - o where a would-be leaver is
    /// kept, -o where somebody who stays anyway takes the offer, 0 else; less the contact.
    pub(super) fn add(&mut self, candidate: &Candidate, economics: &Economics, success: f64) {
        let (p, offer) = (candidate.probability(), economics.offer_cost as f64);
        let (kept, kept_share) = (candidate.value - offer, p * success);
        let (given, given_share) = (-offer, (1.0 - p) * economics.stayers_accepting);
        let moment = |power: i32| kept_share * kept.powi(power) + given_share * given.powi(power);
        let (first, second, third) = (moment(1), moment(2), moment(3));
        let contact = economics.contact_cost as f64;
        self.mean += first - contact;
        self.variance += second - first * first;
        self.third += third - 3.0 * first * second + 2.0 * first.powi(3);
        self.least += kept.min(given).min(0.0) - contact;
        self.most += kept.max(0.0) - contact;
    }

    /// The bounds between which the sum lies with 95 %: the Cornish-Fisher expansion with the skewness, since most
    /// customers bring nothing and few bring much; cut where the sum cannot be.
    pub(super) fn bounds(&self) -> (f64, f64) {
        let deviation = self.variance.max(0.0).sqrt();
        if deviation == 0.0 {
            return (self.mean, self.mean);
        }
        // So few customers that the expansion would turn around are beyond it.
        let skewness = (self.third / deviation.powi(3)).clamp(-1.0, 1.0);
        let bound = |z: f64| {
            let bound = self.mean + deviation * (z + skewness * (z * z - 1.0) / 6.0);
            bound.clamp(self.least.min(self.mean), self.most.max(self.mean))
        };
        (bound(-Z_95), bound(Z_95))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::SuccessRate;

    fn economics(offer_cost: i64) -> Economics {
        Economics { contact_cost: 10, offer_cost, stayers_accepting: 0.5, success: SuccessRate::sure(0.4) }
    }

    fn customers(count: u32) -> Vec<Candidate> {
        (0..count)
            .map(|at| Candidate {
                offset: u64::from(at),
                millionths: 50_000 + at * 7_919 % 900_000,
                value: 1000.0 + f64::from(at % 3) * 200.0,
            })
            .collect()
    }

    /// The distribution of the sum, outcome by outcome.
    fn distribution(customers: &[Candidate], economics: &Economics) -> Vec<(f64, f64)> {
        let mut known = std::collections::BTreeMap::from([(0, 1.0)]);
        for customer in customers {
            let (p, offer) = (customer.probability(), economics.offer_cost);
            let kept = p * economics.success.expected;
            let given = (1.0 - p) * economics.stayers_accepting;
            let outcomes = [(customer.value as i64 - offer, kept), (-offer, given), (0, 1.0 - kept - given)];
            let mut next = std::collections::BTreeMap::new();
            for (sum, share) in known {
                for (amount, part) in outcomes {
                    *next.entry(sum + amount - economics.contact_cost).or_insert(0.0) += share * part;
                }
            }
            known = next;
        }
        known.into_iter().map(|(sum, share)| (sum as f64, share)).collect()
    }

    #[test]
    fn the_mean_is_exact_and_the_bounds_hold_95_percent_of_what_can_happen() {
        for (count, offer) in [(8, 0), (40, 0), (40, 150), (150, 150)] {
            let (customers, economics) = (customers(count), economics(offer));
            let mut sum = Sum::default();
            customers.iter().for_each(|customer| sum.add(customer, &economics, 0.4));
            let distribution = distribution(&customers, &economics);
            let mean: f64 = distribution.iter().map(|(amount, share)| amount * share).sum();
            assert!((sum.mean - mean).abs() < 1e-6 * mean.abs().max(1.0), "{} is not {mean}", sum.mean);
            let variance: f64 =
                distribution.iter().map(|(amount, share)| (amount - mean).powi(2) * share).sum();
            assert!((sum.variance / variance - 1.0).abs() < 1e-9);
            let third: f64 = distribution.iter().map(|(amount, share)| (amount - mean).powi(3) * share).sum();
            assert!((sum.third / third - 1.0).abs() < 1e-6);
            let (low, high) = sum.bounds();
            let inside = |amount: &f64| (low - 0.5..=high + 0.5).contains(amount);
            let covered: f64 =
                distribution.iter().filter(|(amount, _)| inside(amount)).map(|(_, share)| share).sum();
            assert!((0.93..0.985).contains(&covered), "{count} customers, offer {offer}: {covered}");
            let below: f64 =
                distribution.iter().filter(|(amount, _)| *amount < low).map(|(_, share)| share).sum();
            assert!(below < 0.04, "{count} customers, offer {offer}: {below} below");
        }
    }

    #[test]
    fn what_is_sure_has_no_interval_and_nothing_lies_where_it_cannot() {
        let sure = Candidate { offset: 0, millionths: 0, value: 1000.0 };
        let mut sum = Sum::default();
        sum.add(&sure, &economics(0), 0.4);
        assert_eq!((sum.mean, sum.bounds()), (-10.0, (-10.0, -10.0)));
        let mut one = Sum::default();
        one.add(&Candidate { millionths: 500_000, ..sure }, &economics(0), 0.4);
        let (low, high) = one.bounds();
        assert!(low >= -10.0 && high <= 990.0, "{low} to {high}");
    }
}

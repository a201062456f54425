//! From which probability on a customer counts as leaving.
//!
//! Thresholds are whole millionths, because scoring writes probabilities with six decimals and compares
//! what it writes: what a file shows and what it says of a customer never contradict each other.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::quality::Costs;

const MILLION: f64 = 1e6;

/// What the threshold is for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdAim {
    /// This probability.
    Fixed(f64),
    /// The highest F1, the harmonic mean of precision and recall.
    F1,
    /// The highest threshold at which at least this share of the leavers is found.
    Recall(f64),
    /// The highest profit of contacting everybody at or above the threshold.
    ///
    /// Contacting a customer who leaves with probability `p` brings `success_rate * p * retained_value -
    /// contact_cost` on average: those who would stay anyway cost a contact, too, and bring nothing. That
    /// is more than nothing from `p = contact_cost / (success_rate * retained_value)` on, which is the
    /// threshold: Elkan, "The Foundations of Cost-Sensitive Learning" (2001), for a contact that fails
    /// sometimes, as in Neslin and others, "Defection Detection" (2006). As probabilities are calibrated,
    /// no customers need to be counted for it, and no chance decides.
    Profit(Costs),
}

impl ThresholdAim {
    /// Refuses what cannot be aimed at.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |message: &str| Err(Error::Options(message.to_owned()));
        match *self {
            ThresholdAim::Fixed(threshold) if !(0.0..=1.0).contains(&threshold) => {
                refuse("the threshold must be between 0 and 1")
            }
            ThresholdAim::Recall(share) if !(share > 0.0 && share <= 1.0) => {
                refuse("the recall must be greater than 0 and at most 1")
            }
            ThresholdAim::Profit(costs) => {
                let Costs { contact_cost, retained_value, success_rate } = costs;
                let are_finite = contact_cost.is_finite() && retained_value.is_finite();
                if !(are_finite && contact_cost >= 0.0 && retained_value > 0.0) {
                    return refuse("a contact's cost must not be negative, and the value retained above 0");
                }
                if !(success_rate > 0.0 && success_rate <= 1.0) {
                    return refuse("the success rate must be greater than 0 and at most 1");
                }
                if break_even(costs) > 1.0 {
                    return refuse("a contact costs more than even a certain leaver is worth");
                }
                Ok(())
            }
            ThresholdAim::Fixed(_) | ThresholdAim::F1 | ThresholdAim::Recall(_) => Ok(()),
        }
    }

    /// What a contact costs and brings, where that was said.
    pub(crate) fn costs(&self) -> Option<Costs> {
        match *self {
            ThresholdAim::Profit(costs) => Some(costs),
            ThresholdAim::Fixed(_) | ThresholdAim::F1 | ThresholdAim::Recall(_) => None,
        }
    }

    /// The threshold for calibrated probabilities of customers whom their models had not seen. There must
    /// be leavers.
    pub(crate) fn choose(&self, probabilities: &[f64], labels: &[bool]) -> Result<f64, Error> {
        self.check()?;
        let threshold = match *self {
            ThresholdAim::Fixed(threshold) => threshold,
            ThresholdAim::F1 => {
                let cuts = cuts(probabilities, labels);
                let f1 = |cut: &Cut| cut.hits / (cut.taken + positives(labels));
                // The last of equals: it flags the most, and so finds the most leavers.
                cuts.iter().max_by(|left, right| f1(left).total_cmp(&f1(right))).map_or(0.5, Cut::threshold)
            }
            ThresholdAim::Recall(share) => {
                let wanted = share * positives(labels);
                let cuts = cuts(probabilities, labels);
                // A share such as 0.7 of 10 must not ask for eight because it is not exact in binary.
                cuts.iter().find(|cut| cut.hits >= wanted - 1e-9).map_or(0.0, Cut::threshold)
            }
            ThresholdAim::Profit(costs) => break_even(costs),
        };
        Ok((threshold * MILLION).round() / MILLION)
    }
}

/// Whether scoring says of a customer with this probability that the customer leaves.
pub(crate) fn is_flagged(probability: f64, threshold: f64) -> bool {
    (probability * MILLION).round() >= (threshold * MILLION).round()
}

fn break_even(costs: Costs) -> f64 {
    costs.contact_cost / (costs.success_rate * costs.retained_value)
}

fn positives(labels: &[bool]) -> f64 {
    labels.iter().filter(|&&label| label).count() as f64
}

/// A place between customers in the order of their probabilities.
struct Cut {
    /// The lowest probability above it, in millionths.
    above: f64,
    /// The highest below it; 0 where there is none.
    below: f64,
    /// Customers above it.
    taken: f64,
    /// Leavers among them.
    hits: f64,
}

impl Cut {
    /// The middle, so that it is not the probability of one customer that decides over the next ones.
    fn threshold(&self) -> f64 {
        ((self.above + self.below) / 2.0).ceil() / MILLION
    }
}

/// All cuts from the highest down. Customers whose probabilities are written alike are never parted.
fn cuts(probabilities: &[f64], labels: &[bool]) -> Vec<Cut> {
    let rows = probabilities.iter().zip(labels);
    let mut rows: Vec<(f64, bool)> =
        rows.map(|(probability, &label)| ((probability * MILLION).round(), label)).collect();
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let (mut cuts, mut taken, mut hits): (Vec<Cut>, f64, f64) = (Vec::new(), 0.0, 0.0);
    for equal in rows.chunk_by(|left, right| left.0 == right.0) {
        if let Some(last) = cuts.last_mut() {
            last.below = equal[0].0;
        }
        taken += equal.len() as f64;
        hits += equal.iter().filter(|(_, label)| *label).count() as f64;
        cuts.push(Cut { above: equal[0].0, below: 0.0, taken, hits });
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::{ThresholdAim, is_flagged};
    use crate::metrics::measure;
    use crate::quality::Costs;
    use crate::random::Random;

    /// Probabilities that are true of their outcomes.
    fn calibrated(rows: usize) -> (Vec<f64>, Vec<bool>) {
        let mut random = Random::new(5);
        let probabilities: Vec<f64> = (0..rows).map(|_| random.uniform().powi(2)).collect();
        let labels = probabilities.iter().map(|&probability| random.chance(probability)).collect();
        (probabilities, labels)
    }

    #[test]
    fn a_fixed_threshold_is_rounded_to_what_is_written() {
        let fixed = |threshold| ThresholdAim::Fixed(threshold).choose(&[], &[]);
        assert_eq!(fixed(0.123_456_789).unwrap(), 0.123_457);
        assert_eq!(fixed(0.5).unwrap(), 0.5);
        assert!(is_flagged(0.499_999_6, 0.5) && !is_flagged(0.499_999_4, 0.5));
    }

    #[test]
    fn no_threshold_has_a_higher_f1() {
        let (probabilities, labels) = calibrated(3_000);
        let f1 = |threshold| measure(&probabilities, &labels, threshold).f1.unwrap();
        let chosen = ThresholdAim::F1.choose(&probabilities, &labels).unwrap();
        assert!((0..=1_000).all(|step| f1(f64::from(step) / 1e3) <= f1(chosen)));
        // By hand: F1 is 2/3 above 0.8, 1/2 above 0.6, and 4/5 above 0.4.
        let chosen = ThresholdAim::F1.choose(&[0.8, 0.6, 0.4, 0.1], &[true, false, true, false]).unwrap();
        assert_eq!(chosen, 0.25);
    }

    #[test]
    fn a_recall_is_reached_by_the_highest_threshold_that_does() {
        let (probabilities, labels) = calibrated(3_000);
        for wanted in [0.1, 0.5, 0.8, 0.99, 1.0] {
            let chosen = ThresholdAim::Recall(wanted).choose(&probabilities, &labels).unwrap();
            let recall = |threshold| measure(&probabilities, &labels, threshold).recall.unwrap();
            assert!(recall(chosen) >= wanted, "{wanted}");
            let next = probabilities.iter().copied().filter(|p| *p > chosen + 1e-6).fold(1.0, f64::min);
            assert!(recall(next + 1e-6) < wanted, "{wanted}");
        }
        let labels = [vec![true; 10], vec![false; 5]].concat();
        let probabilities: Vec<f64> = (0..15).map(|row| 0.9 - f64::from(row) / 20.0).collect();
        let chosen = ThresholdAim::Recall(0.7).choose(&probabilities, &labels).unwrap();
        assert_eq!(probabilities.iter().filter(|&&p| is_flagged(p, chosen)).count(), 7);
    }

    #[test]
    fn no_threshold_brings_clearly_more_profit() {
        let (probabilities, labels) = calibrated(20_000);
        let costs = Costs { contact_cost: 3.0, retained_value: 30.0, success_rate: 0.4 };
        let profit = |threshold: f64| {
            let flagged = probabilities.iter().zip(&labels).filter(|(p, _)| is_flagged(**p, threshold));
            flagged.map(|(_, label)| if *label { 0.4 * 30.0 - 3.0 } else { -3.0 }).sum::<f64>()
        };
        let chosen = ThresholdAim::Profit(costs).choose(&probabilities, &labels).unwrap();
        assert_eq!(chosen, 0.25);
        let best = (0..=1_000).map(|step| profit(f64::from(step) / 1e3)).fold(f64::MIN, f64::max);
        assert!(best <= 1.01 * profit(chosen), "{best} {}", profit(chosen));
        assert!(profit(0.15) < 0.98 * best && profit(0.4) < 0.98 * best);
    }

    #[test]
    fn customers_written_alike_are_on_the_same_side() {
        // All three are written as 0.400000, so a cut between them is none.
        let probabilities = [0.9, 0.400_000_3, 0.400_000_1, 0.399_999_9, 0.1];
        let labels = [true, true, false, true, false];
        let chosen = ThresholdAim::Recall(0.6).choose(&probabilities, &labels).unwrap();
        assert_eq!(chosen, 0.25);
        assert_eq!(measure(&probabilities, &labels, 0.4).recall, Some(1.0));
    }

    #[test]
    fn aims_that_make_no_sense_are_refused() {
        let costs = |contact_cost, retained_value, success_rate| {
            ThresholdAim::Profit(Costs { contact_cost, retained_value, success_rate })
        };
        for aim in [
            ThresholdAim::Fixed(1.1),
            ThresholdAim::Fixed(f64::NAN),
            ThresholdAim::Recall(0.0),
            ThresholdAim::Recall(1.5),
            costs(-1.0, 10.0, 0.5),
            costs(1.0, 0.0, 0.5),
            costs(1.0, 10.0, 0.0),
            costs(1.0, f64::INFINITY, 0.5),
            costs(6.0, 10.0, 0.5),
        ] {
            assert!(aim.check().is_err(), "{aim:?}");
        }
        assert!(costs(0.0, 10.0, 1.0).check().is_ok() && costs(5.0, 10.0, 0.5).check().is_ok());
        let json = serde_json::to_string(&costs(1.0, 10.0, 0.5)).unwrap();
        assert_eq!(serde_json::from_str::<ThresholdAim>(&json).unwrap(), costs(1.0, 10.0, 0.5));
    }
}

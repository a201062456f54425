//! Probabilities against what really happened, as counts: enough for every figure, and nobody in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::area::Area;
use super::significance::normal_tail;
use crate::result::leaves;

/// Probabilities are told apart in steps of a ten-thousandth.
const STEPS: u32 = 10_000;
const MILLIONTHS_PER_STEP: u32 = 1_000_000 / STEPS;
/// Bins of equal count in a picture of the calibration.
const CALIBRATION_BINS: u64 = 10;

/// Customers whose outcome is known, by their probability of leaving in steps of a ten-thousandth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// By step: who left, and who stayed.
    steps: BTreeMap<u16, (u64, u64)>,
    /// Of those whom the model's threshold flagged: who left, and who stayed.
    flagged: (u64, u64),
}

/// Some customers of neighbouring probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// How many.
    pub rows: u64,
    /// What the model said, on average.
    pub mean_probability: f64,
    /// The share who left.
    pub share_left: f64,
}

/// Spiegelhalter's test of calibration: "Probabilistic prediction in patient management and clinical trials"
/// (1986).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spiegelhalter {
    /// Standard normal where the probabilities are true.
    pub z: f64,
    /// The chance of so much, in either direction.
    pub p_value: f64,
}

impl Judged {
    /// Adds a customer with this probability, in millionths; `threshold` is the model's.
    pub fn add(&mut self, millionths: u32, has_left: bool, threshold: f64) {
        let step = (millionths.min(1_000_000) + MILLIONTHS_PER_STEP / 2) / MILLIONTHS_PER_STEP;
        let count = self.steps.entry(u16::try_from(step).unwrap_or(u16::MAX)).or_default();
        let is_flagged = u64::from(leaves(millionths, threshold));
        let (side, flagged) = match has_left {
            true => (&mut count.0, &mut self.flagged.0),
            false => (&mut count.1, &mut self.flagged.1),
        };
        *side += 1;
        *flagged += is_flagged;
    }

    /// Adds all of another's customers.
    pub fn merge(&mut self, other: &Judged) {
        for (&step, &(left, stayed)) in &other.steps {
            let count = self.steps.entry(step).or_default();
            *count = (count.0 + left, count.1 + stayed);
        }
        self.flagged = (self.flagged.0 + other.flagged.0, self.flagged.1 + other.flagged.1);
    }

    /// How many customers.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.steps.values().map(|count| count.0 + count.1).sum()
    }

    /// Those who left.
    #[must_use]
    pub fn leavers(&self) -> u64 {
        self.steps.values().map(|count| count.0).sum()
    }

    /// Those whom the threshold flagged.
    #[must_use]
    pub fn flagged(&self) -> u64 {
        self.flagged.0 + self.flagged.1
    }

    /// Those of them who left.
    #[must_use]
    pub fn caught(&self) -> u64 {
        self.flagged.0
    }

    /// The area under the ROC curve; nothing where nobody or everybody left.
    #[must_use]
    pub fn auc(&self) -> Option<Area> {
        let groups: Vec<(u64, u64)> = self.steps.values().copied().collect();
        Area::of_groups(&groups)
    }

    /// The area under the precision-recall curve: the precision at each probability, weighted by the recall
    /// gained there.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        let leavers = self.leavers() as f64;
        let (mut taken, mut hits, mut sum) = (0.0, 0.0, 0.0);
        for &(left, stayed) in self.steps.values().rev() {
            taken += (left + stayed) as f64;
            hits += left as f64;
            sum += left as f64 * hits / taken;
        }
        (leavers > 0.0).then(|| sum / leavers)
    }

    /// The share of those flagged who left.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        (self.flagged() > 0).then(|| self.caught() as f64 / self.flagged() as f64)
    }

    /// The share of those who left that was flagged.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        let leavers = self.leavers();
        (leavers > 0).then(|| self.caught() as f64 / leavers as f64)
    }

    /// The share of those who left that is among the riskiest tenth; a step on its border counts in part.
    #[must_use]
    pub fn captured_in_riskiest_tenth(&self) -> Option<f64> {
        let (leavers, mut room) = (self.leavers() as f64, self.rows() as f64 / 10.0);
        let mut hits = 0.0;
        for &(left, stayed) in self.steps.values().rev() {
            let group = (left + stayed) as f64;
            let part = (room / group).clamp(0.0, 1.0);
            hits += part * left as f64;
            room -= group * part;
        }
        (leavers > 0.0).then(|| hits / leavers)
    }

    /// What the model said, on average.
    #[must_use]
    pub fn mean_probability(&self) -> Option<f64> {
        self.mean(|p, _| p)
    }

    /// The mean squared error of the probabilities.
    #[must_use]
    pub fn brier(&self) -> Option<f64> {
        self.mean(|p, outcome| (p - outcome).powi(2))
    }

    /// Ten bins of about equal count, lowest probabilities first. A step is never parted, so that there may be
    /// fewer.
    #[must_use]
    pub fn calibration(&self) -> Vec<CalibrationBin> {
        let (rows, mut bins) = (self.rows(), Vec::new());
        let (mut seen, mut inside, mut left, mut sum) = (0, 0_u64, 0_u64, 0.0);
        for (&step, &(leavers, stayers)) in &self.steps {
            inside += leavers + stayers;
            left += leavers;
            sum += probability(step) * (leavers + stayers) as f64;
            let wanted = rows * (bins.len() as u64 + 1) / CALIBRATION_BINS;
            if seen + inside >= wanted.max(1) {
                bins.push(CalibrationBin {
                    rows: inside,
                    mean_probability: sum / inside as f64,
                    share_left: left as f64 / inside as f64,
                });
                seen += inside;
                (inside, left, sum) = (0, 0, 0.0);
            }
        }
        bins
    }

    /// The expected calibration error: the mean gap of [`Judged::calibration`], weighted by count.
    #[must_use]
    pub fn calibration_error(&self) -> Option<f64> {
        let rows = self.rows();
        let gap = |bin: &CalibrationBin| (bin.mean_probability - bin.share_left).abs() * bin.rows as f64;
        (rows > 0).then(|| self.calibration().iter().map(gap).sum::<f64>() / rows as f64)
    }

    /// Whether the probabilities can be true; nothing where all of them are certain.
    #[must_use]
    pub fn spiegelhalter(&self) -> Option<Spiegelhalter> {
        let (mut sum, mut variance) = (0.0, 0.0);
        for (&step, &(left, stayed)) in &self.steps {
            let (p, rows) = (probability(step), (left + stayed) as f64);
            sum += (left as f64 - rows * p) * (1.0 - 2.0 * p);
            variance += rows * (1.0 - 2.0 * p).powi(2) * p * (1.0 - p);
        }
        let z = sum / variance.sqrt();
        (variance > 0.0).then(|| Spiegelhalter { z, p_value: 2.0 * normal_tail(z.abs()) })
    }

    /// As bytes, for the database: what was flagged, then each step's distance from the one before, who left and
    /// who stayed; numbers of seven bits a byte, the last byte of each below 128.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 * self.steps.len());
        let mut put = |mut number: u64| {
            while number >= 0x80 {
                bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            bytes.push(number as u8);
        };
        put(self.flagged.0);
        put(self.flagged.1);
        let mut before = 0;
        for (&step, &(left, stayed)) in &self.steps {
            put(u64::from(step - before));
            put(left);
            put(stayed);
            before = step;
        }
        bytes
    }

    /// Of bytes that [`Judged::to_bytes`] made; nothing where they are not.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Judged> {
        let mut numbers = Vec::with_capacity(bytes.len());
        let (mut number, mut shift) = (0_u64, 0);
        for &byte in bytes {
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte < 0x80 {
                numbers.push(number);
                (number, shift) = (0, 0);
            }
        }
        let [caught, missed, steps @ ..] = &numbers[..] else { return None };
        if shift > 0 || steps.len() % 3 != 0 {
            return None;
        }
        let mut judged = Judged { flagged: (*caught, *missed), ..Judged::default() };
        let mut place = 0;
        for step in steps.chunks_exact(3) {
            place += step[0];
            judged.steps.insert(u16::try_from(place).ok()?, (step[1], step[2]));
        }
        Some(judged)
    }

    fn mean(&self, of: impl Fn(f64, f64) -> f64) -> Option<f64> {
        let rows = self.rows();
        let sum = self.steps.iter().map(|(&step, &(left, stayed))| {
            left as f64 * of(probability(step), 1.0) + stayed as f64 * of(probability(step), 0.0)
        });
        (rows > 0).then(|| sum.sum::<f64>() / rows as f64)
    }
}

fn probability(step: u16) -> f64 {
    f64::from(step) / f64::from(STEPS)
}

//! How far the customers of today are from those that a model learned from.

use serde::{Deserialize, Serialize};

use super::area::{Area, estimated};
use super::observation::{Counts, Observation};
use super::profile::{FeatureProfile, NumberProfile, Profile, ValuesProfile};
use super::significance::{chi_square_tail, two_sample_tail};
use crate::manifest::{FeatureKind, Schema};

/// Fewer customers than this say nothing of drift.
pub const DRIFT_ROWS_MIN: u64 = 200;
/// Bins of a number, of about equal count in the training data.
const BINS: u64 = 10;
/// Values of a category that have a bin of their own; the rarest share one.
const VALUES_MAX: usize = 15;
/// What every bin has on both sides beside its customers, so that an empty one is no infinite difference.
const SMOOTHING: f64 = 0.5;
/// A test of homogeneity needs this many expected customers in a bin (Cochran, 1954); smaller bins are pooled.
const EXPECTED_MIN: f64 = 5.0;
/// A difference counts where chance alone would bring it about in less than this share of the files, all
/// features together (Bonferroni).
const SIGNIFICANCE: f64 = 0.01;
/// Only so many features keep their bins, those with the greatest index first.
const PICTURED_MAX: usize = 60;

/// Population stability indices from which on a difference is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// From here on a feature has moved.
    pub moderate: f64,
    /// From here on it is another population, and drift is raised.
    pub major: f64,
}

impl Default for Thresholds {
    /// 0.1 and 0.25: the usual ones of credit scoring (Siddiqi, "Credit Risk Scorecards", 2006).
    fn default() -> Thresholds {
        Thresholds { moderate: 0.1, major: 0.25 }
    }
}

/// How much a feature has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// There are too few customers to tell.
    TooFew,
    /// Not beyond chance, or not enough to matter.
    Stable,
    /// Beyond the lower threshold.
    Moderate,
    /// Beyond the upper one.
    Major,
}

impl Level {
    /// The level as it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::TooFew => "too_few",
            Level::Stable => "stable",
            Level::Moderate => "moderate",
            Level::Major => "major",
        }
    }
}

/// The test that a p-value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Kolmogorov and Smirnov's, of two samples.
    KolmogorovSmirnov,
    /// The chi-square test of homogeneity.
    ChiSquare,
}

/// What a bin holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BinKind {
    /// Numbers above `from` and up to `to`; without either there is no end on that side.
    Range {
        /// The lower end.
        from: Option<f64>,
        /// The upper end.
        to: Option<f64>,
    },
    /// One value of a category, as the model spells it.
    Value {
        /// The value.
        value: String,
    },
    /// The rarest values together.
    Other,
    /// Values that the model does not know.
    Unknown,
    /// No value.
    Missing,
}

/// A bin, with its share of the customers then and now, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// What it holds.
    #[serde(flatten)]
    pub kind: BinKind,
    /// Of the training data.
    pub then: f64,
    /// Of the customers looked at.
    pub now: f64,
}

/// One feature, or the probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureDrift {
    /// Its name in the schema.
    pub name: String,
    /// The population stability index less what chance alone makes of as many customers, 0 at least.
    pub psi: f64,
    /// The index itself: the sum of (now - then) ln (now / then) over the bins.
    pub psi_raw: f64,
    /// The index of two samples of one population: (bins - 1) (1 / then + 1 / now) in customers (Yurdakul,
    /// "Statistical properties of population stability index", 2018).
    pub psi_by_chance: f64,
    /// The test of `p_value`.
    pub test: Test,
    /// Its statistic.
    pub statistic: f64,
    /// The chance of so much difference in customers of one population.
    pub p_value: f64,
    /// The share without a value, then.
    pub missing_then: f64,
    /// The share without a value, now.
    pub missing_now: f64,
    /// The bins; none for those who moved least, where there are very many features.
    pub bins: Vec<Bin>,
}

/// A file's customers beside those of the training data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// Customers with a probability.
    pub rows: u64,
    /// Those whose features were read.
    pub rows_read: u64,
    /// Those that the model learned from.
    pub rows_then: u64,
    /// The probability of leaving.
    pub probability: FeatureDrift,
    /// Its mean, then.
    pub mean_probability_then: f64,
    /// Its mean, now.
    pub mean_probability: f64,
    /// What the probabilities promise; see [`estimated`].
    pub estimated_auc: Option<Area>,
    /// What they promised then.
    pub estimated_auc_then: Option<f64>,
    /// The features, in the schema's order.
    pub features: Vec<FeatureDrift>,
}

impl DriftReport {
    /// Compares what was seen with the profile that it was counted by.
    #[must_use]
    pub fn new(profile: &Profile, schema: &Schema, seen: &Observation) -> DriftReport {
        let mut features: Vec<FeatureDrift> = profile
            .features
            .iter()
            .zip(&schema.features)
            .zip(&seen.features)
            .map(|((feature, described), counts)| compare(feature, &described.kind, counts))
            .collect();
        let mut order: Vec<usize> = (0..features.len()).collect();
        order.sort_by(|&left, &right| features[right].psi_raw.total_cmp(&features[left].psi_raw));
        for &place in order.iter().skip(PICTURED_MAX) {
            features[place].bins = Vec::new();
        }
        let total: f64 = seen.probabilities.iter().map(|&(p, count)| p * count as f64).sum();
        DriftReport {
            rows: seen.rows,
            rows_read: seen.rows_read,
            rows_then: profile.rows,
            probability: compare_numbers("churn_probability", &profile.probability, 0, &seen.probability),
            mean_probability_then: profile.mean_probability,
            mean_probability: total / seen.rows.max(1) as f64,
            estimated_auc: estimated(&seen.probabilities),
            estimated_auc_then: profile.estimated_auc,
            features,
        }
    }

    /// How much one of its features has moved; `probability` is one, too.
    #[must_use]
    pub fn level_of(&self, feature: &FeatureDrift, thresholds: &Thresholds) -> Level {
        if self.rows_read.min(self.rows) < DRIFT_ROWS_MIN {
            return Level::TooFew;
        }
        let is_chance = feature.p_value >= SIGNIFICANCE / (self.features.len() + 1) as f64;
        match feature.psi {
            psi if is_chance || psi < thresholds.moderate => Level::Stable,
            psi if psi < thresholds.major => Level::Moderate,
            _ => Level::Major,
        }
    }

    /// How much the customers have moved: as much as whichever feature, or the probability, moved most.
    #[must_use]
    pub fn level(&self, thresholds: &Thresholds) -> Level {
        let levels = self.features.iter().chain([&self.probability]);
        levels.map(|feature| self.level_of(feature, thresholds)).max().unwrap_or(Level::Stable)
    }

    /// The greatest index of a feature.
    #[must_use]
    pub fn psi_max(&self) -> f64 {
        self.features.iter().map(|feature| feature.psi).fold(0.0, f64::max)
    }
}

/// A bin in customers.
struct Pair {
    kind: BinKind,
    then: u64,
    now: u64,
}

fn compare(feature: &FeatureProfile, kind: &FeatureKind, seen: &Counts) -> FeatureDrift {
    match (&feature.values, kind) {
        (ValuesProfile::Category { counts, unknown }, FeatureKind::Category { values }) => {
            let names: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
            let pairs = value_pairs(&names, counts, *unknown, feature.missing, seen);
            let (statistic, p_value) = chi_square(&pairs);
            summarise(&feature.name, pairs, Test::ChiSquare, statistic, p_value)
        }
        (ValuesProfile::Number(number), _) => compare_numbers(&feature.name, number, feature.missing, seen),
        _ => compare_numbers(&feature.name, &NumberProfile::default(), feature.missing, seen),
    }
}

fn compare_numbers(name: &str, then: &NumberProfile, missing: u64, seen: &Counts) -> FeatureDrift {
    let pairs = range_pairs(then, missing, seen);
    let (total_then, total_now) = (then.total(), seen.cells.iter().sum::<u64>());
    let (mut below_then, mut below_now, mut distance) = (0, 0, 0.0_f64);
    if total_then > 0 && total_now > 0 {
        for (&count_then, &count_now) in then.counts.iter().zip(&seen.cells) {
            below_then += count_then;
            below_now += count_now;
            let gap = below_then as f64 / total_then as f64 - below_now as f64 / total_now as f64;
            distance = distance.max(gap.abs());
        }
    }
    let of_values = two_sample_tail(distance, total_then, total_now);
    // Whether there is a value at all is a difference that the values do not show.
    let (statistic, of_missing) = chi_square(&presence(&pairs));
    match of_missing < of_values {
        true => summarise(name, pairs, Test::ChiSquare, statistic, of_missing),
        false => summarise(name, pairs, Test::KolmogorovSmirnov, distance, of_values),
    }
}

/// Cells of a number made bins of about a tenth of the customers then, and one for those without a value.
fn range_pairs(then: &NumberProfile, missing: u64, seen: &Counts) -> Vec<Pair> {
    let total = then.total();
    let mut pairs: Vec<Pair> = Vec::new();
    let (mut from, mut below) = (None, 0);
    let mut open = Pair { kind: BinKind::Other, then: 0, now: 0 };
    for (place, &point) in then.points.iter().enumerate() {
        open.then += then.counts[place];
        open.now += seen.cells.get(place).copied().unwrap_or(0);
        let wanted = total * (pairs.len() as u64 + 1) / BINS;
        // Nothing is left for a bin behind the last point but what is above it.
        if below + open.then >= wanted.max(1) && place + 1 < then.points.len() {
            below += open.then;
            let kind = BinKind::Range { from, to: Some(point) };
            pairs.push(Pair { kind, then: open.then, now: open.now });
            (open.then, open.now) = (0, 0);
            from = Some(point);
        }
    }
    open.now += seen.cells.get(then.points.len()).copied().unwrap_or(0);
    pairs.push(Pair { kind: BinKind::Range { from, to: None }, ..open });
    pairs.push(Pair { kind: BinKind::Missing, then: missing, now: seen.missing });
    pairs
}

/// The most frequent values, each a bin, and bins for all others, for unknown ones and for none.
fn value_pairs(names: &[&str], then: &[u64], unknown: u64, missing: u64, seen: &Counts) -> Vec<Pair> {
    let mut order: Vec<usize> = (0..then.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(then[place]));
    let now = |place: usize| seen.cells.get(place).copied().unwrap_or(0);
    let mut pairs: Vec<Pair> = Vec::new();
    let mut other = Pair { kind: BinKind::Other, then: 0, now: 0 };
    for (rank, place) in order.into_iter().enumerate() {
        if rank < VALUES_MAX {
            let value = names.get(place).copied().unwrap_or_default().to_owned();
            pairs.push(Pair { kind: BinKind::Value { value }, then: then[place], now: now(place) });
        } else {
            other.then += then[place];
            other.now += now(place);
        }
    }
    pairs.push(other);
    pairs.push(Pair { kind: BinKind::Unknown, then: unknown, now: now(then.len()) });
    pairs.push(Pair { kind: BinKind::Missing, then: missing, now: seen.missing });
    pairs
}

/// Customers with a value, and those without.
fn presence(pairs: &[Pair]) -> Vec<Pair> {
    let sum = |is_missing: bool, of: fn(&Pair) -> u64| {
        pairs.iter().filter(|pair| (pair.kind == BinKind::Missing) == is_missing).map(of).sum()
    };
    let pair = |is_missing| Pair {
        kind: if is_missing { BinKind::Missing } else { BinKind::Other },
        then: sum(is_missing, |pair| pair.then),
        now: sum(is_missing, |pair| pair.now),
    };
    vec![pair(false), pair(true)]
}

/// The test of homogeneity of both columns of bins: statistic and p-value. Bins with too few expected customers
/// are pooled.
fn chi_square(pairs: &[Pair]) -> (f64, f64) {
    let then: f64 = pairs.iter().map(|pair| pair.then as f64).sum();
    let now: f64 = pairs.iter().map(|pair| pair.now as f64).sum();
    if then == 0.0 || now == 0.0 {
        return (0.0, 1.0);
    }
    let rarer = then.min(now) / (then + now);
    let is_small = |pair: &&Pair| ((pair.then + pair.now) as f64) * rarer < EXPECTED_MIN;
    let mut bins: Vec<(f64, f64)> =
        pairs.iter().filter(|pair| !is_small(pair)).map(|pair| (pair.then as f64, pair.now as f64)).collect();
    let pooled = pairs
        .iter()
        .filter(is_small)
        .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.then as f64, sum.1 + pair.now as f64));
    if pooled.0 + pooled.1 > 0.0 {
        bins.push(pooled);
    }
    let part = |seen: f64, expected: f64| (seen - expected).powi(2) / expected;
    let statistic: f64 = bins
        .iter()
        .map(|&(left, right)| {
            let both = (left + right) / (then + now);
            part(left, both * then) + part(right, both * now)
        })
        .sum();
    (statistic, chi_square_tail(statistic, bins.len().saturating_sub(1) as u32))
}

fn summarise(name: &str, pairs: Vec<Pair>, test: Test, statistic: f64, p_value: f64) -> FeatureDrift {
    let pairs: Vec<Pair> = pairs.into_iter().filter(|pair| pair.then + pair.now > 0).collect();
    let then: u64 = pairs.iter().map(|pair| pair.then).sum();
    let now: u64 = pairs.iter().map(|pair| pair.now).sum();
    let bins = pairs.len() as f64;
    let smooth = |count: u64, total: u64| (count as f64 + SMOOTHING) / (total as f64 + SMOOTHING * bins);
    let part = |pair: &Pair| {
        let (then, now) = (smooth(pair.then, then), smooth(pair.now, now));
        (now - then) * (now / then).ln()
    };
    let psi_raw: f64 = if then == 0 || now == 0 { 0.0 } else { pairs.iter().map(part).sum() };
    let psi_by_chance = (bins - 1.0).max(0.0) * (1.0 / then.max(1) as f64 + 1.0 / now.max(1) as f64);
    let share = |count: u64, total: u64| count as f64 / total.max(1) as f64;
    let missing = |of: fn(&Pair) -> u64, total: u64| {
        share(pairs.iter().filter(|pair| pair.kind == BinKind::Missing).map(of).sum(), total)
    };
    FeatureDrift {
        name: name.to_owned(),
        psi: (psi_raw - psi_by_chance).max(0.0),
        psi_raw,
        psi_by_chance,
        test,
        statistic,
        p_value,
        missing_then: missing(|pair| pair.then, then),
        missing_now: missing(|pair| pair.now, now),
        bins: pairs
            .iter()
            .map(|pair| Bin {
                kind: pair.kind.clone(),
                then: share(pair.then, then),
                now: share(pair.now, now),
            })
            .collect(),
    }
}

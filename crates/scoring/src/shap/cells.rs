//! The values and ranges by which contributions are put together.

use crate::block::{Block, Slot, Slots};
use crate::manifest::Manifest;
use crate::monitoring::{NumberProfile, ValuesProfile};

/// The most ranges of a number; each has about as many of training's customers.
const RANGES_MAX: u64 = 20;

/// One for each feature of the schema.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub(super) features: Vec<FeatureCells>,
}

#[derive(Debug, Clone)]
pub(super) enum FeatureCells {
    /// By code.
    Values { slot: usize },
    /// From the least number on; each range up to its end, the last one without end.
    Ranges { slot: usize, from: f64, ends: Vec<f64> },
    /// A number of which the manifest has no profile.
    None,
}

impl Cells {
    pub(crate) fn new(manifest: &Manifest, slots: &Slots) -> Cells {
        let profile = manifest.profile.as_ref().filter(|profile| profile.fits(&manifest.schema));
        let features = slots.features.iter().enumerate().map(|(feature, slot)| match *slot {
            Slot::Category(slot) => FeatureCells::Values { slot },
            Slot::Number(slot) => {
                let values = profile.map(|profile| &profile.features[feature].values);
                let Some(ValuesProfile::Number(number)) = values else { return FeatureCells::None };
                let ends = ends(number);
                match number.min {
                    Some(from) if !ends.is_empty() => FeatureCells::Ranges { slot, from, ends },
                    _ => FeatureCells::None,
                }
            }
        });
        Cells { features: features.collect() }
    }
}

impl FeatureCells {
    /// The cell of a row; none where the number is missing.
    pub(super) fn cell(&self, block: &Block, row: usize) -> Option<usize> {
        match self {
            FeatureCells::Values { slot } => Some(usize::from(block.codes(*slot)[row])),
            FeatureCells::Ranges { slot, ends, .. } => {
                let number = block.numbers(*slot)[row];
                let cell = ends.partition_point(|&end| end < number);
                (!number.is_nan()).then(|| cell.min(ends.len() - 1))
            }
            FeatureCells::None => None,
        }
    }
}

/// Ends of ranges with about as many customers each, the greatest number last.
fn ends(profile: &NumberProfile) -> Vec<f64> {
    let total = profile.total();
    let (mut ends, mut seen) = (Vec::new(), 0);
    for (&point, &count) in profile.points.iter().zip(&profile.counts) {
        seen += count;
        // The next end that is due, so that few large points do not leave many small ranges behind.
        if seen * RANGES_MAX >= total * (ends.len() as u64 + 1) {
            ends.push(point);
        }
    }
    if let Some(last) = profile.max()
        && ends.last() != Some(&last)
    {
        ends.push(last);
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_their_own_ranges_and_many_are_put_together() {
        let few = NumberProfile::of([0.0, 1.0, 1.0].into_iter());
        assert_eq!(ends(&few), [0.0, 1.0]);
        let many = ends(&NumberProfile::of((1..=1000).map(f64::from)));
        assert_eq!((many.len(), many[0], many[19]), (20, 50.0, 1000.0));
        // Most customers have one number.
        let heavy = (0..900).map(|_| 0.0).chain((1..=100).map(f64::from));
        let heavy = ends(&NumberProfile::of(heavy));
        assert_eq!((heavy[0], heavy.last()), (0.0, Some(&100.0)));
        assert!(heavy.len() <= 20 && heavy.is_sorted());
        assert!(ends(&NumberProfile::default()).is_empty());
    }
}

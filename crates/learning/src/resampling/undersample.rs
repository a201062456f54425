//! As many stayers as leavers, drawn by lot.

use crate::random::Random;
use crate::resampling::{minority, rows_of};
use crate::samples::Samples;

/// All customers of the smaller class and as many of the other, in their order.
pub(super) fn resample(samples: &Samples, seed: u64) -> Samples {
    let few = minority(&samples.labels);
    let (mut kept, mut many) = (rows_of(&samples.labels, few), rows_of(&samples.labels, !few));
    Random::new(seed).shuffle(&mut many);
    many.truncate(kept.len());
    kept.append(&mut many);
    kept.sort_unstable();
    samples.select(&kept)
}

#[cfg(test)]
mod tests {
    use super::resample;
    use crate::samples::{Matrix, Samples};

    #[test]
    fn the_larger_class_is_cut_to_the_smaller() {
        let matrix = Matrix { rows: 100, width: 1, values: (0..100).map(f64::from).collect() };
        let samples = Samples::new(matrix, (0..100).map(|row| row % 5 == 0).collect());
        let fewer = resample(&samples, 1);
        assert_eq!(fewer.labels.iter().filter(|&&label| label).count(), 20);
        assert_eq!((fewer.labels.len(), fewer.matrix.rows, fewer.weights.len()), (40, 40, 40));
        assert!(fewer.matrix.values.windows(2).all(|pair| pair[0] < pair[1]), "an order or a row twice");
        assert_eq!(fewer.matrix, resample(&samples, 1).matrix);
        assert_ne!(fewer.matrix, resample(&samples, 2).matrix);
        // Those who left are the many here.
        let flipped = Samples::new(samples.matrix, samples.labels.iter().map(|label| !label).collect());
        assert_eq!(resample(&flipped, 1).labels.iter().filter(|&&label| label).count(), 20);
    }
}

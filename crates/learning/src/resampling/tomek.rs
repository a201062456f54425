//! Tomek links: two customers of different classes, each the nearest to the other (Tomek, "Two
//! Modifications of CNN", 1976). One of the two is noise, or both are at the border.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::resampling::neighbours::Space;
use crate::resampling::{minority, rows_of};
use crate::samples::Samples;

/// Which end of a link is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removed {
    /// That of the larger class.
    Majority,
    /// Both, as after SMOTE (Batista, Prati and Monard, 2004).
    Both,
}

/// The customers without their Tomek links, in their order.
pub(super) fn resample(samples: &Samples, removed: Removed) -> Result<Samples, Error> {
    let gone: BTreeSet<usize> = links(samples)?
        .into_iter()
        .flat_map(|(few, many)| if removed == Removed::Both { vec![few, many] } else { vec![many] })
        .collect();
    let kept: Vec<usize> = (0..samples.labels.len()).filter(|row| !gone.contains(row)).collect();
    Ok(samples.select(&kept))
}

/// Every link, the end of the smaller class first.
fn links(samples: &Samples) -> Result<Vec<(usize, usize)>, Error> {
    let labels = &samples.labels;
    let all: Vec<usize> = (0..labels.len()).collect();
    let space = Space::new(&samples.matrix, &all);
    let few = minority(labels);
    // Only one whose nearest is of the other class can be in a link, so the many need not all be asked.
    let ends = rows_of(labels, few);
    let nearest = space.nearest(&ends, &all, 1)?;
    let candidates: Vec<(usize, usize)> = ends
        .into_iter()
        .zip(nearest)
        .filter_map(|(end, nearest)| Some((end, *nearest.first()?)))
        .filter(|(_, other)| labels[*other] != few)
        .collect();
    let others: Vec<usize> = candidates.iter().map(|(_, other)| *other).collect();
    let back = space.nearest(&others, &all, 1)?;
    Ok(candidates
        .into_iter()
        .zip(back)
        .filter(|((end, _), back)| back.contains(end))
        .map(|(link, _)| link)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{Removed, links, resample};
    use crate::samples::{Matrix, Samples};

    /// Leavers at 1.0 and 5.0; the stayers at 1.1 and 5.2 are nearest to them, but 5.2 is nearer to 5.25.
    fn samples() -> Samples {
        let values = vec![0.0, 1.0, 1.1, 3.0, 5.0, 5.2, 5.25, 9.0];
        let labels = vec![false, true, false, false, true, false, false, false];
        Samples::new(Matrix { rows: 8, width: 1, values }, labels)
    }

    #[test]
    fn only_mutual_neighbours_are_linked() {
        assert_eq!(links(&samples()).unwrap(), [(1, 2)]);
    }

    #[test]
    fn one_end_or_both_are_left_out() {
        let fewer = resample(&samples(), Removed::Majority).unwrap();
        assert_eq!(fewer.matrix.values, [0.0, 1.0, 3.0, 5.0, 5.2, 5.25, 9.0]);
        let fewer = resample(&samples(), Removed::Both).unwrap();
        assert_eq!(fewer.matrix.values, [0.0, 3.0, 5.0, 5.2, 5.25, 9.0]);
    }

    #[test]
    fn the_rows_removed_are_those_that_imbalanced_learn_removes() {
        // imbalanced-learn 0.14.2, TomekLinks on the same columns less mean and divided by deviation.
        let row = |row: usize| [((row * 37) % 101) as f64 / 10.0, ((row * 53) % 97) as f64 * 7.0];
        let matrix = Matrix { rows: 60, width: 2, values: (0..60).flat_map(row).collect() };
        let samples = Samples::new(matrix.clone(), (0..60).map(|row| (row * 29) % 10 < 3).collect());
        let without = |gone: &[usize]| {
            let kept = (0..60).filter(|row| !gone.contains(row));
            kept.flat_map(|row| matrix.row(row).to_vec()).collect::<Vec<f64>>()
        };
        let majority = resample(&samples, Removed::Majority).unwrap();
        assert_eq!(majority.matrix.values, without(&[21, 47]));
        assert_eq!(resample(&samples, Removed::Both).unwrap().matrix.values, without(&[10, 21, 47, 58]));
    }
}

//! Several columns of few bins in one: the histogram of their product has the histogram of each in it.
//!
//! Flags of categories are most of a churn file's columns. Eight of them in one byte are counted in one pass
//! over the rows instead of eight, and rows rarely meet in the same cell of the histogram, where each would
//! have to wait for the one before.

use rayon::prelude::*;

use crate::bins::Column;

/// The bins of a byte.
pub(crate) const CELLS_MAX: usize = 256;

/// A few columns side by side.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    pub(crate) members: Vec<Member>,
    /// The product of the members' bins, 256 at most.
    pub(crate) cells: usize,
    /// For each row, the sum of its members' bins, each times the cells of the members before.
    pub(crate) codes: Vec<u8>,
}

/// A column of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its place among all columns.
    pub(crate) column: usize,
    /// The cells of the members before it.
    pub(crate) stride: usize,
    pub(crate) bins: usize,
}

impl Bundle {
    /// All columns with a border, in bundles of up to `cells_max` cells where there is more than one of them.
    pub(crate) fn all(columns: &[Column], rows: usize, cells_max: usize) -> Vec<Bundle> {
        let mut groups: Vec<(Vec<Member>, usize)> = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            let bins = column.borders.len() + 1;
            if bins == 1 {
                continue;
            }
            // The first with room; there are a few dozen at most.
            let limit = cells_max.min(CELLS_MAX);
            match groups.iter_mut().find(|(_, cells)| *cells * bins <= limit) {
                Some((members, cells)) => {
                    members.push(Member { column: place, stride: *cells, bins });
                    *cells *= bins;
                }
                None => groups.push((vec![Member { column: place, stride: 1, bins }], bins)),
            }
        }
        let bundle = |(members, cells): (Vec<Member>, usize)| {
            let mut codes = vec![0; rows];
            for member in &members {
                // The sum is less than the number of cells, so both fit in a byte.
                let stride = member.stride as u8;
                let bins = &columns[member.column].bins;
                codes.iter_mut().zip(bins).for_each(|(code, &bin)| *code += bin * stride);
            }
            Bundle { members, cells, codes }
        };
        groups.into_par_iter().map(bundle).collect()
    }

    /// Adds up the slopes of some rows by cell.
    pub(crate) fn count(&self, order: &[u32], slopes: &[i64], histogram: &mut [i64]) {
        // An array of all that a byte can say, so that no place has to be checked.
        let mut cells = [0; CELLS_MAX];
        for (&row, &slope) in order.iter().zip(slopes) {
            cells[usize::from(self.codes[row as usize])] += slope;
        }
        histogram.copy_from_slice(&cells[..histogram.len()]);
    }

    /// Calls `visit` with the number of each member, the last one first, and with its own histogram, which
    /// is summed out of the bundle's; that one is lost in doing so.
    pub(crate) fn each_member(&self, histogram: &mut [i64], mut visit: impl FnMut(usize, &[i64])) {
        let mut own = [0; CELLS_MAX];
        let mut left = histogram;
        for (place, member) in self.members.iter().enumerate().rev() {
            if member.stride == 1 {
                visit(place, left);
                break;
            }
            for (sum, cells) in own.iter_mut().zip(left.chunks_exact(member.stride)) {
                *sum = cells.iter().sum();
            }
            visit(place, &own[..member.bins]);
            let (first, others) = left.split_at_mut(member.stride);
            for other in others.chunks_exact(member.stride) {
                first.iter_mut().zip(other).for_each(|(sum, cell)| *sum += cell);
            }
            left = first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bundle;
    use crate::bins::bin;
    use crate::random::Random;
    use crate::samples::Matrix;

    #[test]
    fn a_bundle_holds_the_histogram_of_each_member() {
        let mut random = Random::new(4);
        let (rows, width) = (500, 7);
        // Columns of 2, 3, 4, ... different values, and one with a single one.
        let cells = (0..rows * width).map(|cell| random.below(cell % width + 1) as f64).collect();
        let columns = bin(&Matrix { rows, width, values: cells }, 254);
        let bundles = Bundle::all(&columns, rows, 30);
        let shapes: Vec<Vec<usize>> = bundles
            .iter()
            .map(|bundle| bundle.members.iter().map(|member| member.column).collect())
            .collect();
        assert_eq!(shapes, [vec![1, 2, 3], vec![4, 5], vec![6]]);
        for bundle in bundles {
            let mut histogram = vec![0; bundle.cells];
            bundle.codes.iter().zip(0..).for_each(|(&code, row)| histogram[usize::from(code)] += row);
            let mut visited = 0;
            bundle.each_member(&mut histogram, |place, cells| {
                visited += 1;
                let mut expected = vec![0; bundle.members[place].bins];
                let bins = &columns[bundle.members[place].column].bins;
                bins.iter().zip(0..).for_each(|(&bin, row)| expected[usize::from(bin)] += row);
                assert_eq!(cells, expected);
            });
            assert_eq!(visited, bundle.members.len());
        }
    }
}

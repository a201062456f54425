//! Customers in the order of the leaves that they are in, each with its packed slope.

use std::ops::Range;

use crate::random::Random;
use crate::slopes::{Scale, Slope};

/// The rows that a tree looks at. Those of a leaf lie side by side, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) order: Vec<u32>,
    pub(crate) slopes: Vec<i64>,
    // Room for those who answer yes while the others move up.
    later_order: Vec<u32>,
    later_slopes: Vec<i64>,
}

impl Rows {
    /// These rows in one leaf.
    pub(crate) fn new(order: Vec<u32>, slopes: &[Slope], scale: Scale) -> Rows {
        let packed: Vec<i64> = order.iter().map(|&row| scale.pack(slopes[row as usize])).collect();
        let (later_order, later_slopes) = (vec![0; order.len()], vec![0; order.len()]);
        Rows { order, slopes: packed, later_order, later_slopes }
    }

    /// Parts the rows of a leaf: those whose answer is no come first, and the returned place is where the
    /// others begin. `answer` is given a row's bin.
    pub(crate) fn part(&mut self, leaf: Range<usize>, bins: &[u8], answer: impl Fn(u8) -> bool) -> usize {
        let (rows, packed) = (&mut self.order[leaf.clone()], &mut self.slopes[leaf.clone()]);
        let (later_rows, later_packed) =
            (&mut self.later_order[..rows.len()], &mut self.later_slopes[..rows.len()]);
        let (mut no, mut yes) = (0, 0);
        for place in 0..rows.len() {
            let (row, slope) = (rows[place], packed[place]);
            // Both are written, and one of them counts: a branch would be guessed wrongly too often.
            (rows[no], packed[no]) = (row, slope);
            (later_rows[yes], later_packed[yes]) = (row, slope);
            let is_yes = usize::from(answer(bins[row as usize]));
            yes += is_yes;
            no += 1 - is_yes;
        }
        rows[no..].copy_from_slice(&later_rows[..yes]);
        packed[no..].copy_from_slice(&later_packed[..yes]);
        leaf.start + no
    }
}

/// About this share of all rows, in their order.
pub(crate) fn sample(rows: usize, share: f64, random: &mut Random) -> Vec<u32> {
    // There are no more rows than `slopes::ROWS_MAX`.
    let all = 0..rows as u32;
    if share < 1.0 { all.filter(|_| random.chance(share)).collect() } else { all.collect() }
}

#[cfg(test)]
mod tests {
    use super::{Rows, sample};
    use crate::random::Random;
    use crate::slopes::{Scale, Slope};

    #[test]
    fn a_leaf_is_parted_in_order_and_nothing_else_moves() {
        let slopes: Vec<Slope> = (0..8).map(|row| Slope { push: f64::from(row), hessian: 1.0 }).collect();
        let scale = Scale::fitting(&slopes);
        let mut rows = Rows::new(vec![0, 1, 3, 4, 5, 7], &slopes, scale);
        let middle = rows.part(1..5, &[0, 9, 9, 2, 7, 3, 9, 9], |bin| bin > 5);
        assert_eq!((middle, &rows.order[..]), (3, &[0, 3, 5, 1, 4, 7][..]));
        let packed: Vec<i64> = rows.order.iter().map(|&row| scale.pack(slopes[row as usize])).collect();
        assert_eq!(rows.slopes, packed);
    }

    #[test]
    fn a_sample_is_of_the_size_that_was_asked_for() {
        let mut random = Random::new(1);
        assert_eq!(sample(4, 1.0, &mut random), [0, 1, 2, 3]);
        let half = sample(10_000, 0.5, &mut random);
        assert!((4_800..5_200).contains(&half.len()) && half.is_sorted());
    }
}

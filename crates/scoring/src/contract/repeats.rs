//! Which rows or keys of a file were there before, in bounded memory.
//!
//! What is remembered are hashes, and of many only those that end in so many zeros: equal rows have equal hashes,
//! so that among the chosen ones as large a share repeats others as among all.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

/// The most hashes that are remembered.
const HASHES_MAX: usize = 1 << 18;

/// Remembers rows.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// The line on which a hash was first there, and how often it was.
    seen: HashMap<u64, (u64, u64)>,
    /// How many zeros a hash must end in.
    zeros: u32,
}

impl Repeats {
    /// Takes the next row; answers the line on which it was before, as far as that is remembered.
    pub(super) fn see(&mut self, row: &[u8], line: u64) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        hasher.write(row);
        let hash = hasher.finish();
        if hash.trailing_zeros() < self.zeros {
            return None;
        }
        let (first, count) = self.seen.entry(hash).or_insert((line, 0));
        *count += 1;
        let (first, is_repeated) = (*first, *count > 1);
        while self.seen.len() > HASHES_MAX {
            self.zeros += 1;
            let zeros = self.zeros;
            self.seen.retain(|hash, _| hash.trailing_zeros() >= zeros);
        }
        is_repeated.then_some(first)
    }

    /// The share of rows that repeat others, 0 to 1: exact of up to 262,144 different rows, else estimated.
    pub(super) fn share(&self) -> f64 {
        let rows: u64 = self.seen.values().map(|(_, count)| count).sum();
        (rows - self.seen.len() as u64) as f64 / rows.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::{HASHES_MAX, Repeats};

    #[test]
    fn repeats_are_counted_exactly_while_few_and_estimated_when_many() {
        let mut few = Repeats::default();
        let rows = ["a", "b", "a", "c", "a"];
        let before: Vec<_> =
            (2..).zip(rows).map(|(line, row): (u64, &str)| few.see(row.as_bytes(), line)).collect();
        assert_eq!(before, [None, None, Some(2), None, Some(2)]);
        assert!((few.share() - 0.4).abs() < 1e-12);
        let mut many = Repeats::default();
        for row in 0..1_000_000_u64 {
            // Every fifth row is there before.
            let row = if row % 5 == 0 { row / 5 * 5 + 1 } else { row };
            many.see(&row.to_le_bytes(), row);
        }
        assert!(many.seen.len() <= HASHES_MAX && many.zeros > 0);
        assert!((many.share() - 0.2).abs() < 0.005, "{}", many.share());
    }
}

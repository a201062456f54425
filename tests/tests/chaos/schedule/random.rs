//! Random choices that a seed repeats exactly (SplitMix64).

use std::ops::Range;
use std::time::Duration;

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The source that belongs to a seed.
    pub fn of_seed(seed: u64) -> Random {
        Random { state: seed }
    }

    /// A source of its own for one part of the schedule, so that no part disturbs the choices of another.
    pub fn branch(&self, part: u64) -> Random {
        let mut branch = Random { state: self.state ^ part.wrapping_mul(0xd134_2543_de82_ef95) };
        branch.next();
        branch
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A number of a range.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// A time of a range in milliseconds.
    pub fn pause(&mut self, range_ms: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range_ms))
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of some, where there are any.
    pub fn pick<'a, T>(&mut self, some: &'a [T]) -> Option<&'a T> {
        (!some.is_empty()).then(|| &some[self.below(some.len())])
    }

    /// One of some, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, weights: &[(T, u64)]) -> T {
        let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.next() % total;
        for &(choice, weight) in weights {
            if left < weight {
                return choice;
            }
            left -= weight;
        }
        weights[0].0
    }
}

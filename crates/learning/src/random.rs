//! Random numbers that are the same on every machine and in every version of the program.
//!
//! The generators of other crates may change between versions, and with them every seeded result.

/// xoshiro256** by Blackman and Vigna ("Scrambled Linear Pseudorandom Number Generators", 2021), seeded
/// by SplitMix64 as they advise.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut seed = seed;
        let mut next = || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        Random { state: [next(), next(), next(), next()] }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// Evenly between 0 (included) and 1 (excluded).
    pub(crate) fn uniform(&mut self) -> f64 {
        // 53 bits fill the mantissa; the division by a power of two is exact.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Nearly normal with mean 0 and deviation 1: twelve uniform numbers, because additions are exact
    /// everywhere and logarithms are not.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// Evenly below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // The upper half of the product is below the limit; its bias is far below one in a billion.
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// One of the positions, as often as its weight says.
    pub(crate) fn pick<const N: usize>(&mut self, weights: [f64; N]) -> usize {
        let mut left = self.uniform() * weights.iter().sum::<f64>();
        for (position, weight) in weights.iter().enumerate() {
            if left < *weight {
                return position;
            }
            left -= weight;
        }
        N - 1
    }

    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The published C code, with its state set to 1, 2, 3, 4.
        let mut random = Random { state: [1, 2, 3, 4] };
        let numbers: Vec<u64> = (0..4).map(|_| random.next()).collect();
        assert_eq!(numbers, [11520, 0, 1509978240, 1215971899390074240]);
    }

    #[test]
    fn numbers_are_spread_as_promised() {
        let mut random = Random::new(7);
        let uniform: f64 = (0..10_000).map(|_| random.uniform()).sum::<f64>() / 10_000.0;
        assert!((uniform - 0.5).abs() < 0.01, "{uniform}");
        let normal: Vec<f64> = (0..10_000).map(|_| random.normal()).collect();
        let variance = normal.iter().map(|number| number * number).sum::<f64>() / 10_000.0;
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
        let picked = (0..10_000).filter(|_| random.pick([1.0, 3.0]) == 1).count();
        assert!((7_300..7_700).contains(&picked), "{picked}");
        assert!((0..1_000).all(|_| random.below(3) < 3));
    }
}

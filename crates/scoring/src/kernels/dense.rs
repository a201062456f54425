//! Dense layers over blocks of rows.

use super::level::{Level, compiled_for_each_level};

/// Outputs that are calculated side by side; the width of every layer is a multiple of it.
const LANES: usize = 8;

/// Rows that are calculated side by side; they come in multiples of it.
pub(crate) const ROWS_MULTIPLE: usize = 4;

/// One value for each of the outputs in a panel.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Lanes([f64; LANES]);

const ZERO: Lanes = Lanes([0.0; LANES]);

/// `biases + sum of table rows + weights * input`, and zero for what is below it where it is rectified.
///
/// Outputs are grouped in panels; those behind the last output are always 0.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    level: Level,
    inputs: usize,
    biases: Vec<Lanes>,
    /// For each panel, then for each input.
    weights: Vec<Lanes>,
    /// For each category: for each code, then for each panel.
    tables: Vec<Vec<Lanes>>,
    is_rectified: bool,
}

impl Layer {
    /// `weights` has for each input, and each table for each code, one number for each output.
    pub(crate) fn new(
        inputs: usize,
        weights: &[f64],
        biases: &[f64],
        tables: &[Vec<f64>],
        is_rectified: bool,
    ) -> Layer {
        let outputs = biases.len();
        Layer {
            level: Level::best(),
            inputs,
            biases: panels(biases, outputs),
            weights: turned(&panels(weights, outputs), inputs),
            tables: tables.iter().map(|table| panels(table, outputs)).collect(),
            is_rectified,
        }
    }

    /// Numbers per row of output.
    pub(crate) fn width(&self) -> usize {
        self.biases.len() * LANES
    }

    /// Numbers in all tables.
    pub(crate) fn table_len(&self) -> usize {
        self.tables.iter().map(|table| table.len() * LANES).sum()
    }

    /// Calculates the outputs of some rows, a multiple of [`ROWS_MULTIPLE`].
    ///
    /// `input` lies row after row, in each of which the layer's inputs come first; `codes` has one slice
    /// for each table, with a code for each row; `output` takes [`Layer::width`] numbers for each row.
    ///
    /// # Panics
    ///
    /// Where a slice is too short, or a code is behind its table.
    pub(crate) fn run(&self, rows: usize, input: &[f64], codes: &[&[u16]], output: &mut [f64]) {
        assert!(rows.is_multiple_of(ROWS_MULTIPLE) && codes.len() == self.tables.len());
        tiles(self.level, self, rows, input, codes, output);
    }

    /// A panel of outputs of a few rows: sums that stay in registers until they are complete.
    ///
    /// Each sum is added up in the same order and without fused steps at every level, so that a model gives
    /// the same bits on every machine.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "the compiler keeps in registers what it can count")]
    fn tile(&self, first: usize, panel: usize, input: &[f64], codes: &[&[u16]], output: &mut [f64]) {
        let count = self.biases.len();
        let mut sums = [self.biases[panel].0; ROWS_MULTIPLE];
        for (table, codes) in self.tables.iter().zip(codes) {
            let codes = &codes[first..][..ROWS_MULTIPLE];
            for row in 0..ROWS_MULTIPLE {
                let added = &table[usize::from(codes[row]) * count + panel].0;
                for lane in 0..LANES {
                    sums[row][lane] += added[lane];
                }
            }
        }
        let stride = input.len() / ROWS_MULTIPLE;
        let rows: [&[f64]; ROWS_MULTIPLE] = std::array::from_fn(|row| &input[row * stride..][..self.inputs]);
        for (place, weights) in self.weights[panel * self.inputs..][..self.inputs].iter().enumerate() {
            for row in 0..ROWS_MULTIPLE {
                let value = rows[row][place];
                for lane in 0..LANES {
                    sums[row][lane] += value * weights.0[lane];
                }
            }
        }
        let floor = if self.is_rectified { 0.0 } else { f64::NEG_INFINITY };
        for row in 0..ROWS_MULTIPLE {
            let output = &mut output[(row * count + panel) * LANES..][..LANES];
            for lane in 0..LANES {
                let sum = sums[row][lane];
                output[lane] = if sum > floor { sum } else { floor };
            }
        }
    }
}

compiled_for_each_level! {
    fn tiles(layer: &Layer, rows: usize, input: &[f64], codes: &[&[u16]], output: &mut [f64]) {
        let (stride, width) = (input.len() / rows.max(1), layer.width());
        for first in (0..rows).step_by(ROWS_MULTIPLE) {
            let input = &input[first * stride..][..ROWS_MULTIPLE * stride];
            let output = &mut output[first * width..][..ROWS_MULTIPLE * width];
            for panel in 0..layer.biases.len() {
                layer.tile(first, panel, input, codes, output);
            }
        }
    }
}

/// Rows of so many outputs, each filled up to whole panels.
fn panels(numbers: &[f64], outputs: usize) -> Vec<Lanes> {
    let mut panels = Vec::with_capacity(numbers.len() / LANES);
    for row in numbers.chunks_exact(outputs) {
        for numbers in row.chunks(LANES) {
            let mut lanes = ZERO;
            lanes.0[..numbers.len()].copy_from_slice(numbers);
            panels.push(lanes);
        }
    }
    panels
}

/// Inputs by panel instead of panels by input.
fn turned(panels: &[Lanes], inputs: usize) -> Vec<Lanes> {
    let count = panels.len() / inputs.max(1);
    (0..count).flat_map(|panel| (0..inputs).map(move |input| panels[input * count + panel])).collect()
}

#[cfg(test)]
mod tests {
    use super::{Layer, ROWS_MULTIPLE};
    use crate::kernels::level::Level;

    const ROWS: usize = 4 * ROWS_MULTIPLE;
    const INPUTS: usize = 5;

    /// Numbers that look random and are the same everywhere.
    fn drawn(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..count).map(|_| draw()).collect()
    }

    #[test]
    fn every_level_gives_the_bits_of_the_plainest_sum() {
        let input = drawn(ROWS * INPUTS, 1);
        let codes: Vec<u16> = (0..ROWS as u16).map(|row| row * 7 % 3).collect();
        for (outputs, is_rectified) in [(1, false), (7, true), (8, true), (24, false), (37, true), (64, true)]
        {
            let (weights, biases) = (drawn(INPUTS * outputs, 2), drawn(outputs, 3));
            let tables = [drawn(3 * outputs, 4), drawn(3 * outputs, 5)];
            let mut layer = Layer::new(INPUTS, &weights, &biases, &tables, is_rectified);
            for level in Level::all() {
                layer.level = level;
                let mut output = vec![f64::NAN; ROWS * layer.width()];
                layer.run(ROWS, &input, &[&codes, &codes], &mut output);
                for (row, found) in output.chunks_exact(layer.width()).enumerate() {
                    for (at, &found) in found.iter().enumerate() {
                        let code = usize::from(codes[row]);
                        let mut sum = biases.get(at).copied().unwrap_or(0.0);
                        for table in tables.iter().filter(|_| at < outputs) {
                            sum += table[code * outputs + at];
                        }
                        for place in (0..INPUTS).filter(|_| at < outputs) {
                            sum += input[row * INPUTS + place] * weights[place * outputs + at];
                        }
                        let wanted = if is_rectified { sum.max(0.0) } else { sum };
                        assert_eq!(found.to_bits(), wanted.to_bits(), "{level:?}, {row}, {at}");
                    }
                }
            }
        }
    }
}

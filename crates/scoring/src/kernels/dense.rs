//! Dense layers over blocks of rows.

/// Outputs that are calculated side by side; the width of every layer is a multiple of it.
const LANES: usize = 8;

/// Rows come in multiples of this.
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
    inputs: usize,
    biases: Vec<Lanes>,
    /// For each input, then for each panel.
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
            inputs,
            biases: panels(biases, outputs),
            weights: panels(weights, outputs),
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
        self.body::<2, 1, false>(rows, input, codes, output);
    }

    #[inline(always)]
    fn body<const TILE: usize, const PANELS: usize, const FUSED: bool>(
        &self,
        rows: usize,
        input: &[f64],
        codes: &[&[u16]],
        output: &mut [f64],
    ) {
        assert!(rows.is_multiple_of(TILE) && codes.len() == self.tables.len());
        let (stride, count) = (input.len() / rows.max(1), self.biases.len());
        for first in (0..rows).step_by(TILE) {
            let input = &input[first * stride..][..TILE * stride];
            let output = &mut output[first * self.width()..][..TILE * self.width()];
            let mut panel = 0;
            while panel + PANELS <= count {
                self.tile::<TILE, PANELS, FUSED>(first, panel, input, codes, output);
                panel += PANELS;
            }
            while panel < count {
                self.tile::<TILE, 1, FUSED>(first, panel, input, codes, output);
                panel += 1;
            }
        }
    }
}

impl Layer {
    /// Some panels of outputs of a few rows: sums that stay in registers until they are complete.
    #[inline(always)]
    fn tile<const TILE: usize, const PANELS: usize, const FUSED: bool>(
        &self,
        first: usize,
        panel: usize,
        input: &[f64],
        codes: &[&[u16]],
        output: &mut [f64],
    ) {
        let count = self.biases.len();
        let mut sums = [[ZERO; PANELS]; TILE];
        for sums in &mut sums {
            sums.copy_from_slice(&self.biases[panel..][..PANELS]);
        }
        for (table, codes) in self.tables.iter().zip(codes) {
            for (sums, &code) in sums.iter_mut().zip(&codes[first..][..TILE]) {
                let added = &table[usize::from(code) * count + panel..][..PANELS];
                for (sum, added) in sums.iter_mut().zip(added) {
                    for lane in 0..LANES {
                        sum.0[lane] += added.0[lane];
                    }
                }
            }
        }
        let stride = input.len() / TILE;
        let rows: [&[f64]; TILE] = std::array::from_fn(|row| &input[row * stride..][..self.inputs]);
        for (place, weights) in self.weights.chunks_exact(count).enumerate() {
            let weights = &weights[panel..][..PANELS];
            for (sums, row) in sums.iter_mut().zip(&rows) {
                let value = row[place];
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    for lane in 0..LANES {
                        let (old, weight) = (sum.0[lane], weight.0[lane]);
                        sum.0[lane] = if FUSED { value.mul_add(weight, old) } else { old + value * weight };
                    }
                }
            }
        }
        let floor = if self.is_rectified { 0.0 } else { f64::NEG_INFINITY };
        for (row, sums) in sums.iter().enumerate() {
            let output = &mut output[row * count * LANES + panel * LANES..][..PANELS * LANES];
            for (output, sum) in output.chunks_exact_mut(LANES).zip(sums) {
                for (output, sum) in output.iter_mut().zip(&sum.0) {
                    *output = sum.max(floor);
                }
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

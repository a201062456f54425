//! The neural network engine: fully connected layers with ReLU and batch normalisation.
//!
//! Everything is calculated in `f64` and in one order on every machine: the printed decimals are those of the
//! plain forward pass, and next to reading and writing a file the network takes little time.

mod folding;

use serde::{Deserialize, Serialize};

use crate::block::{Block, ROWS, Source};
use crate::kernels::{Layer, ROWS_MULTIPLE};
use crate::model::ModelError;
pub(crate) use folding::{Folded, fold};

/// The value of [`MlpFile::format`].
pub const FORMAT: &str = "augur-mlp-1";

/// The model file: one network, or several whose outputs are averaged.
///
/// The score is the mean of the networks' outputs, each the log-odds of leaving. Dropout has no part in
/// scoring and is not in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MlpFile {
    /// [`FORMAT`].
    pub format: String,
    /// One at least; each begins with the inputs of the manifest.
    pub networks: Vec<NetworkFile>,
}

/// One network: what it does with the inputs, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkFile {
    /// The last of them is dense and has one output.
    pub layers: Vec<LayerFile>,
}

/// One step of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LayerFile {
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` for each value by itself (Ioffe and Szegedy,
    /// "Batch Normalization", 2015), with the statistics of training.
    BatchNorm {
        /// Of each value.
        mean: Vec<f64>,
        /// Of each value, not negative.
        variance: Vec<f64>,
        /// The learned scale of each value.
        gamma: Vec<f64>,
        /// The learned shift of each value.
        beta: Vec<f64>,
        /// Greater than 0 where a variance is 0.
        epsilon: f64,
    },
    /// `weights * x + biases`.
    Dense {
        /// One row for each output, in it one weight for each value that comes in.
        weights: Vec<Vec<f64>>,
        /// One for each output.
        biases: Vec<f64>,
    },
    /// `max(x, 0)` for each value. Stands behind a dense layer, or behind the batch normalisation of one.
    Relu,
}

/// The most numbers in the tables of all networks: 64 MB.
const TABLES_MAX: usize = 8 << 20;
/// Folded weights are at most this far from 0, and inputs as far as `INPUT_MAX`: then not even the deepest
/// and widest network leaves the numbers that `f64` has, and no sum is infinite less infinite.
const WEIGHT_MAX: f64 = 1e12;
pub(crate) const INPUT_MAX: f64 = 1e30;
/// Rows that go through a network together, so that what lies between two layers stays in the nearest cache.
const STRIP: usize = 32;

/// Networks with batch normalisation folded into weights, and categories into tables of what each value
/// adds to the first layer.
#[derive(Debug, Clone)]
pub(crate) struct Mlp {
    /// The inputs that are made of numbers; the first layers multiply these.
    numbers: Vec<Source>,
    /// The categories' slots; the first layers have a table for each.
    categories: Vec<usize>,
    networks: Vec<Vec<Layer>>,
    /// Of the widest layer.
    width_max: usize,
}

impl Mlp {
    pub(crate) fn read(file: &[u8], sources: &[Source]) -> Result<Mlp, ModelError> {
        let file: MlpFile = serde_json::from_slice(file)
            .map_err(|error| invalid(format!("the model file is no neural network: {error}")))?;
        if file.format != FORMAT {
            return Err(ModelError::Unsupported(format!("the format {:?} is not {FORMAT}", file.format)));
        }
        if file.networks.is_empty() {
            return Err(invalid("a model without a network".to_owned()));
        }
        if sources.iter().any(Source::keeps_missing) {
            return Err(invalid("an input has no number that stands for missing".to_owned()));
        }
        let mut mlp = Mlp {
            numbers: sources
                .iter()
                .filter(|source| !matches!(source, Source::Category { .. }))
                .cloned()
                .collect(),
            categories: Vec::new(),
            networks: Vec::with_capacity(file.networks.len()),
            width_max: 0,
        };
        for source in sources {
            if let Source::Category { slot, .. } = source
                && !mlp.categories.contains(slot)
            {
                mlp.categories.push(*slot);
            }
        }
        let mut tables = 0;
        for network in &file.networks {
            let folded = fold(&network.layers, sources.len())?;
            let layers = mlp.layers(&folded, sources)?;
            tables += layers.iter().map(Layer::table_len).sum::<usize>();
            if tables > TABLES_MAX {
                let message = format!("the categories' tables have more than {TABLES_MAX} numbers");
                return Err(ModelError::Unsupported(message));
            }
            mlp.width_max = layers.iter().map(Layer::width).chain([mlp.width_max]).max().unwrap_or(0);
            mlp.networks.push(layers);
        }
        Ok(mlp)
    }

    /// The scores of the block's first `count` rows.
    pub(crate) fn score(&self, block: &Block, count: usize, scores: &mut [f64; ROWS]) {
        let rows = count.next_multiple_of(ROWS_MULTIPLE);
        let width = self.numbers.len();
        let (mut values, mut column) = (vec![0.0; rows * width], [0.0; ROWS]);
        for (place, source) in self.numbers.iter().enumerate() {
            source.read(block, &mut column[..rows]);
            for (row, value) in column[..rows].iter().enumerate() {
                let number = if value.is_nan() { 0.0 } else { value.clamp(-INPUT_MAX, INPUT_MAX) };
                values[row * width + place] = number;
            }
        }
        let codes: Vec<&[u16]> = self.categories.iter().map(|&slot| block.codes(slot)).collect();
        let mut buffers = [vec![0.0; STRIP * self.width_max], vec![0.0; STRIP * self.width_max]];
        scores.fill(0.0);
        for first in (0..rows).step_by(STRIP) {
            let strip = STRIP.min(rows - first);
            let codes: Vec<&[u16]> = codes.iter().map(|codes| &codes[first..][..strip]).collect();
            let values = &values[first * width..][..strip * width];
            for layers in &self.networks {
                run(layers, strip, values, &codes, &mut buffers, &mut scores[first..][..strip]);
            }
        }
        let networks = self.networks.len() as f64;
        scores.iter_mut().for_each(|score| *score /= networks);
    }
}

impl Mlp {
    /// A folded network's layers as kernels want them: the first with tables for categories.
    fn layers(&self, folded: &[Folded], sources: &[Source]) -> Result<Vec<Layer>, ModelError> {
        let mut layers = Vec::with_capacity(folded.len());
        for (place, layer) in folded.iter().enumerate() {
            let outputs = layer.biases.len();
            let is_good = |weight: &f64| weight.abs() <= WEIGHT_MAX;
            if !(layer.weights.iter().all(is_good) && layer.biases.iter().all(is_good)) {
                return Err(invalid(format!("a folded weight is not a number below {WEIGHT_MAX:e}")));
            }
            if place > 0 {
                let inputs = layer.weights.len() / outputs;
                layers.push(Layer::new(inputs, &layer.weights, &layer.biases, &[], layer.is_rectified));
                continue;
            }
            let (mut weights, mut tables) = (Vec::new(), vec![Vec::new(); self.categories.len()]);
            for (source, weight) in sources.iter().zip(layer.weights.chunks_exact(outputs)) {
                let Source::Category { slot, table } = source else {
                    weights.extend_from_slice(weight);
                    continue;
                };
                if table.iter().any(|value| value.abs() > INPUT_MAX) {
                    return Err(invalid(format!("an input is further than {INPUT_MAX:e} from 0")));
                }
                // Every slot of a category is in the list.
                let Some(place) = self.categories.iter().position(|other| other == slot) else { continue };
                add_products(&mut tables[place], table, weight);
            }
            let numbers = self.numbers.len();
            layers.push(Layer::new(numbers, &weights, &layer.biases, &tables, layer.is_rectified));
        }
        Ok(layers)
    }
}

/// Adds what an input made of a category adds to the first layer: for each code, for each output.
fn add_products(sums: &mut Vec<f64>, values: &[f64], weights: &[f64]) {
    if values.len() * weights.len() > TABLES_MAX {
        // Refused by the caller, who counts all tables; nothing of that size is made here.
        sums.resize(TABLES_MAX + 1, 0.0);
        return;
    }
    sums.resize(values.len() * weights.len(), 0.0);
    for (sums, value) in sums.chunks_exact_mut(weights.len()).zip(values) {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }
}

/// Adds a network's outputs for a strip of rows to the scores.
fn run(
    layers: &[Layer],
    rows: usize,
    values: &[f64],
    codes: &[&[u16]],
    [left, right]: &mut [Vec<f64>; 2],
    scores: &mut [f64],
) {
    let Some((first, rest)) = layers.split_first() else { return };
    first.run(rows, values, codes, left);
    let (mut input, mut output) = (left, right);
    let mut width = first.width();
    for layer in rest {
        layer.run(rows, &input[..rows * width], &[], output);
        (input, output) = (output, input);
        width = layer.width();
    }
    scores.iter_mut().zip(input.chunks_exact(width)).for_each(|(score, outputs)| *score += outputs[0]);
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}

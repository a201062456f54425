//! A network of fully connected layers while it learns: forward, backward, and what it becomes.

use scoring::mlp::{LayerFile, NetworkFile};

use crate::layers::{batch_norm_backward, dense, dense_backward, rectified, transposed};
use crate::random::Random;

/// Added to a batch's variance.
const EPSILON: f64 = 1e-5;
/// The share of a batch in the running statistics.
const MOMENTUM: f64 = 0.1;

/// How a network is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) inputs: usize,
    /// Outputs of each hidden layer.
    pub(crate) hidden: &'a [usize],
    /// The share of hidden values that a step of the training leaves out, below 1.
    pub(crate) dropout: f64,
    /// Whether hidden values are normalised as the inputs are.
    pub(crate) normalises_hidden: bool,
}

/// A network. All that is learned lies in one list, so that an optimiser needs to know nothing of layers.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    layers: Vec<Layer>,
    pub(crate) parameters: Vec<f64>,
    /// Means and variances of batches, for when there is no batch.
    statistics: Vec<f64>,
}

/// One step, and where its part of the lists begins.
#[derive(Debug, Clone, Copy)]
enum Layer {
    /// Parameters are scales, then shifts; statistics are means, then variances.
    BatchNorm {
        width: usize,
        parameters: usize,
        statistics: usize,
    },
    /// Parameters are, for each input, the weights of all outputs; then the biases.
    Dense {
        inputs: usize,
        outputs: usize,
        parameters: usize,
    },
    Relu,
    Dropout {
        share: f64,
    },
}

/// What a forward pass leaves for the backward pass.
#[derive(Debug)]
pub(crate) struct Pass {
    rows: usize,
    /// What goes into each layer, then what comes out of the last.
    values: Vec<Vec<f64>>,
    /// Of batch normalisation the normalised values, then the reciprocal deviations; of dropout the factors.
    notes: Vec<Vec<f64>>,
}

impl Pass {
    /// The log-odds of each row.
    pub(crate) fn scores(&self) -> &[f64] {
        self.values.last().map_or(&[], Vec::as_slice)
    }
}

impl Network {
    /// Batch normalisation, for each hidden layer a dense layer, ReLU and dropout, and one output. Weights
    /// are drawn as He, Zhang, Ren and Sun advise ("Delving Deep into Rectifiers", 2015).
    pub(crate) fn new(shape: Shape, random: &mut Random) -> Network {
        let mut network = Network { layers: Vec::new(), parameters: Vec::new(), statistics: Vec::new() };
        network.add_batch_norm(shape.inputs);
        let mut width = shape.inputs;
        for &outputs in shape.hidden {
            network.add_dense(width, outputs, random);
            if shape.normalises_hidden {
                network.add_batch_norm(outputs);
            }
            network.layers.push(Layer::Relu);
            if shape.dropout > 0.0 {
                network.layers.push(Layer::Dropout { share: shape.dropout });
            }
            width = outputs;
        }
        network.add_dense(width, 1, random);
        network
    }

    /// Which parameters are weights of a dense layer.
    pub(crate) fn are_weights(&self) -> Vec<bool> {
        let mut are_weights = vec![false; self.parameters.len()];
        for layer in &self.layers {
            if let Layer::Dense { inputs, outputs, parameters } = *layer {
                are_weights[parameters..][..inputs * outputs].fill(true);
            }
        }
        are_weights
    }

    /// The log-odds of rows outside of the training: running statistics, and nothing is left out.
    pub(crate) fn scores(&self, values: Vec<f64>) -> Vec<f64> {
        self.layers.iter().fold(values, |values, layer| match *layer {
            Layer::BatchNorm { width, parameters, statistics } => {
                let (gammas, betas) = self.parameters[parameters..][..2 * width].split_at(width);
                let (means, variances) = self.statistics[statistics..][..2 * width].split_at(width);
                let mut values = values;
                for row in values.chunks_exact_mut(width) {
                    for (at, value) in row.iter_mut().enumerate() {
                        let deviation = (variances[at] + EPSILON).sqrt();
                        *value = gammas[at] * (*value - means[at]) / deviation + betas[at];
                    }
                }
                values
            }
            Layer::Dense { inputs, outputs, parameters } => {
                dense(&values, inputs, outputs, &self.parameters[parameters..])
            }
            Layer::Relu => rectified(&values),
            Layer::Dropout { .. } => values,
        })
    }

    /// A step of the training forward, on a batch of several rows; moves the running statistics.
    pub(crate) fn forward(&mut self, rows: usize, values: Vec<f64>, random: &mut Random) -> Pass {
        let mut pass = Pass { rows, values: vec![values], notes: Vec::new() };
        for place in 0..self.layers.len() {
            let values = &pass.values[place];
            let (next, notes) = match self.layers[place] {
                Layer::BatchNorm { width, parameters, statistics } => {
                    self.normalised(values, width, parameters, statistics)
                }
                Layer::Dense { inputs, outputs, parameters } => {
                    (dense(values, inputs, outputs, &self.parameters[parameters..]), Vec::new())
                }
                Layer::Relu => (rectified(values), Vec::new()),
                Layer::Dropout { share } => {
                    // What is kept grows, so that the sums stay as great as without dropout.
                    let kept = 1.0 / (1.0 - share);
                    let factors: Vec<f64> =
                        values.iter().map(|_| if random.chance(share) { 0.0 } else { kept }).collect();
                    (values.iter().zip(&factors).map(|(value, factor)| value * factor).collect(), factors)
                }
            };
            pass.values.push(next);
            pass.notes.push(notes);
        }
        pass
    }

    /// The gradient of a loss in the parameters, from its gradient in the scores.
    pub(crate) fn backward(&self, pass: &Pass, slopes: Vec<f64>) -> Vec<f64> {
        let mut gradients = vec![0.0; self.parameters.len()];
        let mut slopes = slopes;
        for (place, layer) in self.layers.iter().enumerate().rev() {
            let (values, notes) = (&pass.values[place], &pass.notes[place]);
            slopes = match *layer {
                Layer::BatchNorm { width, parameters, .. } => {
                    let gammas = &self.parameters[parameters..][..width];
                    batch_norm_backward(&slopes, notes, gammas, &mut gradients[parameters..][..2 * width])
                }
                Layer::Dense { inputs, outputs, parameters } => {
                    let size = (inputs + 1) * outputs;
                    let weights = &self.parameters[parameters..][..inputs * outputs];
                    dense_backward(pass.rows, &slopes, values, weights, &mut gradients[parameters..][..size])
                }
                Layer::Relu => {
                    let through = |(&slope, &value): (&f64, &f64)| if value > 0.0 { slope } else { 0.0 };
                    slopes.iter().zip(values).map(through).collect()
                }
                Layer::Dropout { .. } => {
                    slopes.iter().zip(notes).map(|(slope, factor)| slope * factor).collect()
                }
            };
        }
        gradients
    }

    /// The network as scoring reads it.
    pub(crate) fn file(&self) -> NetworkFile {
        let layer = |layer: &Layer| match *layer {
            Layer::BatchNorm { width, parameters, statistics } => {
                let (gamma, beta) = self.parameters[parameters..][..2 * width].split_at(width);
                let (mean, variance) = self.statistics[statistics..][..2 * width].split_at(width);
                Some(LayerFile::BatchNorm {
                    mean: mean.to_vec(),
                    variance: variance.to_vec(),
                    gamma: gamma.to_vec(),
                    beta: beta.to_vec(),
                    epsilon: EPSILON,
                })
            }
            Layer::Dense { inputs, outputs, parameters } => {
                let (weights, biases) =
                    self.parameters[parameters..][..(inputs + 1) * outputs].split_at(inputs * outputs);
                let weights = transposed(weights, outputs);
                Some(LayerFile::Dense {
                    weights: weights.chunks_exact(inputs).map(<[f64]>::to_vec).collect(),
                    biases: biases.to_vec(),
                })
            }
            Layer::Relu => Some(LayerFile::Relu),
            Layer::Dropout { .. } => None,
        };
        NetworkFile { layers: self.layers.iter().filter_map(layer).collect() }
    }

    fn add_batch_norm(&mut self, width: usize) {
        let (parameters, statistics) = (self.parameters.len(), self.statistics.len());
        self.layers.push(Layer::BatchNorm { width, parameters, statistics });
        for list in [&mut self.parameters, &mut self.statistics] {
            list.resize(list.len() + 2 * width, 0.0);
        }
        self.parameters[parameters..][..width].fill(1.0);
        self.statistics[statistics + width..].fill(1.0);
    }

    fn add_dense(&mut self, inputs: usize, outputs: usize, random: &mut Random) {
        self.layers.push(Layer::Dense { inputs, outputs, parameters: self.parameters.len() });
        let deviation = (2.0 / inputs as f64).sqrt();
        self.parameters.extend((0..inputs * outputs).map(|_| deviation * random.normal()));
        self.parameters.resize(self.parameters.len() + outputs, 0.0);
    }

    /// The batch normalised by its own statistics, and the notes for the way back.
    fn normalised(
        &mut self,
        values: &[f64],
        width: usize,
        parameters: usize,
        statistics: usize,
    ) -> (Vec<f64>, Vec<f64>) {
        let rows = (values.len() / width) as f64;
        let (mut means, mut variances) = (vec![0.0; width], vec![0.0; width]);
        for row in values.chunks_exact(width) {
            means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / rows);
        }
        for row in values.chunks_exact(width) {
            for ((variance, value), mean) in variances.iter_mut().zip(row).zip(&means) {
                *variance += (value - mean).powi(2) / rows;
            }
        }
        let unbiased = rows / (rows - 1.0).max(1.0);
        let running = &mut self.statistics[statistics..][..2 * width];
        let batch = means.iter().copied().chain(variances.iter().map(|variance| variance * unbiased));
        running.iter_mut().zip(batch).for_each(|(old, new)| *old += MOMENTUM * (new - *old));
        let reciprocals: Vec<f64> =
            variances.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect();
        let (gammas, betas) = self.parameters[parameters..][..2 * width].split_at(width);
        let (mut out, mut notes) =
            (Vec::with_capacity(values.len()), Vec::with_capacity(values.len() + width));
        for row in values.chunks_exact(width) {
            for (at, value) in row.iter().enumerate() {
                let normalised = (value - means[at]) * reciprocals[at];
                notes.push(normalised);
                out.push(gammas[at] * normalised + betas[at]);
            }
        }
        notes.extend(reciprocals);
        (out, notes)
    }
}

#[cfg(test)]
mod tests {
    use scoring::mlp::LayerFile;

    use super::{Layer, Network, Shape};
    use crate::random::Random;

    const ROWS: usize = 6;
    const INPUTS: usize = 3;

    fn shape(hidden: &[usize], dropout: f64, normalises_hidden: bool) -> Shape<'_> {
        Shape { inputs: INPUTS, hidden, dropout, normalises_hidden }
    }

    fn values(random: &mut Random) -> Vec<f64> {
        (0..ROWS * INPUTS).map(|_| random.normal()).collect()
    }

    /// A loss with another slope for each row.
    fn loss(network: &Network, values: &[f64]) -> f64 {
        // The same seed leaves out the same values each time.
        let pass = network.clone().forward(ROWS, values.to_vec(), &mut Random::new(9));
        pass.scores().iter().enumerate().map(|(row, score)| (row as f64 - 1.5) * score).sum()
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (hidden, dropout, normalises_hidden) in
            [(&[][..], 0.0, false), (&[5, 4], 0.0, false), (&[5, 4], 0.0, true), (&[7, 5, 3], 0.3, true)]
        {
            let mut random = Random::new(4);
            let mut network = Network::new(shape(hidden, dropout, normalises_hidden), &mut random);
            // Away from zero, where a ReLU has no slope.
            network.parameters.iter_mut().for_each(|parameter| *parameter += 0.1 * random.normal());
            let values = values(&mut random);
            let pass = network.clone().forward(ROWS, values.clone(), &mut Random::new(9));
            let gradients = network.backward(&pass, (0..ROWS).map(|row| row as f64 - 1.5).collect());
            assert!(gradients.iter().any(|gradient| gradient.abs() > 0.1));
            for (place, gradient) in gradients.iter().enumerate() {
                let moved = |by: f64| {
                    let mut network = network.clone();
                    network.parameters[place] += by;
                    loss(&network, &values)
                };
                let numerical = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                let difference = (numerical - gradient).abs();
                assert!(difference < 1e-6, "{place}: {numerical} is not {gradient}");
            }
        }
    }

    #[test]
    fn weights_are_drawn_for_the_number_of_inputs() {
        let network = Network::new(Shape { inputs: 200, ..shape(&[100], 0.0, false) }, &mut Random::new(1));
        let Layer::Dense { parameters, .. } = network.layers[1] else { panic!("{:?}", network.layers) };
        let weights = &network.parameters[parameters..][..200 * 100];
        let variance = weights.iter().map(|weight| weight * weight).sum::<f64>() / weights.len() as f64;
        assert!((variance - 2.0 / 200.0).abs() < 2e-4, "{variance}");
        assert_eq!(network.are_weights().iter().filter(|&&is_weight| is_weight).count(), 200 * 100 + 100);
    }

    #[test]
    fn values_are_left_out_in_training_only() {
        let mut random = Random::new(6);
        let mut network = Network::new(shape(&[400], 0.25, false), &mut random);
        let values = values(&mut random);
        let pass = network.forward(ROWS, values.clone(), &mut random);
        let factors = &pass.notes[3];
        let left_out = factors.iter().filter(|&&factor| factor == 0.0).count() as f64 / factors.len() as f64;
        assert!((left_out - 0.25).abs() < 0.03, "{left_out}");
        assert!(factors.iter().all(|&factor| factor == 0.0 || (factor - 4.0 / 3.0).abs() < 1e-12));
        let without = Network {
            layers: network
                .layers
                .iter()
                .copied()
                .filter(|layer| !matches!(layer, Layer::Dropout { .. }))
                .collect(),
            ..network.clone()
        };
        assert_eq!(network.scores(values.clone()), without.scores(values));
    }

    #[test]
    fn batches_leave_their_statistics_behind() {
        let mut network = Network::new(shape(&[2], 0.0, false), &mut Random::new(1));
        let values: Vec<f64> = (0..ROWS * INPUTS).map(|place| (place / INPUTS) as f64).collect();
        for _ in 0..200 {
            network.forward(ROWS, values.clone(), &mut Random::new(1));
        }
        let LayerFile::BatchNorm { mean, variance, .. } = &network.file().layers[0] else {
            panic!("no norm")
        };
        // 0 to 5: the mean is 2.5, the unbiased variance 3.5.
        assert!(mean.iter().all(|mean| (mean - 2.5).abs() < 1e-6), "{mean:?}");
        assert!(variance.iter().all(|variance| (variance - 3.5).abs() < 1e-6), "{variance:?}");
    }
}

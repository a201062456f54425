//! Batch normalisation folded into the weights of the dense layers beside it.

use super::{LayerFile, invalid};
use crate::model::ModelError;

/// The most outputs of a layer, and the most dense layers.
const WIDTH_MAX: usize = 4096;
const DEPTH_MAX: usize = 16;

/// A dense layer with all that lay between it and its neighbours, but for the ReLU.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Folded {
    /// For each input, one weight for each output.
    pub(crate) weights: Vec<f64>,
    /// One for each output.
    pub(crate) biases: Vec<f64>,
    /// Whether a ReLU follows.
    pub(crate) is_rectified: bool,
}

/// `scale * x + shift` for each value.
struct Affine {
    scales: Vec<f64>,
    shifts: Vec<f64>,
}

/// Folds a network of so many inputs; refuses one that does not fit together.
pub(crate) fn fold(layers: &[LayerFile], inputs: usize) -> Result<Vec<Folded>, ModelError> {
    let mut folded: Vec<Folded> = Vec::new();
    let identity = |width| Affine { scales: vec![1.0; width], shifts: vec![0.0; width] };
    // What the values went through since the last dense layer, where that could not be folded into it.
    let (mut width, mut pending) = (inputs, identity(inputs));
    for layer in layers {
        match layer {
            LayerFile::BatchNorm { .. } => {
                let affine = affine(layer, width)?;
                match folded.last_mut() {
                    Some(dense) if !dense.is_rectified => dense.then(&affine),
                    _ => pending.then(&affine),
                }
            }
            LayerFile::Dense { weights, biases } => {
                folded.push(dense(weights, biases, &pending)?);
                width = biases.len();
                pending = identity(width);
            }
            LayerFile::Relu => match folded.last_mut() {
                Some(dense) if !dense.is_rectified => dense.is_rectified = true,
                _ => return Err(invalid("a ReLU does not stand behind a dense layer".to_owned())),
            },
        }
    }
    if folded.len() > DEPTH_MAX {
        return Err(ModelError::Unsupported(format!("a network has more than {DEPTH_MAX} dense layers")));
    }
    match folded.last() {
        Some(last) if last.biases.len() == 1 && !last.is_rectified => Ok(folded),
        _ => Err(invalid("a network does not end in a dense layer with one output".to_owned())),
    }
}

impl Affine {
    fn then(&mut self, other: &Affine) {
        for (place, (scale, shift)) in other.scales.iter().zip(&other.shifts).enumerate() {
            self.scales[place] *= scale;
            self.shifts[place] = self.shifts[place] * scale + shift;
        }
    }
}

impl Folded {
    fn then(&mut self, affine: &Affine) {
        for weights in self.weights.chunks_exact_mut(self.biases.len()) {
            weights.iter_mut().zip(&affine.scales).for_each(|(weight, scale)| *weight *= scale);
        }
        for (bias, (scale, shift)) in self.biases.iter_mut().zip(affine.scales.iter().zip(&affine.shifts)) {
            *bias = *bias * scale + shift;
        }
    }
}

/// What a batch normalisation does to each of `width` values.
fn affine(layer: &LayerFile, width: usize) -> Result<Affine, ModelError> {
    let LayerFile::BatchNorm { mean, variance, gamma, beta, epsilon } = layer else {
        return Err(invalid("the layer is no batch normalisation".to_owned()));
    };
    if [mean.len(), variance.len(), gamma.len(), beta.len()] != [width; 4] {
        return Err(invalid(format!("a batch normalisation is not for {width} values")));
    }
    if variance.iter().any(|variance| !(variance + epsilon > 0.0 && *variance >= 0.0)) {
        return Err(invalid("a variance is not greater than 0".to_owned()));
    }
    let scales: Vec<f64> =
        gamma.iter().zip(variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
    let shifts = beta.iter().zip(mean).zip(&scales).map(|((beta, mean), scale)| beta - mean * scale);
    Ok(Affine { shifts: shifts.collect(), scales })
}

fn dense(weights: &[Vec<f64>], biases: &[f64], before: &Affine) -> Result<Folded, ModelError> {
    let (inputs, outputs) = (before.scales.len(), biases.len());
    if outputs == 0 || outputs > WIDTH_MAX {
        return Err(ModelError::Unsupported(format!("a layer has {outputs} outputs, not 1 to {WIDTH_MAX}")));
    }
    if weights.len() != outputs || weights.iter().any(|weights| weights.len() != inputs) {
        return Err(invalid(format!(
            "a dense layer has not {inputs} weights for each of its {outputs} biases"
        )));
    }
    let mut folded =
        Folded { weights: vec![0.0; inputs * outputs], biases: biases.to_vec(), is_rectified: false };
    for (output, weights) in weights.iter().enumerate() {
        for (input, weight) in weights.iter().enumerate() {
            folded.weights[input * outputs + output] = weight * before.scales[input];
            folded.biases[output] += weight * before.shifts[input];
        }
    }
    Ok(folded)
}

//! Neural networks: sampled Shapley values against the average customer.
//!
//! The value of a set of features is the score of a customer whose other features have the mean inputs of
//! training's customers. A feature's Shapley value is the mean of what it adds to those before it, over all
//! orders; here over [`ORDERS`] seeded orders and the reverse of each (Castro, Gómez and Tejada, "Polynomial
//! calculation of the Shapley value based on sampling", 2009; Mitchell et al., "Sampling Permutations for
//! Shapley Value Estimation", 2022). Whatever the orders, the contributions of a customer add up exactly to
//! the score less the average customer's; the same customer always gets the same ones.

use super::attribution::Attribution;
use crate::block::{Block, ROWS, Source};
use crate::mlp::{Folded, INPUT_MAX, MlpFile, fold};
use crate::model::ModelError;

/// Orders that are drawn; with the reverse of each, twice as many are gone through.
const ORDERS: usize = 16;
const SEED: u64 = 0x6a09_e667_f3bc_c908;

/// Inputs that are changed together, and the features that the change belongs to, with their shares.
type Player = (Vec<usize>, Vec<(u16, f64)>);

#[derive(Debug, Clone)]
pub(super) struct NetworkExplainer {
    base: f64,
    sources: Vec<Source>,
    means: Vec<f64>,
    networks: Vec<Vec<Folded>>,
    players: Vec<Player>,
    orders: Vec<Vec<usize>>,
}

impl NetworkExplainer {
    pub(super) fn new(
        file: &[u8],
        sources: &[Source],
        means: &[f64],
        attribution: &Attribution,
    ) -> Result<NetworkExplainer, ModelError> {
        let file: MlpFile = serde_json::from_slice(file)
            .map_err(|error| ModelError::Invalid(format!("the model file is no neural network: {error}")))?;
        let networks = file.networks.iter().map(|network| fold(&network.layers, sources.len()));
        let mut players: Vec<Player> = Vec::new();
        for input in 0..sources.len() {
            let shares = attribution.shares(&[input]);
            match players.iter_mut().find(|(_, other)| *other == shares) {
                Some((inputs, _)) => inputs.push(input),
                None => players.push((vec![input], shares)),
            }
        }
        let mut explainer = NetworkExplainer {
            base: 0.0,
            sources: sources.to_vec(),
            means: means.to_vec(),
            networks: networks.collect::<Result<_, _>>()?,
            orders: orders(players.len()),
            players,
        };
        explainer.base = explainer.score(means);
        Ok(explainer)
    }

    pub(super) fn base(&self) -> f64 {
        self.base
    }

    pub(super) fn add(&self, block: &Block, count: usize, contributions: &mut [f64]) {
        let mut columns = vec![[0.0; ROWS]; self.sources.len()];
        for (column, source) in columns.iter_mut().zip(&self.sources) {
            source.read(block, column);
        }
        for row in 0..count {
            let own: Vec<f64> =
                columns.iter().map(|column| column[row].clamp(-INPUT_MAX, INPUT_MAX)).collect();
            for (order, is_reversed) in self.orders.iter().flat_map(|order| [(order, false), (order, true)]) {
                let places: Box<dyn Iterator<Item = &usize>> =
                    if is_reversed { Box::new(order.iter().rev()) } else { Box::new(order.iter()) };
                let (mut inputs, mut before) = (self.means.clone(), self.base);
                for &place in places {
                    let (members, shares) = &self.players[place];
                    members.iter().for_each(|&member| inputs[member] = own[member]);
                    let score = self.score(&inputs);
                    for &(feature, share) in shares {
                        contributions[usize::from(feature) * ROWS + row] +=
                            share * (score - before) / (2 * ORDERS) as f64;
                    }
                    before = score;
                }
            }
        }
    }

    /// The mean of the networks' outputs.
    fn score(&self, inputs: &[f64]) -> f64 {
        let output = |layers: &Vec<Folded>| {
            let mut values = inputs.to_vec();
            for layer in layers {
                values = run(layer, &values);
            }
            values[0]
        };
        self.networks.iter().map(output).sum::<f64>() / self.networks.len() as f64
    }
}

fn run(layer: &Folded, values: &[f64]) -> Vec<f64> {
    let mut outputs = layer.biases.clone();
    for (value, weights) in values.iter().zip(layer.weights.chunks_exact(layer.biases.len())) {
        if *value != 0.0 {
            outputs.iter_mut().zip(weights).for_each(|(output, weight)| *output += value * weight);
        }
    }
    if layer.is_rectified {
        outputs.iter_mut().for_each(|output| *output = output.max(0.0));
    }
    outputs
}

/// Orders of so many players, by Fisher and Yates with the generator of Vigna ("SplitMix64").
fn orders(players: usize) -> Vec<Vec<usize>> {
    let mut state = SEED;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut order = || {
        let mut order: Vec<usize> = (0..players).collect();
        for last in (1..players).rev() {
            order.swap(last, (next() % (last as u64 + 1)) as usize);
        }
        order
    };
    (0..ORDERS).map(|_| order()).collect()
}

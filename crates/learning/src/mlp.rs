//! A neural network of fully connected layers, trained on the log loss by small batches.
//!
//! Nothing depends on the number of threads, and everything random on the seed. Exponentials and logarithms
//! are the platform's, so that another platform may give other last digits.

use rayon::prelude::*;
use scoring::mlp::{FORMAT, MlpFile};
use serde::{Deserialize, Serialize};

use crate::adam::{Adam, Rates};
use crate::error::Error;
use crate::folds;
use crate::learner::Fit;
use crate::network::{Network, Shape};
use crate::random::Random;
use crate::samples::Samples;

/// How networks are built and trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    /// Outputs of each hidden layer.
    pub(crate) hidden: Vec<usize>,
    /// Networks that begin with other weights, and whose log-odds are averaged.
    pub(crate) networks: usize,
    /// The most times that a network sees all customers.
    pub(crate) epochs: usize,
    /// Customers between two steps.
    pub(crate) batch_rows: usize,
    pub(crate) learning_rate: f64,
    /// How much of the mean gradient is kept at each step, below 1.
    pub(crate) beta1: f64,
    /// How much of the mean squared gradient is kept at each step, below 1.
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    /// The share, times the learning rate, that weights lose at each step.
    pub(crate) weight_decay: f64,
    /// The share of hidden values that a step leaves out, below 1.
    pub(crate) dropout: f64,
    /// Whether hidden values are normalised by batches, as the inputs always are.
    pub(crate) normalise_hidden: bool,
    /// Epochs without a better log loss on the customers that are watched, after which a network has
    /// learned; the best weights count. With 0 it learns for all epochs from all customers.
    pub(crate) patience: usize,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample.
    fn default() -> Parameters {
        Parameters {
            hidden: vec![32],
            networks: 3,
            epochs: 100,
            batch_rows: 256,
            learning_rate: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.5,
            dropout: 0.5,
            normalise_hidden: false,
            patience: 10,
        }
    }
}

const HIDDEN_MAX: usize = 8;
const WIDTH_MAX: usize = 1024;
const NETWORKS_MAX: usize = 50;
/// Batch normalisation needs more than one customer in a batch.
const BATCH_MIN: usize = 2;
/// Where nobody is given to be watched, one of so many parts of the customers is.
const STOP_PARTS: usize = 10;

impl Parameters {
    fn check(&self) -> Result<(), Error> {
        let is_share = |number: f64| (0.0..1.0).contains(&number);
        let widths_are_good = self.hidden.iter().all(|width| (1..=WIDTH_MAX).contains(width));
        let problem = match self {
            _ if self.hidden.len() > HIDDEN_MAX || !widths_are_good => {
                format!("there must be at most {HIDDEN_MAX} hidden layers of 1 to {WIDTH_MAX} values")
            }
            _ if !(1..=NETWORKS_MAX).contains(&self.networks) => {
                format!("networks must be 1 to {NETWORKS_MAX}")
            }
            _ if self.epochs == 0 || self.batch_rows < BATCH_MIN => {
                format!("epochs must be at least 1, batch_rows at least {BATCH_MIN}")
            }
            _ if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) => {
                "learning_rate must be greater than 0 and at most 1".to_owned()
            }
            _ if !(is_share(self.beta1) && is_share(self.beta2) && is_share(self.dropout)) => {
                "beta1, beta2 and dropout must be at least 0 and below 1".to_owned()
            }
            _ if !(self.epsilon > 0.0 && self.epsilon.is_finite() && is_share(self.weight_decay)) => {
                "epsilon must be greater than 0, weight_decay at least 0 and below 1".to_owned()
            }
            _ => return Ok(()),
        };
        Err(Error::Options(problem))
    }
}

pub(crate) fn fit(fit: Fit, parameters: &Parameters) -> Result<MlpFile, Error> {
    parameters.check()?;
    let samples = fit.samples;
    if samples.matrix.width == 0 || samples.matrix.rows < BATCH_MIN {
        return Err(Error::Data("there is too little to train a network on".to_owned()));
    }
    if samples.matrix.values.iter().any(|value| !value.is_finite()) {
        return Err(Error::Data("a network cannot learn from a number that is missing".to_owned()));
    }
    let mut random = Random::new(fit.seed);
    let seeds: Vec<u64> = (0..parameters.networks).map(|_| random.next()).collect();
    let train = |&seed: &u64| match fit.stop {
        Some(stop) if parameters.patience > 0 => train(samples, Some(stop), parameters, seed),
        None if parameters.patience > 0 => {
            let part_of = folds::stratified(&samples.labels, STOP_PARTS, seed);
            let (stop, learn): (Vec<usize>, Vec<usize>) =
                (0..samples.matrix.rows).partition(|&row| part_of[row] == 0);
            train(&samples.select(&learn), Some(&samples.select(&stop)), parameters, seed)
        }
        _ => train(samples, None, parameters, seed),
    };
    let networks: Vec<Network> = seeds.par_iter().map(train).collect();
    if networks.iter().flat_map(|network| &network.parameters).any(|parameter| !parameter.is_finite()) {
        return Err(Error::Training("the weights have grown without end".to_owned()));
    }
    Ok(MlpFile { format: FORMAT.to_owned(), networks: networks.iter().map(Network::file).collect() })
}

/// One network.
fn train(samples: &Samples, stop: Option<&Samples>, parameters: &Parameters, seed: u64) -> Network {
    let mut random = Random::new(seed);
    let shape = Shape {
        inputs: samples.matrix.width,
        hidden: &parameters.hidden,
        dropout: parameters.dropout,
        normalises_hidden: parameters.normalise_hidden,
    };
    let rates = Rates {
        learning_rate: parameters.learning_rate,
        beta1: parameters.beta1,
        beta2: parameters.beta2,
        epsilon: parameters.epsilon,
        weight_decay: parameters.weight_decay,
    };
    let mut network = Network::new(shape, &mut random);
    let mut adam = Adam::new(network.are_weights());
    let mut order: Vec<usize> = (0..samples.matrix.rows).collect();
    let mut best: Option<(f64, usize, Network)> = None;
    for epoch in 0..parameters.epochs {
        random.shuffle(&mut order);
        for rows in batches(&order, parameters.batch_rows) {
            step(&mut network, &mut adam, &rates, &samples.select(rows), &mut random);
        }
        let Some(stop) = stop else { continue };
        let loss = log_loss(&network.scores(stop.matrix.values.clone()), stop);
        match &best {
            Some((lowest, at, _)) if loss.is_nan() || loss >= *lowest => {
                if epoch - at >= parameters.patience {
                    break;
                }
            }
            _ => best = Some((loss, epoch, network.clone())),
        }
    }
    best.map_or(network, |(.., best)| best)
}

/// Parts of nearly equal size, none of which is longer than wanted by more than one row.
fn batches(order: &[usize], wanted: usize) -> impl Iterator<Item = &[usize]> {
    let count = (order.len() / wanted.max(1)).max(1);
    (0..count).map(move |part| &order[order.len() * part / count..order.len() * (part + 1) / count])
}

fn step(network: &mut Network, adam: &mut Adam, rates: &Rates, batch: &Samples, random: &mut Random) {
    let rows = batch.labels.len();
    let pass = network.forward(rows, batch.matrix.values.clone(), random);
    let gradients = network.backward(&pass, slopes(pass.scores(), batch));
    adam.step(&mut network.parameters, &gradients, rates);
}

/// The gradient of the batch's loss in its scores: the weighted log losses over the number of rows.
fn slopes(scores: &[f64], batch: &Samples) -> Vec<f64> {
    let rows = scores.len() as f64;
    let slope = |((score, &has_left), weight): ((&f64, &bool), &f64)| {
        let probability = 1.0 / (1.0 + (-score).exp());
        weight * (probability - f64::from(u8::from(has_left))) / rows
    };
    scores.iter().zip(&batch.labels).zip(&batch.weights).map(slope).collect()
}

/// The weighted mean of the log losses.
fn log_loss(scores: &[f64], samples: &Samples) -> f64 {
    let loss = |((&score, &has_left), weight): ((&f64, &bool), &f64)| {
        let against = if has_left { -score } else { score };
        weight * (against.max(0.0) + (-against.abs()).exp().ln_1p())
    };
    let sum: f64 = scores.iter().zip(&samples.labels).zip(&samples.weights).map(loss).sum();
    sum / samples.weights.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use scoring::mlp::LayerFile;
    use scoring::model::checksum;
    use scoring::{
        Algorithm, Calibration, Feature, FeatureKind, Input, InputEncoding, Manifest, Metrics, Model, Schema,
    };

    use super::{Parameters, batches, fit, log_loss, train};
    use crate::error::Error;
    use crate::learner::Fit;
    use crate::random::Random;
    use crate::samples::{Matrix, Samples};

    fn few() -> Parameters {
        Parameters {
            hidden: vec![12, 6],
            networks: 2,
            epochs: 60,
            batch_rows: 32,
            learning_rate: 0.01,
            weight_decay: 0.0,
            dropout: 0.1,
            patience: 0,
            ..Parameters::default()
        }
    }

    /// Whoever has exactly one of two things leaves, nine times in ten.
    fn exclusive_or(rows: usize, seed: u64) -> Samples {
        let mut random = Random::new(seed);
        let values: Vec<f64> = (0..rows * 2).map(|_| f64::from(u8::from(random.chance(0.5)))).collect();
        let labels = values.chunks(2).map(|pair| (pair[0] == pair[1]) == random.chance(0.1)).collect();
        Samples::new(Matrix { rows, width: 2, values }, labels)
    }

    fn fitted(samples: &Samples, parameters: &Parameters, seed: u64) -> Result<Vec<u8>, Error> {
        let file = fit(Fit { samples, stop: None, inputs: &[], seed }, parameters)?;
        Ok(serde_json::to_vec(&file).unwrap())
    }

    fn model(file: &[u8]) -> Model {
        let name = |place: usize| ["a", "b"][place].to_owned();
        let feature = |place| Feature { name: name(place), aliases: Vec::new(), kind: FeatureKind::Number };
        let encoding = InputEncoding::Number { missing: Some(0.0) };
        let input = |place| Input { name: name(place), feature: name(place), encoding: encoding.clone() };
        let manifest = Manifest {
            name: String::new(),
            algorithm: Algorithm::Mlp,
            version: String::new(),
            description: String::new(),
            file: "model.json".to_owned(),
            sha256: checksum(file),
            schema: Schema { features: vec![feature(0), feature(1)], outcomes: Vec::new() },
            derived: Vec::new(),
            inputs: vec![input(0), input(1)],
            calibration: Calibration::IDENTITY,
            threshold: 0.5,
            metrics: Metrics::default(),
            training: None,
            reference: None,
            profile: None,
            levers: None,
            effects: Vec::new(),
        };
        Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), file).unwrap()
    }

    #[test]
    fn what_no_line_can_part_is_learned() {
        let model = model(&fitted(&exclusive_or(600, 3), &few(), 1).unwrap());
        for (a, b) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
            let probability = model.score(&[a, b], &[]);
            let wanted = if a == b { 0.1 } else { 0.9 };
            assert!((probability - wanted).abs() < 0.07, "{a} {b}: {probability}");
        }
    }

    #[test]
    fn training_and_scoring_calculate_the_same() {
        let samples = exclusive_or(300, 3);
        let parameters = Parameters { networks: 1, normalise_hidden: true, epochs: 3, ..few() };
        let seed = Random::new(5).next();
        let network = train(&samples, None, &parameters, seed);
        let model = model(&fitted(&samples, &parameters, 5).unwrap());
        let scores = network.scores(samples.matrix.values.clone());
        for (row, score) in scores.into_iter().enumerate() {
            let probability = model.score(samples.matrix.row(row), &[]);
            assert!((probability - 1.0 / (1.0 + (-score).exp())).abs() < 1e-12);
        }
    }

    #[test]
    fn a_seed_gives_the_same_bytes_with_any_number_of_threads() {
        let samples = exclusive_or(200, 3);
        let parameters = Parameters { networks: 3, epochs: 4, patience: 2, ..few() };
        let with_threads = |threads: usize, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fitted(&samples, &parameters, seed).unwrap())
        };
        assert_eq!(with_threads(1, 7), with_threads(3, 7));
        assert_ne!(with_threads(1, 7), with_threads(1, 8));
    }

    #[test]
    fn the_best_weights_on_those_watched_are_kept() {
        // Outcomes that nothing tells, so that learning them by heart soon makes it worse for others.
        let mut random = Random::new(2);
        let mut noise = |rows: usize| {
            let values = (0..rows * 4).map(|_| random.normal()).collect();
            let labels = (0..rows).map(|_| random.chance(0.5)).collect();
            Samples::new(Matrix { rows, width: 4, values }, labels)
        };
        let (samples, stop) = (noise(80), noise(200));
        let parameters = Parameters { dropout: 0.0, ..few() };
        let judged = |epochs: usize, patience: usize, stop_at: Option<&Samples>| {
            let parameters = Parameters { epochs, patience, ..parameters.clone() };
            let network = train(&samples, stop_at, &parameters, 1);
            (log_loss(&network.scores(stop.matrix.values.clone()), &stop), network.parameters)
        };
        // Each number of epochs in a run of its own, in which nobody is watched.
        let runs: Vec<_> = (1..=60).map(|epochs| judged(epochs, 0, None)).collect();
        let lowest =
            |end: usize| (0..end).min_by(|&left, &right| runs[left].0.total_cmp(&runs[right].0)).unwrap();
        let end = (1..60).find(|&end| end > lowest(end) + 5).unwrap();
        assert!(judged(200, 5, Some(&stop)) == runs[lowest(end)]);
        assert!(runs[lowest(end)].0 < runs[59].0 - 0.05);
    }

    #[test]
    fn a_row_that_counts_twice_is_two_rows() {
        let twice = |weight: f64| {
            let mut samples = exclusive_or(300, 3);
            samples.weights = samples.labels.iter().map(|&label| if label { weight } else { 1.0 }).collect();
            let model = model(&fitted(&samples, &few(), 1).unwrap());
            model.score(&[0.0, 0.0], &[]) + model.score(&[1.0, 0.0], &[])
        };
        assert!(twice(3.0) > twice(1.0) + 0.1);
    }

    #[test]
    fn batches_are_nearly_equal_and_leave_nobody_out() {
        let order: Vec<usize> = (0..135).collect();
        let sizes: Vec<usize> = batches(&order, 32).map(<[usize]>::len).collect();
        assert_eq!(sizes, [33, 34, 34, 34]);
        assert_eq!(batches(&order, 1000).count(), 1);
    }

    #[test]
    fn dropout_is_not_in_the_file() {
        let file =
            fit(Fit { samples: &exclusive_or(60, 1), stop: None, inputs: &[], seed: 1 }, &few()).unwrap();
        let kinds = |layer: &LayerFile| match layer {
            LayerFile::BatchNorm { .. } => 'n',
            LayerFile::Dense { .. } => 'd',
            LayerFile::Relu => 'r',
        };
        let order: String = file.networks[0].layers.iter().map(kinds).collect();
        assert_eq!((file.networks.len(), order.as_str()), (2, "ndrdrd"));
    }

    #[test]
    fn parameters_that_make_no_sense_are_refused() {
        let samples = exclusive_or(60, 1);
        let bad = [
            Parameters { hidden: vec![0], ..few() },
            Parameters { hidden: vec![4; 9], ..few() },
            Parameters { networks: 0, ..few() },
            Parameters { epochs: 0, ..few() },
            Parameters { batch_rows: 1, ..few() },
            Parameters { learning_rate: 0.0, ..few() },
            Parameters { dropout: 1.0, ..few() },
            Parameters { beta1: f64::NAN, ..few() },
            Parameters { weight_decay: -0.1, ..few() },
        ];
        for parameters in bad {
            assert!(matches!(fitted(&samples, &parameters, 1), Err(Error::Options(_))), "{parameters:?}");
        }
        let mut missing = samples.clone();
        missing.matrix.values[3] = f64::NAN;
        assert!(matches!(fitted(&missing, &few(), 1), Err(Error::Data(_))));
    }
}

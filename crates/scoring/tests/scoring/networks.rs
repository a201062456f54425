//! The neural network engine beside a forward pass in its plainest form.

use scoring::mlp::{FORMAT, LayerFile, MlpFile, NetworkFile};
use scoring::{
    Algorithm, Calibration, Input, InputEncoding, Inputs, MISSING, Model, ModelError, Pieces, Schema,
    UNKNOWN, vocabulary,
};
use serde_json::Value;

use crate::shop::{build, numbers};

/// Numbers that look random and are the same everywhere.
struct Draw(u64);

impl Draw {
    /// Between -1 and 1.
    fn number(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.number()).collect()
    }

    fn batch_norm(&mut self, width: usize) -> LayerFile {
        LayerFile::BatchNorm {
            mean: self.numbers(width),
            variance: self.numbers(width).into_iter().map(|number| number * number).collect(),
            gamma: self.numbers(width),
            beta: self.numbers(width),
            epsilon: 1e-3,
        }
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> LayerFile {
        let weights = (0..outputs).map(|_| self.numbers(inputs)).collect();
        LayerFile::Dense { weights, biases: self.numbers(outputs) }
    }

    /// Every way in which layers may stand beside each other.
    fn network(&mut self, inputs: usize, hidden: [usize; 3]) -> NetworkFile {
        let [one, two, three] = hidden;
        let layers = vec![
            self.batch_norm(inputs),
            self.batch_norm(inputs),
            self.dense(inputs, one),
            self.batch_norm(one),
            LayerFile::Relu,
            self.batch_norm(one),
            self.dense(one, two),
            self.dense(two, three),
            LayerFile::Relu,
            self.dense(three, 1),
            self.batch_norm(1),
        ];
        NetworkFile { layers }
    }
}

fn forward(network: &NetworkFile, inputs: &[f64]) -> f64 {
    let mut values = inputs.to_vec();
    for layer in &network.layers {
        values = match layer {
            LayerFile::BatchNorm { mean, variance, gamma, beta, epsilon } => (0..values.len())
                .map(|at| gamma[at] * (values[at] - mean[at]) / (variance[at] + epsilon).sqrt() + beta[at])
                .collect(),
            LayerFile::Dense { weights, biases } => {
                let sum = |weights: &Vec<f64>| -> f64 {
                    weights.iter().zip(&values).map(|(weight, value)| weight * value).sum()
                };
                weights.iter().zip(biases).map(|(weights, bias)| bias + sum(weights)).collect()
            }
            LayerFile::Relu => values.iter().map(|value| value.max(0.0)).collect(),
        };
    }
    values[0]
}

/// Two numbers, one of which is an input twice, and two categories, one unfolded and one as a code.
fn customers() -> (Schema, Vec<Input>) {
    let (mut schema, mut inputs) = numbers(&["tenure", "charges"], Some(0.5));
    let clipped = Pieces {
        knots: vec![-0.5, 0.5],
        coefficients: vec![[-0.5, 0.0, 0.0, 0.0], [-0.5, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]],
        missing: 0.1,
    };
    let input = |name: &str, feature: &str, encoding: InputEncoding| Input {
        name: name.to_owned(),
        feature: feature.to_owned(),
        encoding,
    };
    for name in ["Contract", "PaymentMethod"] {
        schema.features.push(vocabulary::known_feature(name).unwrap());
    }
    for value in 0..3 {
        let values = (0..3).map(|other| f64::from(u8::from(other == value))).collect();
        let encoding = InputEncoding::Category { values, unknown: 0.0, missing: 0.25 };
        inputs.push(input(&format!("Contract={value}"), "Contract", encoding));
    }
    let code = InputEncoding::Category { values: vec![0.0, 1.0, 2.0, 3.0], unknown: -1.0, missing: 1.5 };
    inputs.insert(1, input("PaymentMethod", "PaymentMethod", code));
    inputs.push(input("tenure, clipped", "tenure", InputEncoding::Pieces(clipped)));
    (schema, inputs)
}

fn model(networks: &[NetworkFile]) -> Result<Model, ModelError> {
    let (schema, inputs) = customers();
    let file = MlpFile { format: FORMAT.to_owned(), networks: networks.to_vec() };
    build(Algorithm::Mlp, schema, inputs, Calibration::IDENTITY, &serde_json::to_vec(&file).unwrap())
}

#[test]
fn a_folded_network_is_the_plain_forward_pass() {
    let mut draw = Draw(5);
    let (schema, inputs) = customers();
    let rows = 700;
    let number = |place: usize, number: f64| if place.is_multiple_of(13) { f64::NAN } else { number };
    let numbers: Vec<f64> =
        draw.numbers(rows * 2).into_iter().enumerate().map(|(at, drawn)| number(at, drawn)).collect();
    let code = |place: usize| [0, 1, 2, 3, MISSING, UNKNOWN][place * 7 % 6];
    let codes: Vec<u32> = (0..rows * 2).map(code).collect();
    let matrix = Inputs::new(&schema, &[], &inputs).unwrap().matrix(rows, &numbers, &codes);
    for hidden in [[1, 2, 3], [8, 16, 8], [17, 9, 40], [64, 32, 16]] {
        let networks: Vec<NetworkFile> = (0..3).map(|_| draw.network(inputs.len(), hidden)).collect();
        for networks in [&networks[..1], &networks[..]] {
            let mut probabilities = Vec::new();
            model(networks).unwrap().score_rows(rows, &numbers, &codes, &mut probabilities);
            for (row, probability) in matrix.chunks_exact(inputs.len()).zip(probabilities) {
                let sum: f64 = networks.iter().map(|network| forward(network, row)).sum();
                let wanted = 1.0 / (1.0 + (-sum / networks.len() as f64).exp());
                assert!((probability - wanted).abs() < 1e-12, "{probability} is not {wanted}");
            }
        }
    }
}

#[test]
fn a_row_scores_the_same_alone_and_among_others() {
    let mut draw = Draw(8);
    let model = model(&[draw.network(customers().1.len(), [20, 12, 7])]).unwrap();
    let (numbers, codes) = (draw.numbers(300 * 2), (0..300 * 2).map(|at| at % 5).collect::<Vec<u32>>());
    let mut together = Vec::new();
    model.score_rows(300, &numbers, &codes, &mut together);
    for (row, probability) in together.into_iter().enumerate() {
        let alone = model.score(&numbers[row * 2..][..2], &codes[row * 2..][..2]);
        assert_eq!(alone.to_bits(), probability.to_bits());
    }
}

#[test]
fn numbers_without_end_still_give_a_probability() {
    let model = model(&[Draw(3).network(customers().1.len(), [16, 8, 8])]).unwrap();
    for number in [1e308, -1e308, f64::MAX, f64::MIN] {
        for other in [0.0, number, -number] {
            let probability = model.score(&[number, other], &[0, 0]);
            assert!(probability > 0.0 && probability < 1.0, "{probability}");
        }
    }
}

#[test]
fn networks_that_do_not_fit_together_are_refused() {
    let inputs = customers().1.len();
    let good = || Draw(2).network(inputs, [4, 3, 2]);
    assert!(model(&[good()]).is_ok());
    let with = |place: usize, layer: LayerFile| {
        let mut network = good();
        network.layers[place] = layer;
        network
    };
    let without_end = || {
        let mut network = good();
        network.layers.truncate(9);
        network
    };
    let endless = LayerFile::Dense { weights: vec![vec![f64::MAX; 2]], biases: vec![0.0] };
    let negative = LayerFile::BatchNorm {
        mean: vec![0.0; 4],
        variance: vec![-1.0; 4],
        gamma: vec![1.0; 4],
        beta: vec![0.0; 4],
        epsilon: 2.0,
    };
    let bad = [
        vec![],
        vec![NetworkFile { layers: Vec::new() }],
        vec![without_end()],
        vec![good(), with(2, Draw(1).dense(inputs - 1, 4))],
        vec![with(2, Draw(1).dense(inputs, 5))],
        vec![with(0, LayerFile::Relu)],
        vec![with(6, LayerFile::Relu)],
        vec![with(10, LayerFile::Relu)],
        vec![with(0, Draw(1).batch_norm(inputs + 1))],
        vec![with(3, negative)],
        vec![with(9, endless)],
        vec![with(9, LayerFile::Dense { weights: Vec::new(), biases: Vec::new() })],
    ];
    for (place, networks) in bad.iter().enumerate() {
        let refused = model(networks);
        assert!(matches!(refused, Err(ModelError::Invalid(_) | ModelError::Unsupported(_))), "{place}");
    }
}

#[test]
fn a_network_cannot_take_a_missing_number() {
    let (schema, inputs) = numbers(&["tenure"], None);
    let file = MlpFile { format: FORMAT.to_owned(), networks: vec![Draw(2).network(1, [2, 2, 2])] };
    let file = serde_json::to_vec(&file).unwrap();
    let refused = build(Algorithm::Mlp, schema, inputs, Calibration::IDENTITY, &file);
    assert!(matches!(refused, Err(ModelError::Invalid(_))));
}

/// Networks of PyTorch with its own answers; see reference/make_mlp.py.
#[test]
fn networks_of_pytorch_give_its_own_answers() {
    let reference: Value = serde_json::from_str(include_str!("reference/mlp.json")).unwrap();
    let (schema, inputs) = numbers(&["a", "b", "c", "d", "e", "f"], Some(0.0));
    let file = serde_json::to_vec(&reference["model"]).unwrap();
    let model = build(Algorithm::Mlp, schema, inputs, Calibration::IDENTITY, &file).unwrap();
    let rows: Vec<Vec<f64>> = serde_json::from_value(reference["rows"].clone()).unwrap();
    let wanted: Vec<f64> = serde_json::from_value(reference["probabilities"].clone()).unwrap();
    assert!(rows.len() == wanted.len() && rows.len() >= 40);
    for (row, wanted) in rows.iter().zip(wanted) {
        let probability = model.score(row, &[]);
        assert!((probability - wanted).abs() < 1e-12, "{probability} is not {wanted}");
    }
}

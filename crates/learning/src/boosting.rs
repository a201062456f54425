//! Gradient boosting of oblivious trees on the log loss, written in CatBoost's JSON format.
//!
//! Each tree is fitted to the slopes of the loss at the scores so far (Friedman, "Greedy function
//! approximation: a gradient boosting machine", 2001); its leaves are Newton steps with an L2 penalty
//! (Chen and Guestrin, "XGBoost: A Scalable Tree Boosting System", 2016), shortened by the learning rate.
//! Boosting is plain, not ordered: there are no target statistics that could leak.

use scoring::Input;
use scoring::catboost::{CatBoostFile, FeaturesInfo, FloatFeature, NanValueTreatment, ObliviousTree, Split};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bins::{self, Column};
use crate::learner::Fit;
use crate::oblivious::{self, Growth, Question, Slope};
use crate::random::Random;

/// How an ensemble grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) trees: usize,
    pub(crate) learning_rate: f64,
    pub(crate) borders_max: usize,
    pub(crate) depth: usize,
    /// The L2 penalty on leaves.
    pub(crate) leaf_penalty: f64,
    /// The share of rows that a tree looks at for its questions.
    pub(crate) row_share: f64,
    /// The share of columns that a level looks at.
    pub(crate) column_share: f64,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample.
    fn default() -> Parameters {
        Parameters {
            trees: 600,
            learning_rate: 0.02,
            borders_max: 128,
            depth: 3,
            leaf_penalty: 5.0,
            row_share: 0.6,
            column_share: 0.25,
        }
    }
}

pub(crate) fn fit(fit: Fit, parameters: &Parameters) -> CatBoostFile {
    let (matrix, labels) = (&fit.samples.matrix, &fit.samples.labels);
    let Parameters { depth, leaf_penalty, row_share, column_share, .. } = *parameters;
    let growth = Growth { depth, leaf_penalty, row_share, column_share };
    let mut random = Random::new(fit.seed);
    let columns = bins::bin(matrix, parameters.borders_max);
    let share = labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64;
    let bias = (share / (1.0 - share)).ln();
    let mut scores = vec![bias; labels.len()];
    let mut trees = Vec::with_capacity(parameters.trees);
    for _ in 0..parameters.trees {
        let slopes: Vec<Slope> =
            scores.iter().zip(labels).map(|(&score, &left)| slope(score, left)).collect();
        let questions = oblivious::grow(&columns, &slopes, growth, &mut random);
        if questions.is_empty() {
            continue;
        }
        let leaves = oblivious::leaves(&columns, &questions, labels.len());
        let mut sums = vec![Slope::default(); 1 << questions.len()];
        let mut counts = vec![0.0; sums.len()];
        for (&leaf, &slope) in leaves.iter().zip(&slopes) {
            sums[leaf] = sums[leaf] + slope;
            counts[leaf] += 1.0;
        }
        let value = |sum: &Slope| parameters.learning_rate * sum.push / (sum.hessian + leaf_penalty);
        let values: Vec<f64> = sums.iter().map(value).collect();
        scores.iter_mut().zip(&leaves).for_each(|(score, &leaf)| *score += values[leaf]);
        trees.push((questions, values, counts));
    }
    file(&columns, fit.inputs, trees, bias)
}

/// Of the log loss at this score.
fn slope(score: f64, has_left: bool) -> Slope {
    let probability = 1.0 / (1.0 + (-score).exp());
    let push = f64::from(u8::from(has_left)) - probability;
    Slope { push, hessian: probability * (1.0 - probability) }
}

fn file(
    columns: &[Column],
    inputs: &[Input],
    trees: Vec<(Vec<Question>, Vec<f64>, Vec<f64>)>,
    bias: f64,
) -> CatBoostFile {
    let float_feature = |(place, (column, input)): (usize, (&Column, &Input))| FloatFeature {
        borders: Some(column.borders.iter().map(|&border| f64::from(border)).collect()),
        feature_id: input.name.clone(),
        feature_index: place,
        flat_feature_index: place,
        has_nans: false,
        nan_value_treatment: NanValueTreatment::AsIs,
    };
    let float_features = columns.iter().zip(inputs).enumerate().map(float_feature).collect();
    let split = |question: &Question| Split {
        border: f64::from(columns[question.column].borders[question.border]),
        float_feature_index: question.column,
        split_index: columns[..question.column].iter().map(|column| column.borders.len()).sum::<usize>()
            + question.border,
        split_type: "FloatFeature".to_owned(),
    };
    let tree = |(questions, leaf_values, leaf_weights): (Vec<Question>, _, _)| ObliviousTree {
        splits: Some(questions.iter().map(split).collect()),
        leaf_values,
        leaf_weights,
    };
    CatBoostFile {
        features_info: FeaturesInfo { float_features, ..FeaturesInfo::default() },
        model_info: json!({
            // The official library warns where it does not find its parameters both ways.
            "params": {
                "loss_function": { "type": "Logloss", "params": {} },
                "flat_params": { "loss_function": "Logloss" }
            },
            "class_params": {
                "class_label_type": "Integer",
                "class_names": [0, 1],
                "class_to_label": [0, 1],
                "classes_count": 0
            }
        }),
        oblivious_trees: trees.into_iter().map(tree).collect(),
        trees: Vec::new(),
        scale_and_bias: (1.0, vec![bias]),
    }
}

#[cfg(test)]
mod tests {
    use scoring::{Input, InputEncoding};

    use super::{Parameters, fit};
    use crate::learner::Fit;
    use crate::random::Random;
    use crate::samples::{Matrix, Samples};

    const FEW: Parameters = Parameters {
        trees: 40,
        learning_rate: 0.2,
        borders_max: 16,
        depth: 2,
        leaf_penalty: 1.0,
        row_share: 0.8,
        column_share: 1.0,
    };

    #[test]
    fn what_no_line_can_part_is_learned_and_seeded() {
        // Leaves exactly one of two flags: the exclusive or.
        let mut random = Random::new(2);
        let flags: Vec<bool> = (0..800).map(|_| random.chance(0.5)).collect();
        let values = flags.iter().map(|&flag| f64::from(u8::from(flag))).collect();
        let matrix = Matrix { rows: 400, width: 2, values };
        let labels: Vec<bool> = flags.chunks(2).map(|pair| pair[0] != pair[1]).collect();
        let inputs = ["a", "b"].map(|name| Input {
            name: name.to_owned(),
            feature: name.to_owned(),
            encoding: InputEncoding::Number { missing: None },
        });
        let samples = Samples::new(matrix, labels);
        let fitted = |seed| fit(Fit { samples: &samples, stop: None, inputs: &inputs, seed }, &FEW);
        let file = fitted(1);
        let score = |a: usize, b: usize| {
            let leaf = |tree: &scoring::catboost::ObliviousTree| {
                let answers = tree.splits.iter().flatten().enumerate();
                let bits = answers.map(|(bit, split)| [a, b][split.float_feature_index] << bit);
                tree.leaf_values[bits.sum::<usize>()]
            };
            file.scale_and_bias.1[0] + file.oblivious_trees.iter().map(leaf).sum::<f64>()
        };
        assert!(score(0, 1) > 2.0 && score(1, 0) > 2.0 && score(0, 0) < -2.0 && score(1, 1) < -2.0);
        let text = |seed| serde_json::to_string(&fitted(seed)).unwrap();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }
}

//! Oblivious trees as CatBoost writes them.

use scoring::Input;
use scoring::catboost::{CatBoostFile, FeaturesInfo, FloatFeature, NanValueTreatment, ObliviousTree, Split};
use serde_json::json;

use crate::bins::Column;
use crate::boosting::Tree;
use crate::oblivious::Question;

pub(crate) fn file(columns: &[Column], inputs: &[Input], trees: Vec<Tree>, bias: f64) -> CatBoostFile {
    let float_feature = |(place, (column, input)): (usize, (&Column, &Input))| FloatFeature {
        borders: Some(column.borders.iter().map(|&border| f64::from(border)).collect()),
        feature_id: input.name.clone(),
        feature_index: place,
        flat_feature_index: place,
        has_nans: column.has_missing(),
        // What is missing is below all borders, as in the official library's usual mode.
        nan_value_treatment: match column.has_missing() {
            true => NanValueTreatment::AsFalse,
            false => NanValueTreatment::AsIs,
        },
    };
    let float_features = columns.iter().zip(inputs).enumerate().map(float_feature).collect();
    let first_border = |column: usize| columns[..column].iter().map(|column| column.borders.len()).sum();
    let first_borders: Vec<usize> = (0..columns.len()).map(first_border).collect();
    let split = |question: &Question| Split {
        border: f64::from(columns[question.column].borders[question.border]),
        float_feature_index: question.column,
        split_index: first_borders[question.column] + question.border,
        split_type: "FloatFeature".to_owned(),
        ..Split::default()
    };
    let tree = |tree: Tree| ObliviousTree {
        splits: (!tree.questions.is_empty()).then(|| tree.questions.iter().map(split).collect()),
        leaf_values: tree.values,
        leaf_weights: tree.weights,
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
        scale_and_bias: (1.0, vec![bias]),
        ..CatBoostFile::default()
    }
}

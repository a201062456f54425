//! The engine for CatBoost's oblivious trees: values become bins, trees compare bins.
//!
//! Here the file is checked and compiled; [`crate::bins`] and [`crate::kernels`] do the work.

use crate::bins::{Beyond, BinColumn, Binning, MissingBin, Precision};
use crate::block::{Block, ROWS, Source};
use crate::catboost::{self, CatBoostFile, NanValueTreatment};
use crate::kernels::{ObliviousTree, ObliviousTrees};
use crate::manifest::Input;
use crate::model::ModelError;

/// An ensemble of oblivious trees.
#[derive(Debug, Clone)]
pub(crate) struct Oblivious {
    scale: f64,
    bias: f64,
    columns: Vec<BinColumn>,
    trees: ObliviousTrees,
}

/// A float feature as the trees ask for it.
struct AskedFeature {
    feature_index: usize,
    borders: Vec<f32>,
}

impl Oblivious {
    pub(crate) fn read(
        file: &CatBoostFile,
        inputs: &[Input],
        sources: &[Source],
    ) -> Result<Oblivious, ModelError> {
        let (mut features, mut columns) = (Vec::new(), Vec::new());
        for feature in &file.features_info.float_features {
            let input = inputs.get(feature.flat_feature_index).zip(sources.get(feature.flat_feature_index));
            let Some((input, source)) = input else {
                return Err(invalid(format!("no input for float feature {}", feature.flat_feature_index)));
            };
            if !feature.feature_id.is_empty() && feature.feature_id != input.name {
                let (id, name) = (&feature.feature_id, &input.name);
                return Err(invalid(format!(
                    "the float feature {id:?} stands where the input {name:?} does"
                )));
            }
            let borders: Vec<f64> = feature.borders.iter().flatten().copied().collect();
            columns.push(BinColumn::new(source, &borders, binning(feature.nan_value_treatment))?);
            let borders = borders.iter().map(|&border| border as f32).collect();
            features.push(AskedFeature { feature_index: feature.feature_index, borders });
        }
        let trees = file.oblivious_trees.iter().map(|tree| compile(tree, &features));
        let trees = trees.collect::<Result<Vec<_>, _>>()?;
        let (scale, biases) = &file.scale_and_bias;
        let trees = ObliviousTrees::new(columns.len(), &trees)?;
        Ok(Oblivious { scale: *scale, bias: biases.iter().sum(), columns, trees })
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        let mut bins = vec![0; self.columns.len() * ROWS];
        for (column, bins) in self.columns.iter().zip(bins.as_chunks_mut().0) {
            column.read(block, bins);
        }
        scores.fill(0.0);
        self.trees.add(&bins, scores);
        for score in scores {
            *score = self.scale * *score + self.bias;
        }
    }
}

/// CatBoost compares as `f32`, and NaN is greater than nothing where it is `AsIs`.
fn binning(treatment: NanValueTreatment) -> Binning {
    let missing = match treatment {
        NanValueTreatment::AsIs | NanValueTreatment::AsFalse => MissingBin::Lowest,
        NanValueTreatment::AsTrue => MissingBin::Highest,
    };
    Binning { beyond: Beyond::Above, precision: Precision::F32, missing }
}

/// A tree with the places of its features and borders.
fn compile(tree: &catboost::ObliviousTree, features: &[AskedFeature]) -> Result<ObliviousTree, ModelError> {
    let mut splits = Vec::new();
    for split in tree.splits.iter().flatten() {
        if split.split_type != "FloatFeature" {
            return Err(unsupported(format!("a tree asks for a {:?}", split.split_type)));
        }
        let column = features.iter().position(|feature| feature.feature_index == split.float_feature_index);
        let column =
            column.ok_or_else(|| invalid("a tree asks for a feature that is not listed".to_owned()))?;
        let (borders, border) = (&features[column].borders, split.border as f32);
        let place = borders.partition_point(|&other| other < border);
        if borders.get(place) != Some(&border) {
            return Err(invalid("a tree's border is not its feature's".to_owned()));
        }
        let column = u16::try_from(column).map_err(|_| unsupported("it has too many features".to_owned()))?;
        // `BinColumn` lets no more borders through than a u16 counts.
        splits.push((column, place as u16));
    }
    Ok(ObliviousTree { splits, leaves: tree.leaf_values.clone() })
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}

fn unsupported(message: String) -> ModelError {
    ModelError::Unsupported(message)
}

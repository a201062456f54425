//! The engine for CatBoost's oblivious trees: values become bins, trees compare bins.
//!
//! A bin is the number of a feature's borders that the value is greater than, so that `value > border k`
//! is `bin > k`, in `f32` as CatBoost compares. A category has its bins in a table.

use crate::block::{Block, ROWS, Source};
use crate::catboost::{CatBoostFile, FloatFeature, NanValueTreatment, ObliviousTree};
use crate::manifest::Input;
use crate::model::ModelError;
use crate::pieces::Pieces;

/// The deepest tree that CatBoost makes, and the deepest whose leaves a `u16` can count.
const DEPTH_MAX: usize = 16;

/// An ensemble of oblivious trees.
#[derive(Debug, Clone)]
pub(crate) struct Oblivious {
    scale: f64,
    bias: f64,
    /// The sum of all trees that ask nothing.
    constant: f64,
    columns: Vec<Column>,
    trees: Vec<Tree>,
    leaves: Vec<f64>,
}

/// How one feature's bins are made.
#[derive(Debug, Clone)]
enum Column {
    Number { slot: usize, borders: Vec<f32>, missing: u16 },
    Pieces { slot: usize, pieces: Pieces, borders: Vec<f32> },
    Category { slot: usize, table: Vec<u16> },
}

#[derive(Debug, Clone)]
struct Tree {
    /// Column, and the border that the bin must exceed.
    splits: Vec<(usize, u16)>,
    first_leaf: usize,
}

impl Oblivious {
    pub(crate) fn read(
        file: &CatBoostFile,
        inputs: &[Input],
        sources: &[Source],
    ) -> Result<Oblivious, ModelError> {
        let (scale, biases) = &file.scale_and_bias;
        let mut model = Oblivious {
            scale: *scale,
            bias: biases.iter().sum(),
            constant: 0.0,
            columns: Vec::new(),
            trees: Vec::new(),
            leaves: Vec::new(),
        };
        let mut features = Vec::new();
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
            let borders = borders_of(feature)?;
            features.push((feature.feature_index, borders.clone()));
            model.columns.push(Column::new(source, borders, feature.nan_value_treatment));
        }
        for tree in &file.oblivious_trees {
            model.add_tree(tree, &features)?;
        }
        Ok(model)
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        let mut bins = vec![0u16; self.columns.len() * ROWS];
        for (column, bins) in self.columns.iter().zip(bins.chunks_exact_mut(ROWS)) {
            column.read(block, bins);
        }
        scores.fill(self.constant);
        for tree in &self.trees {
            let mut leaf = [0u16; ROWS];
            for (level, &(column, border)) in tree.splits.iter().enumerate() {
                let bit = 1u16 << level;
                for (leaf, &bin) in leaf.iter_mut().zip(&bins[column * ROWS..][..ROWS]) {
                    *leaf |= if bin > border { bit } else { 0 };
                }
            }
            let leaves = &self.leaves[tree.first_leaf..][..1 << tree.splits.len()];
            for (score, &leaf) in scores.iter_mut().zip(&leaf) {
                *score += leaves[usize::from(leaf)];
            }
        }
        for score in scores {
            *score = self.scale * *score + self.bias;
        }
    }

    fn add_tree(&mut self, tree: &ObliviousTree, features: &[(usize, Vec<f32>)]) -> Result<(), ModelError> {
        let asked = tree.splits.as_deref().unwrap_or_default();
        if asked.len() > DEPTH_MAX {
            return Err(unsupported(format!(
                "a tree is {} levels deep, not {DEPTH_MAX} at most",
                asked.len()
            )));
        }
        if tree.leaf_values.len() != 1 << asked.len() {
            let (leaves, depth) = (tree.leaf_values.len(), asked.len());
            return Err(unsupported(format!("a tree of depth {depth} has {leaves} leaf values")));
        }
        if tree.leaf_values.iter().any(|leaf| !leaf.is_finite()) {
            return Err(invalid("a leaf is not finite".to_owned()));
        }
        if asked.is_empty() {
            self.constant += tree.leaf_values[0];
            return Ok(());
        }
        let mut splits = Vec::with_capacity(asked.len());
        for split in asked {
            if split.split_type != "FloatFeature" {
                return Err(unsupported(format!("a tree asks for a {:?}", split.split_type)));
            }
            let column = features.iter().position(|(index, _)| *index == split.float_feature_index);
            let column =
                column.ok_or_else(|| invalid("a tree asks for a feature that is not listed".to_owned()))?;
            let (borders, border) = (&features[column].1, split.border as f32);
            let place = borders.partition_point(|&other| other < border);
            if borders.get(place) != Some(&border) {
                return Err(invalid("a tree's border is not its feature's".to_owned()));
            }
            // `borders_of` lets no more borders through than a u16 counts.
            splits.push((column, place as u16));
        }
        self.trees.push(Tree { splits, first_leaf: self.leaves.len() });
        self.leaves.extend(&tree.leaf_values);
        Ok(())
    }
}

impl Column {
    fn new(source: &Source, borders: Vec<f32>, treatment: NanValueTreatment) -> Column {
        let missing_bin = match treatment {
            NanValueTreatment::AsIs | NanValueTreatment::AsFalse => 0,
            NanValueTreatment::AsTrue => bin_limit(&borders),
        };
        let bin_of = |value: f64| if value.is_nan() { missing_bin } else { bin(&borders, value as f32) };
        match source {
            Source::Category { slot, table } => {
                Column::Category { slot: *slot, table: table.iter().map(|&value| bin_of(value)).collect() }
            }
            Source::Number { slot, missing } => {
                Column::Number { slot: *slot, missing: bin_of(*missing), borders }
            }
            Source::Pieces { slot, pieces } => {
                Column::Pieces { slot: *slot, pieces: pieces.clone(), borders }
            }
        }
    }

    fn read(&self, block: &Block, bins: &mut [u16]) {
        match self {
            Column::Number { slot, borders, missing } => {
                for (bin_here, &number) in bins.iter_mut().zip(block.numbers(*slot)) {
                    *bin_here = if number.is_nan() { *missing } else { bin(borders, number as f32) };
                }
            }
            Column::Pieces { slot, pieces, borders } => {
                for (bin_here, &number) in bins.iter_mut().zip(block.numbers(*slot)) {
                    *bin_here = bin(borders, pieces.value(number) as f32);
                }
            }
            Column::Category { slot, table } => {
                for (bin_here, &code) in bins.iter_mut().zip(block.codes(*slot)) {
                    *bin_here = table[usize::from(code)];
                }
            }
        }
    }
}

/// How many borders the value is greater than.
fn bin(borders: &[f32], value: f32) -> u16 {
    // `borders_of` lets no more borders through than a u16 counts.
    borders.partition_point(|&border| value > border) as u16
}

fn bin_limit(borders: &[f32]) -> u16 {
    borders.len() as u16
}

fn borders_of(feature: &FloatFeature) -> Result<Vec<f32>, ModelError> {
    let borders: Vec<f32> = feature.borders.iter().flatten().map(|&border| border as f32).collect();
    if borders.len() > usize::from(u16::MAX) {
        return Err(unsupported(format!("a feature has {} borders, more than {}", borders.len(), u16::MAX)));
    }
    if borders.iter().any(|border| border.is_nan()) || !borders.is_sorted() {
        return Err(invalid(format!(
            "the borders of float feature {} do not ascend",
            feature.flat_feature_index
        )));
    }
    Ok(borders)
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}

fn unsupported(message: String) -> ModelError {
    ModelError::Unsupported(message)
}

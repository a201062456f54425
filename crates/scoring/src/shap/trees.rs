//! Path-dependent Shapley values of trees (Lundberg et al., "Consistent Individualized Feature Attribution
//! for Tree Ensembles", 2018; "From local explanations to global understanding with explainable AI for
//! trees", 2020): what is not known of a customer goes both ways at every node, in the shares in which
//! training's customers did.

use std::collections::HashMap;

use super::attribution::Attribution;
use super::quadrature;
use crate::block::{Block, ROWS};
use crate::catboost::Column;
use crate::kernels::{LeafTable, LeafTables, Leg, Path, PathTree, PathTrees, Quadrature};
use crate::model::ModelError;

/// The deepest symmetric tree that is explained by tables: its leaves fill one block.
const TABLE_DEPTH: usize = 8;
/// The most numbers in all tables, 256 MiB.
const TABLES_MAX: usize = 1 << 25;
/// The most legs of all paths, about as much memory.
const LEGS_MAX: usize = 1 << 22;
/// The most players on one way: so many places does a quadrature have twice.
const PLAYERS_MAX: usize = 64;

/// A tree whose nodes know how many of training's customers came by.
///
/// A reference is the index of a node where it is not negative, and `-1 - leaf` where it is a leaf.
#[derive(Debug, Clone, Default)]
pub(crate) struct WeighedTree {
    pub(crate) root: i32,
    pub(crate) nodes: Vec<WeighedNode>,
    /// Value and weight.
    pub(crate) leaves: Vec<(f64, f64)>,
    /// Column, and the bin that a row's must exceed for a yes.
    pub(crate) questions: Vec<(u16, u16)>,
    /// The inputs that each player stands for.
    pub(crate) players: Vec<Vec<usize>>,
}

/// A question of a tree, where yes leads right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeighedNode {
    pub(crate) question: usize,
    pub(crate) player: usize,
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) weight: f64,
}

impl WeighedTree {
    /// The player that stands for these inputs; a new one where there is none yet.
    pub(crate) fn player(&mut self, inputs: Vec<usize>) -> usize {
        let known = self.players.iter().position(|other| *other == inputs);
        known.unwrap_or_else(|| {
            self.players.push(inputs);
            self.players.len() - 1
        })
    }

    /// Gives every node the weight of its leaves. A node's children come after it.
    pub(crate) fn weigh(&mut self) {
        for place in (0..self.nodes.len()).rev() {
            let WeighedNode { left, right, .. } = self.nodes[place];
            self.nodes[place].weight = self.weight(left) + self.weight(right);
        }
    }

    fn weight(&self, reference: i32) -> f64 {
        match usize::try_from(reference) {
            Ok(node) => self.nodes[node].weight,
            Err(_) => self.leaves[!reference as usize].1,
        }
    }

    /// The ways to all leaves.
    fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::with_capacity(self.leaves.len());
        let mut open = vec![(self.root, Vec::new())];
        while let Some((reference, legs)) = open.pop() {
            let Ok(place) = usize::try_from(reference) else {
                paths.push(Path { value: self.leaves[!reference as usize].0, legs });
                continue;
            };
            let node = self.nodes[place];
            for (child, is_right) in [(node.right, true), (node.left, false)] {
                // Where nobody came by, nothing is known of the ways that they would have gone.
                let share = if node.weight > 0.0 { self.weight(child) / node.weight } else { 0.5 };
                let mut legs = legs.clone();
                turn(&mut legs, node, share, is_right);
                open.push((child, legs));
            }
        }
        paths
    }
}

/// Adds a turn at a node to the legs.
fn turn(legs: &mut Vec<Leg>, node: WeighedNode, share: f64, is_right: bool) {
    let condition = (node.question, is_right);
    match legs.iter_mut().find(|leg| leg.player == node.player) {
        Some(leg) => {
            leg.share *= share;
            leg.conditions.push(condition);
        }
        None => legs.push(Leg { player: node.player, share, conditions: vec![condition] }),
    }
}

/// Trees ready to be explained.
#[derive(Debug, Clone)]
pub(crate) struct TreeExplainer {
    columns: Vec<Column>,
    base: f64,
    tables: LeafTables,
    paths: PathTrees,
}

impl TreeExplainer {
    /// `symmetric` have a split on each level, which the questions name from the last level to the first,
    /// and leaves by the answers' bits; `others` have any shape.
    pub(crate) fn new(
        columns: Vec<Column>,
        constant: f64,
        symmetric: &[WeighedTree],
        others: &[WeighedTree],
        attribution: &Attribution,
    ) -> Result<TreeExplainer, ModelError> {
        let mut builder =
            Builder { attribution, base: constant, legs: 0, numbers: 0, quadratures: Vec::new() };
        let (mut tables, mut paths) = (Vec::new(), Vec::new());
        for tree in symmetric {
            let path_tree = builder.path_tree(tree)?;
            if path_tree.paths.len() == 1 {
                continue;
            }
            let numbers = tree.leaves.len() * tree.players.len();
            if tree.questions.len() <= TABLE_DEPTH && builder.numbers + numbers <= TABLES_MAX {
                builder.numbers += numbers;
                tables.push(builder.table(path_tree));
            } else {
                builder.keep(&path_tree)?;
                paths.push(path_tree);
            }
        }
        for tree in others {
            let path_tree = builder.path_tree(tree)?;
            builder.keep(&path_tree)?;
            paths.push(path_tree);
        }
        let paths = PathTrees::new(paths, builder.quadratures);
        Ok(TreeExplainer { columns, base: builder.base, tables: LeafTables::new(tables), paths })
    }

    /// The expected sum of leaves of a customer of whom nothing is known.
    pub(crate) fn base(&self) -> f64 {
        self.base
    }

    /// Adds contributions, [`ROWS`] for each feature, for the block's first `count` rows.
    pub(crate) fn add(&self, block: &Block, count: usize, contributions: &mut [f64]) {
        let bins = Column::read_all(&self.columns, block);
        self.tables.add(&bins, contributions);
        self.paths.add(&bins, count, contributions);
    }
}

struct Builder<'a> {
    attribution: &'a Attribution,
    base: f64,
    /// Of paths that are kept.
    legs: usize,
    /// In tables.
    numbers: usize,
    quadratures: Vec<Quadrature>,
}

impl Builder<'_> {
    /// The tree's paths, whose expected value goes to the base.
    fn path_tree(&mut self, tree: &WeighedTree) -> Result<PathTree, ModelError> {
        let paths = tree.paths();
        let longest = paths.iter().map(|path| path.legs.len()).max().unwrap_or(0);
        if longest > PLAYERS_MAX {
            return Err(ModelError::Unsupported(format!(
                "a tree asks for more than {PLAYERS_MAX} inputs on one way, which is not explained"
            )));
        }
        while self.quadratures.len() <= longest {
            self.quadratures.push(quadrature::for_degree(self.quadratures.len().saturating_sub(1)));
        }
        let expected = |path: &Path| path.value * path.legs.iter().map(|leg| leg.share).product::<f64>();
        self.base += paths.iter().map(expected).sum::<f64>();
        let players = tree.players.iter().map(|inputs| self.attribution.shares(inputs)).collect();
        Ok(PathTree { questions: tree.questions.clone(), paths, players })
    }

    fn keep(&mut self, tree: &PathTree) -> Result<(), ModelError> {
        self.legs += tree.paths.iter().map(|path| path.legs.len()).sum::<usize>();
        if self.legs > LEGS_MAX {
            return Err(ModelError::Unsupported("its trees are too large to be explained".to_owned()));
        }
        Ok(())
    }

    /// What each feature adds in each leaf: the tree's paths are gone through for one row in each leaf.
    fn table(&self, mut tree: PathTree) -> LeafTable {
        let splits = std::mem::take(&mut tree.questions);
        let mut features: HashMap<u16, usize> = HashMap::new();
        for (feature, _) in tree.players.iter_mut().flatten() {
            let next = features.len();
            *feature = *features.entry(*feature).or_insert(next) as u16;
        }
        // One column for each question, whose bin is the answer.
        tree.questions = (0..splits.len()).map(|question| (question as u16, 0)).collect();
        let mut bins = vec![0; splits.len() * ROWS];
        for (question, bins) in bins.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
            bins.iter_mut().enumerate().for_each(|(leaf, bin)| *bin = (leaf >> question & 1) as u16);
        }
        let leaves = 1 << splits.len();
        let mut contributions = vec![0.0; features.len() * ROWS];
        PathTrees::new(vec![tree], self.quadratures.clone()).add(&bins, leaves, &mut contributions);
        let mut added: Vec<(u16, Vec<f64>)> = features
            .into_iter()
            .map(|(feature, place)| (feature, contributions[place * ROWS..][..leaves].to_vec()))
            .collect();
        added.sort_by_key(|(feature, _)| *feature);
        LeafTable { splits, added }
    }
}

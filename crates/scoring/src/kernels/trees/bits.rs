//! Shallow trees, all rows of a block at once: a node knows with a bit for each row who comes to it, asks,
//! and tells its children who comes to them. What is kept of each level is who went right. These bits, from
//! the first level to the last, are the place of a row's leaf in the tree's table.
#![allow(unsafe_code, reason = "places that were checked when the trees were laid out")]

use super::answers::{Answers, Questions, Rows};
use super::{BITS_MAX, TreeNode, leaf_index, spread};
use crate::block::ROWS;
use crate::kernels::level::Level;

/// Trees whose leaves are looked up together, so that a sum is read and written once for all.
const GROUP: usize = 4;

/// Where rows go that come to a leaf.
const NOWHERE: usize = 0;
/// Where all rows come to the first node.
const START: usize = 1;

/// The nodes of all trees, tree by tree, level by level; in a level those first that have children.
#[derive(Debug, Clone, Default)]
pub(super) struct BitTrees {
    trees: Vec<Tree>,
    levels: Vec<TreeLevel>,
    nodes: Vec<Node>,
    leaves: Vec<i64>,
    /// The sum of the trees without a question.
    constant: i64,
    /// Places for the rows that come to a node, as many as the greatest tree needs.
    places: usize,
}

#[derive(Debug, Clone, Copy)]
struct Tree {
    levels: usize,
    first_leaf: usize,
}

#[derive(Debug, Clone, Copy)]
struct TreeLevel {
    /// Nodes with a child that is no leaf.
    parents: usize,
    /// Nodes with two leaves.
    others: usize,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    question: u32,
    /// Where the rows come to the left child, [`NOWHERE`] where it is a leaf.
    left: u16,
    right: u16,
}

impl BitTrees {
    /// `trees` has the references of each tree, level by level, up to [`BITS_MAX`] levels of nodes.
    pub(super) fn new(
        trees: &[Vec<Vec<i32>>],
        nodes: &[TreeNode],
        leaves: &[i64],
        questions: &Questions,
    ) -> BitTrees {
        let mut made = BitTrees::default();
        for levels in trees {
            match levels[..] {
                [ref root] => made.constant += leaf_index(root[0]).map_or(0, |leaf| leaves[leaf]),
                _ => made.add_tree(levels[0][0], nodes, leaves, questions),
            }
        }
        made
    }

    fn add_tree(&mut self, root: i32, nodes: &[TreeNode], leaves: &[i64], questions: &Questions) {
        let is_leaf = |reference: i32| leaf_index(reference).is_some();
        let is_parent = |node: &TreeNode| !is_leaf(node.left) || !is_leaf(node.right);
        let node_of = |reference: i32| nodes[reference.unsigned_abs() as usize];
        let first_leaf = self.leaves.len();
        // The nodes of the level with the ways to them: a bit for each level, the first the highest.
        let mut level = vec![(root, 0)];
        let mut places = START;
        let mut ends = Vec::new();
        let mut levels = 0;
        while !level.is_empty() {
            level.sort_by_key(|&(reference, _)| !is_parent(&node_of(reference)));
            places += level.len();
            let mut next = Vec::new();
            let mut parents = 0;
            for &(reference, way) in &level {
                let node = node_of(reference);
                parents += usize::from(is_parent(&node));
                for (child, way) in [(node.left, way << 1), (node.right, (way << 1) | 1)] {
                    match leaf_index(child) {
                        Some(leaf) => ends.push((levels, way, leaves[leaf])),
                        None => next.push((child, way)),
                    }
                }
            }
            // The next level sorts its nodes again: only then their places are known.
            let mut sorted = next.clone();
            sorted.sort_by_key(|&(reference, _)| !is_parent(&node_of(reference)));
            let place_of = |child: i32| {
                let found = sorted.iter().position(|&(reference, _)| reference == child);
                found.map_or(NOWHERE, |found| places + found) as u16
            };
            self.nodes.extend(level.iter().map(|&(reference, _)| {
                let node = node_of(reference);
                let (left, right) = (place_of(node.left), place_of(node.right));
                Node { question: questions.number(node), left, right }
            }));
            self.levels.push(TreeLevel { parents, others: level.len() - parents });
            levels += 1;
            level = next;
        }
        self.places = self.places.max(places);
        self.leaves.resize(first_leaf + (1 << levels), 0);
        for (end, way, leaf) in ends {
            self.leaves[first_leaf + (way << (levels - 1 - end))] = leaf;
        }
        self.trees.push(Tree { levels, first_leaf });
    }

    pub(super) fn add(&self, level: Level, questions: &Questions, bins: &[u16], sums: &mut [i64; ROWS]) {
        sums.iter_mut().for_each(|sum| *sum += self.constant);
        if self.trees.is_empty() {
            return;
        }
        match level.possible() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `possible` returns no level that this processor does not have.
            Level::Avx512 => unsafe { add_trees_avx512(self, questions, bins, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { add_trees_avx2(self, questions, bins, sums) },
            _ => add_trees(self, questions, bins, sums, spread::portable),
        }
    }
}

#[inline(always)]
fn add_trees(
    trees: &BitTrees,
    questions: &Questions,
    bins: &[u16],
    sums: &mut [i64; ROWS],
    spread: impl Fn(&[Rows], &mut [u16; ROWS]),
) {
    let mut answers = questions.answers();
    answers.ask(questions, bins);
    let mut coming = vec![[0; ROWS / 64]; trees.places];
    let (mut levels, mut nodes) = (&trees.levels[..], &trees.nodes[..]);
    let mut places = [[0; ROWS]; GROUP];
    for group in trees.trees.chunks(GROUP) {
        for (tree, places) in group.iter().zip(&mut places) {
            let here;
            (here, levels) = levels.split_at(tree.levels);
            let bits = descend(here, &mut nodes, &answers, &mut coming);
            spread(&bits[..tree.levels], places);
        }
        let tables = group.iter().map(|tree| &trees.leaves[tree.first_leaf..][..1 << tree.levels]);
        look_up(tables, &places, sums);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn add_trees_avx2(trees: &BitTrees, questions: &Questions, bins: &[u16], sums: &mut [i64; ROWS]) {
    add_trees(trees, questions, bins, sums, |levels, places| spread::avx2(levels, places));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
fn add_trees_avx512(trees: &BitTrees, questions: &Questions, bins: &[u16], sums: &mut [i64; ROWS]) {
    add_trees(trees, questions, bins, sums, |levels, places| spread::avx512(levels, places));
}

/// Who went right on each level; takes the tree's nodes away.
#[inline(always)]
fn descend(
    levels: &[TreeLevel],
    nodes: &mut &[Node],
    answers: &Answers,
    coming: &mut [Rows],
) -> [Rows; BITS_MAX] {
    let mut bits = [[0; ROWS / 64]; BITS_MAX];
    coming[START] = [u64::MAX; ROWS / 64];
    let mut place = START;
    for (bits, level) in bits.iter_mut().zip(levels) {
        let (parents, rest) = nodes.split_at(level.parents);
        let (others, rest) = rest.split_at(level.others);
        *nodes = rest;
        let (first_others, end) = (place + level.parents, place + level.parents + level.others);
        assert!(end <= coming.len());
        let mut right = [0; ROWS / 64];
        for (place, node) in (place..first_others).zip(parents) {
            // SAFETY: the assertion bounds `place`; `add_tree` made `left` and `right` less than
            // `BitTrees::places`, which is the length of `coming`, and the question by `Questions::number`.
            unsafe {
                let come = *coming.get_unchecked(place);
                let yes = *answers.rows(node.question);
                let goes_right = both(come, yes);
                right = either(right, goes_right);
                *coming.get_unchecked_mut(usize::from(node.left)) = without(come, yes);
                *coming.get_unchecked_mut(usize::from(node.right)) = goes_right;
            }
        }
        for (come, node) in coming[first_others..end].iter().zip(others) {
            // SAFETY: as above.
            let yes = unsafe { *answers.rows(node.question) };
            right = either(right, both(*come, yes));
        }
        place = end;
        *bits = right;
    }
    bits
}

#[inline(always)]
fn both(left: Rows, right: Rows) -> Rows {
    std::array::from_fn(|word| left[word] & right[word])
}

#[inline(always)]
fn either(left: Rows, right: Rows) -> Rows {
    std::array::from_fn(|word| left[word] | right[word])
}

#[inline(always)]
fn without(left: Rows, right: Rows) -> Rows {
    std::array::from_fn(|word| left[word] & !right[word])
}

/// Adds what stands at the places of the tables, which are not more than places.
#[inline(always)]
fn look_up<'a>(
    mut tables: impl ExactSizeIterator<Item = &'a [i64]>,
    places: &[[u16; ROWS]; GROUP],
    sums: &mut [i64; ROWS],
) {
    // SAFETY (both): a table has a leaf for every number that is made of so many levels.
    let leaf = |table: &[i64], place: u16| unsafe { *table.get_unchecked(usize::from(place)) };
    if tables.len() < GROUP {
        for (table, places) in tables.zip(places) {
            for (sum, &place) in sums.iter_mut().zip(places) {
                *sum += leaf(table, place);
            }
        }
        return;
    }
    let tables: [&[i64]; GROUP] = std::array::from_fn(|_| tables.next().unwrap_or_default());
    let [first, second, third, fourth] = places;
    for (row, sum) in sums.iter_mut().enumerate() {
        let left = leaf(tables[0], first[row]) + leaf(tables[1], second[row]);
        let right = leaf(tables[2], third[row]) + leaf(tables[3], fourth[row]);
        *sum += left + right;
    }
}

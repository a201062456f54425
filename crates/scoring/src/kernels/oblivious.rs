//! Oblivious trees: the same question everywhere on a level, so that a leaf is the bits of the answers.
//!
//! Bins are packed into bytes first, and leaves are whole numbers ([`super::fixed`]). Trees of up to six
//! levels, CatBoost's default, stand in groups of four, so that a row's score is read and written once for
//! four leaves; deeper ones are added one by one.

#[cfg(target_arch = "x86_64")]
mod digits;
#[cfg(target_arch = "x86_64")]
mod gather;

use std::collections::HashMap;

use super::fixed::FixedPoint;
use super::level::{Level, compiled_for_each_level};
use crate::block::ROWS;
use crate::model::ModelError;

/// The deepest tree that CatBoost makes, and the deepest whose leaves a `u16` can count.
const DEPTH_MAX: usize = 16;

/// The deepest tree of a group.
const GROUP_DEPTH: usize = 6;
/// The leaves of the deepest tree of a group.
const GROUP_LEAVES: usize = 1 << GROUP_DEPTH;
/// Trees in a group.
const GROUP: usize = 4;

/// One tree.
#[derive(Debug, Clone)]
pub(crate) struct ObliviousTree {
    /// Column, and the bin that the row's must exceed to set the bit; the first split sets the lowest.
    pub(crate) splits: Vec<(u16, u16)>,
    /// 2 to the power of the number of splits; finite.
    pub(crate) leaves: Vec<f64>,
}

/// An ensemble.
#[derive(Debug, Clone)]
pub(crate) struct ObliviousTrees {
    level: Level,
    columns: usize,
    fixed: FixedPoint,
    /// The sum of all trees that ask nothing.
    constant: i64,
    bytes: Vec<ByteColumn>,
    groups: Vec<Group>,
    tables: Vec<[[i64; GROUP_LEAVES]; GROUP]>,
    deep: Vec<DeepTree>,
    #[cfg(target_arch = "x86_64")]
    digits: digits::Tables,
}

/// A column's bins, less `base`, in a byte: 255 where they are more than that. So a byte tells bins apart
/// from `base` to `base + 255`, and a column of many bins has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ByteColumn {
    column: u16,
    base: u16,
}

/// Is the byte in this column greater than this?
#[derive(Debug, Clone, Copy, Default)]
struct Split {
    column: u32,
    byte: u8,
}

/// Up to [`GROUP`] trees, in the order of their tables; those that are not there have no splits and
/// leaves of 0.
#[derive(Debug, Clone, Default)]
struct Group {
    trees: [Vec<Split>; GROUP],
}

#[derive(Debug, Clone)]
struct DeepTree {
    splits: Vec<Split>,
    leaves: Vec<i64>,
}

impl ObliviousTrees {
    /// Refuses trees that are too deep, that ask for a column that there is not, or that have not as many
    /// leaves as answers.
    pub(crate) fn new(columns: usize, trees: &[ObliviousTree]) -> Result<ObliviousTrees, ModelError> {
        ObliviousTrees::at(Level::best(), columns, trees)
    }

    fn at(level: Level, columns: usize, trees: &[ObliviousTree]) -> Result<ObliviousTrees, ModelError> {
        trees.iter().try_for_each(|tree| check(columns, tree))?;
        let largest =
            trees.iter().map(|tree| tree.leaves.iter().fold(0.0, |most, leaf| leaf.abs().max(most)));
        let fixed = FixedPoint::new(largest)?;
        let (mut bytes, mut places) = (Vec::new(), HashMap::new());
        let (mut shallow, mut deep, mut constant) = (Vec::new(), Vec::new(), 0);
        for tree in trees {
            let splits = tree.splits.iter().map(|&split| Split::new(split, &mut bytes, &mut places));
            let splits: Vec<Split> = splits.collect();
            let leaves: Vec<i64> = tree.leaves.iter().map(|&leaf| fixed.round(leaf)).collect();
            match splits.len() {
                0 => constant += leaves[0],
                1..=GROUP_DEPTH => shallow.push(DeepTree { splits, leaves }),
                _ => deep.push(DeepTree { splits, leaves }),
            }
        }
        // Trees whose leaves are of one size share a group, as the digits of the widest count for all.
        shallow.sort_by_key(|tree| tree.leaves.iter().map(|leaf| leaf.unsigned_abs()).max());
        let (mut groups, mut tables) = (Vec::new(), Vec::new());
        for chunk in shallow.chunks(GROUP) {
            let (mut group, mut table) = (Group::default(), [[0; GROUP_LEAVES]; GROUP]);
            for (place, tree) in chunk.iter().enumerate() {
                group.trees[place].clone_from(&tree.splits);
                table[place][..tree.leaves.len()].copy_from_slice(&tree.leaves);
            }
            groups.push(group);
            tables.push(table);
        }
        Ok(ObliviousTrees {
            level: level.possible(),
            columns,
            fixed,
            constant,
            bytes,
            #[cfg(target_arch = "x86_64")]
            digits: digits::Tables::new(&groups, &tables),
            groups,
            tables,
            deep,
        })
    }

    /// Adds a leaf of each tree to the score of each row. `bins` holds [`ROWS`] bins for each column, one
    /// column after the other.
    ///
    /// # Panics
    ///
    /// Where there are fewer bins.
    pub(crate) fn add(&self, bins: &[u16], scores: &mut [f64; ROWS]) {
        let mut bytes = vec![[0; ROWS]; self.bytes.len()];
        pack(self.level, &self.bytes, &bins[..self.columns * ROWS], &mut bytes);
        let mut sums = [self.constant; ROWS];
        match self.level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => self.digits.add(&bytes, &mut sums),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => gather::add(&self.groups, &self.tables, &bytes, &mut sums),
            _ => add_groups(&self.groups, &self.tables, &bytes, &mut sums),
        }
        add_deep(self.level, &self.deep, &bytes, &mut sums);
        for (score, sum) in scores.iter_mut().zip(sums) {
            *score += self.fixed.value(sum);
        }
    }
}

impl Split {
    /// The split with its byte column, which is added where it is new; `places` finds those that are not.
    fn new(
        (column, bin): (u16, u16),
        bytes: &mut Vec<ByteColumn>,
        places: &mut HashMap<ByteColumn, u32>,
    ) -> Split {
        // A byte of 255 is greater than each of 255 others.
        let byte = bin % 255;
        let wanted = ByteColumn { column, base: bin - byte };
        let place = *places.entry(wanted).or_insert_with(|| {
            bytes.push(wanted);
            bytes.len() as u32 - 1
        });
        Split { column: place, byte: byte as u8 }
    }
}

compiled_for_each_level! {
    fn pack(columns: &[ByteColumn], bins: &[u16], bytes: &mut [[u8; ROWS]]) {
        for (column, bytes) in columns.iter().zip(bytes) {
            let bins = &bins[usize::from(column.column) * ROWS..][..ROWS];
            for (byte, &bin) in bytes.iter_mut().zip(bins) {
                *byte = bin.saturating_sub(column.base).min(255) as u8;
            }
        }
    }
}

fn add_groups(
    groups: &[Group],
    tables: &[[[i64; GROUP_LEAVES]; GROUP]],
    bytes: &[[u8; ROWS]],
    sums: &mut [i64; ROWS],
) {
    let mut leaves = [[0; ROWS]; GROUP];
    for (group, [first, second, third, fourth]) in groups.iter().zip(tables) {
        for (leaves, splits) in leaves.iter_mut().zip(&group.trees) {
            answer(splits, bytes, leaves);
        }
        let place = |tree: usize, row: usize| usize::from(leaves[tree][row]) % GROUP_LEAVES;
        for (row, sum) in sums.iter_mut().enumerate() {
            let left = first[place(0, row)] + second[place(1, row)];
            let right = third[place(2, row)] + fourth[place(3, row)];
            *sum += left + right;
        }
    }
}

/// The leaf of each row in a tree of a group.
#[inline(always)]
fn answer(splits: &[Split], bytes: &[[u8; ROWS]], leaves: &mut [u8; ROWS]) {
    leaves.fill(0);
    for (level, split) in splits.iter().enumerate() {
        let bit = 1 << level;
        for (leaf, &byte) in leaves.iter_mut().zip(&bytes[split.column as usize]) {
            *leaf |= if byte > split.byte { bit } else { 0 };
        }
    }
}

compiled_for_each_level! {
    fn add_deep(trees: &[DeepTree], bytes: &[[u8; ROWS]], sums: &mut [i64; ROWS]) {
        for tree in trees {
            let mut leaves = [0u16; ROWS];
            for (level, split) in tree.splits.iter().enumerate() {
                let bit = 1 << level;
                for (leaf, &byte) in leaves.iter_mut().zip(&bytes[split.column as usize]) {
                    *leaf |= if byte > split.byte { bit } else { 0 };
                }
            }
            for (sum, leaf) in sums.iter_mut().zip(leaves) {
                *sum += tree.leaves[usize::from(leaf)];
            }
        }
    }
}
fn check(columns: usize, tree: &ObliviousTree) -> Result<(), ModelError> {
    let (depth, leaves) = (tree.splits.len(), tree.leaves.len());
    if depth > DEPTH_MAX {
        return Err(ModelError::Unsupported(format!(
            "a tree is {depth} levels deep, not {DEPTH_MAX} at most"
        )));
    }
    if leaves != 1 << depth {
        return Err(ModelError::Unsupported(format!("a tree of depth {depth} has {leaves} leaf values")));
    }
    if tree.leaves.iter().any(|leaf| !leaf.is_finite()) {
        return Err(ModelError::Invalid("a leaf is not finite".to_owned()));
    }
    if let Some((column, _)) = tree.splits.iter().find(|(column, _)| usize::from(*column) >= columns) {
        return Err(ModelError::Invalid(format!("a tree asks for column {column} of {columns}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Trees whose leaves are shares of leavers, in scoring's flat format.

use scoring::forest::{FORMAT, ForestFile};

use crate::bins::Column;
use crate::error::Error;
use crate::tree::Node;

/// Leaves are rounded to this share, which no customer notices and which halves the file.
const LEAF_STEPS: f64 = 1e6;

/// A forest of these trees, whose slopes are leavers and whose hessians are customers.
pub(crate) fn file(columns: &[Column], trees: &[Vec<Node>]) -> Result<ForestFile, Error> {
    let mut file = ForestFile {
        format: FORMAT.to_owned(),
        roots: Vec::new(),
        inputs: Vec::new(),
        thresholds: Vec::new(),
        left: Vec::new(),
        right: Vec::new(),
        leaves: Vec::new(),
    };
    for tree in trees {
        let references = references(tree, file.inputs.len(), file.leaves.len())?;
        file.roots.extend(references.first());
        for node in tree {
            let Some(branch) = node.branch else {
                let share = node.slope.step(0.0).clamp(0.0, 1.0);
                file.leaves.push((share * LEAF_STEPS).round() / LEAF_STEPS);
                continue;
            };
            let (column, border) = (branch.question.column, branch.question.border);
            let too_many = |_| Error::Data("a forest can ask for 65,536 inputs at most".to_owned());
            file.inputs.push(u16::try_from(column).map_err(too_many)?);
            file.thresholds.push(decimal(columns[column].borders[border]));
            file.left.push(references[branch.left]);
            file.right.push(references[branch.right]);
        }
    }
    Ok(file)
}

/// How the file refers to each node of a tree: a branch by its place, leaf n by -1 - n.
fn references(tree: &[Node], branches: usize, leaves: usize) -> Result<Vec<i32>, Error> {
    let count = |places: usize| {
        i32::try_from(places).map_err(|_| Error::Training("the forest is too large".to_owned()))
    };
    // So that no place below overflows either.
    count(branches.max(leaves) + tree.len())?;
    let (mut branch, mut leaf) = (count(branches)?, count(leaves)?);
    let refer = |node: &Node| {
        let place = if node.branch.is_some() { &mut branch } else { &mut leaf };
        *place += 1;
        if node.branch.is_some() { *place - 1 } else { -*place }
    };
    Ok(tree.iter().map(refer).collect())
}

/// The shortest decimal that is this border: customers' numbers are decimals, too, and on the same side of
/// both.
fn decimal(border: f32) -> f64 {
    border.to_string().parse().unwrap_or(f64::from(border))
}

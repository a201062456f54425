//! Trees as XGBoost writes them.

use scoring::Input;
use scoring::xgboost::{NO_PARENT, XgboostFile, XgboostTree};

use crate::bins::Column;
use crate::xgboost::Tree;

pub(crate) fn file(columns: &[Column], inputs: &[Input], trees: &[Tree], base: f64) -> XgboostFile {
    let trees = trees.iter().map(|tree| write(tree, columns)).collect();
    let probability = 1.0 / (1.0 + (-base).exp());
    XgboostFile::new(feature_names(inputs), probability as f32, trees)
}

/// The inputs' names, without the signs that the official library does not accept in one. Two that would be
/// the same by that are told apart by their places.
fn feature_names(inputs: &[Input]) -> Vec<String> {
    let clean = |input: &Input| input.name.replace(['[', ']', '<'], "_");
    let mut names: Vec<String> = Vec::with_capacity(inputs.len());
    for (place, input) in inputs.iter().enumerate() {
        let mut name = clean(input);
        while names.contains(&name) {
            name = format!("{name}_{place}");
        }
        names.push(name);
    }
    names
}

fn write(tree: &Tree, columns: &[Column]) -> XgboostTree {
    let count = tree.nodes.len();
    let mut written = XgboostTree {
        base_weights: vec![0.0; count],
        default_left: vec![0; count],
        left_children: vec![-1; count],
        loss_changes: vec![0.0; count],
        parents: vec![NO_PARENT; count],
        right_children: vec![-1; count],
        split_conditions: vec![0.0; count],
        split_indices: vec![0; count],
        split_type: vec![0; count],
        sum_hessian: vec![0.0; count],
        ..XgboostTree::default()
    };
    // Places among the nodes and columns are far below 2^31.
    for (place, node) in tree.nodes.iter().enumerate() {
        written.sum_hessian[place] = node.slope.hessian as f32;
        let Some(branch) = node.branch else {
            written.base_weights[place] = tree.answers[place];
            written.split_conditions[place] = tree.answers[place];
            continue;
        };
        let (column, border) = (branch.question.column, branch.question.border);
        written.base_weights[place] = tree.steps[place];
        written.default_left[place] = u8::from(branch.missing_left);
        // The format leaves to the left what is less, the border what is not greater.
        written.split_conditions[place] = columns[column].borders[border].next_up();
        written.split_indices[place] = column as i32;
        written.loss_changes[place] = 2.0 * branch.gain as f32;
        for (child, children) in
            [(branch.left, &mut written.left_children), (branch.right, &mut written.right_children)]
        {
            children[place] = child as i32;
            written.parents[child] = place as i32;
        }
    }
    written
}

//! What an algorithm learns from: inputs, outcomes and weights.

/// A dense matrix, row after row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) values: Vec<f64>,
}

impl Matrix {
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..][..self.width]
    }

    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.values.iter().skip(column).step_by(self.width.max(1)).copied()
    }
}

/// Prepared customers with their outcome.
#[derive(Debug, Clone)]
pub(crate) struct Samples {
    pub(crate) matrix: Matrix,
    /// Whether each has left.
    pub(crate) labels: Vec<bool>,
    /// How much each counts; 1 is as much as one customer.
    pub(crate) weights: Vec<f64>,
}

impl Samples {
    /// Customers who count alike.
    pub(crate) fn new(matrix: Matrix, labels: Vec<bool>) -> Samples {
        let weights = vec![1.0; labels.len()];
        Samples { matrix, labels, weights }
    }

    /// The same customers, but only these rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Samples {
        let values = rows.iter().flat_map(|&row| self.matrix.row(row)).copied().collect();
        Samples {
            matrix: Matrix { rows: rows.len(), width: self.matrix.width, values },
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            weights: rows.iter().map(|&row| self.weights[row]).collect(),
        }
    }
}

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

#[cfg(test)]
impl Samples {
    /// Customers that never existed: a number that is missing now and then, which leavers do more often, a
    /// flag and noise. Who has one of the first two but not both is likelier to leave.
    pub(crate) fn invented(rows: usize, seed: u64) -> Samples {
        let mut random = crate::random::Random::new(seed);
        let mut customer = || {
            let (tenure, flag, noise) = (random.uniform(), random.chance(0.4), random.uniform());
            let has_left = random.chance(if (tenure > 0.5) != flag { 0.8 } else { 0.2 });
            let is_missing = random.chance(if has_left { 0.2 } else { 0.05 });
            let tenure = if is_missing { f64::NAN } else { tenure };
            ([tenure, f64::from(u8::from(flag)), noise], has_left)
        };
        let (values, labels): (Vec<[f64; 3]>, Vec<bool>) = (0..rows).map(|_| customer()).unzip();
        Samples::new(Matrix { rows, width: 3, values: values.concat() }, labels)
    }

    /// What a model's inputs would be called.
    pub(crate) fn inputs(&self) -> Vec<scoring::Input> {
        let input = |place: usize| scoring::Input {
            name: format!("input {place}"),
            feature: format!("input {place}"),
            encoding: scoring::InputEncoding::Number { missing: None },
        };
        (0..self.matrix.width).map(input).collect()
    }
}

//! Solves small systems of linear equations with a symmetric positive definite matrix.

/// Solves `matrix * x = right`, of which only the lower triangle is read; nothing where the matrix is not
/// positive definite.
pub(crate) fn solve(mut matrix: Vec<f64>, right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        for row in column..size {
            let dot: f64 = (0..column).map(|k| matrix[row * size + k] * matrix[column * size + k]).sum();
            let rest = matrix[row * size + column] - dot;
            if row > column {
                matrix[row * size + column] = rest / matrix[column * size + column];
            } else if rest > 0.0 && rest.is_finite() {
                matrix[row * size + column] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut solution = right.to_vec();
    for row in 0..size {
        let dot: f64 = (0..row).map(|k| matrix[row * size + k] * solution[k]).sum();
        solution[row] = (solution[row] - dot) / matrix[row * size + row];
    }
    for row in (0..size).rev() {
        let dot: f64 = (row + 1..size).map(|k| matrix[k * size + row] * solution[k]).sum();
        solution[row] = (solution[row] - dot) / matrix[row * size + row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn a_system_is_solved_from_its_lower_triangle() {
        let matrix = vec![4.0, 99.0, 99.0, 2.0, 5.0, 99.0, 1.0, 3.0, 6.0];
        let solution = solve(matrix, &[11.0, 21.0, 25.0]).unwrap();
        for (found, wanted) in solution.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-12, "{solution:?}");
        }
        assert_eq!(solve(vec![1.0, 0.0, 2.0, 1.0], &[1.0, 1.0]), None);
    }
}

//! What the layers of a network do to numbers, forward and backward. Matrices lie row after row.

/// `values * weights + biases`; the weights of each input, then the biases.
pub(crate) fn dense(values: &[f64], inputs: usize, outputs: usize, parameters: &[f64]) -> Vec<f64> {
    let (weights, biases) = parameters[..(inputs + 1) * outputs].split_at(inputs * outputs);
    let mut out = Vec::with_capacity(values.len() / inputs * outputs);
    for row in values.chunks_exact(inputs) {
        let begin = out.len();
        out.extend_from_slice(biases);
        add_products(&mut out[begin..], row, weights);
    }
    out
}

/// Writes the gradient in the weights and biases; returns that in the values.
pub(crate) fn dense_backward(
    rows: usize,
    slopes: &[f64],
    values: &[f64],
    weights: &[f64],
    gradients: &mut [f64],
) -> Vec<f64> {
    let outputs = slopes.len() / rows;
    let (weight_gradients, bias_gradients) = gradients.split_at_mut(weights.len());
    for slopes in slopes.chunks_exact(outputs) {
        bias_gradients.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
    }
    // Both products are laid out so that the innermost loop adds rows to a row, which the compiler does
    // several numbers at a time.
    let inputs = weights.len() / outputs;
    for (gradients, column) in
        weight_gradients.chunks_exact_mut(outputs).zip(transposed(values, inputs).chunks_exact(rows))
    {
        add_products(gradients, column, slopes);
    }
    let turned = transposed(weights, outputs);
    let mut back = vec![0.0; rows * inputs];
    for (back, slopes) in back.chunks_exact_mut(inputs).zip(slopes.chunks_exact(outputs)) {
        add_products(back, slopes, &turned);
    }
    back
}

/// Writes the gradient in scales and shifts; returns that in the values. `notes` are the normalised values,
/// then the reciprocal deviations.
///
/// The batch's mean and deviation depend on every row, so that each row's slope has a part in those of all
/// (Ioffe and Szegedy, "Batch Normalization", 2015, section 3).
pub(crate) fn batch_norm_backward(
    slopes: &[f64],
    notes: &[f64],
    gammas: &[f64],
    gradients: &mut [f64],
) -> Vec<f64> {
    let width = gammas.len();
    let (normalised, reciprocals) = notes.split_at(slopes.len());
    let (gamma_gradients, beta_gradients) = gradients.split_at_mut(width);
    for (slopes, normalised) in slopes.chunks_exact(width).zip(normalised.chunks_exact(width)) {
        for at in 0..width {
            gamma_gradients[at] += slopes[at] * normalised[at];
            beta_gradients[at] += slopes[at];
        }
    }
    let rows = (slopes.len() / width) as f64;
    let mut back = Vec::with_capacity(slopes.len());
    for (slopes, normalised) in slopes.chunks_exact(width).zip(normalised.chunks_exact(width)) {
        for at in 0..width {
            let centred = slopes[at] - (beta_gradients[at] + normalised[at] * gamma_gradients[at]) / rows;
            back.push(gammas[at] * reciprocals[at] * centred);
        }
    }
    back
}

pub(crate) fn rectified(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.max(0.0)).collect()
}

/// Columns as rows.
pub(crate) fn transposed(values: &[f64], width: usize) -> Vec<f64> {
    let rows = values.len() / width;
    let mut columns = vec![0.0; values.len()];
    for (row, values) in values.chunks_exact(width).enumerate() {
        for (column, value) in values.iter().enumerate() {
            columns[column * rows + row] = *value;
        }
    }
    columns
}

/// Adds `factor * row` for each row of a matrix. Four at a time, so that the sums are read and written a
/// quarter as often.
fn add_products(sums: &mut [f64], factors: &[f64], rows: &[f64]) {
    let width = sums.len();
    let (fours, rest) = factors.as_chunks::<4>();
    let mut rows = rows;
    for &[a, b, c, d] in fours {
        let (four, others) = rows.split_at(4 * width);
        let ((one, two), (three, four)) =
            (four[..2 * width].split_at(width), four[2 * width..].split_at(width));
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum += (a * one[place] + b * two[place]) + (c * three[place] + d * four[place]);
        }
        rows = others;
    }
    for (factor, row) in rest.iter().zip(rows.chunks_exact(width)) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
    }
}

#[cfg(test)]
mod tests {
    use super::{dense, transposed};

    #[test]
    fn a_dense_layer_is_a_matrix_and_biases() {
        // Five inputs, two outputs: more than go four at a time.
        let parameters = [1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 0.5, -0.5];
        let out = dense(&[1., 0., 0., 0., 2., 0., 1., 1., 1., 0.], 5, 2, &parameters);
        assert_eq!(out, [1. + 18. + 0.5, 2. + 20. - 0.5, 15. + 0.5, 18. - 0.5]);
    }

    #[test]
    fn columns_become_rows() {
        assert_eq!(transposed(&[1., 2., 3., 4., 5., 6.], 3), [1., 4., 2., 5., 3., 6.]);
    }
}

//! A number's basis functions, so that a linear model can bend with it: the number itself and cubic
//! B-splines with knots at quantiles.
//!
//! de Boor, "A Practical Guide to Splines" (2001), chapter IX. The B-splines span the straight lines, too,
//! but a penalty on their weights would flatten every slope; with the number beside them it pulls towards a
//! straight line instead. Beyond the least and greatest known number they are constant, and the number goes
//! on. Cf. Eilers and Marx, "Flexible Smoothing with B-splines and Penalties" (1996).

use scoring::Pieces;

use crate::encoding::quantile;

const DEGREE: usize = 3;

/// The number itself, then B-splines that sum to 1, each between 0 and 1. There are `knots` inner knots at
/// evenly spaced quantiles of the values, equal ones counting once, and so four B-splines more than that.
/// Without two different values or without knots there are none.
///
/// `values` are what is known of the number, without NaN. `missing` is the number that stands for one that
/// is missing.
pub(crate) fn basis(values: &[f64], knots: usize, missing: f64) -> Vec<Pieces> {
    let number = Pieces { knots: Vec::new(), coefficients: vec![[0.0, 1.0, 0.0, 0.0]], missing };
    let mut functions = vec![number];
    let places = places(values, knots);
    if knots == 0 || places.len() < 2 {
        return functions;
    }
    // The borders count four times in all, so that the first and last functions end on them.
    let border = |place: f64| std::iter::repeat_n(place, DEGREE);
    let (first, last) = (places[0], places[places.len() - 1]);
    let all: Vec<f64> = border(first).chain(places.iter().copied()).chain(border(last)).collect();
    for function in 0..places.len() + DEGREE - 1 {
        let mut bump = bump(&all, function);
        bump.missing = bump.value(missing);
        functions.push(bump);
    }
    functions
}

/// The least value, inner knots at quantiles, the greatest value; ascending and all different.
fn places(values: &[f64], knots: usize) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let share = |knot: usize| knot as f64 / (knots + 1) as f64;
    let mut places: Vec<f64> = (0..=knots + 1).filter_map(|knot| quantile(&sorted, share(knot))).collect();
    places.dedup();
    places
}

/// The B-spline between the knots `function` and `function + 4`, as polynomials; constant outside of all
/// knots.
fn bump(all: &[f64], function: usize) -> Pieces {
    let support = &all[function..=function + DEGREE + 1];
    let mut pieces = Pieces { knots: Vec::new(), coefficients: vec![[0.0; 4]], missing: 0.0 };
    for span in function..=function + DEGREE {
        if all[span] < all[span + 1] {
            pieces.knots.push(all[span]);
            pieces.coefficients.push(polynomial(all, function, DEGREE, span));
        }
    }
    let (begin, end) = (support[0], support[DEGREE + 1]);
    pieces.knots.push(end);
    pieces.coefficients.push([0.0; 4]);
    // Only the first and the last function are not 0 at a border of all.
    let ends = pieces.coefficients.len() - 1;
    if begin == support[DEGREE] {
        pieces.coefficients[0][0] = pieces.coefficients[1][0];
    }
    if support[1] == end {
        let t = end - pieces.knots[ends - 2];
        let [c0, c1, c2, c3] = pieces.coefficients[ends - 1];
        pieces.coefficients[ends][0] = c0 + t * (c1 + t * (c2 + t * c3));
    }
    pieces
}

/// The B-spline of this degree between the knots `span` and `span + 1`, in powers of the distance from the
/// former, by the recurrence of Cox and de Boor.
fn polynomial(all: &[f64], function: usize, degree: usize, span: usize) -> [f64; 4] {
    if degree == 0 {
        return [f64::from(u8::from(function == span)), 0.0, 0.0, 0.0];
    }
    let origin = all[span];
    let mut sum = [0.0; 4];
    // Each part is a straight line, 0 at one knot and 1 at another, times a B-spline of one degree less.
    for (part, zero, one) in [
        (function, all[function], all[function + degree]),
        (function + 1, all[function + degree + 1], all[function + 1]),
    ] {
        // What has no width is 0 everywhere.
        if zero == one {
            continue;
        }
        let lower = polynomial(all, part, degree - 1, span);
        let (constant, slope) = ((origin - zero) / (one - zero), 1.0 / (one - zero));
        for power in 0..=DEGREE {
            sum[power] += constant * lower[power];
            if power > 0 {
                sum[power] += slope * lower[power - 1];
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use scoring::Pieces;

    use super::basis;

    fn at(functions: &[Pieces], number: f64) -> Vec<f64> {
        functions.iter().map(|function| function.value(number)).collect()
    }

    fn assert_close(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        for (left, right) in found.iter().zip(wanted) {
            assert!((left - right).abs() < 1e-12, "{found:?} is not {wanted:?}");
        }
    }

    #[test]
    fn functions_are_the_textbooks_b_splines() {
        let values: Vec<f64> = (0..=4).map(f64::from).collect();
        let functions = basis(&values, 3, 2.0);
        // Knots 0, 1, 2, 3, 4; the middle function is the uniform one with 1/6, 2/3, 1/6 at its knots.
        assert_close(&at(&functions, 2.0), &[2.0, 0.0, 0.0, 1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0, 0.0, 0.0]);
        // scipy.interpolate.BSpline.design_matrix([0.5], [0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4], 3).
        let half = [0.5, 0.125, 0.593_75, 0.260_416_666_666_666_63, 0.020_833_333_333_333_332, 0.0, 0.0, 0.0];
        assert_close(&at(&functions, 0.5), &half);
        assert_eq!(at(&functions, f64::NAN), at(&functions, 2.0));
    }

    #[test]
    fn without_inner_knots_between_equal_values_they_are_bernsteins_polynomials() {
        let functions = basis(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 1, 0.0);
        let t: f64 = 0.3;
        let uneven = [1.0 - t, t];
        let cubics = [uneven[0].powi(3), 3.0 * t * uneven[0].powi(2), 3.0 * t * t * uneven[0], t.powi(3)];
        // The median is 0.5 here, so one inner knot stays: the functions there sum to 1 all the same.
        assert_eq!(functions.len(), 1 + 5);
        let without = basis(&[0.0, 0.0, 0.0, 0.0, 1.0], 1, 0.0);
        assert_close(&at(&without, t), &[&[t], &cubics[..]].concat());
    }

    #[test]
    fn they_sum_to_one_everywhere_and_are_smooth() {
        let values: Vec<f64> = (0..500).map(|row| f64::from(row * row % 997) / 7.0).collect();
        for knots in [1, 2, 5, 12] {
            let functions = basis(&values, knots, 3.0);
            assert_eq!(functions.len(), knots + 5);
            for step in -200..1_800 {
                let number = f64::from(step) / 10.0;
                let values = at(&functions[1..], number);
                assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{number}");
                assert!(values.iter().all(|value| (-1e-12..=1.0 + 1e-12).contains(value)), "{number}");
                let next = at(&functions[1..], number + 1e-7);
                assert!(values.iter().zip(&next).all(|(left, right)| (left - right).abs() < 1e-5));
            }
        }
    }

    #[test]
    fn they_are_constant_beyond_the_borders() {
        let functions = basis(&[1.0, 2.0, 3.0, 5.0, 9.0], 2, 3.0);
        assert_eq!(at(&functions[1..], -50.0), at(&functions[1..], 1.0));
        assert_close(&at(&functions[1..], 9.0), &at(&functions[1..], 500.0));
        assert_eq!(at(&functions, -50.0)[1], 1.0);
        assert_eq!(at(&functions, 500.0)[0], 500.0);
    }

    #[test]
    fn a_number_that_hardly_varies_is_left_straight() {
        assert_eq!(basis(&[], 5, 1.5).len(), 1);
        assert_eq!(basis(&[4.0, 4.0, 4.0], 5, 4.0).len(), 1);
        assert_eq!(basis(&[1.0, 2.0, 3.0], 0, 2.0).len(), 1);
        assert_eq!(basis(&[1.0, 2.0], 0, 1.5)[0].value(7.0), 7.0);
    }
}

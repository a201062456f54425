//! Gauss and Legendre's quadrature from 0 to 1: `n` places integrate a polynomial of degree `2 n - 1` exactly.

use std::f64::consts::PI;

use crate::kernels::Quadrature;

/// The places and weights for polynomials of this degree.
pub(super) fn for_degree(degree: usize) -> Quadrature {
    let count = degree / 2 + 1;
    (0..count).map(|place| node(count, place)).collect()
}

/// A root of Legendre's polynomial by Newton's method, moved from (-1, 1) to (0, 1), and its weight.
fn node(count: usize, place: usize) -> (f64, f64) {
    let n = count as f64;
    let mut x = (PI * (place as f64 + 0.75) / (n + 0.5)).cos();
    let mut slope = 1.0;
    for _ in 0..100 {
        // The recurrence of Bonnet, and the derivative that follows from its last two values.
        let (mut before, mut here) = (1.0, x);
        for degree in 1..count {
            let k = degree as f64;
            (before, here) = (here, ((2.0 * k + 1.0) * x * here - k * before) / (k + 1.0));
        }
        slope = n * (before - x * here) / (1.0 - x * x);
        let step = here / slope;
        x -= step;
        if step.abs() < 1e-16 {
            break;
        }
    }
    ((1.0 + x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
}

#[cfg(test)]
mod tests {
    use super::for_degree;

    #[test]
    fn powers_are_integrated_exactly() {
        for degree in 0..64_usize {
            for power in 0..=degree as i32 {
                let sum: f64 = for_degree(degree).iter().map(|(t, weight)| weight * t.powi(power)).sum();
                let wanted = 1.0 / f64::from(power + 1);
                assert!((sum - wanted).abs() < 1e-14, "{degree} {power}: {sum} {wanted}");
            }
        }
    }
}

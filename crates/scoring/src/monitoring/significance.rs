//! How likely a difference is by chance alone: the tails of the distributions that tests need.

use std::f64::consts::PI;

/// Terms of a series at most; each converges long before.
const TERMS_MAX: usize = 500;
/// What is no more than this part of a sum changes it no more.
const PRECISION: f64 = 1e-15;

/// The chance that a chi-square variable with so many degrees of freedom is at least `statistic`: the
/// regularized upper incomplete gamma function Q(degrees / 2, statistic / 2).
#[must_use]
pub fn chi_square_tail(statistic: f64, degrees: u32) -> f64 {
    if degrees == 0 || statistic <= 0.0 {
        return 1.0;
    }
    upper_gamma(f64::from(degrees) / 2.0, statistic / 2.0)
}

/// The chance that a standard normal variable is at least `deviation`.
#[must_use]
pub fn normal_tail(deviation: f64) -> f64 {
    let tail = upper_gamma(0.5, deviation * deviation / 2.0) / 2.0;
    if deviation < 0.0 { 1.0 - tail } else { tail }
}

/// The chance that two samples of one distribution differ by at least `distance` (the statistic of Kolmogorov
/// and Smirnov), by its limit with the correction of Stephens, "Use of the Kolmogorov-Smirnov, Cramer-von
/// Mises and related statistics without extensive tables" (1970). For values with ties it is too large, so
/// that it errs towards no difference.
#[must_use]
pub fn two_sample_tail(distance: f64, first: u64, second: u64) -> f64 {
    if first == 0 || second == 0 {
        return 1.0;
    }
    let (first, second) = (first as f64, second as f64);
    let root = (first * second / (first + second)).sqrt();
    kolmogorov_tail((root + 0.12 + 0.11 / root) * distance)
}

/// The tail of Kolmogorov's distribution: the chance of a scaled distance of at least this.
#[must_use]
pub fn kolmogorov_tail(scaled: f64) -> f64 {
    if scaled <= 0.0 {
        return 1.0;
    }
    // Two series of the same function: each converges at once where the other does not.
    let value = if scaled < 1.18 {
        let step = -(PI * PI) / (8.0 * scaled * scaled);
        let sum: f64 = (0..4).map(|term| (f64::from(2 * term + 1).powi(2) * step).exp()).sum();
        1.0 - (2.0 * PI).sqrt() / scaled * sum
    } else {
        let sign = |term: i32| if term % 2 == 1 { 1.0 } else { -1.0 };
        2.0 * (1..=8)
            .map(|term| sign(term) * (-2.0 * f64::from(term * term) * scaled * scaled).exp())
            .sum::<f64>()
    };
    value.clamp(0.0, 1.0)
}

/// The regularized upper incomplete gamma function Q(a, x), by the series or the continued fraction of Press
/// and others, "Numerical Recipes" (3rd edition, 2007), section 6.2.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut denominator) = (1.0 / a, 1.0 / a, a);
        for _ in 0..TERMS_MAX {
            denominator += 1.0;
            term *= x / denominator;
            sum += term;
            if term.abs() < sum.abs() * PRECISION {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // Lentz's method.
    let tiny = f64::MIN_POSITIVE / PRECISION;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut fraction = d;
    for term in 1..TERMS_MAX {
        let factor = -(term as f64) * (term as f64 - a);
        b += 2.0;
        d = factor * d + b;
        d = if d.abs() < tiny { tiny } else { d };
        c = b + factor / c;
        c = if c.abs() < tiny { tiny } else { c };
        d = 1.0 / d;
        fraction *= d * c;
        if (d * c - 1.0).abs() < PRECISION {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// The logarithm of the gamma function for positive arguments, by Lanczos' approximation with g = 7 and nine
/// terms: 15 digits.
fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection.
        return (PI / (PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum =
        COEFFICIENTS[1..].iter().zip(1..).map(|(coefficient, term)| coefficient / (x + f64::from(term)));
    let sum = COEFFICIENTS[0] + sum.sum::<f64>();
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

//! Logistic regression of two classes that count alike, however many there are of each.

use nalgebra::{DMatrix, DVector};

/// Weights, the last of them added to every sum.
pub(super) fn fit(own: &[Vec<f64>], general: &[Vec<f64>]) -> Option<Vec<f64>> {
    let width = own.first().or(general.first())?.len() + 1;
    let rows = own.len() + general.len();
    let value = |row: usize, column: usize| {
        let numbers = own.get(row).or_else(|| general.get(row - own.len()));
        numbers.and_then(|numbers| numbers.get(column)).copied()
    };
    let x = DMatrix::from_fn(rows, width, |row, column| value(row, column).unwrap_or(1.0));
    let y = DVector::from_fn(rows, |row, _| f64::from(u8::from(row < own.len())));
    let half = |count: usize| 0.5 / count.max(1) as f64;
    let importance = DVector::from_fn(rows, |row, _| match row < own.len() {
        true => half(own.len()),
        false => half(general.len()),
    });
    let mut weights = DVector::zeros(width);
    let mut loss = objective(&x, &y, &importance, &weights);
    for _ in 0..STEPS {
        let step = newton_step(&x, &y, &importance, &weights)?;
        // Far from the minimum a whole step may overshoot.
        let mut part = 1.0;
        let better = loop {
            let moved = &weights - &step * part;
            let found = objective(&x, &y, &importance, &moved);
            if found <= loss {
                break Some((moved, found));
            }
            part /= 2.0;
            if part < 1e-6 {
                break None;
            }
        };
        let Some((moved, found)) = better else { break };
        let settled = loss - found < 1e-9;
        (weights, loss) = (moved, found);
        if settled {
            break;
        }
    }
    let finite = weights.iter().all(|weight: &f64| weight.is_finite());
    finite.then(|| weights.iter().copied().collect())
}

/// Where classes are apart, weights would grow without end but for this: half of it times their squares
/// is added to the mean loss.
const RIDGE: f64 = 1e-3;
const STEPS: usize = 50;

fn objective(
    x: &DMatrix<f64>,
    y: &DVector<f64>,
    importance: &DVector<f64>,
    weights: &DVector<f64>,
) -> f64 {
    let sums = x * weights;
    let losses = sums.iter().zip(y.iter()).zip(importance.iter());
    // −log of the probability of the class: log(1 + e^−s) or log(1 + e^s).
    let loss: f64 = losses
        .map(|((&sum, &class), part)| {
            let wrong = if class > 0.5 { -sum } else { sum };
            part * (wrong.max(0.0) + (-wrong.abs()).exp().ln_1p())
        })
        .sum();
    loss + 0.5 * RIDGE * weights.norm_squared()
}

fn newton_step(
    x: &DMatrix<f64>,
    y: &DVector<f64>,
    importance: &DVector<f64>,
    weights: &DVector<f64>,
) -> Option<DVector<f64>> {
    let odds = (x * weights).map(|sum| 1.0 / (1.0 + (-sum).exp()));
    let errors = (&odds - y).component_mul(importance);
    let gradient = x.tr_mul(&errors) + weights * RIDGE;
    let spreads = odds.map(|p| p * (1.0 - p)).component_mul(importance);
    let mut scaled = x.clone();
    for (mut row, spread) in scaled.row_iter_mut().zip(spreads.iter()) {
        row *= *spread;
    }
    let width = weights.len();
    let hessian = x.tr_mul(&scaled) + DMatrix::identity(width, width) * RIDGE;
    Some(hessian.cholesky()?.solve(&gradient))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[f64]) -> Vec<Vec<f64>> {
        numbers.iter().map(|&x| vec![x]).collect()
    }

    #[test]
    fn the_gradient_is_zero_where_it_ends() {
        let (own, general) = (rows(&[1.0, 2.0, 0.2]), rows(&[-1.0, 0.5, 0.0, -2.0, -0.3]));
        let fitted = fit(&own, &general).unwrap();
        let loss = |weights: &[f64]| {
            let mean = |of: &[Vec<f64>], sign: f64| {
                let losses = of.iter().map(|x| {
                    let sum = sign * (weights[0] * x[0] + weights[1]);
                    (1.0 + (-sum).exp()).ln()
                });
                losses.sum::<f64>() / of.len() as f64
            };
            0.5 * (mean(&own, 1.0) + mean(&general, -1.0))
                + 0.5 * RIDGE * weights.iter().map(|w| w * w).sum::<f64>()
        };
        for place in 0..2 {
            let at = |by: f64| {
                let mut moved = fitted.clone();
                moved[place] += by;
                loss(&moved)
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(slope.abs() < 1e-5, "{slope}");
        }
        assert!(fitted[0] > 0.0);
    }

    #[test]
    fn classes_that_lie_apart_end_somewhere() {
        let fitted = fit(&rows(&[5.0, 6.0]), &rows(&[-5.0, -6.0])).unwrap();
        assert!(fitted[0] > 0.1 && fitted[0] < 100.0, "{fitted:?}");
        assert_eq!(fit(&[], &[]), None);
    }
}

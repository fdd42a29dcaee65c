//! How sure a mean is: percentile bootstrap (Efron & Tibshirani 1993, chapter 13), seeded.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples.
const RESAMPLES: usize = 2_000;

/// A 95 % interval: lower and upper end.
pub type Interval = [f64; 2];

/// The mean; 0 for no values.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The interval of a mean over questions.
pub fn mean_interval(values: &[f64], seed: u64) -> Interval {
    if values.is_empty() {
        return [0.0, 0.0];
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = values.len();
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..count).map(|_| values[rng.random_range(0..count)]).sum::<f64>() / count as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    [percentile(&means, 0.025), percentile(&means, 0.975)]
}

/// The interval of the mean difference `after − before` on the same questions. Both must have the
/// same length; what is beyond the shorter is left out.
pub fn paired_interval(before: &[f64], after: &[f64], seed: u64) -> Interval {
    let differences: Vec<f64> = before.iter().zip(after).map(|(b, a)| a - b).collect();
    mean_interval(&differences, seed)
}

/// Linear interpolation between the two nearest ranks, as numpy's default.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = part * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_mean_and_shrink_with_more_questions() {
        let answers = |n: usize| -> Vec<f64> { (0..n).map(|i| f64::from(u8::from(i % 3 == 0))).collect() };
        let width = |n: usize| {
            let values = answers(n);
            let [low, high] = mean_interval(&values, 1);
            assert!(low < mean(&values) && mean(&values) < high);
            high - low
        };
        // The normal approximation: 2 · 1.96 · sqrt(p (1 − p) / n).
        let expected = 2.0 * 1.96 * (1.0 / 3.0 * 2.0 / 3.0 / 900.0f64).sqrt();
        assert!((width(900) - expected).abs() < 0.15 * expected);
        assert!(width(90) > 2.5 * width(900));
    }

    #[test]
    fn pairing_removes_what_questions_have_in_common() {
        let before: Vec<f64> = (0..300).map(|i| f64::from(u8::from(i % 2 == 0))).collect();
        let mut after = before.clone();
        for value in after.iter_mut().skip(1).step_by(20) {
            *value = 1.0;
        }
        let [low, high] = paired_interval(&before, &after, 2);
        assert!(low > 0.0 && high < 0.1, "{low} {high}");
        assert_eq!(paired_interval(&before, &before, 2), [0.0, 0.0]);
    }

    #[test]
    fn same_seed_same_interval_and_nothing_is_nothing() {
        let values = [0.0, 1.0, 1.0, 0.5];
        assert_eq!(mean_interval(&values, 7), mean_interval(&values, 7));
        assert_eq!(mean_interval(&[], 7), [0.0, 0.0]);
        assert_eq!(percentile(&[0.0, 10.0], 0.25), 2.5);
    }
}

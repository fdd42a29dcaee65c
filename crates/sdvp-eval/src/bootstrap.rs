//! How sure a mean is: percentile bootstrap (Efron & Tibshirani 1993, chapter 13), seeded.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples.
const RESAMPLES: usize = 2_000;

/// A 95 % interval: lower and upper end.
pub type Interval = [f64; 2];

/// The mean; 0 for no values.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// The mean of several sittings of the same questions, question by question; as many as the
/// shortest sitting has.
pub fn mean_by_question(sittings: &[&[f64]]) -> Vec<f64> {
    let questions = sittings.iter().map(|scores| scores.len()).min();
    (0..questions.unwrap_or(0))
        .map(|question| {
            let all = sittings.iter().filter_map(|scores| scores.get(question));
            mean(&all.copied().collect::<Vec<f64>>())
        })
        .collect()
}

/// The 95 % interval of a mean over questions; `[0, 0]` for no values. Equal values give an
/// interval without width: resampling cannot know of what it has not seen.
pub fn mean_interval(values: &[f64], seed: u64) -> Interval {
    if values.is_empty() {
        return [0.0, 0.0];
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = || values.get(rng.random_range(0..values.len())).copied();
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..values.len()).filter_map(|_| drawn()).sum::<f64>() / values.len() as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    [percentile(&means, 0.025), percentile(&means, 0.975)]
}

/// The 95 % interval of the mean difference `after − before` on the same questions. Both must have
/// the same length; what is beyond the shorter is left out.
pub fn paired_interval(before: &[f64], after: &[f64], seed: u64) -> Interval {
    mean_interval(&differences(before, after), seed)
}

/// `after − before`, question by question.
pub(crate) fn differences(before: &[f64], after: &[f64]) -> Vec<f64> {
    before.iter().zip(after).map(|(b, a)| a - b).collect()
}

/// Linear interpolation between the two nearest ranks, as numpy's default; 0 for no values.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = part * sorted.len().saturating_sub(1) as f64;
    let rank = |at: f64| sorted.get(at as usize).copied().unwrap_or(0.0);
    let (low, high) = (rank(at.floor()), rank(at.ceil()));
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN_MEAN: Interval = [0.42150, 0.56883];
    const GOLDEN_MEAN_SE: f64 = 0.037948;
    const GOLDEN_PAIRED: Interval = [-0.02154, 0.02123];
    const GOLDEN_PAIRED_SE: f64 = 0.011010;

    /// 60 scores between 0 and 1, as tools/bootstrap_golden.py makes them.
    fn scores() -> (Vec<f64>, Vec<f64>) {
        let before = (0..60).map(|i| f64::from(i * 37 % 101) / 100.0);
        let after = (0..60).map(|i| f64::from(i * 37 % 101 + i * 11 % 7 * 4) / 124.0);
        (before.collect(), after.collect())
    }

    /// The spread of an end over seeds is about 0.06 standard errors of the mean; four times that.
    fn assert_close(found: Interval, golden: Interval, standard_error: f64) {
        for (found, golden) in found.iter().zip(golden) {
            let gap = (found - golden).abs() / standard_error;
            assert!(gap < 0.25, "{found} is {gap} standard errors from {golden}");
        }
    }

    #[test]
    fn intervals_are_those_of_scipy() {
        let (before, after) = scores();
        assert_close(mean_interval(&before, 3), GOLDEN_MEAN, GOLDEN_MEAN_SE);
        assert_close(
            paired_interval(&before, &after, 3),
            GOLDEN_PAIRED,
            GOLDEN_PAIRED_SE,
        );
    }

    #[test]
    fn the_truth_is_inside_about_95_times_in_100() {
        let truth = 0.6;
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let samples = 300;
        let covered = (0..samples).filter(|&seed| {
            let answers: Vec<f64> = (0..80)
                .map(|_| f64::from(u8::from(rng.random_bool(truth))))
                .collect();
            let [low, high] = mean_interval(&answers, seed);
            (low..=high).contains(&truth)
        });
        let rate = covered.count() as f64 / samples as f64;
        assert!((0.90..0.99).contains(&rate), "{rate}");
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
        let values = [0.0, 1.0, 1.0, 0.5, 0.25];
        assert_eq!(mean_interval(&values, 7), mean_interval(&values, 7));
        assert_eq!(mean_interval(&[], 7), [0.0, 0.0]);
        assert_eq!(mean_interval(&[1.0; 9], 7), [1.0, 1.0]);
        assert_eq!(percentile(&[0.0, 10.0], 0.25), 2.5);
    }
}

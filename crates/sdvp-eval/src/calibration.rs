//! Whether confidence means what it says: expected calibration error (Guo et al. 2017,
//! arXiv 1706.04599).

/// Bins of confidence.
const BINS: usize = 15;

/// The mean distance between how sure answers are and how often they are right, over bins of equal
/// width; `None` for no answers. Each answer is its confidence in `[0, 1]` and whether it is right.
pub fn calibration_error(answers: &[(f64, bool)]) -> Option<f64> {
    let mut bins = [(0.0f64, 0usize); BINS];
    for &(confidence, right) in answers {
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += confidence;
        bins[bin].1 += usize::from(right);
    }
    // |right/n − confidence/n| · n/all
    let apart = bins.map(|(confidence, right)| (confidence - right as f64).abs());
    (!answers.is_empty()).then(|| apart.iter().sum::<f64>() / answers.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tools/statistics_golden.py finds with numpy.
    const GOLDEN_ERROR: f64 = 0.097_6;

    #[test]
    fn agrees_with_numpy() {
        let answers: Vec<(f64, bool)> = (0..400u32)
            .map(|i| {
                let confidence = (f64::from(i * 37 % 100) + 0.5) / 100.0;
                (
                    confidence,
                    f64::from(i * 53 % 97) / 97.0 < confidence.powf(1.5),
                )
            })
            .collect();
        let found = calibration_error(&answers).unwrap();
        assert!((found - GOLDEN_ERROR).abs() < 1e-6, "{found}");
        assert_eq!(calibration_error(&[]), None);
        assert_eq!(calibration_error(&[(1.0, true), (0.0, false)]), Some(0.0));
    }
}

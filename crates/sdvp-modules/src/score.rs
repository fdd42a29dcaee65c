//! Probabilities of boxes as the scores that frameworks put a threshold on.
//!
//! VisProg and ViperGPT accept a box above 0.1, which suits the published OWL-ViT, whose scores
//! are far below its hit rate. Networks trained here are close to calibrated, so their
//! probabilities are mapped, keeping their order, such that the one at which a box is worth
//! believing comes to lie at the frameworks' threshold.

/// The frameworks' threshold.
pub const FRAMEWORK_THRESHOLD: f32 = 0.1;
/// The probability that is mapped to it.
pub const BELIEVED: f32 = 0.25;

/// Ratio of the odds of the two.
const ODDS: f32 =
    (BELIEVED / (1.0 - BELIEVED)) / (FRAMEWORK_THRESHOLD / (1.0 - FRAMEWORK_THRESHOLD));

/// The score of a probability; both in `[0, 1]`.
pub fn score_of(probability: f32) -> f32 {
    probability / (probability + ODDS * (1.0 - probability))
}

/// The probability behind a score; inverse of [`score_of`].
pub fn probability_of(score: f32) -> f32 {
    ODDS * score / (ODDS * score + 1.0 - score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_the_decision_point_and_keeps_the_ends_and_the_order() {
        assert!((score_of(BELIEVED) - FRAMEWORK_THRESHOLD).abs() < 1e-6);
        assert_eq!((score_of(0.0), score_of(1.0)), (0.0, 1.0));
        let scores: Vec<f32> = (0..=20).map(|i| score_of(i as f32 / 20.0)).collect();
        assert!(scores.is_sorted());
        for p in [0.05, 0.3, 0.77, 0.99] {
            assert!((probability_of(score_of(p)) - p).abs() < 1e-5);
        }
    }
}

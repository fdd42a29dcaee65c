//! Probabilities of boxes as the scores that frameworks put a threshold on.

use serde::{Deserialize, Serialize};

/// The threshold of VisProg and ViperGPT.
pub const FRAMEWORK_THRESHOLD: f32 = 0.1;

/// Maps a network's probabilities to scores, keeping their order.
///
/// VisProg and ViperGPT accept a box above 0.1, which suits the published OWL-ViT, whose
/// probabilities are far below its hit rate. Other networks are better believed from another
/// probability on; that one is mapped to the frameworks' threshold. In a model's `config.json` it
/// is the number `believed`; where that is missing, scores are the probabilities themselves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Calibration {
    believed: f32,
}

/// Not a probability that can be mapped to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("expected a probability between 0 and 1, both excluded, found {0}")]
pub struct NotAProbability(pub f32);

impl TryFrom<f32> for Calibration {
    type Error = NotAProbability;

    fn try_from(believed: f32) -> Result<Self, NotAProbability> {
        if believed > 0.0 && believed < 1.0 {
            Ok(Self { believed })
        } else {
            Err(NotAProbability(believed))
        }
    }
}

impl From<Calibration> for f32 {
    fn from(calibration: Calibration) -> f32 {
        calibration.believed
    }
}

impl Default for Calibration {
    /// Scores are probabilities.
    fn default() -> Self {
        Self {
            believed: FRAMEWORK_THRESHOLD,
        }
    }
}

impl Calibration {
    /// The score of a probability; both in `[0, 1]`.
    pub fn score_of(self, probability: f32) -> f32 {
        probability / (probability + self.odds() * (1.0 - probability))
    }

    /// Ratio of the odds of what is believed and of the threshold.
    fn odds(self) -> f32 {
        let odds = |p: f32| p / (1.0 - p);
        odds(self.believed) / odds(FRAMEWORK_THRESHOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_the_decision_point_and_keeps_the_ends_and_the_order() {
        for believed in [0.02, 0.25, 0.6] {
            let calibration = Calibration::try_from(believed).unwrap();
            assert!((calibration.score_of(believed) - FRAMEWORK_THRESHOLD).abs() < 1e-6);
            assert_eq!(
                (calibration.score_of(0.0), calibration.score_of(1.0)),
                (0.0, 1.0)
            );
            let scores: Vec<f32> = (0..=20)
                .map(|i| calibration.score_of(i as f32 / 20.0))
                .collect();
            assert!(scores.is_sorted());
        }
    }

    #[test]
    fn the_usual_one_changes_nothing() {
        for p in [0.0, 0.07, 0.5, 1.0] {
            assert!((Calibration::default().score_of(p) - p).abs() < 1e-6);
        }
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for wrong in ["0", "1", "-0.5", "7"] {
            let error = serde_json::from_str::<Calibration>(wrong).unwrap_err();
            assert!(error.to_string().contains("between 0 and 1"), "{error}");
        }
        let read: Calibration = serde_json::from_str("0.25").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "0.25");
    }
}

//! A mean with its interval.

use crate::bootstrap::{Interval, mean, mean_interval};
use serde::{Deserialize, Serialize};

/// How a set of modules did on a set of questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Questions.
    pub n: usize,
    /// Mean score, in `[0, 1]`.
    #[serde(rename = "accuracy")]
    pub mean: f64,
    /// 95 % interval of the mean.
    pub ci95: Interval,
    /// The part of the questions whose program failed, in `[0, 1]`.
    pub failure_rate: f64,
}

impl Measured {
    /// The mean of the scores, of which `failed` belong to failed programs. The seed is that of
    /// the resampling.
    pub fn new(scores: &[f64], failed: usize, seed: u64) -> Self {
        Self {
            n: scores.len(),
            mean: mean(scores),
            ci95: mean_interval(scores, seed),
            failure_rate: failed as f64 / scores.len().max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_under_the_names_of_the_report() {
        let measured = Measured::new(&[1.0, 0.0, 1.0, 1.0], 1, 0);
        assert_eq!(
            (measured.n, measured.mean, measured.failure_rate),
            (4, 0.75, 0.25)
        );
        let json = serde_json::to_value(measured).unwrap();
        assert_eq!(json["accuracy"], 0.75);
        assert_eq!(json["ci95"].as_array().map(Vec::len), Some(2));
        assert_eq!(json["failure_rate"], 0.25);
        assert_eq!(serde_json::from_value::<Measured>(json).unwrap(), measured);
        assert_eq!(Measured::new(&[], 0, 0), Measured::default());
    }
}

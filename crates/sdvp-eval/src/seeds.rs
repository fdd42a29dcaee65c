//! What several seeds show together: mean and Student's interval.

use crate::bootstrap::{Interval, mean};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A number measured with several seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AcrossSeeds {
    /// One value a seed, in the seeds' order.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// The 95 % interval of the mean; none for a single seed, which says nothing of others.
    pub ci95: Option<Interval>,
}

impl AcrossSeeds {
    /// Summarises values, one a seed.
    pub fn of(values: Vec<f64>) -> Self {
        Self {
            mean: mean(&values),
            ci95: interval(&values),
            values,
        }
    }
}

/// `mean ± t(0.975, n − 1) · s / √n`.
fn interval(values: &[f64]) -> Option<Interval> {
    let freedom = values.len().checked_sub(1).filter(|&n| n > 0)? as f64;
    let middle = mean(values);
    let squares: f64 = values.iter().map(|v| (v - middle).powi(2)).sum();
    let error = (squares / freedom / values.len() as f64).sqrt();
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.975);
    Some([middle - t * error, middle + t * error])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tools/statistics_golden.py finds with scipy.
    const GOLDEN_SEEDS: Interval = [28.282_976_448_0, 32.837_023_552_0];

    #[test]
    fn the_interval_is_students() {
        let found = AcrossSeeds::of(vec![31.6, 30.2, 29.5, 33.1, 28.4]);
        let ends = found.ci95.unwrap();
        for (found, golden) in ends.iter().zip(GOLDEN_SEEDS) {
            assert!((found - golden).abs() < 1e-6, "{ends:?}");
        }
        assert!((found.mean - 30.56).abs() < 1e-9);
        assert_eq!(AcrossSeeds::of(vec![3.0]).ci95, None);
        assert_eq!(AcrossSeeds::of(Vec::new()).mean, 0.0);
    }
}

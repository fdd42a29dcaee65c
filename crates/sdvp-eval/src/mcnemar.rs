//! Whether two ways to answer the same questions differ: McNemar's exact test (McNemar 1947; the
//! exact form is a two-sided binomial test of the discordant questions).

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

/// Questions on which two ways disagree, and how likely that is by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Right only after.
    pub gained: usize,
    /// Right only before.
    pub lost: usize,
    /// Probability of a difference at least as great if neither way were better.
    pub p: f64,
}

/// A score from here on is a right answer.
const RIGHT: f64 = 0.5;

impl McNemar {
    /// Compares scores of the same questions.
    pub fn of(before: &[f64], after: &[f64]) -> Self {
        let only = |right: &[f64], wrong: &[f64]| {
            let both = right.iter().zip(wrong);
            both.filter(|(r, w)| **r >= RIGHT && **w < RIGHT).count()
        };
        Self::from_counts(only(after, before), only(before, after))
    }

    /// From the numbers of discordant questions.
    pub fn from_counts(gained: usize, lost: usize) -> Self {
        let fewer = gained.min(lost) as u64;
        // A half is a probability, so the distribution exists.
        let p = Binomial::new(0.5, (gained + lost) as u64)
            .map_or(1.0, |chance| (2.0 * chance.cdf(fewer)).min(1.0));
        Self { gained, lost, p }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gained, lost and p, as tools/statistics_golden.py finds with statsmodels.
    const GOLDEN: [(usize, usize, f64); 5] = [
        (0, 0, 1.0),
        (9, 2, 6.542_968_75e-2),
        (31, 31, 1.0),
        (140, 101, 1.420_426_221_342e-2),
        (900, 700, 6.319_484_959_450e-7),
    ];

    #[test]
    fn agrees_with_statsmodels() {
        for (gained, lost, golden) in GOLDEN {
            let found = McNemar::from_counts(gained, lost).p;
            assert!((found - golden).abs() < 1e-6 * golden, "{found} {golden}");
            assert_eq!(found, McNemar::from_counts(lost, gained).p);
        }
    }

    #[test]
    fn only_discordant_questions_count() {
        let before = [1.0, 0.0, 0.0, 1.0, 0.4];
        let after = [1.0, 1.0, 0.0, 0.0, 0.9];
        let found = McNemar::of(&before, &after);
        assert_eq!((found.gained, found.lost), (2, 1));
        assert_eq!(McNemar::of(&before, &before).p, 1.0);
    }
}

//! Which token comes next.

use super::LocalError;
use crate::Sampling;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws tokens as a [`Sampling`] says.
pub(super) struct Draw {
    temperature: f64,
    top_p: f64,
    random: ChaCha8Rng,
}

impl Draw {
    /// # Errors
    /// If a figure is out of its range.
    pub(super) fn new(sampling: &Sampling) -> Result<Self, LocalError> {
        let Sampling {
            temperature, top_p, ..
        } = *sampling;
        let fault = |name, expected, found| LocalError::Sampling {
            name,
            expected,
            found,
        };
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(fault("temperature", "0 or more", temperature));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(fault("top_p", "more than 0, at most 1", top_p));
        }
        if sampling.tokens == 0 {
            return Err(fault("tokens", "1 or more", 0.0));
        }
        Ok(Self {
            temperature,
            top_p,
            random: ChaCha8Rng::seed_from_u64(sampling.seed),
        })
    }

    /// One of the tokens `allowed`; none if no logit of theirs is a number. Of equal ones the first
    /// counts as the likelier.
    pub(super) fn token(
        &mut self,
        logits: &[f32],
        allowed: impl Iterator<Item = u32>,
    ) -> Option<u32> {
        let mut candidates: Vec<(u32, f64)> = allowed
            .filter_map(|id| Some((id, f64::from(*logits.get(id as usize)?))))
            .filter(|(_, logit)| logit.is_finite())
            .collect();
        let &(_, greatest) = candidates.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        if self.temperature == 0.0 {
            return candidates
                .iter()
                .filter(|(_, logit)| *logit == greatest)
                .map(|(id, _)| *id)
                .min();
        }
        for (_, weight) in &mut candidates {
            *weight = ((*weight - greatest) / self.temperature).exp();
        }
        let sum: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        if self.top_p < 1.0 {
            candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let mut kept = 0.0;
            let enough = candidates.iter().position(|(_, weight)| {
                kept += weight;
                kept >= self.top_p * sum
            });
            candidates.truncate(enough.map_or(candidates.len(), |last| last + 1));
        }
        let kept: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        // 53 random bits: a number in [0, 1).
        let mut left = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 * kept;
        for (id, weight) in &candidates {
            left -= weight;
            if left < 0.0 {
                return Some(*id);
            }
        }
        candidates.last().map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f64, top_p: f64) -> Sampling {
        Sampling {
            temperature,
            top_p,
            tokens: 10,
            seed: 7,
        }
    }

    fn counts(temperature: f64, top_p: f64) -> [usize; 4] {
        let logits = [0.0, 2.0, 1.0, f32::NAN];
        let mut draw = Draw::new(&sampling(temperature, top_p)).unwrap();
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[draw.token(&logits, 0..4).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn zero_takes_the_likeliest() {
        assert_eq!(counts(0.0, 1.0), [0, 10_000, 0, 0]);
        let mut draw = Draw::new(&sampling(0.0, 1.0)).unwrap();
        assert_eq!(draw.token(&[1.0, 3.0, 3.0], [2, 1, 0].into_iter()), Some(1));
        assert_eq!(draw.token(&[1.0, 3.0, 3.0], std::iter::once(0)), Some(0));
        assert_eq!(draw.token(&[f32::NAN], std::iter::once(0)), None);
    }

    /// Probabilities e^0, e^1, e^2 over their sum: 0.090, 0.245, 0.665.
    #[test]
    fn draws_follow_probabilities() {
        let [a, b, c, never] = counts(1.0, 1.0);
        assert!((800..1_000).contains(&a) && (6_500..6_800).contains(&b));
        assert!((2_300..2_600).contains(&c) && never == 0);
        // 0.665 alone are less than 0.7, with 0.245 more.
        let [a, b, c, _] = counts(1.0, 0.7);
        assert!(a == 0 && (7_100..7_500).contains(&b) && (2_500..2_900).contains(&c));
        let [_, b, ..] = counts(1.0, 0.6);
        assert_eq!(b, 10_000);
        assert_eq!(counts(1.0, 1.0), counts(1.0, 1.0));
    }

    #[test]
    fn figures_have_ranges() {
        for (temperature, top_p) in [(-1.0, 1.0), (f64::NAN, 1.0), (0.0, 0.0), (0.0, 1.1)] {
            assert!(Draw::new(&sampling(temperature, top_p)).is_err());
        }
        let none = Sampling {
            tokens: 0,
            ..sampling(0.0, 1.0)
        };
        assert!(Draw::new(&none).is_err());
    }
}

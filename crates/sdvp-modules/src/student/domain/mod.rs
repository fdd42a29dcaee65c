//! The pictures that a student has learned on, told from others by how they look.

mod appearance;

pub use appearance::Appearance;

use sdvp_core::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// The pictures of a task. An expert that learned the task answers for them; for other pictures nobody
/// asked it to (as the auto-selector of Yu et al. 2024, arXiv 2403.11549, leaves pictures of no learned
/// domain to the frozen model).
///
/// A picture belongs to it if `bias + Σ linear · z + Σ square · z²` is above 0, z being its
/// [`Appearance`] in deviations from the mean of the task's, and if it is not stranger than those: if the
/// mean of z² is within reach. Without the latter, pictures unlike any that were seen would fall on
/// either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Mean of every number of its pictures' appearances.
    pub mean: Vec<f32>,
    /// Its standard deviation among them, above 0.
    pub deviation: Vec<f32>,
    /// Its weight …
    pub linear: Vec<f32>,
    /// … and that of its square.
    pub square: Vec<f32>,
    /// What is added.
    pub bias: f32,
    /// The greatest mean of z².
    pub reach: f32,
    /// How well pictures are told apart that the weights were not fitted to.
    pub held_out: ToldApart,
}

/// Of pictures, the share that is told rightly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldApart {
    /// Of the task's pictures, those that are taken for such.
    pub own: f64,
    /// Of general pictures, those that are not.
    pub general: f64,
}

/// Not a domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DomainError {
    reason: String,
}

impl Domain {
    /// The domain of a task of which nothing is known yet: it holds no picture.
    pub fn empty() -> Self {
        Self {
            mean: vec![0.0; Appearance::LENGTH],
            deviation: vec![1.0; Appearance::LENGTH],
            linear: vec![0.0; Appearance::LENGTH],
            square: vec![0.0; Appearance::LENGTH],
            bias: 0.0,
            reach: f32::MAX,
            held_out: ToldApart {
                own: 0.0,
                general: 0.0,
            },
        }
    }

    /// An appearance in deviations from the mean, none further than [`Domain::FARTHEST`].
    pub fn deviations(&self, appearance: &Appearance) -> impl Iterator<Item = f32> {
        let usual = self.mean.iter().zip(&self.deviation);
        let deviations = appearance.numbers().iter().zip(usual);
        deviations.map(|(x, (mean, deviation))| {
            ((x - mean) / deviation).clamp(-Self::FARTHEST, Self::FARTHEST)
        })
    }

    /// Beyond so many deviations nothing is stranger: squares of greater ones would drown all others.
    pub const FARTHEST: f32 = 10.0;

    /// Log-odds that a picture of this appearance is one of the task's and not a general one.
    pub fn log_odds(&self, appearance: &Appearance) -> f32 {
        let weights = self.linear.iter().zip(&self.square);
        let of_numbers = self.deviations(appearance).zip(weights);
        let sum: f32 = of_numbers
            .map(|(z, (linear, square))| z * (linear + square * z))
            .sum();
        self.bias + sum
    }

    /// How strange an appearance is: the mean of its squared deviations, about 1 for the task's own.
    pub fn strangeness(&self, appearance: &Appearance) -> f32 {
        let squares: f32 = self.deviations(appearance).map(|z| z * z).sum();
        squares / Appearance::LENGTH as f32
    }

    /// Whether a picture of this appearance is one of the task's.
    pub fn holds(&self, appearance: &Appearance) -> bool {
        self.log_odds(appearance) > 0.0 && self.strangeness(appearance) <= self.reach
    }

    /// Checks what a file says.
    pub(crate) fn check(&self) -> Result<(), DomainError> {
        let faulty = |reason: String| DomainError { reason };
        for (name, numbers) in [
            ("mean", &self.mean),
            ("deviation", &self.deviation),
            ("linear", &self.linear),
            ("square", &self.square),
        ] {
            if numbers.len() != Appearance::LENGTH {
                return Err(faulty(format!(
                    "expected {} numbers of {name}, found {}",
                    Appearance::LENGTH,
                    numbers.len()
                )));
            }
            if numbers.iter().any(|number| !number.is_finite()) {
                return Err(faulty(format!("{name} has numbers that are not finite")));
            }
        }
        if !self.bias.is_finite() || !self.reach.is_finite() || self.reach <= 0.0 {
            return Err(faulty(
                "bias or reach is no finite number, or reach not above 0".to_owned(),
            ));
        }
        let ToldApart { own, general } = self.held_out;
        if ![own, general].iter().all(|part| (0.0..=1.0).contains(part)) {
            return Err(faulty("held_out is no part of 1".to_owned()));
        }
        if self.deviation.iter().any(|&deviation| deviation <= 0.0) {
            return Err(faulty("a deviation is not above 0".to_owned()));
        }
        Ok(())
    }

    fn part_of(&self, hasher: Hasher) -> Hasher {
        let numbers = [&self.mean, &self.deviation, &self.linear, &self.square];
        let numbers = numbers.into_iter().flatten();
        let numbers = numbers.chain([&self.bias, &self.reach]);
        let bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        hasher.part(&bytes)
    }
}

/// Which of some domains a picture belongs to: of several, the one whose it is most surely.
pub fn domain_of<'a>(
    domains: impl IntoIterator<Item = &'a Domain>,
    appearance: &Appearance,
) -> Option<usize> {
    let all = domains.into_iter().enumerate();
    let holding = all.filter(|(_, domain)| domain.holds(appearance));
    let surest = holding.max_by(|(_, a), (_, b)| {
        let (a, b) = (a.log_odds(appearance), b.log_odds(appearance));
        a.total_cmp(&b)
    });
    surest.map(|(place, _)| place)
}

/// Identity of domains.
pub(super) fn fingerprint<'a>(domains: impl IntoIterator<Item = &'a Domain>) -> Digest {
    let all = domains.into_iter();
    all.fold(Hasher::new("domains"), |hasher, domain| {
        domain.part_of(hasher)
    })
    .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use sdvp_core::Image;

    /// Pictures with more red than green.
    fn red() -> Domain {
        let mut linear = vec![0.0; Appearance::LENGTH];
        linear[6] = 1.0;
        Domain {
            deviation: vec![0.5; Appearance::LENGTH],
            linear,
            bias: -0.2,
            ..Domain::empty()
        }
    }

    fn plain(r: u8, g: u8) -> Image {
        Image::new(RgbImage::from_pixel(4, 4, Rgb([r, g, 0]))).unwrap()
    }

    #[test]
    fn holds_what_is_on_its_side() {
        let red = red();
        let [reddish, dark] = [plain(200, 20), plain(20, 20)].map(|p| Appearance::of(p.rgb()));
        assert_eq!(domain_of([&red], &reddish), Some(0));
        assert_eq!(domain_of([&red], &dark), None);
        assert_eq!(domain_of([], &reddish), None);
        let reddest = Appearance::of(plain(255, 0).rgb());
        assert!((red.log_odds(&reddest) - 1.8).abs() < 1e-6);
        let mut squared = red.clone();
        squared.square[6] = -1.0;
        assert!((squared.log_odds(&reddest) - (2.0 - 4.0 - 0.2)).abs() < 1e-6);
        assert_ne!(fingerprint([&red]), fingerprint([&squared]));
        let mut strange = red.clone();
        strange.reach = strange.strangeness(&reddest) - 0.1;
        assert!(red.holds(&reddest) && !strange.holds(&reddest));
    }

    #[test]
    fn of_two_that_hold_it_the_surer_one_has_it() {
        let (sure, mut surer) = (red(), red());
        surer.bias += 0.5;
        let picture = Appearance::of(plain(200, 20).rgb());
        assert_eq!(domain_of([&sure, &surer], &picture), Some(1));
        assert_eq!(domain_of([&surer, &sure], &picture), Some(0));
    }

    #[test]
    fn a_faulty_file_is_refused() {
        assert_eq!(red().check(), Ok(()));
        let mut short = red();
        short.mean.pop();
        assert!(short.check().unwrap_err().to_string().contains("21"));
        let mut flat = red();
        flat.deviation[3] = 0.0;
        assert!(flat.check().is_err());
        let mut far = red();
        far.reach = f32::INFINITY;
        assert!(far.check().is_err());
        let mut endless = red();
        endless.square[0] = f32::NAN;
        assert!(endless.check().is_err());
    }
}

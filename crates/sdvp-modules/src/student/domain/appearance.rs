//! How a picture looks, whatever it shows.

use image::RgbImage;

/// Statistics of a picture that say how it was taken or drawn: brightness, contrast and colour, and how
/// much neighbouring pixels differ at [`Appearance::LEVELS`] scales (noise raises it at the finest one,
/// blur lowers it there). Such low-order statistics of channels and of band-passed channels are what
/// tells visual domains apart (style transfer matches the same ones: Gatys et al. 2016; Huang & Belongie
/// 2017, arXiv 1703.06868).
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance(Vec<f32>);

/// One channel of a picture, row by row, values in `[0, 1]`.
struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

/// Below this, spreads are those of rounding to 8 bits.
const FINEST: f32 = 1e-3;

impl Appearance {
    /// Scales at which neighbours are compared; each halves the picture.
    pub const LEVELS: usize = 4;
    /// How many numbers it is.
    pub const LENGTH: usize = 10 + 3 * Self::LEVELS;

    /// Looks at a picture.
    pub fn of(picture: &RgbImage) -> Self {
        let channels = [0, 1, 2].map(|channel| Plane::of(picture, channel));
        let [red, green, blue] = &channels;
        let mut numbers = Vec::with_capacity(Self::LENGTH);
        for plane in &channels {
            let (mean, spread) = mean_and_spread(plane.values.iter().copied());
            numbers.extend([mean, spread.max(FINEST).ln()]);
        }
        for other in [red, blue] {
            let differences = other.values.iter().zip(&green.values);
            let (mean, spread) = mean_and_spread(differences.map(|(a, b)| a - b));
            numbers.extend([mean, spread.max(FINEST).ln()]);
        }
        let mut levels = channels;
        for level in 0..Self::LEVELS {
            if level > 0 {
                levels = levels.map(|plane| plane.halved());
            }
            numbers.extend(
                levels
                    .iter()
                    .map(|plane| plane.roughness().max(FINEST).ln()),
            );
        }
        Self(numbers)
    }

    /// The numbers, [`Appearance::LENGTH`] of them.
    pub fn numbers(&self) -> &[f32] {
        &self.0
    }
}

impl Plane {
    fn of(picture: &RgbImage, channel: usize) -> Self {
        let values = picture.pixels();
        Self {
            width: picture.width() as usize,
            height: picture.height() as usize,
            values: values
                .map(|pixel| f32::from(pixel.0[channel]) / 255.0)
                .collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Root of the mean squared difference of neighbours; 0 where there are none.
    fn roughness(&self) -> f32 {
        let (mut sum, mut count) = (0f64, 0usize);
        let mut add = |a: &f32, b: &f32| {
            sum += f64::from(a - b).powi(2);
            count += 1;
        };
        for row in self.rows() {
            row.iter()
                .zip(row.iter().skip(1))
                .for_each(|(a, b)| add(a, b));
        }
        for (row, next) in self.rows().zip(self.rows().skip(1)) {
            row.iter().zip(next).for_each(|(a, b)| add(a, b));
        }
        (sum / count.max(1) as f64).sqrt() as f32
    }

    /// Every two by two pixels as their mean; what is left over at an edge goes. A side of one pixel
    /// stays.
    fn halved(&self) -> Self {
        let step = |side: usize| if side > 1 { (2, side / 2) } else { (1, side) };
        let ((across, width), (down, height)) = (step(self.width), step(self.height));
        let mut values = vec![0f32; width * height];
        for (y, row) in self.rows().take(height * down).enumerate() {
            let sums = &mut values[y / down * width..][..width];
            for (sum, pixels) in sums.iter_mut().zip(row.chunks(across)) {
                *sum += pixels.iter().sum::<f32>() / (across * down) as f32;
            }
        }
        Self {
            width,
            height,
            values,
        }
    }
}

fn mean_and_spread(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / count;
    let variance = values.map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance.sqrt() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn noise(width: u32, height: u32, strength: u32) -> RgbImage {
        let mut state = 7u32;
        RgbImage::from_fn(width, height, |x, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let v = 100 + x / 4 + (state >> 24) * strength / 256;
            Rgb([v as u8, (v / 2) as u8, 30])
        })
    }

    #[test]
    fn means_spreads_and_differences_are_those_of_the_pixels() {
        let picture = RgbImage::from_fn(2, 2, |x, _| Rgb([0, 255 * x as u8, 51]));
        let numbers = Appearance::of(&picture);
        let numbers = numbers.numbers();
        assert_eq!(numbers.len(), Appearance::LENGTH);
        let close = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-5, "{found}");
        close(numbers[0], 0.0);
        close(numbers[1], FINEST.ln());
        close(numbers[2], 0.5);
        close(numbers[3], 0.5f32.ln());
        close(numbers[4], 0.2);
        // Red less green, then blue less green.
        close(numbers[6], -0.5);
        close(numbers[8], -0.3);
        // Two neighbours of four differ, by 1; one level up there is a single pixel.
        close(numbers[11], 0.5f32.sqrt().ln());
        close(numbers[14], FINEST.ln());
    }

    #[test]
    fn noise_shows_at_the_finest_scale_most() {
        let (calm, noisy) = (noise(64, 48, 0), noise(64, 48, 60));
        let (calm, noisy) = (Appearance::of(&calm), Appearance::of(&noisy));
        let rise = |level: usize| noisy.0[10 + 3 * level] - calm.0[10 + 3 * level];
        assert!(rise(0) > rise(2) + 0.5, "{} {}", rise(0), rise(2));
    }

    #[test]
    fn tiny_pictures_have_an_appearance() {
        for (width, height) in [(1, 1), (1, 9), (3, 2), (5, 1)] {
            let numbers = Appearance::of(&noise(width, height, 10));
            assert!(numbers.0.iter().all(|n| n.is_finite()), "{width}×{height}");
        }
    }
}

//! A square of a picture of any shape, as OWLv2 has it: what is missing at the right and below is
//! black, then it is blurred as far as it shrinks, and what lies between pixels is found linearly
//! (scikit-image's `resize` with anti-aliasing, which the published model was trained with).

use crate::processor::ImageSize;
use rayon::prelude::*;

/// Deviations after which a Gaussian is taken for nothing.
const TRUNCATE: f64 = 4.0;

/// Three planes (red, green, blue) of values in `[0, 1]`, of a size.
pub(crate) fn squared(rgb: &image::RgbImage, size: ImageSize) -> Vec<f32> {
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let side = width.max(height).max(1);
    let plane = |channel: usize| {
        // Across, then down, padding one row at a time: a sliver's square would be vast.
        let lines = rgb.as_raw().chunks_exact((3 * width).max(1));
        let across = Across::new(side, size.width as usize);
        let narrow: Vec<f32> = lines
            .flat_map(|line| {
                let values = line.iter().skip(channel).step_by(3);
                across.resized(values.map(|value| f32::from(*value) / 255.0).collect())
            })
            .collect();
        let down = Across::new(side, size.height as usize);
        let columns = turned(&narrow, size.width as usize);
        let short: Vec<f32> = columns
            .chunks_exact(height.max(1))
            .flat_map(|column| down.resized(column.to_vec()))
            .collect();
        turned(&short, size.height as usize)
    };
    (0..3).into_par_iter().flat_map_iter(plane).collect()
}

/// Columns as rows, of rows of a length.
fn turned(values: &[f32], length: usize) -> Vec<f32> {
    let rows = values.len() / length.max(1);
    (0..length)
        .flat_map(|column| (0..rows).map(move |row| values[row * length + column]))
        .collect()
}

/// How rows are blurred and resized from one length to another.
struct Across {
    from: usize,
    to: usize,
    half: Vec<f64>,
}

impl Across {
    fn new(from: usize, to: usize) -> Self {
        let shrinks = from as f64 / to as f64;
        Self {
            from,
            to,
            half: gaussian(((shrinks - 1.0) / 2.0).max(0.0)),
        }
    }

    /// A row, black after its end.
    fn resized(&self, mut row: Vec<f32>) -> Vec<f32> {
        row.resize(self.from, 0.0);
        let blurred = blurred(&row, &self.half);
        let factor = self.from as f64 / self.to as f64;
        let value = |at: i64| f64::from(blurred[mirrored(at, self.from)]);
        let between = |at: usize| {
            let at = (at as f64 + 0.5) * factor - 0.5;
            let low = at.floor();
            let share = at - low;
            (value(low as i64) * (1.0 - share) + value(low as i64 + 1) * share) as f32
        };
        (0..self.to).map(between).collect()
    }
}

/// One half of a Gaussian's weights, from the middle on; they sum to 1 with the other half.
fn gaussian(sigma: f64) -> Vec<f64> {
    let radius = (TRUNCATE * sigma + 0.5) as usize;
    let weight = |at: usize| match at {
        0 => 1.0,
        at => (-0.5 * (at as f64 / sigma).powi(2)).exp(),
    };
    let half: Vec<f64> = (0..=radius).map(weight).collect();
    let total = 2.0 * half.iter().sum::<f64>() - 1.0;
    half.into_iter().map(|weight| weight / total).collect()
}

fn blurred(row: &[f32], half: &[f64]) -> Vec<f32> {
    let Some((middle, sides)) = half.split_first().filter(|(_, sides)| !sides.is_empty()) else {
        return row.to_vec();
    };
    let value = |at: i64| f64::from(row[mirrored(at, row.len())]);
    (0..row.len() as i64)
        .map(|at| {
            let around = sides
                .iter()
                .zip(1..)
                .map(|(weight, far): (&f64, i64)| weight * (value(at - far) + value(at + far)));
            (value(at) * middle + around.sum::<f64>()) as f32
        })
        .collect()
}

/// The place in a row of a length that is seen beyond its ends, which are mirrors.
fn mirrored(at: i64, length: usize) -> usize {
    if (0..length as i64).contains(&at) {
        return at as usize;
    }
    let period = 2 * (length as i64 - 1);
    if period <= 0 {
        return 0;
    }
    let at = at.rem_euclid(period);
    at.min(period - at) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_black_and_sizes_that_fit_stay() {
        let rgb = image::RgbImage::from_fn(4, 2, |x, _| image::Rgb([(60 * x) as u8, 255, 0]));
        let whole = ImageSize {
            height: 4,
            width: 4,
        };
        let planes = squared(&rgb, whole);
        let red: Vec<f32> = [0.0, 60.0, 120.0, 180.0].map(|v| v / 255.0).to_vec();
        assert_eq!(planes[4..8], red, "nothing is blurred or moved");
        assert_eq!(planes[8..16], [0.0; 8]);
        assert_eq!(planes[16..24], [1.0; 8]);
        assert_eq!(planes[32..], [0.0; 16]);
    }

    #[test]
    fn a_sliver_takes_little_memory() {
        let rgb = image::RgbImage::from_pixel(16_384, 1, image::Rgb([255; 3]));
        let size = ImageSize {
            height: 8,
            width: 8,
        };
        assert!(squared(&rgb, size).iter().all(|value| *value < 0.1));
    }

    #[test]
    fn mirrors_show_the_ends_once() {
        let seen: Vec<usize> = (-3..7).map(|at| mirrored(at, 4)).collect();
        assert_eq!(seen, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(mirrored(5, 1), 0);
    }
}

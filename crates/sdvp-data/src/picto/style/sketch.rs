//! The pencil style.

use super::super::sprite::luminance;
use super::noise::PixelNoise;
use image::RgbImage;
use rand::Rng;

/// Colour left at strength 1.
const SKETCH_COLOR: f32 = 0.0;
/// Darkness of an outline of full contrast at strength 1.
const SKETCH_OUTLINE: f32 = 2.2;
/// Share of the tone that hatching takes over at strength 1.
const SKETCH_HATCH: f32 = 0.5;
/// Tone (darkness inside outlines) that remains at strength 1.
const SKETCH_TONE: f32 = 0.35;

/// Redraws the image with outlines, hatching and paper grain.
pub(super) fn sketch(strength: f32, image: &mut RgbImage, rng: &mut impl Rng) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let period = rng.random_range(3.2..4.6f32);
    let slant = if rng.random() { 1.0 } else { -1.0 };
    let mut noise = PixelNoise(rng.random());
    let keep = |at_full: f32| 1.0 - (1.0 - at_full) * strength;
    let (color, tone) = (keep(SKETCH_COLOR), keep(SKETCH_TONE));
    let original = image.clone();
    let grey: Vec<f32> = original
        .pixels()
        .map(|p| luminance(p.0.map(f32::from)) / 255.0)
        .collect();
    let at = |x: usize, y: usize| grey[y * width + x];
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let (x, y) = (x as usize, y as usize);
        let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
        let (up, down) = (y.saturating_sub(1), (y + 1).min(height - 1));
        // Sobel's operator, scaled so that a step from black to white gives 1.
        let gx = at(right, up) + 2.0 * at(right, y) + at(right, down)
            - at(left, up)
            - 2.0 * at(left, y)
            - at(left, down);
        let gy = at(left, down) + 2.0 * at(x, down) + at(right, down)
            - at(left, up)
            - 2.0 * at(x, up)
            - at(right, up);
        let edge = gx.hypot(gy) / 4.0;
        let here = at(x, y);
        let phase = ((x as f32 + slant * y as f32) / period).rem_euclid(1.0);
        let hatched = if phase < (1.0 - here) * 0.9 { 1.0 } else { 0.0 };
        let dark = 1.0 - here;
        let hatch = SKETCH_HATCH * strength;
        let shade = dark * tone * (1.0 - hatch) + hatched * hatch * dark;
        let ink = (SKETCH_OUTLINE * strength * edge).min(0.85);
        let paper = 1.0 - 0.035 * strength * (1.0 + noise.gaussian());
        let drawn = (paper * (1.0 - shade) * (1.0 - ink)).clamp(0.0, 1.0) * 255.0;
        let grey_255 = here * 255.0;
        pixel.0 = pixel
            .0
            .map(|v| (drawn + (f32::from(v) - grey_255) * color * (1.0 - ink * 0.7) + 0.5) as u8);
    }
}

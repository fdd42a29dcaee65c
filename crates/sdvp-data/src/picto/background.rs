//! Backgrounds: muted patterns and clutter that are no objects.

use image::RgbImage;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Most clutter marks in a scene.
const MAX_CLUTTER: usize = 9;

/// Fills a square image of `side` pixels with one of the patterns and strews clutter over it.
pub(crate) fn draw(side: u32, rng: &mut ChaCha8Rng) -> RgbImage {
    let (a, b) = muted_pair(rng);
    let period = rng.random_range(9.0..26.0f32);
    let angle = rng.random_range(0.0..std::f32::consts::PI);
    let (sin, cos) = angle.sin_cos();
    let mut image = RgbImage::from_pixel(side, side, to_pixel(a));
    let extent = side as f32;
    match rng.random_range(0..6) {
        0 => {}
        1 => paint(&mut image, a, b, |x, y| {
            0.5 + ((x - extent / 2.0) * cos + (y - extent / 2.0) * sin) / extent
        }),
        2 => paint(&mut image, a, b, |x, y| {
            ((x / period).floor() + (y / period).floor()).rem_euclid(2.0)
        }),
        3 => paint(&mut image, a, b, |x, y| {
            let phase = ((x * cos + y * sin) / period).rem_euclid(1.0);
            // Soft edges over a pixel or so, by distance to the stripe's border.
            (((phase - 0.5).abs() - 0.25) * period + 0.5).clamp(0.0, 1.0)
        }),
        4 => {
            let cells = rng.random_range(5..14usize);
            let lattice: Vec<f32> = (0..(cells + 1) * (cells + 1))
                .map(|_| rng.random())
                .collect();
            paint(&mut image, a, b, |x, y| {
                let (u, v) = (x / extent * cells as f32, y / extent * cells as f32);
                let (i, j) = ((u as usize).min(cells - 1), (v as usize).min(cells - 1));
                let (fu, fv) = (smooth(u - i as f32), smooth(v - j as f32));
                let at = j * (cells + 1) + i;
                let upper = lattice[at] + (lattice[at + 1] - lattice[at]) * fu;
                let below = at + cells + 1;
                let lower = lattice[below] + (lattice[below + 1] - lattice[below]) * fu;
                upper + (lower - upper) * fv
            });
        }
        _ => {
            for _ in 0..rng.random_range(8..22) {
                let (x, y) = (rng.random_range(0.0..extent), rng.random_range(0.0..extent));
                stroke(&mut image, [x, y, x, y], rng.random_range(2.5..8.0), b);
            }
        }
    }
    for _ in 0..rng.random_range(0..=MAX_CLUTTER) {
        let (x, y) = (rng.random_range(0.0..extent), rng.random_range(0.0..extent));
        let (dx, dy) = if rng.random() {
            (rng.random_range(-9.0..9.0), rng.random_range(-9.0..9.0))
        } else {
            (0.0, 0.0)
        };
        let radius = rng.random_range(0.7..1.9);
        let color = muted(rng.random_range(0.15..0.9), rng);
        stroke(&mut image, [x, y, x + dx, y + dy], radius, color);
    }
    image
}

/// Mixes `a` and `b` by `share`, a function of pixel coordinates; clamped to `[0, 1]`.
fn paint(image: &mut RgbImage, a: [f32; 3], b: [f32; 3], share: impl Fn(f32, f32) -> f32) {
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let t = share(x as f32, y as f32).clamp(0.0, 1.0);
        *pixel = to_pixel([0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * t));
    }
}

/// Draws a line with round ends; a dot where both ends agree.
fn stroke(image: &mut RgbImage, [x0, y0, x1, y1]: [f32; 4], radius: f32, color: [f32; 3]) {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let length2 = (dx * dx + dy * dy).max(1e-6);
    let reach = radius + 1.0;
    let first = |a: f32, b: f32| (a.min(b) - reach).max(0.0) as u32;
    let last = |a: f32, b: f32, end: u32| ((a.max(b) + reach).max(0.0) as u32 + 1).min(end);
    for y in first(y0, y1)..last(y0, y1, image.height()) {
        for x in first(x0, x1)..last(x0, x1, image.width()) {
            let (px, py) = (x as f32 - x0, y as f32 - y0);
            let t = ((px * dx + py * dy) / length2).clamp(0.0, 1.0);
            let distance = (px - t * dx).hypot(py - t * dy);
            let cover = (radius + 0.5 - distance).clamp(0.0, 1.0);
            let pixel = image.get_pixel_mut(x, y);
            for (value, new) in pixel.0.iter_mut().zip(color) {
                let old = f32::from(*value);
                *value = (old + (new * 255.0 - old) * cover) as u8;
            }
        }
    }
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// Two related muted colours; the pictograms are saturated, so they stand out against both.
fn muted_pair(rng: &mut ChaCha8Rng) -> ([f32; 3], [f32; 3]) {
    // Mostly light or dark: the middle is where tinted artwork lies.
    let light = if rng.random_range(0..4) == 0 {
        rng.random_range(0.08..0.3)
    } else {
        rng.random_range(0.68..0.97)
    };
    let other: f32 = light + rng.random_range(-0.17..0.17);
    (muted(light, rng), muted(other.clamp(0.04, 0.98), rng))
}

/// A colour near the grey of the given lightness.
fn muted(light: f32, rng: &mut ChaCha8Rng) -> [f32; 3] {
    let spread = 0.13;
    [(); 3].map(|()| (light + rng.random_range(-spread..spread)).clamp(0.0, 1.0))
}

fn to_pixel(color: [f32; 3]) -> image::Rgb<u8> {
    image::Rgb(color.map(|v| (v * 255.0 + 0.5) as u8))
}

//! The artwork, decoded once, and its scaled, turned and tinted rasters.

use super::{Color, Thing};
use sdvp_core::BBox;
use std::sync::OnceLock;
use twemoji_assets::png::PngTwemojiAsset;

/// Opacity above which a pixel counts as part of an object's box.
pub(crate) const OPAQUE: f32 = 100.0 / 255.0;
/// Empty rim around decoded artwork, so that interpolation never reads past its edge.
const RIM: usize = 2;
/// How much of the artwork's own colour shows through the tint.
const OWN_COLOR: f32 = 0.16;
/// Narrowest range of luminance that is stretched over the whole tint ramp: flat artwork keeps flat.
const MIN_CONTRAST: f32 = 0.34;
/// Least share of that range on either side of the artwork's median luminance.
const MEDIAN_ROOM: f32 = 0.15;
/// Where on the tint ramp the colour itself stands.
const FULL: f32 = 0.55;

/// One resolution of a pictogram: premultiplied RGBA in `[0, 1]`, cropped to what is opaque, with a rim.
struct Level {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

/// A decoded pictogram.
struct Sprite {
    /// Full resolution.
    full: Level,
    /// Half of it, for small drawings: interpolation alone would skip source pixels.
    half: Level,
    /// Range of luminance that the tint ramp covers.
    darkest: f32,
    lightest: f32,
    /// Exponent that carries the median of that range towards the ramp's full colour, so that dark
    /// and pale artwork both show their tint.
    gamma: f32,
}

/// A pictogram drawn at its final size; coordinates are pixels of the raster.
pub(crate) struct Raster {
    pub(crate) width: usize,
    /// Premultiplied RGBA in `[0, 1]`, row by row.
    pub(crate) pixels: Vec<[f32; 4]>,
    /// Tight box around pixels more opaque than [`OPAQUE`].
    pub(crate) bounds: BBox,
}

impl Level {
    fn at(&self, x: usize, y: usize) -> [f32; 4] {
        self.pixels[y * self.width + x]
    }

    /// Averages blocks of 2×2 pixels; odd edges are averaged with emptiness.
    fn halved(&self) -> Level {
        let inner = |n: usize| (n - 2 * RIM).div_ceil(2);
        let (w, h) = (inner(self.width), inner(self.height));
        let mut half = Level::empty(w, h);
        for y in 0..h {
            for x in 0..w {
                let mut sum = [0.0; 4];
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let (sx, sy) = (RIM + 2 * x + dx, RIM + 2 * y + dy);
                    if sx < self.width && sy < self.height {
                        let p = self.at(sx, sy);
                        (0..4).for_each(|c| sum[c] += p[c] / 4.0);
                    }
                }
                half.pixels[(y + RIM) * half.width + x + RIM] = sum;
            }
        }
        half
    }

    fn empty(inner_width: usize, inner_height: usize) -> Level {
        let (width, height) = (inner_width + 2 * RIM, inner_height + 2 * RIM);
        Level {
            width,
            height,
            pixels: vec![[0.0; 4]; width * height],
        }
    }

    /// Adds the bilinear sample at `(x, y)`, pixel centres at whole numbers, to `sum`.
    #[inline]
    fn add_sample(&self, x: f32, y: f32, sum: &mut [f32; 4]) {
        let (right, bottom) = ((self.width - 2) as f32, (self.height - 2) as f32);
        if !(x >= 0.0 && y >= 0.0 && x <= right && y <= bottom) {
            return;
        }
        let (x0, y0) = (x as usize, y as usize);
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let at = y0 * self.width + x0;
        let upper = &self.pixels[at..at + 2];
        let lower = &self.pixels[at + self.width..at + self.width + 2];
        let weights = [
            (1.0 - fx) * (1.0 - fy),
            fx * (1.0 - fy),
            (1.0 - fx) * fy,
            fx * fy,
        ];
        for c in 0..4 {
            sum[c] += upper[0][c] * weights[0]
                + upper[1][c] * weights[1]
                + lower[0][c] * weights[2]
                + lower[1][c] * weights[3];
        }
    }
}

impl Sprite {
    /// The sprite of `thing`.
    fn of(thing: Thing) -> &'static Sprite {
        static SPRITES: OnceLock<Vec<Sprite>> = OnceLock::new();
        &SPRITES.get_or_init(|| Thing::all().map(Sprite::decode).collect())[thing.index()]
    }

    #[allow(clippy::expect_used)] // The artwork is compiled in, and a test decodes each of it.
    fn decode(thing: Thing) -> Sprite {
        let asset = PngTwemojiAsset::from_emoji(thing.emoji())
            .or_else(|| PngTwemojiAsset::from_emoji(thing.emoji().trim_end_matches('\u{fe0f}')))
            .expect("every pictogram has artwork");
        let art = image::load_from_memory_with_format(asset, image::ImageFormat::Png)
            .expect("the artwork is PNG")
            .into_rgba8();
        let opaque = |&(_, _, p): &(u32, u32, &image::Rgba<u8>)| p.0[3] > 100;
        let (mut x0, mut y0, mut x1, mut y1) = (art.width(), art.height(), 0, 0);
        for (x, y, _) in art.enumerate_pixels().filter(opaque) {
            (x0, y0) = (x0.min(x), y0.min(y));
            (x1, y1) = (x1.max(x + 1), y1.max(y + 1));
        }
        let mut full = Level::empty((x1 - x0) as usize, (y1 - y0) as usize);
        let mut luminances = Vec::new();
        for y in y0..y1 {
            for x in x0..x1 {
                let p = art.get_pixel(x, y).0.map(|v| f32::from(v) / 255.0);
                let at = (y as usize - y0 as usize + RIM) * full.width + (x - x0) as usize + RIM;
                full.pixels[at] = [p[0] * p[3], p[1] * p[3], p[2] * p[3], p[3]];
                if p[3] > 0.8 {
                    luminances.push(luminance([p[0], p[1], p[2]]));
                }
            }
        }
        luminances.sort_by(f32::total_cmp);
        let quantile = |q: f32| luminances[((luminances.len() - 1) as f32 * q) as usize];
        let (low, high) = (quantile(0.03), quantile(0.97));
        let missing = (MIN_CONTRAST - (high - low)).max(0.0) / 2.0;
        let (mut darkest, mut lightest) = (low - missing, high + missing);
        // A median at the very end of the range could not be moved by any exponent.
        let median = quantile(0.5);
        let room = MEDIAN_ROOM * (lightest - darkest);
        darkest = darkest.min(median - room);
        lightest = lightest.max(median + room);
        let median = (median - darkest) / (lightest - darkest);
        Sprite {
            half: full.halved(),
            full,
            darkest,
            lightest,
            gamma: FULL.ln() / median.ln(),
        }
    }
}

/// Relative luminance of an RGB colour, by the weights of ITU-R BT.601.
pub(crate) fn luminance(rgb: [f32; 3]) -> f32 {
    0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
}

/// Draws `thing` untinted so that the greater side of its opaque part is `size` pixels, mirrored if
/// asked, then turned clockwise by `rotation` degrees.
pub(crate) fn rasterize(thing: Thing, size: f32, rotation: f32, mirrored: bool) -> Raster {
    let sprite = Sprite::of(thing);
    let extent = |n: usize| (n - 2 * RIM) as f32;
    let (full_w, full_h) = (extent(sprite.full.width), extent(sprite.full.height));
    let scale = size.clamp(4.0, 1024.0) / full_w.max(full_h);
    // Four samples a pixel cover two source pixels a side; below that, start from the half size.
    let (level, level_scale) = if scale < 0.55 {
        (&sprite.half, scale * 2.0)
    } else {
        (&sprite.full, scale)
    };
    let (sin, cos) = rotation.to_radians().sin_cos();
    let side = |along: f32, across: f32| {
        (scale * (along * cos.abs() + across * sin.abs())).ceil() as usize + 3
    };
    let (width, height) = (side(full_w, full_h), side(full_h, full_w));
    // Where the centre of the full artwork lies on this level, in sample coordinates.
    let ratio = level_scale / scale;
    let (center_x, center_y) = (
        RIM as f32 + full_w / 2.0 / ratio - 0.5,
        RIM as f32 + full_h / 2.0 / ratio - 0.5,
    );
    let flip = if mirrored { -1.0 } else { 1.0 };
    let (step_x, step_y) = (cos / level_scale, sin / level_scale);
    let mut pixels = vec![[0.0f32; 4]; width * height];
    let (mut x0, mut y0, mut x1, mut y1) = (width, height, 0, 0);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 4];
            for (sx, sy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let (dx, dy) = (
                    x as f32 + sx - width as f32 / 2.0,
                    y as f32 + sy - height as f32 / 2.0,
                );
                level.add_sample(
                    center_x + flip * (dx * step_x + dy * step_y),
                    center_y + dy * step_x - dx * step_y,
                    &mut sum,
                );
            }
            let pixel = sum.map(|v| v / 4.0);
            if pixel[3] > OPAQUE {
                (x0, y0) = (x0.min(x), y0.min(y));
                (x1, y1) = (x1.max(x + 1), y1.max(y + 1));
            }
            pixels[y * width + x] = pixel;
        }
    }
    Raster {
        width,
        pixels,
        bounds: BBox::new(x0 as f32, y0 as f32, x1 as f32, y1 as f32),
    }
}

/// Recolours a raster of `thing`: its luminance runs through a ramp from dark over the colour to
/// light, and a little of its own colour remains.
pub(crate) fn tint(raster: &mut Raster, thing: Thing, color: Color) {
    let sprite = Sprite::of(thing);
    let scale = 1.0 / (sprite.lightest - sprite.darkest);
    for pixel in raster.pixels.iter_mut().filter(|p| p[3] > 1e-3) {
        let alpha = pixel[3].min(1.0);
        let own = [pixel[0], pixel[1], pixel[2]].map(|v| (v / alpha).min(1.0));
        let shade = ((luminance(own) - sprite.darkest) * scale).clamp(0.0, 1.0);
        let target = ramp(color.rgb(), shade.powf(sprite.gamma));
        for c in 0..3 {
            pixel[c] = alpha * (target[c] * (1.0 - OWN_COLOR) + own[c] * OWN_COLOR);
        }
    }
}

/// The shade `t` of a colour: two fifths of it at 0, the colour itself at [`FULL`], near white at 1.
fn ramp(color: [f32; 3], t: f32) -> [f32; 3] {
    color.map(|c| {
        if t < FULL {
            c * (0.4 + 0.6 * t / FULL)
        } else {
            c + (1.0 - c) * 0.62 * (t - FULL) / (1.0 - FULL)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hue in degrees and saturation in `[0, 1]`.
    fn hue([r, g, b]: [f32; 3]) -> (f32, f32) {
        let (low, high) = (r.min(g).min(b), r.max(g).max(b));
        let hue = (3.0f32.sqrt() * (g - b))
            .atan2(2.0 * r - g - b)
            .to_degrees();
        (hue.rem_euclid(360.0), (high - low) / high.max(1e-6))
    }

    fn hue_distance(a: f32, b: f32) -> f32 {
        let d = (a - b).rem_euclid(360.0);
        d.min(360.0 - d)
    }

    fn mean_color(raster: &Raster) -> [f32; 3] {
        let alpha: f32 = raster.pixels.iter().map(|p| p[3]).sum();
        [0, 1, 2].map(|c| raster.pixels.iter().map(|p| p[c]).sum::<f32>() / alpha)
    }

    #[test]
    fn every_pictogram_fills_its_size() {
        for thing in Thing::all() {
            for size in [28.0, 43.5, 58.0] {
                let raster = rasterize(thing, size, 0.0, false);
                let greater = raster.bounds.width().max(raster.bounds.height());
                assert!(
                    (greater - size).abs() <= 1.5,
                    "{thing}: {greater} for {size}"
                );
                let covered: f32 = raster.pixels.iter().map(|p| p[3]).sum();
                assert!(
                    covered / raster.bounds.area() > 0.15,
                    "{thing} is nearly empty"
                );
            }
        }
    }

    #[test]
    fn mirroring_and_turning_move_pixels_as_they_should() {
        let thing = Thing::named("hammer").unwrap();
        let plain = rasterize(thing, 40.0, 0.0, false);
        let mirrored = rasterize(thing, 40.0, 0.0, true);
        for (a, b) in plain
            .pixels
            .chunks_exact(plain.width)
            .zip(mirrored.pixels.chunks_exact(plain.width))
        {
            for (p, q) in a.iter().zip(b.iter().rev()) {
                assert!((p[3] - q[3]).abs() < 1e-3);
            }
        }
        // Clockwise: what was at the top goes to the right.
        let tree = rasterize(Thing::named("tree").unwrap(), 40.0, 90.0, false);
        let rows = tree.pixels.len() / tree.width;
        let mass = |from: usize, to: usize| -> f32 {
            (0..rows)
                .flat_map(|y| &tree.pixels[y * tree.width + from..y * tree.width + to])
                .map(|p| p[3])
                .sum()
        };
        let (left, right) = (mass(0, tree.width / 2), mass(tree.width / 2, tree.width));
        assert!(
            left > right * 1.2,
            "its foot {left} is broader than its top {right}"
        );
    }

    #[test]
    fn no_two_pictograms_look_alike() {
        // Opacity and brightness on a coarse grid, tinted alike: what is left is the shape.
        let signature = |thing: Thing| -> Vec<f32> {
            let mut raster = rasterize(thing, 40.0, 0.0, false);
            tint(&mut raster, thing, Color::Blue);
            let rows = raster.pixels.len() / raster.width;
            let mut grid = vec![0.0; 2 * 100];
            for (i, p) in raster.pixels.iter().enumerate() {
                let cell =
                    (i / raster.width * 10 / rows) * 10 + i % raster.width * 10 / raster.width;
                grid[2 * cell] += p[3] / (raster.pixels.len() as f32 / 100.0);
                grid[2 * cell + 1] += p[1] / (raster.pixels.len() as f32 / 100.0);
            }
            grid
        };
        let all: Vec<_> = Thing::all().map(|t| (t, signature(t))).collect();
        for (i, (a, left)) in all.iter().enumerate() {
            for (b, right) in &all[..i] {
                let gap: f32 = left.iter().zip(right).map(|(x, y)| (x - y).abs()).sum();
                assert!(gap / 200.0 > 0.05, "{a} and {b} differ by {}", gap / 200.0);
            }
        }
    }

    #[test]
    fn the_tint_decides_the_hue() {
        let mut wrong = Vec::new();
        for thing in Thing::all() {
            for color in Color::ALL {
                let mut raster = rasterize(thing, 40.0, 10.0, false);
                tint(&mut raster, thing, color);
                let (seen, saturation) = hue(mean_color(&raster));
                let nearest = Color::ALL
                    .into_iter()
                    .min_by(|a, b| {
                        let d = |c: &Color| hue_distance(seen, hue(c.rgb()).0);
                        d(a).total_cmp(&d(b))
                    })
                    .unwrap();
                if nearest != color || saturation < 0.2 {
                    wrong.push(format!("{color} {thing}: {nearest}, {saturation:.2}"));
                }
            }
        }
        assert!(wrong.len() <= 4, "{} of 384: {wrong:?}", wrong.len());
    }
}

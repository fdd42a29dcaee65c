//! Pictures of scenes.

use super::{Scene, background, sprite, style};
use image::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sdvp_core::Image;

/// Greatest side of a rendered scene: scene graphs come from files, and memory is finite.
const MAX_SIDE: u32 = 4096;

impl Scene {
    /// Draws the scene: `side` × `side` pixels (at least 1, at most 4096), RGB.
    ///
    /// A function of the scene alone: background, clutter and the style's accidents come from
    /// [`Scene::seed`].
    #[allow(clippy::expect_used)] // The side is at least 1.
    pub fn render(&self) -> Image {
        Image::new(self.draw()).expect("a scene has pixels")
    }

    fn draw(&self) -> RgbImage {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // The generator draws the layout from stream 0 of the same seed.
        rng.set_stream(1);
        let mut image = background::draw(self.side.clamp(1, MAX_SIDE), &mut rng);
        for object in &self.objects {
            let mut raster =
                sprite::rasterize(object.thing, object.size, object.rotation, object.mirrored);
            sprite::tint(&mut raster, object.thing, object.color);
            let left = (object.bbox.x0 - raster.bounds.x0).round() as i64;
            let top = (object.bbox.y0 - raster.bounds.y0).round() as i64;
            blend(&mut image, &raster, left, top);
        }
        style::apply(self.style, &mut image, &mut rng);
        image
    }
}

/// Lays a raster over the image with its top-left corner at `(left, top)`, cut at the edges.
fn blend(image: &mut RgbImage, raster: &sprite::Raster, left: i64, top: i64) {
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    for (row, y) in raster.pixels.chunks_exact(raster.width).zip(top..) {
        for (source, x) in row.iter().zip(left..) {
            if source[3] <= 0.0 || !(0..width).contains(&x) || !(0..height).contains(&y) {
                continue;
            }
            let target = image.get_pixel_mut(x as u32, y as u32);
            for c in 0..3 {
                let under = f32::from(target.0[c]) * (1.0 - source[3]);
                target.0[c] = (under + source[c] * 255.0 + 0.5) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Color, MIN_SIZE, SIDE, SceneObject, SceneSpec, Split, Style, Thing, generate,
    };
    use super::*;
    use sdvp_core::{BBox, Region};

    /// Where the picture changes when the last object goes, and by how much in the mean of its box.
    fn footprint(scene: &Scene) -> (BBox, f32) {
        let mut without = scene.clone();
        let object = without.objects.pop().unwrap();
        let (with, without) = (scene.render(), without.render());
        let mut changed = BBox::new(f32::MAX, f32::MAX, 0.0, 0.0);
        let mut sum = 0.0;
        for (x, y, p) in with.rgb().enumerate_pixels() {
            let q = without.rgb().get_pixel(x, y);
            let gap: i32 = (0..3)
                .map(|c| (i32::from(p[c]) - i32::from(q[c])).abs())
                .sum();
            let (x, y) = (x as f32, y as f32);
            if gap > 0 {
                changed = BBox::new(
                    changed.x0.min(x),
                    changed.y0.min(y),
                    changed.x1.max(x + 1.0),
                    changed.y1.max(y + 1.0),
                );
            }
            let b = object.bbox;
            if x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1 {
                sum += gap as f32 / 3.0;
            }
        }
        (changed, sum / object.bbox.area())
    }

    #[test]
    fn boxes_are_where_the_pixels_are() {
        for index in 0..60 {
            let scene = generate(&SceneSpec::default(), Split::Train, 11, index);
            let (changed, _) = footprint(&scene);
            let expected = scene.objects.last().unwrap().bbox;
            // The picture also changes under the faint rim outside the box.
            let gaps = [
                expected.x0 - changed.x0,
                expected.y0 - changed.y0,
                changed.x1 - expected.x1,
                changed.y1 - expected.y1,
            ];
            for gap in gaps {
                assert!((0.0..=2.0).contains(&gap), "{changed:?} for {expected:?}");
            }
        }
    }

    #[test]
    fn a_scene_has_one_picture() {
        for style in Style::ALL {
            let spec = SceneSpec {
                style,
                ..SceneSpec::default()
            };
            let scene = generate(&spec, Split::Test, 2, 5);
            let picture = scene.render();
            assert_eq!((picture.width(), picture.height()), (SIDE, SIDE));
            assert_eq!(picture.digest(), scene.render().digest());
            let other = generate(&spec, Split::Test, 2, 6);
            assert_ne!(picture.digest(), other.render().digest());
        }
    }

    #[test]
    fn every_style_leaves_every_pictogram_visible() {
        for style in Style::ALL {
            for thing in Thing::all() {
                let (size, rotation, mirrored) = (MIN_SIZE, 12.0, false);
                let color = Color::ALL[thing.index() % Color::ALL.len()];
                let bounds = sprite::rasterize(thing, size, rotation, mirrored).bounds;
                let scene = Scene {
                    seed: thing.index() as u64,
                    style,
                    side: SIDE,
                    objects: vec![SceneObject {
                        thing,
                        color,
                        bbox: bounds.shifted(50.0, 50.0),
                        size,
                        rotation,
                        mirrored,
                    }],
                };
                let (_, gap) = footprint(&scene);
                assert!(gap > 5.0, "{color} {thing} in {style}: {gap}");
            }
        }
    }

    #[test]
    fn foreign_scenes_cannot_break_rendering() {
        let mut scene = generate(&SceneSpec::default(), Split::Train, 0, 0);
        scene.side = 0;
        assert_eq!(scene.render().width(), 1);
        scene.side = 16;
        for object in &mut scene.objects {
            object.size = f32::NAN;
            object.rotation = f32::INFINITY;
            object.bbox = BBox::new(-1e30, f32::NAN, 0.0, 1e30);
        }
        assert_eq!(scene.render().width(), 16);
    }

    #[test]
    fn regions_hold_the_objects_inside() {
        let scene = generate(&SceneSpec::default(), Split::Train, 4, 1);
        let whole = Region::new(0, 0, SIDE, SIDE).unwrap();
        assert_eq!(scene.objects_in(whole, 1.0).count(), scene.objects.len());
        let b = scene.objects[0].bbox;
        let left = Region::new(0, 0, b.center().0 as u32, SIDE).unwrap();
        assert!(scene.objects_in(left, 0.3).any(|(i, _)| i == 0));
        assert!(scene.objects_in(left, 0.7).all(|(i, _)| i != 0));
    }
}

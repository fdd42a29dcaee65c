//! Views of scenes as programs take them: whole pictures, halves, sides of an object, objects.

use rand::Rng;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sdvp_core::{BBox, Region, View};
use sdvp_data::picto::{Scene, SceneObject, SceneSpec, Split, generate};

/// An object belongs to a view that shows this part of its box …
pub(crate) const BELONGS: f32 = 0.6;
/// … and one of which less than this is seen does not.
const GLIMPSED: f32 = 0.15;

/// ViperGPT's margin around what it finds, pixels.
const MARGIN: f32 = 10.0;

/// A view with what is in it.
pub struct SceneView {
    /// The pixels.
    pub view: View,
    /// Objects that belong to it, with their boxes clipped to it, in parts of its sides.
    pub objects: Vec<(SceneObject, BBox)>,
    /// Objects of which only a part is seen.
    pub glimpsed: Vec<(SceneObject, BBox)>,
}

impl SceneView {
    /// What of a scene is in a view of it.
    pub fn new(scene: &Scene, view: View) -> Self {
        let (width, height) = (view.width() as f32, view.height() as f32);
        let frame = BBox::from(view.region());
        let mut seen = Self {
            view,
            objects: Vec::new(),
            glimpsed: Vec::new(),
        };
        for object in &scene.objects {
            let part = object.bbox.coverage_by(&frame);
            let clipped = seen
                .view
                .to_view_coordinates(object.bbox.intersection(&frame));
            let clipped = clipped.scaled(1.0 / width, 1.0 / height);
            if part >= BELONGS {
                seen.objects.push((object.clone(), clipped));
            } else if part >= GLIMPSED {
                seen.glimpsed.push((object.clone(), clipped));
            }
        }
        seen
    }
}

/// A random view of a scene's image, of the kinds that programs make.
pub fn random_view(scene: &Scene, rng: &mut ChaCha8Rng) -> View {
    let whole = scene.render().view();
    let side = scene.side;
    let object = scene.objects.choose(rng);
    let region = match (rng.random_range(0..10), object) {
        (0..=3, _) | (_, None) => None,
        (4..=5, _) => half(side, side / 2, rng),
        (6..=7, Some(object)) => {
            let (x, y) = object.bbox.center();
            let at = if rng.random() { x } else { y };
            half(side, at as u32, rng)
        }
        (_, Some(object)) => around(side, &object.bbox, rng),
    };
    region
        .and_then(|region| whole.crop(region))
        .unwrap_or(whole)
}

/// What lies on one side of a horizontal or vertical line at `at`.
fn half(side: u32, at: u32, rng: &mut ChaCha8Rng) -> Option<Region> {
    let at = at.clamp(side / 6, side - side / 6);
    let end = side - 1;
    match rng.random_range(0..4) {
        0 => Region::new(at, 0, end, end),
        1 => Region::new(0, 0, at, end),
        2 => Region::new(0, at, end, end),
        _ => Region::new(0, 0, end, at),
    }
    .ok()
}

/// A box enlarged about 1.5 times, as `CROP` does, around a box found not quite exactly.
fn around(side: u32, bbox: &BBox, rng: &mut ChaCha8Rng) -> Option<Region> {
    cut_out(side, bbox, [1.5, 0.0], rng)
}

/// A box found not quite exactly, so many times its size, and that much more on every side.
fn cut_out(
    side: u32,
    bbox: &BBox,
    [times, margin]: [f32; 2],
    rng: &mut ChaCha8Rng,
) -> Option<Region> {
    let (x, y) = bbox.center();
    let mut jitter = |size: f32| size * rng.random_range(-0.1..0.1);
    let (x, y) = (x + jitter(bbox.width()), y + jitter(bbox.height()));
    let (w, h) = (
        bbox.width() + jitter(bbox.width()),
        bbox.height() + jitter(bbox.height()),
    );
    let crop = BBox::from_center(x, y, w * times + 2.0 * margin, h * times + 2.0 * margin);
    let edge = |v: f32| v.clamp(0.0, side as f32) as u32;
    Region::new(edge(crop.x0), edge(crop.y0), edge(crop.x1), edge(crop.y1)).ok()
}

/// A patch as ViperGPT finds one: an object's box, found not quite exactly, and perhaps a margin.
fn random_patch(scene: &Scene, rng: &mut ChaCha8Rng) -> View {
    let whole = scene.render().view();
    let region = scene.objects.choose(rng).and_then(|object| {
        let margin = MARGIN * f32::from(rng.random_range(0..=1u8));
        cut_out(scene.side, &object.bbox, [1.0, margin], rng)
    });
    region
        .and_then(|region| whole.crop(region))
        .unwrap_or(whole)
}

/// Random views of scenes `first..first + count` of the training split, made in parallel.
pub fn scene_views(spec: &SceneSpec, seed: u64, first: u64, count: usize) -> Vec<SceneView> {
    views_of(random_view, spec, Split::Train, seed, first, count)
}

/// As [`scene_views`], but patches around single objects.
pub fn patch_views(spec: &SceneSpec, seed: u64, first: u64, count: usize) -> Vec<SceneView> {
    views_of(random_patch, spec, Split::Train, seed, first, count)
}

/// As [`scene_views`], of the validation split.
pub fn validation_views(spec: &SceneSpec, first: u64, count: usize) -> Vec<SceneView> {
    views_of(random_view, spec, Split::Val, 0, first, count)
}

/// As [`patch_views`], of the validation split.
pub(crate) fn validation_patches(spec: &SceneSpec, first: u64, count: usize) -> Vec<SceneView> {
    views_of(random_patch, spec, Split::Val, 0, first, count)
}

fn views_of(
    look: fn(&Scene, &mut ChaCha8Rng) -> View,
    spec: &SceneSpec,
    split: Split,
    seed: u64,
    first: u64,
    count: usize,
) -> Vec<SceneView> {
    (first..first + count as u64)
        .into_par_iter()
        .map(|index| {
            let scene = generate(spec, split, seed, index);
            let mut rng = ChaCha8Rng::seed_from_u64(scene.seed ^ 0x51DE);
            let view = look(&scene, &mut rng);
            SceneView::new(&scene, view)
        })
        .collect()
}

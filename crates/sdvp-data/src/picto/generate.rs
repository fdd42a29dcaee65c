//! Draws scenes: what stands where.

use super::{Category, Color, Scene, SceneObject, Split, Style, Thing, split_of, sprite};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{BBox, Hasher};
use serde::{Deserialize, Serialize};

/// Width and height of generated scenes, pixels.
pub const SIDE: u32 = 128;
/// Smallest greater side of a pictogram, pixels.
pub const MIN_SIZE: f32 = 36.0;
/// Greatest greater side of a pictogram, pixels.
pub const MAX_SIZE: f32 = 62.0;
/// Greatest rotation either way, degrees.
pub const MAX_ROTATION: f32 = 25.0;
/// Least distance of a box from the canvas's edge, pixels.
const MARGIN: f32 = 1.0;
/// Places tried for an object before the arrangement is given up.
const PLACES: usize = 40;
/// Arrangements tried before the objects are drawn anew, smaller.
const ARRANGEMENTS: usize = 40;

/// What kind of scenes to draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneSpec {
    /// How they are drawn.
    pub style: Style,
    /// Where things are taken from; none means all.
    pub categories: Vec<Category>,
    /// Fewest objects, at least 1.
    pub min_objects: usize,
    /// Most objects.
    pub max_objects: usize,
    /// Greatest share of an object's box that later objects' boxes may cover.
    pub max_overlap: f32,
    /// Chance that a new object repeats a thing that is already there.
    pub repeats: f32,
}

impl Default for SceneSpec {
    fn default() -> Self {
        Self {
            style: Style::General,
            categories: Category::ALL.to_vec(),
            min_objects: 2,
            max_objects: 4,
            max_overlap: 0.2,
            repeats: 0.15,
        }
    }
}

/// Draws scene number `index` of a split.
///
/// Deterministic in all arguments; scenes of different `(seed, split, index)` differ. The layout
/// always belongs to `split`. Where the canvas cannot hold the objects asked for, they are drawn
/// smaller, and at last fewer.
pub fn generate(spec: &SceneSpec, split: Split, seed: u64, index: u64) -> Scene {
    let id = Hasher::new("picto scene")
        .part(&seed.to_le_bytes())
        .part(split.name().as_bytes())
        .part(&index.to_le_bytes())
        .finish()
        .low_u64();
    let mut rng = ChaCha8Rng::seed_from_u64(id);
    let things: Vec<Thing> = Thing::all()
        .filter(|t| spec.categories.is_empty() || spec.categories.contains(&t.category()))
        .collect();
    let fewest = spec.min_objects.max(1);
    let mut count = rng.random_range(fewest..=spec.max_objects.max(fewest));
    let mut largest = MAX_SIZE;
    loop {
        let objects = draw_objects(spec, &things, count, largest, &mut rng);
        for _ in 0..ARRANGEMENTS {
            let Some(objects) = arrange(&objects, spec.max_overlap, &mut rng) else {
                continue;
            };
            let scene = Scene {
                seed: id,
                style: spec.style,
                side: SIDE,
                objects,
            };
            if split_of(&scene) == split {
                return scene;
            }
        }
        if largest > MIN_SIZE {
            largest = (largest * 0.9).max(MIN_SIZE);
        } else {
            count = (count - 1).max(1);
        }
    }
}

/// Draws the objects with boxes as their rasters have them, not yet placed.
fn draw_objects(
    spec: &SceneSpec,
    things: &[Thing],
    count: usize,
    largest: f32,
    rng: &mut ChaCha8Rng,
) -> Vec<SceneObject> {
    let mut objects: Vec<SceneObject> = Vec::with_capacity(count);
    for _ in 0..count {
        let repeat = rng.random::<f32>() < spec.repeats;
        let thing = match objects.choose(rng) {
            Some(there) if repeat => there.thing,
            _ => fresh_thing(things, &objects, rng),
        };
        // Halves and whole degrees: the file stays exact and short.
        let size = (rng.random_range(MIN_SIZE..=largest) * 2.0).round() / 2.0;
        let rotation = rng.random_range(-MAX_ROTATION..=MAX_ROTATION).round();
        let mirrored = rng.random();
        objects.push(SceneObject {
            thing,
            color: Color::ALL[rng.random_range(0..Color::ALL.len())],
            bbox: sprite::rasterize(thing, size, rotation, mirrored).bounds,
            size,
            rotation,
            mirrored,
        });
    }
    objects
}

/// A thing that is not there yet, if any is left.
fn fresh_thing(things: &[Thing], objects: &[SceneObject], rng: &mut ChaCha8Rng) -> Thing {
    let left: Vec<Thing> = things
        .iter()
        .copied()
        .filter(|thing| objects.iter().all(|object| object.thing != *thing))
        .collect();
    let pool = if left.is_empty() { things } else { &left };
    pool[rng.random_range(0..pool.len())]
}

/// Gives every object a place on the canvas, or nothing where one finds none.
fn arrange(
    objects: &[SceneObject],
    max_overlap: f32,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<SceneObject>> {
    let mut placed: Vec<SceneObject> = Vec::with_capacity(objects.len());
    let mut covered: Vec<f32> = Vec::with_capacity(objects.len());
    for object in objects {
        let (w, h) = (object.bbox.width(), object.bbox.height());
        let (right, bottom) = (SIDE as f32 - MARGIN - w, SIDE as f32 - MARGIN - h);
        let place = (0..PLACES).find_map(|_| {
            let x = rng.random_range(MARGIN..=right).floor();
            let y = rng.random_range(MARGIN..=bottom).floor();
            let bbox = BBox::new(x, y, x + w, y + h);
            let free = placed
                .iter()
                .zip(&covered)
                .all(|(other, share)| share + other.bbox.coverage_by(&bbox) <= max_overlap);
            free.then_some(bbox)
        })?;
        for (other, share) in placed.iter().zip(&mut covered) {
            *share += other.bbox.coverage_by(&place);
        }
        covered.push(0.0);
        placed.push(SceneObject {
            bbox: place,
            ..object.clone()
        });
    }
    Some(placed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn objects_keep_their_bounds(seed: u64, index: u64, max_overlap in 0f32..0.5) {
            let spec = SceneSpec { max_objects: 6, max_overlap, ..SceneSpec::default() };
            let scene = generate(&spec, Split::Train, seed, index);
            prop_assert!((2..=6).contains(&scene.objects.len()));
            let edge = SIDE as f32;
            for (i, object) in scene.objects.iter().enumerate() {
                let b = object.bbox;
                prop_assert!(b.x0 >= 1.0 && b.y0 >= 1.0 && b.x1 < edge && b.y1 < edge, "{:?}", b);
                prop_assert!((MIN_SIZE..=MAX_SIZE).contains(&object.size));
                prop_assert!(object.rotation.abs() <= MAX_ROTATION);
                let covered: f32 = scene.objects[i + 1..]
                    .iter()
                    .map(|later| b.coverage_by(&later.bbox))
                    .sum();
                prop_assert!(covered <= max_overlap + 1e-5, "{covered}");
            }
        }

        #[test]
        fn drawing_again_gives_the_same(seed: u64, index in 0..u64::MAX) {
            let spec = SceneSpec::default();
            let scene = generate(&spec, Split::Val, seed, index);
            prop_assert_eq!(&scene, &generate(&spec, Split::Val, seed, index));
            let text = serde_json::to_string(&scene).unwrap();
            prop_assert_eq!(&scene, &serde_json::from_str::<Scene>(&text).unwrap());
            prop_assert_ne!(scene.seed, generate(&spec, Split::Val, seed, index + 1).seed);
            prop_assert_ne!(scene.seed, generate(&spec, Split::Test, seed, index).seed);
        }
    }

    #[test]
    fn categories_and_repeats_are_respected() {
        let spec = SceneSpec {
            categories: vec![Category::Fruit, Category::Tool],
            repeats: 0.0,
            max_objects: 6,
            ..SceneSpec::default()
        };
        for index in 0..50 {
            let scene = generate(&spec, Split::Train, 1, index);
            for (i, object) in scene.objects.iter().enumerate() {
                assert!(spec.categories.contains(&object.thing.category()));
                assert!(scene.objects[..i].iter().all(|o| o.thing != object.thing));
            }
            let same = SceneSpec {
                repeats: 1.0,
                ..spec.clone()
            };
            let scene = generate(&same, Split::Train, 1, index);
            assert!(
                scene
                    .objects
                    .iter()
                    .all(|o| o.thing == scene.objects[0].thing)
            );
        }
    }

    #[test]
    fn impossible_wishes_end_in_fewer_objects() {
        let spec = SceneSpec {
            min_objects: 40,
            max_objects: 3,
            max_overlap: 0.0,
            categories: Vec::new(),
            ..SceneSpec::default()
        };
        let scene = generate(&spec, Split::Test, 5, 0);
        assert!(
            (4..20).contains(&scene.objects.len()),
            "{}",
            scene.objects.len()
        );
    }
}

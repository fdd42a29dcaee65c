//! Which scenes may be trained on: decided by what a scene shows, not by how it was drawn.

use super::Scene;
use sdvp_core::Hasher;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Positions and sizes that fall into the same cell of this many pixels count as the same layout.
const CELL: f32 = 8.0;

/// A part of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// For training: 7 layouts in 10.
    Train,
    /// For choosing settings: 1 in 10.
    Val,
    /// For the reported figures: 2 in 10.
    Test,
}

/// Not the name of a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a split (train, val or test), found {0:?}")]
pub struct UnknownSplit(pub String);

impl Split {
    /// All splits.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(text: &str) -> Result<Self, UnknownSplit> {
        Split::ALL
            .into_iter()
            .find(|split| split.name() == text)
            .ok_or_else(|| UnknownSplit(text.to_owned()))
    }
}

/// The split that a scene's layout belongs to.
///
/// The layout is the multiset of things with colour, rounded position and rounded size: style, seed,
/// rotation and drawing order do not enter, so redrawing a test scene cannot carry it into training.
pub fn split_of(scene: &Scene) -> Split {
    let mut layout: Vec<[u8; 10]> = scene
        .objects
        .iter()
        .map(|object| {
            let cell = |v: f32| ((v / CELL).floor() as i16).to_le_bytes();
            let (x, y) = object.bbox.center();
            let (x, y) = (cell(x), cell(y));
            let (w, h) = (cell(object.bbox.width()), cell(object.bbox.height()));
            let (thing, color) = (object.thing.index() as u8, object.color as u8);
            [thing, color, x[0], x[1], y[0], y[1], w[0], w[1], h[0], h[1]]
        })
        .collect();
    layout.sort_unstable();
    let digest = Hasher::new("picto layout")
        .part(layout.as_flattened())
        .finish();
    match digest.low_u64() % 10 {
        0..=6 => Split::Train,
        7 => Split::Val,
        _ => Split::Test,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SceneSpec, Style, generate};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn generated_scenes_belong_to_the_split_asked_for(
            seed: u64, index: u64, split in prop::sample::select(Split::ALL.to_vec()),
        ) {
            let scene = generate(&SceneSpec::default(), split, seed, index);
            prop_assert_eq!(split_of(&scene), split);
        }

        #[test]
        fn redrawing_a_layout_does_not_move_it(seed: u64, index: u64, angle in -25f32..25.0) {
            let scene = generate(&SceneSpec::default(), Split::Test, seed, index);
            let mut redrawn = scene.clone();
            redrawn.seed ^= 1;
            redrawn.style = Style::Sketch;
            redrawn.objects.reverse();
            for object in &mut redrawn.objects {
                object.rotation = angle;
                object.mirrored = !object.mirrored;
            }
            prop_assert_eq!(split_of(&redrawn), Split::Test);
        }
    }

    #[test]
    fn shares_are_seven_one_two() {
        // Layouts of one split moved by whole cells are as good as drawn anew.
        let mut counts = [0usize; 3];
        for index in 0..400 {
            let mut scene = generate(&SceneSpec::default(), Split::Train, 3, index);
            for step in 1..=5 {
                for object in &mut scene.objects {
                    object.bbox = object.bbox.shifted(CELL, CELL * step as f32);
                }
                counts[split_of(&scene) as usize] += 1;
            }
        }
        let share = counts.map(|n| n as f32 / 2000.0);
        for (found, expected) in share.into_iter().zip([0.7, 0.1, 0.2]) {
            assert!((found - expected).abs() < 0.04, "{share:?}");
        }
    }

    #[test]
    fn names_round_trip() {
        for split in Split::ALL {
            assert_eq!(split.name().parse(), Ok(split));
        }
        assert_eq!("dev".parse::<Split>(), Err(UnknownSplit("dev".to_owned())));
    }
}

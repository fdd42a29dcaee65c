//! Scenes: what is where, exactly. Rendering and questions both start from here.

use super::{Color, Style, Thing};
use sdvp_core::{BBox, Region};
use serde::{Deserialize, Serialize};

/// One pictogram in a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneObject {
    /// What it is.
    pub thing: Thing,
    /// Its tint.
    pub color: Color,
    /// Tight box around its opaque pixels, in pixels of the scene's image.
    pub bbox: BBox,
    /// Greater side of the artwork before rotation, pixels.
    pub size: f32,
    /// Clockwise rotation, degrees.
    pub rotation: f32,
    /// Whether it is mirrored left to right.
    pub mirrored: bool,
}

/// A picture's exact content. Later objects are drawn over earlier ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// Identifies the scene; also the seed of everything random in its rendering.
    pub seed: u64,
    /// How it is drawn.
    pub style: Style,
    /// Width and height of its image, pixels.
    pub side: u32,
    /// What is in it, back to front.
    pub objects: Vec<SceneObject>,
}

impl Scene {
    /// The objects whose box lies in `region` by at least the share `min_coverage` of its area, with
    /// their indices, back to front.
    pub fn objects_in(
        &self,
        region: Region,
        min_coverage: f32,
    ) -> impl Iterator<Item = (usize, &SceneObject)> {
        let region = BBox::from(region);
        self.objects
            .iter()
            .enumerate()
            .filter(move |(_, object)| object.bbox.coverage_by(&region) >= min_coverage)
    }
}

//! `picto`, the built-in world: scenes of real pictogram artwork with exact scene graphs.
mod catalogue;
mod scene;
pub use catalogue::{Category, Color, Thing};
pub use scene::{Scene, SceneObject};
/// Placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Style {
    /// Placeholder.
    General,
}

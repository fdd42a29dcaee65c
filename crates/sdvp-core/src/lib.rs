//! The vocabulary that every other crate speaks: images and views of them, boxes, the visual
//! **sub-tasks** a program asks for, the **outcomes** that answer them, and the [`Module`] trait
//! that turns one into the other.
//!
//! Coordinates everywhere: pixels, origin at the top-left, `x` to the right, `y` down, boxes
//! half-open (`x0 <= x < x1`).

mod bbox;
mod digest;
mod file;
mod frames;
mod image;
mod module;
mod outcome;
mod region;
mod sub_task;
mod view;

pub use bbox::{BBox, non_maximum_suppression, suppression_within};
pub use digest::{Digest, Hasher};
pub use file::{remove_partial, write_whole, write_whole_with};
pub use image::{DecodeLimits, Image, ImageError};
pub use module::{Module, ModuleError};
pub use outcome::{AnswerOutcome, Detection, Outcome};
pub use region::{Region, RegionError};
pub use sub_task::{SubTask, SubTaskKind};
pub use view::View;

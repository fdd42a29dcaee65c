//! The vocabulary that every other crate speaks: images and views of them, boxes, the visual
//! **sub-tasks** a program asks for, the **outcomes** that answer them, and the [`Module`] trait
//! that turns one into the other.
//!
//! Coordinates everywhere: pixels, origin at the top-left, `x` to the right, `y` down, boxes
//! half-open (`x0 <= x < x1`).

mod bbox;
mod digest;
mod file;
mod image;
mod json_depth;
mod limit;
pub mod limits;
mod module;
mod outcome;
mod outcome_cache;
mod region;
mod sub_task;
mod table;
mod view;

pub use bbox::{BBox, non_maximum_suppression, suppression_within};
pub use digest::{Digest, Hasher};
pub use file::{
    open_special, read_text_within, read_within, remove_all_partial, remove_partial, write_whole,
    write_whole_with,
};
pub use image::{DecodeLimits, Image, ImageError};
pub use json_depth::{admit_json, admit_json_within};
pub use limit::{Exceeded, Found, Limit, LimitError, LimitSetting, Unit};
pub use module::{Module, ModuleError};
pub use outcome::{AnswerOutcome, Detection, Outcome};
pub use outcome_cache::{FoundOutcomes, OutcomeCache, OutcomeCacheError, OutcomeKey};
pub use region::{Region, RegionError};
pub use sub_task::{SubTask, SubTaskKind};
pub use table::{admit_table, unpacked_pages};
pub use view::View;

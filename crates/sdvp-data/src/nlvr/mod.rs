//! NLVR's files (version 1): statements about three boxes, drawn in one picture in six orders.
//!
//! Layout of the published set (Suhr et al. 2017): one JSON record a line; an `identifier` is
//! `presentation-position`, and the pictures are `images/<directory>/<split>-<identifier>-<k>.png`,
//! `k` from 0 to 5. Records of single pictures, with the file in `image`, are read, too.

mod panels;

pub use panels::{PANEL_STEP, PANEL_WIDTH, PanelOrder, panels};

use crate::DatasetError;
use crate::records::{Fields, each_json_line, is_file_stem};
use crate::stream::{Next, collect};
use serde_json::Value;
use std::path::Path;

/// One thing in a box.
#[derive(Clone, Debug, PartialEq)]
pub struct NlvrItem {
    /// Left edge within its box, pixels.
    pub x: f64,
    /// Top edge within its box, pixels.
    pub y: f64,
    /// Width and height, pixels.
    pub size: f64,
    /// `circle`, `square`, `triangle`.
    pub shape: String,
    /// `Yellow`, `Black`, `#0099ff`.
    pub color: String,
}

/// Which pictures a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NlvrPictures {
    /// All six orders of a statement's boxes, in this folder.
    Orders {
        /// `directory` of the record, where it has one.
        directory: Option<String>,
    },
    /// One picture, by its path below the folder of pictures, and its order of the boxes.
    One {
        /// `directory/split-identifier-k.png`.
        file: String,
        /// The order.
        order: PanelOrder,
    },
}

/// A statement about three boxes.
#[derive(Clone, Debug, PartialEq)]
pub struct NlvrStatement {
    /// `presentation-position`.
    pub identifier: String,
    /// The statement.
    pub sentence: String,
    /// Whether it is true of the boxes; none where labels are kept back.
    pub label: Option<bool>,
    /// Its pictures.
    pub pictures: NlvrPictures,
    /// What is in each box, where the record says so.
    pub boxes: Option<[Vec<NlvrItem>; 3]>,
}

impl NlvrStatement {
    /// The name of a picture of this statement in a split, without its folder.
    pub fn image_file(&self, split: &str, order: PanelOrder) -> String {
        format!("{split}-{}-{}.png", self.identifier, order.number())
    }
}

/// Reads a file of statements.
///
/// # Errors
/// If the file cannot be read, a line is not JSON, or a record lacks a field.
pub fn read_statements(path: &Path) -> Result<Vec<NlvrStatement>, DatasetError> {
    collect(|each| each_statement(path, each))
}

/// Hands out the statements of a file one by one, until told to stop. A record that is wrong is handed
/// out as what is wrong with it.
///
/// # Errors
/// If the file cannot be read.
pub fn each_statement(
    path: &Path,
    mut each: impl FnMut(Result<NlvrStatement, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    each_json_line(path, |line, value| {
        each(value.and_then(|value| read_statement(path, line, &value)))
    })
}

fn read_statement(path: &Path, line: usize, value: &Value) -> Result<NlvrStatement, DatasetError> {
    let record = format!("line {line}");
    let fields = Fields::of(path, &record, value)?;
    let (identifier, pictures) = match fields.optional_text("image")? {
        Some(file) => {
            let (identifier, order) = parts_of(&file).ok_or_else(|| {
                fields.wrong("image", "directory/split-presentation-position-order.png")
            })?;
            (identifier, NlvrPictures::One { file, order })
        }
        None => {
            let identifier = fields.text("identifier")?;
            fields.file_stem("identifier", &identifier)?;
            let directory = fields.optional_identifier("directory")?;
            if let Some(directory) = &directory {
                fields.file_stem("directory", directory)?;
            }
            (identifier, NlvrPictures::Orders { directory })
        }
    };
    Ok(NlvrStatement {
        identifier,
        sentence: fields.text("sentence")?,
        label: fields.optional_label("label")?,
        pictures,
        boxes: boxes(&fields)?,
    })
}

/// The identifier and the order of a picture's path.
fn parts_of(file: &str) -> Option<(String, PanelOrder)> {
    if !file.split('/').all(is_file_stem) {
        return None;
    }
    let stem = Path::new(file).file_stem()?.to_str()?;
    let parts: Vec<&str> = stem.split('-').collect();
    let [_, presentation, position, order] = parts.as_slice() else {
        return None;
    };
    let order = PanelOrder::new(order.parse().ok()?)?;
    Some((format!("{presentation}-{position}"), order))
}

fn boxes(fields: &Fields<'_>) -> Result<Option<[Vec<NlvrItem>; 3]>, DatasetError> {
    const THREE: &str = "three lists of items with x_loc, y_loc, size, type and color";
    let wrong = || fields.wrong("structured_rep", THREE);
    let Some(value) = fields.get("structured_rep") else {
        return Ok(None);
    };
    let boxes = value.as_array().ok_or_else(wrong)?;
    let boxes: Vec<Vec<NlvrItem>> = boxes
        .iter()
        .map(|items| items.as_array()?.iter().map(item).collect())
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    boxes.try_into().map(Some).map_err(|_| wrong())
}

fn item(value: &Value) -> Option<NlvrItem> {
    let text = |field: &str| Some(value.get(field)?.as_str()?.to_owned());
    let number = |field: &str| value.get(field)?.as_f64();
    Some(NlvrItem {
        x: number("x_loc")?,
        y: number("y_loc")?,
        size: number("size")?,
        shape: text("type")?,
        color: text("color")?,
    })
}

#[cfg(test)]
mod tests;

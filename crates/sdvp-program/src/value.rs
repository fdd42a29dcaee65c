//! What a program's variables hold.

use sdvp_core::{Region, View};
use std::fmt;

/// Boxes together with the view they were found in.
#[derive(Clone, Debug)]
pub struct LocatedBoxes {
    /// What was searched.
    pub view: View,
    /// The boxes, best first, relative to `view`, in whole pixels.
    pub boxes: Vec<Region>,
}

impl LocatedBoxes {
    /// The boxes in the coordinates of the image that the view is a part of.
    pub fn in_image(&self) -> Vec<Region> {
        self.boxes
            .iter()
            .filter_map(|b| self.view.region().nested(*b))
            .collect()
    }
}

/// A value of a program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// An image or a part of one.
    View(View),
    /// Found boxes.
    Boxes(LocatedBoxes),
    /// Text, such as an answer.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Python's `None`.
    None,
    /// Several values.
    List(Vec<Value>),
}

impl Value {
    /// The type's name, for errors.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::View(_) => "an image",
            Value::Boxes(_) => "boxes",
            Value::Text(_) => "text",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Bool(_) => "a truth value",
            Value::None => "nothing",
            Value::List(_) => "a list",
        }
    }
}

impl fmt::Display for Value {
    /// As Python's `str` would write it; images and boxes briefly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::View(view) => write!(f, "image {}", view.region()),
            Value::Boxes(found) => {
                let boxes: Vec<String> = found.boxes.iter().map(Region::to_string).collect();
                write!(f, "[{}]", boxes.join(", "))
            }
            Value::Text(text) => f.write_str(text),
            Value::Int(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number:?}"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::None => f.write_str("None"),
            Value::List(values) => {
                let items: Vec<String> = values.iter().map(Value::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

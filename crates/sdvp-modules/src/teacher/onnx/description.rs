//! What a user says of an ONNX file: a TOML file beside it.

use super::FLOOR;
use crate::error::{Result, SetupError};
use sdvp_core::SubTaskKind;
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::read_text_within;
use sdvp_models::{ImageSize, Resample};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A detector or classifier: its file, the names of its classes, what goes in and what comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxDescription {
    /// The ONNX file, beside the description unless its path is absolute.
    pub model: PathBuf,
    /// Names of the classes, by index.
    pub labels: Labels,
    /// The kind each class is of, by index, so that "animal" means something; may be left out.
    #[serde(default)]
    pub categories: Option<Labels>,
    /// The kinds of sub-tasks it labels: all it can if nothing is said.
    #[serde(default)]
    pub teaches: Option<Vec<SubTaskKind>>,
    /// The probability from which on a box is believed.
    #[serde(default = "believed")]
    pub believed: f32,
    /// Where things of one class overlap more than this (IoU), the likeliest stays. 1 keeps all.
    #[serde(default = "overlap")]
    pub overlap: f32,
    /// What goes in.
    pub input: OnnxInput,
    /// What comes out.
    pub output: OnnxOutput,
}

fn believed() -> f32 {
    0.25
}

fn overlap() -> f32 {
    0.5
}

/// Names in the description, or in a text file beside it, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a list of names, or the path of a file of names"
)]
pub enum Labels {
    /// As they are.
    Listed(Vec<String>),
    /// In a file.
    File(PathBuf),
}

/// How a view becomes the network's input, `[batch, 3, height, width]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxInput {
    /// The input's name; the only one if not given.
    #[serde(default)]
    pub name: Option<String>,
    /// Rows, pixels.
    pub height: u32,
    /// Columns, pixels.
    pub width: u32,
    /// How views of another shape fit.
    #[serde(default)]
    pub fit: InputFit,
    /// What is around a view that is letterboxed, of 0 to 255.
    #[serde(default = "fill")]
    pub fill: u8,
    /// Resampling filter.
    #[serde(default = "bilinear")]
    pub resample: Resample,
    /// Where the channels are.
    #[serde(default)]
    pub layout: Layout,
    /// In which order.
    #[serde(default)]
    pub channels: Channels,
    /// Values of 0 to 255 are divided by this …
    #[serde(default = "scale")]
    pub scale: f32,
    /// … then this is taken away, channel by channel …
    #[serde(default)]
    pub mean: [f32; 3],
    /// … and they are divided by this.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// Views that go through together; 1 suits files that were exported for one.
    #[serde(default = "one")]
    pub batch: usize,
}

fn fill() -> u8 {
    114
}

fn bilinear() -> Resample {
    Resample::Bilinear
}

fn scale() -> f32 {
    255.0
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

fn one() -> usize {
    1
}

/// How views of another shape fit into an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputFit {
    /// Stretched.
    #[default]
    Stretch,
    /// As large as they fit, in the middle, as YOLO wants it.
    Letterbox,
    /// As large as they fit, at the top left.
    LetterboxTopLeft,
}

/// Where the channels are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// `[batch, 3, height, width]`, as PyTorch exports it.
    #[default]
    ChannelsFirst,
    /// `[batch, height, width, 3]`, as TensorFlow does.
    ChannelsLast,
}

/// Order of the channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Red first.
    #[default]
    Rgb,
    /// Blue first, as OpenCV has it.
    Bgr,
}

/// What comes out. Outputs are taken by name, or those without a name in the file's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case", deny_unknown_fields)]
pub enum OnnxOutput {
    /// One tensor of `[batch, 4 + classes, boxes]` or `[batch, boxes, 4 + classes]`: centre and size
    /// in the input's pixels, then a score a class (YOLOv8 and later); with one number more a row,
    /// the box's own score comes before the classes' and they are multiplied (YOLOv5).
    Yolo {
        /// The output's name.
        #[serde(default)]
        predictions: Option<String>,
        /// What makes probabilities of the scores; exported files mostly have done it.
        #[serde(default = "nothing")]
        activation: Activation,
    },
    /// Logits `[batch, queries, classes]`, and boxes `[batch, queries, 4]` as centre and size in
    /// parts of the input's sides (DETR and its kin).
    Detr {
        /// Name of the logits.
        #[serde(default)]
        logits: Option<String>,
        /// Name of the boxes.
        #[serde(default)]
        boxes: Option<String>,
        /// Softmax where the last class is "nothing" (DETR), sigmoid where there is none (RT-DETR,
        /// Deformable DETR).
        #[serde(default = "softmax")]
        activation: Activation,
    },
    /// Corners of boxes `[batch, boxes, 4]`, with scores `[batch, boxes]` and class numbers `[batch,
    /// boxes]` beside them, or with scores `[batch, boxes, classes]` (SSD and its kin, torchvision's
    /// detectors). The first dimension may be missing.
    Ssd {
        /// Name of the boxes.
        #[serde(default)]
        boxes: Option<String>,
        /// Name of the scores.
        #[serde(default)]
        scores: Option<String>,
        /// Name of the class numbers; none where every class has a score.
        #[serde(default)]
        classes: Option<String>,
        /// The class number, or column of scores, of the first label: 1 where 0 is the background.
        #[serde(default)]
        first_class: usize,
        /// What the numbers of a box are.
        #[serde(default)]
        corners: Corners,
        /// Whether they are parts of the input's sides, and not pixels.
        #[serde(default)]
        normalized: bool,
    },
    /// Logits `[batch, classes]` of what the whole view shows: a classifier.
    Classes {
        /// The output's name.
        #[serde(default)]
        logits: Option<String>,
        /// What makes probabilities of them.
        #[serde(default = "softmax")]
        activation: Activation,
    },
}

fn nothing() -> Activation {
    Activation::None
}

fn softmax() -> Activation {
    Activation::Softmax
}

/// What makes probabilities of a network's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// They are probabilities.
    None,
    /// Each by itself.
    Sigmoid,
    /// All classes together.
    Softmax,
}

/// What the numbers of a box are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corners {
    /// Left, top, right, bottom.
    #[default]
    Xyxy,
    /// Top, left, bottom, right, as TensorFlow has them.
    Yxyx,
}

/// The greatest side of an input, pixels.
const MOST: u32 = 4096;
/// The most views that go through together.
const BATCH: usize = 256;

impl OnnxDescription {
    /// Reads a description.
    ///
    /// # Errors
    /// If it cannot be read or says what cannot be.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text_within(path, &SETTINGS_FILE).map_err(|source| SetupError::Io {
            path: path.to_owned(),
            source,
        })?;
        let wrong = |reason: String| SetupError::Described {
            file: path.to_owned(),
            reason,
        };
        let mut described: Self = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        described.model = folder.join(&described.model);
        for labels in std::iter::once(&mut described.labels).chain(&mut described.categories) {
            labels.read(folder)?;
        }
        described.check().map_err(wrong)?;
        Ok(described)
    }

    /// Names of the classes, by index.
    pub fn names(&self) -> &[String] {
        self.labels.listed()
    }

    /// The kind of each class, by index; none if nothing is said.
    pub fn categories(&self) -> &[String] {
        self.categories.as_ref().map_or(&[], Labels::listed)
    }

    /// The kinds of sub-tasks it labels.
    pub fn teaches(&self) -> Vec<SubTaskKind> {
        let able = self.able();
        match &self.teaches {
            Some(teaches) => teaches.clone(),
            None => able.to_vec(),
        }
    }

    /// The kinds it could label: a classifier does not know where things are.
    fn able(&self) -> &'static [SubTaskKind] {
        match self.output {
            OnnxOutput::Classes { .. } => &[SubTaskKind::Match, SubTaskKind::Answer],
            _ => &[SubTaskKind::Locate, SubTaskKind::Match, SubTaskKind::Answer],
        }
    }

    fn check(&self) -> std::result::Result<(), String> {
        let names = self.names().len();
        if names == 0 {
            return Err("labels: expected at least one name, found none".to_owned());
        }
        if let Some(categories) = &self.categories
            && categories.listed().len() != names
        {
            let found = categories.listed().len();
            return Err(format!(
                "categories: expected one for each of {names} labels, found {found}"
            ));
        }
        if let Some(kind) = self
            .teaches()
            .iter()
            .find(|kind| !self.able().contains(kind))
        {
            return Err(format!(
                "teaches: this form of output cannot label {kind} calls"
            ));
        }
        if self.teaches().is_empty() {
            return Err("teaches: expected at least one kind, found none".to_owned());
        }
        let probability = |what: &str, value: f32, least: f32, most: f32| {
            if value > least && value <= most {
                Ok(())
            } else {
                Err(format!(
                    "{what}: expected a number above {least} and at most {most}, found {value}"
                ))
            }
        };
        probability("believed", self.believed, FLOOR, 0.999)?;
        probability("overlap", self.overlap, 0.0, 1.0)?;
        let input = &self.input;
        for (what, side) in [("height", input.height), ("width", input.width)] {
            if !(1..=MOST).contains(&side) {
                return Err(format!(
                    "input.{what}: expected 1 to {MOST} pixels, found {side}"
                ));
            }
        }
        if !(1..=BATCH).contains(&input.batch) {
            return Err(format!(
                "input.batch: expected 1 to {BATCH}, found {}",
                input.batch
            ));
        }
        let divisors = input.std.iter().chain([&input.scale]);
        if divisors.copied().any(|by| !(by.is_finite() && by != 0.0)) {
            return Err("input.scale and input.std: expected numbers other than 0".to_owned());
        }
        if !input.mean.iter().all(|mean| mean.is_finite()) {
            return Err("input.mean: expected numbers".to_owned());
        }
        Ok(())
    }
}

impl OnnxInput {
    /// Height and width.
    pub fn size(&self) -> ImageSize {
        let &Self { height, width, .. } = self;
        ImageSize { height, width }
    }
}

impl Labels {
    /// The names themselves, once they are read.
    fn listed(&self) -> &[String] {
        match self {
            Labels::Listed(names) => names,
            Labels::File(_) => &[],
        }
    }

    /// Reads the file, if they are in one. An empty line is a class without a name.
    fn read(&mut self, folder: &Path) -> Result<()> {
        if let Labels::File(file) = self {
            let path = folder.join(file);
            let text = read_text_within(&path, &SETTINGS_FILE)
                .map_err(|source| SetupError::Io { path, source })?;
            let lines = text.lines().map(str::trim);
            *self = Labels::Listed(lines.map(str::to_owned).collect());
        }
        Ok(())
    }
}

//! `preprocessor_config.json`, as published and as written here.

use crate::processor::{Fit, ImageProcessor, ImageSize, Resample};
use serde::{Deserialize, Serialize};

/// The file's fields. What this cannot do is refused rather than left out.
#[derive(Serialize, Deserialize)]
pub(crate) struct ProcessorFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    image_processor_type: Option<String>,
    #[serde(default = "yes", skip_serializing)]
    do_resize: bool,
    size: Size,
    #[serde(default)]
    resample: Filter,
    #[serde(default, skip_serializing_if = "is_no")]
    do_center_crop: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    crop_size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_divisor: Option<u32>,
    #[serde(default = "yes", skip_serializing)]
    do_pad: bool,
    #[serde(default = "yes", skip_serializing)]
    do_rescale: bool,
    #[serde(default = "usual_factor", skip_serializing)]
    rescale_factor: f64,
    #[serde(default = "yes", skip_serializing)]
    do_normalize: bool,
    #[serde(default = "usual_mean")]
    image_mean: [f32; 3],
    #[serde(default = "usual_std")]
    image_std: [f32; 3],
}

/// In all the ways in which sizes are published.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Size {
    Sides { height: u32, width: u32 },
    ShortestEdge { shortest_edge: u32 },
    Pair([u32; 2]),
    Number(u32),
}

/// By name, or by Pillow's number.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Filter {
    Named(Resample),
    Numbered(u8),
}

impl Default for Filter {
    fn default() -> Self {
        Self::Named(Resample::Bicubic)
    }
}

pub(crate) fn yes() -> bool {
    true
}

fn is_no(answer: &bool) -> bool {
    !answer
}

/// The processor that makes squares, by its class.
const SQUARES: &str = "Owlv2ImageProcessor";

fn squares(class: &str) -> bool {
    class.starts_with(SQUARES)
}

pub(crate) const USUAL_FACTOR: f64 = 1.0 / 255.0;

pub(crate) fn usual_factor() -> f64 {
    USUAL_FACTOR
}

/// CLIP's, which OWL-ViT and BLIP have, too.
pub(crate) fn usual_mean() -> [f32; 3] {
    [0.481_454_66, 0.457_827_5, 0.408_210_73]
}

pub(crate) fn usual_std() -> [f32; 3] {
    [0.268_629_54, 0.261_302_6, 0.275_777_1]
}

/// The greatest side of an input, pixels; published ones have up to about 1,300.
const MOST: u32 = 4096;

/// A setting that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {setting} {expected}, found {found}")]
pub struct UnknownProcessor {
    setting: &'static str,
    expected: &'static str,
    found: String,
}

pub(crate) fn unknown<T>(
    setting: &'static str,
    expected: &'static str,
    found: impl std::fmt::Display,
) -> Result<T, UnknownProcessor> {
    Err(UnknownProcessor {
        setting,
        expected,
        found: found.to_string(),
    })
}

impl TryFrom<ProcessorFile> for ImageProcessor {
    type Error = UnknownProcessor;

    fn try_from(file: ProcessorFile) -> Result<Self, UnknownProcessor> {
        for (setting, value) in [
            ("do_resize", file.do_resize),
            ("do_rescale", file.do_rescale),
            ("do_normalize", file.do_normalize),
        ] {
            if !value {
                return unknown(setting, "true", value);
            }
        }
        if (file.rescale_factor - USUAL_FACTOR).abs() > 1e-6 {
            return unknown("rescale_factor", "1/255", file.rescale_factor);
        }
        let sides = |size: Size| match size {
            Size::Sides { height, width } | Size::Pair([height, width]) => {
                Ok(ImageSize { height, width })
            }
            Size::Number(side) => Ok(ImageSize {
                height: side,
                width: side,
            }),
            Size::ShortestEdge { shortest_edge } => {
                unknown("crop_size", "with height and width", shortest_edge)
            }
        };
        let (fit, size) = match (file.do_center_crop, file.size, file.size_divisor) {
            (
                false,
                Size::ShortestEdge { shortest_edge } | Size::Number(shortest_edge),
                Some(divisor),
            ) => {
                if !(1..=shortest_edge).contains(&divisor) {
                    return unknown("size_divisor", "from 1 to the shortest edge", divisor);
                }
                (Fit::Multiples(divisor), sides(Size::Number(shortest_edge))?)
            }
            (_, size, Some(_)) => {
                let found = sides(size).map_or_else(|e| e.to_string(), |size| format!("{size:?}"));
                return unknown(
                    "size",
                    "a shortest edge beside size_divisor, and no crop",
                    found,
                );
            }
            (false, Size::ShortestEdge { shortest_edge }, None) => {
                return unknown("do_center_crop", "beside a shortest edge", shortest_edge);
            }
            (false, size, None) if file.image_processor_type.as_deref().is_some_and(squares) => {
                if !file.do_pad {
                    return unknown("do_pad", "true", file.do_pad);
                }
                (Fit::Square, sides(size)?)
            }
            (false, size, None) => (Fit::Stretch, sides(size)?),
            (true, Size::ShortestEdge { shortest_edge } | Size::Number(shortest_edge), None) => {
                let Some(crop) = file.crop_size else {
                    return unknown("crop_size", "beside do_center_crop", "none");
                };
                (Fit::ShortestEdge(shortest_edge), sides(crop)?)
            }
            (true, size, None) => {
                let (size, crop) = (sides(size)?, file.crop_size.map(sides).transpose()?);
                match crop {
                    Some(crop) if crop != size => {
                        return unknown("crop_size", "to be the size", format!("{crop:?}"));
                    }
                    _ => (Fit::Stretch, size),
                }
            }
        };
        let edge = match fit {
            Fit::Stretch | Fit::Multiples(_) | Fit::Square => 1,
            Fit::ShortestEdge(edge) => edge,
        };
        if [size.height, size.width, edge]
            .iter()
            .any(|side| !(1..=MOST).contains(side))
        {
            return unknown(
                "size",
                "of 1 to 4096 pixels",
                format!("{size:?} and {edge}"),
            );
        }
        if file
            .image_std
            .iter()
            .any(|std| !(std.is_finite() && *std > 0.0))
        {
            return unknown("image_std", "above 0", format!("{:?}", file.image_std));
        }
        let resample = match file.resample {
            Filter::Named(filter) => filter,
            Filter::Numbered(2) => Resample::Bilinear,
            Filter::Numbered(3) => Resample::Bicubic,
            Filter::Numbered(other) => return unknown("resample", "2 or 3", other),
        };
        Ok(Self {
            fit,
            size,
            resample,
            image_mean: file.image_mean,
            image_std: file.image_std,
        })
    }
}

impl From<ImageProcessor> for ProcessorFile {
    fn from(processor: ImageProcessor) -> Self {
        let ImageSize { height, width } = processor.size;
        let sides = Size::Sides { height, width };
        let (size, crop_size) = match processor.fit {
            Fit::Stretch | Fit::Square => (sides, None),
            Fit::ShortestEdge(shortest_edge) => (Size::ShortestEdge { shortest_edge }, Some(sides)),
            Fit::Multiples(_) => (
                Size::ShortestEdge {
                    shortest_edge: height,
                },
                None,
            ),
        };
        let size_divisor = match processor.fit {
            Fit::Multiples(divisor) => Some(divisor),
            _ => None,
        };
        Self {
            image_processor_type: (processor.fit == Fit::Square).then(|| SQUARES.to_owned()),
            do_resize: true,
            size,
            resample: Filter::Named(processor.resample),
            do_center_crop: crop_size.is_some(),
            crop_size,
            size_divisor,
            do_pad: true,
            do_rescale: true,
            rescale_factor: USUAL_FACTOR,
            do_normalize: true,
            image_mean: processor.image_mean,
            image_std: processor.image_std,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ImageProcessor, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn published_files_are_read() {
        // As openai/clip-vit-base-patch32, google/owlvit-base-patch32 and Salesforce/blip-vqa-base
        // have it.
        let clip = r#"{"crop_size": 224, "do_center_crop": true, "do_normalize": true,
            "do_resize": true, "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224}"#;
        let clip = read(clip).unwrap();
        assert_eq!(clip.fit, Fit::ShortestEdge(224));
        assert_eq!((clip.size.width, clip.resample), (224, Resample::Bicubic));
        let owl =
            r#"{"crop_size": 768, "do_center_crop": false, "size": [768, 768], "resample": 3}"#;
        assert_eq!(read(owl).unwrap().fit, Fit::Stretch);
        let blip = r#"{"do_pad": true, "image_processor_type": "BlipImageProcessor",
            "rescale_factor": 0.00392156862745098, "size": {"height": 384, "width": 384}}"#;
        assert_eq!(read(blip).unwrap().size.height, 384);
        assert_eq!(read(blip).unwrap().image_mean, clip.image_mean);
        // As google/owlv2-base-patch16-ensemble has it.
        let owlv2 = r#"{"do_normalize": true, "do_pad": true, "do_rescale": true, "do_resize": true,
            "image_processor_type": "Owlv2ImageProcessor", "resample": 2,
            "rescale_factor": 0.00392156862745098, "size": {"height": 960, "width": 960}}"#;
        assert_eq!(read(owlv2).unwrap().fit, Fit::Square);
        // As dandelin/vilt-b32-finetuned-vqa has it.
        let vilt = r#"{"do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
            "feature_extractor_type": "ViltFeatureExtractor", "image_std": [0.5, 0.5, 0.5],
            "resample": 3, "size": 384, "size_divisor": 32}"#;
        let vilt = read(vilt).unwrap();
        assert_eq!((vilt.fit, vilt.size.height), (Fit::Multiples(32), 384));
    }

    #[test]
    fn what_is_written_is_read_and_stays_as_it_was() {
        let square = ImageProcessor::square(96);
        let text = serde_json::json!(square).to_string();
        assert_eq!(
            text,
            r#"{"size":{"height":96,"width":96},"resample":"bilinear","#.to_owned()
                + r#""image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}"#
        );
        let cropped = ImageProcessor {
            fit: Fit::ShortestEdge(20),
            ..square.clone()
        };
        let many = ImageProcessor {
            fit: Fit::Multiples(16),
            ..square.clone()
        };
        let padded = ImageProcessor {
            fit: Fit::Square,
            ..square.clone()
        };
        for processor in [square, cropped, many, padded] {
            let text = serde_json::json!(processor).to_string();
            assert_eq!(read(&text).unwrap(), processor);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (json, named) in [
            (
                r#"{"size": {"shortest_edge": 384}, "size_divisor": 0}"#,
                "size_divisor",
            ),
            (
                r#"{"size": {"height": 9, "width": 9}, "size_divisor": 3}"#,
                "size",
            ),
            (
                r#"{"size": 9, "image_processor_type": "Owlv2ImageProcessor", "do_pad": false}"#,
                "do_pad",
            ),
            (r#"{"size": {"shortest_edge": 384}}"#, "do_center_crop"),
            (r#"{"size": 9, "do_center_crop": true}"#, "crop_size"),
            (r#"{"size": 9, "resample": 1}"#, "resample"),
            (r#"{"size": 9, "do_rescale": false}"#, "do_rescale"),
            (r#"{"size": 9, "rescale_factor": 0.5}"#, "rescale_factor"),
            (r#"{"size": 0}"#, "size"),
            (r#"{"size": 65536}"#, "4096"),
            (r#"{"size": 9, "image_std": [0.5, 0, 0.5]}"#, "image_std"),
            (r#"{"resample": 2}"#, "size"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }
}

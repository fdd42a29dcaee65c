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
    keep_aspect_ratio: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ensure_multiple_of: Option<u32>,
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
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
}

impl ProcessorFile {
    /// Mean and deviation where they are not given: CLIP's, which OWL-ViT and BLIP have, too; DPT's
    /// are a half.
    fn usual_norm(&self) -> ([f32; 3], [f32; 3]) {
        match self.image_processor_type.as_deref() {
            Some(class) if class.starts_with(DPT) => ([0.5; 3], [0.5; 3]),
            _ => (usual_mean(), usual_std()),
        }
    }

    /// How DPT and its kin fit views; none for other processors.
    fn in_shape(&self) -> Result<Option<(Fit, ImageSize)>, UnknownProcessor> {
        let of = match (self.keep_aspect_ratio, self.ensure_multiple_of) {
            (false, None) => return Ok(None),
            (_, of) => of.unwrap_or(1),
        };
        let ImageSize { height, width } = self.size.sides("size")?;
        if self.do_center_crop || self.size_divisor.is_some() {
            let found = "do_center_crop or size_divisor";
            return unknown("keep_aspect_ratio", "alone", found);
        }
        if !(1..=height.min(width)).contains(&of) {
            return unknown("ensure_multiple_of", "from 1 to the shorter side", of);
        }
        if self.keep_aspect_ratio {
            return Ok(Some((Fit::KeepAspect(of), ImageSize { height, width })));
        }
        let multiple = |side: u32| {
            let multiples = (f64::from(side) / f64::from(of)).round_ties_even();
            (multiples as u32).saturating_mul(of)
        };
        let size = ImageSize {
            height: multiple(height),
            width: multiple(width),
        };
        Ok(Some((Fit::Stretch, size)))
    }

    /// How the others do.
    fn fitted(&self) -> Result<(Fit, ImageSize), UnknownProcessor> {
        Ok(match (self.do_center_crop, self.size, self.size_divisor) {
            (
                false,
                Size::ShortestEdge { shortest_edge } | Size::Number(shortest_edge),
                Some(divisor),
            ) => {
                if !(1..=shortest_edge).contains(&divisor) {
                    return unknown("size_divisor", "from 1 to the shortest edge", divisor);
                }
                (
                    Fit::Multiples(divisor),
                    Size::Number(shortest_edge).sides("size")?,
                )
            }
            (_, size, Some(_)) => {
                let found = size
                    .sides("size")
                    .map_or_else(|e| e.to_string(), |size| format!("{size:?}"));
                return unknown(
                    "size",
                    "a shortest edge beside size_divisor, and no crop",
                    found,
                );
            }
            (false, Size::ShortestEdge { shortest_edge }, None) => {
                return unknown("do_center_crop", "beside a shortest edge", shortest_edge);
            }
            (false, size, None) if self.image_processor_type.as_deref().is_some_and(squares) => {
                if !self.do_pad {
                    return unknown("do_pad", "true", self.do_pad);
                }
                (Fit::Square, size.sides("size")?)
            }
            (false, size, None) => (Fit::Stretch, size.sides("size")?),
            (true, Size::ShortestEdge { shortest_edge } | Size::Number(shortest_edge), None) => {
                let Some(crop) = self.crop_size else {
                    return unknown("crop_size", "beside do_center_crop", "none");
                };
                (Fit::ShortestEdge(shortest_edge), crop.sides("crop_size")?)
            }
            (true, size, None) => {
                let (size, crop) = (
                    size.sides("size")?,
                    self.crop_size
                        .map(|crop| crop.sides("crop_size"))
                        .transpose()?,
                );
                match crop {
                    Some(crop) if crop != size => {
                        return unknown("crop_size", "to be the size", format!("{crop:?}"));
                    }
                    _ => (Fit::Stretch, size),
                }
            }
        })
    }
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

impl Size {
    fn sides(self, setting: &'static str) -> Result<ImageSize, UnknownProcessor> {
        match self {
            Size::Sides { height, width } | Size::Pair([height, width]) => {
                Ok(ImageSize { height, width })
            }
            Size::Number(side) => Ok(ImageSize {
                height: side,
                width: side,
            }),
            Size::ShortestEdge { shortest_edge } => {
                unknown(setting, "with height and width", shortest_edge)
            }
        }
    }
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

/// DPT's, by its class.
const DPT: &str = "DPTImageProcessor";

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

/// That pictures are resized, scaled by the usual factor, and normalised.
pub(crate) fn check_steps(
    [resize, rescale, normalize]: [bool; 3],
    factor: f64,
) -> Result<(), UnknownProcessor> {
    for (setting, value) in [
        ("do_resize", resize),
        ("do_rescale", rescale),
        ("do_normalize", normalize),
    ] {
        if !value {
            return unknown(setting, "true", value);
        }
    }
    if (factor - USUAL_FACTOR).abs() > 1e-6 {
        return unknown("rescale_factor", "1/255", factor);
    }
    Ok(())
}

/// The filter with one of Pillow's numbers.
pub(crate) fn filter_numbered(number: u8) -> Result<Resample, UnknownProcessor> {
    match number {
        2 => Ok(Resample::Bilinear),
        3 => Ok(Resample::Bicubic),
        other => unknown("resample", "2 or 3", other),
    }
}

impl TryFrom<ProcessorFile> for ImageProcessor {
    type Error = UnknownProcessor;

    fn try_from(file: ProcessorFile) -> Result<Self, UnknownProcessor> {
        check_steps(
            [file.do_resize, file.do_rescale, file.do_normalize],
            file.rescale_factor,
        )?;
        let (usual_mean, usual_std) = file.usual_norm();
        let (image_mean, image_std) = (
            file.image_mean.unwrap_or(usual_mean),
            file.image_std.unwrap_or(usual_std),
        );
        let (fit, size) = match file.in_shape()? {
            Some(found) => found,
            None => file.fitted()?,
        };
        let edge = match fit {
            Fit::Stretch | Fit::Multiples(_) | Fit::KeepAspect(_) | Fit::Square => 1,
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
        if image_std.iter().any(|std| !(std.is_finite() && *std > 0.0)) {
            return unknown("image_std", "above 0", format!("{image_std:?}"));
        }
        let resample = match file.resample {
            Filter::Named(filter) => filter,
            Filter::Numbered(number) => filter_numbered(number)?,
        };
        Ok(Self {
            fit,
            size,
            resample,
            image_mean,
            image_std,
        })
    }
}

impl From<ImageProcessor> for ProcessorFile {
    fn from(processor: ImageProcessor) -> Self {
        let ImageSize { height, width } = processor.size;
        let sides = Size::Sides { height, width };
        let (size, crop_size) = match processor.fit {
            Fit::Stretch | Fit::KeepAspect(_) | Fit::Square => (sides, None),
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
        let ensure_multiple_of = match processor.fit {
            Fit::KeepAspect(of) => Some(of),
            _ => None,
        };
        Self {
            image_processor_type: (processor.fit == Fit::Square).then(|| SQUARES.to_owned()),
            do_resize: true,
            size,
            resample: Filter::Named(processor.resample),
            keep_aspect_ratio: ensure_multiple_of.is_some(),
            ensure_multiple_of,
            do_center_crop: crop_size.is_some(),
            crop_size,
            size_divisor,
            do_pad: true,
            do_rescale: true,
            rescale_factor: USUAL_FACTOR,
            do_normalize: true,
            image_mean: Some(processor.image_mean),
            image_std: Some(processor.image_std),
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
        // As depth-anything/Depth-Anything-V2-Small-hf has it.
        let depth = r#"{"do_normalize": true, "do_pad": false, "do_rescale": true,
            "do_resize": true, "ensure_multiple_of": 14, "image_mean": [0.485, 0.456, 0.406],
            "image_processor_type": "DPTImageProcessor", "image_std": [0.229, 0.224, 0.225],
            "keep_aspect_ratio": true, "resample": 3, "rescale_factor": 0.00392156862745098,
            "size": {"height": 518, "width": 518}, "size_divisor": null}"#;
        let depth = read(depth).unwrap();
        assert_eq!((depth.fit, depth.size.width), (Fit::KeepAspect(14), 518));
        assert_eq!(depth.image_mean, [0.485, 0.456, 0.406]);
        let stretched = r#"{"image_processor_type": "DPTImageProcessor", "size": 384,
            "ensure_multiple_of": 100}"#;
        let stretched = read(stretched).unwrap();
        assert_eq!((stretched.fit, stretched.size.width), (Fit::Stretch, 400));
        assert_eq!(stretched.image_mean, [0.5; 3]);
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
        let kept = ImageProcessor {
            fit: Fit::KeepAspect(16),
            ..square.clone()
        };
        for processor in [square, cropped, many, padded, kept] {
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
            (
                r#"{"size": 9, "keep_aspect_ratio": true, "ensure_multiple_of": 0}"#,
                "ensure_multiple_of",
            ),
            (
                r#"{"size": 9, "keep_aspect_ratio": true, "do_center_crop": true}"#,
                "keep_aspect_ratio",
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

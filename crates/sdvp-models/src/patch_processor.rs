//! From a view to a model's patches: resized to about its own size, in whole squares of patches, as
//! Qwen2-VL and its successors take pictures.

use crate::architectures::PatchGrid;
use crate::error::{ModelError, Result};
use crate::processor::{ImageSize, Resample, resized};
use crate::processor_config::{
    UnknownProcessor, check_steps, filter_numbered, unknown, usual_factor, usual_mean, usual_std,
    yes,
};
use candle_core::{Device, Tensor};
use sdvp_core::View;
use serde::{Deserialize, Serialize};

/// How many times longer than its shorter side a view may be.
const LONGER: f64 = 200.0;
/// The most pixels of an input that there is memory for.
const MOST: u64 = 1 << 24;

/// Settings of the image side of a model, as `preprocessor_config.json` has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PatchFile")]
pub struct PatchProcessor {
    /// Side of a patch, pixels.
    pub patch: u32,
    /// Side of the square of patches that becomes one token.
    pub merge: u32,
    /// A view with fewer pixels is enlarged.
    pub least_pixels: u64,
    /// One with more is made smaller.
    pub most_pixels: u64,
    /// Resampling filter.
    pub resample: Resample,
    /// Mean of each channel, of values in `[0, 1]`.
    pub image_mean: [f32; 3],
    /// Standard deviation of each channel.
    pub image_std: [f32; 3],
}

impl PatchProcessor {
    /// With at most so many pixels of an input.
    ///
    /// # Errors
    /// If the least are more.
    pub fn with_at_most(mut self, pixels: u64) -> Result<Self> {
        let least = self.least_pixels;
        if pixels < least {
            return Err(ModelError::Config(format!(
                "expected at least {least} pixels of a picture, as the model was trained with, found \
                 {pixels}"
            )));
        }
        self.most_pixels = self.most_pixels.min(pixels);
        Ok(self)
    }

    /// Height and width, pixels, that a view of a shape is resized to: whole squares of patches, as
    /// near to its shape and its number of pixels as the limits let it be.
    ///
    /// # Errors
    /// If it is more than 200 times as long as it is wide.
    pub fn input_size(&self, view: ImageSize) -> Result<ImageSize> {
        let [height, width] = [view.height, view.width].map(f64::from);
        if height.min(width) < 1.0 || height.max(width) / height.min(width) > LONGER {
            return Err(ModelError::Image(format!(
                "expected a view at most {LONGER} times as long as it is wide, found {} × {} pixels",
                view.width, view.height
            )));
        }
        let square = f64::from(self.patch * self.merge);
        let squares = |side: f64| (side / square).round_ties_even() * square;
        let pixels = squares(height) * squares(width);
        let (most, least) = (self.most_pixels as f64, self.least_pixels as f64);
        let side: Box<dyn Fn(f64) -> f64> = if pixels > most {
            let shrinks = (height * width / most).sqrt();
            Box::new(move |side| ((side / shrinks / square).floor() * square).max(square))
        } else if pixels < least {
            let grows = (least / (height * width)).sqrt();
            Box::new(move |side| (side * grows / square).ceil() * square)
        } else {
            Box::new(squares)
        };
        Ok(ImageSize {
            height: side(height) as u32,
            width: side(width) as u32,
        })
    }

    /// Rows and columns of the patches that a view becomes.
    ///
    /// # Errors
    /// As [`PatchProcessor::input_size`].
    pub fn grid(&self, view: &View) -> Result<PatchGrid> {
        let (height, width) = (view.height(), view.width());
        let size = self.input_size(ImageSize { height, width })?;
        Ok(PatchGrid {
            rows: (size.height / self.patch) as usize,
            columns: (size.width / self.patch) as usize,
        })
    }

    /// A view as patches, `[patches, 3 · patch²]`, channels first in each, square by square of those
    /// that become one token.
    ///
    /// # Errors
    /// As [`PatchProcessor::input_size`], or if the view cannot be resized.
    pub fn process(&self, view: &View, device: &Device) -> Result<(Tensor, PatchGrid)> {
        let rgb = view.to_rgb();
        let (width, height) = rgb.dimensions();
        let size = self.input_size(ImageSize { height, width })?;
        let pixels = resized(&rgb, size, self.resample)?;
        let (patch, merge) = (self.patch as usize, self.merge as usize);
        let columns = size.width as usize;
        let grid = PatchGrid {
            rows: size.height as usize / patch,
            columns: columns / patch,
        };
        let mut values = Vec::with_capacity(pixels.len());
        for (row, column) in grid.in_squares(merge) {
            for channel in 0..3 {
                let (mean, std) = (self.image_mean[channel], self.image_std[channel]);
                for y in row * patch..(row + 1) * patch {
                    let first = 3 * (y * columns + column * patch);
                    let line = &pixels[first..first + 3 * patch];
                    let line = line.iter().skip(channel).step_by(3);
                    values.extend(line.map(|value| (f32::from(*value) / 255.0 - mean) / std));
                }
            }
        }
        let shape = (grid.patches(), 3 * patch * patch);
        Ok((Tensor::from_vec(values, shape, device)?, grid))
    }
}

/// The file's fields. What this cannot do is refused rather than left out.
#[derive(Deserialize)]
struct PatchFile {
    #[serde(default = "yes")]
    do_resize: bool,
    #[serde(default = "yes")]
    do_rescale: bool,
    #[serde(default = "usual_factor")]
    rescale_factor: f64,
    #[serde(default = "yes")]
    do_normalize: bool,
    #[serde(default = "bicubic")]
    resample: u8,
    #[serde(default = "usual_patch")]
    patch_size: u32,
    #[serde(default = "usual_merge")]
    merge_size: u32,
    size: Option<Pixels>,
    min_pixels: Option<u64>,
    max_pixels: Option<u64>,
    #[serde(default = "usual_mean")]
    image_mean: [f32; 3],
    #[serde(default = "usual_std")]
    image_std: [f32; 3],
}

/// Numbers of pixels, by the names of edges.
#[derive(Deserialize)]
struct Pixels {
    #[serde(alias = "min_pixels")]
    shortest_edge: u64,
    #[serde(alias = "max_pixels")]
    longest_edge: u64,
}

/// Pillow's number.
fn bicubic() -> u8 {
    3
}

fn usual_patch() -> u32 {
    14
}

fn usual_merge() -> u32 {
    2
}

impl TryFrom<PatchFile> for PatchProcessor {
    type Error = UnknownProcessor;

    fn try_from(file: PatchFile) -> std::result::Result<Self, UnknownProcessor> {
        check_steps(
            [file.do_resize, file.do_rescale, file.do_normalize],
            file.rescale_factor,
        )?;
        let resample = filter_numbered(file.resample)?;
        if !(1..=32).contains(&file.patch_size) {
            return unknown("patch_size", "from 1 to 32", file.patch_size);
        }
        if !(1..=8).contains(&file.merge_size) {
            return unknown("merge_size", "from 1 to 8", file.merge_size);
        }
        let size = file.size;
        let (shortest, longest) = match &size {
            Some(size) => (size.shortest_edge, size.longest_edge),
            None => (56 * 56, 28 * 28 * 1280),
        };
        let least = file.min_pixels.unwrap_or(shortest);
        let most = file.max_pixels.unwrap_or(longest);
        if !(1..=most).contains(&least) || most > MOST {
            let found = format!("{least} and {most}");
            return unknown("size", "of rising numbers from 1 to 16777216 pixels", found);
        }
        let usable = |std: &f32| std.is_finite() && *std > 0.0;
        if !file.image_std.iter().all(usable) {
            return unknown("image_std", "above 0", format!("{:?}", file.image_std));
        }
        Ok(Self {
            patch: file.patch_size,
            merge: file.merge_size,
            least_pixels: least,
            most_pixels: most,
            resample,
            image_mean: file.image_mean,
            image_std: file.image_std,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::Image;

    fn read(json: &str) -> std::result::Result<PatchProcessor, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// As Qwen/Qwen3-VL-2B-Instruct has it.
    const PUBLISHED: &str = r#"{"size": {"longest_edge": 16777216, "shortest_edge": 65536},
        "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "processor_class": "Qwen3VLProcessor",
        "image_processor_type": "Qwen2VLImageProcessorFast"}"#;

    #[test]
    fn sizes_are_whole_squares_within_limits() {
        let processor = read(PUBLISHED).unwrap();
        let size = |height: u32, width: u32| {
            let size = processor.input_size(ImageSize { height, width });
            size.map(|size| (size.height, size.width))
        };
        assert_eq!(size(480, 640).unwrap(), (480, 640));
        // 15.5 squares are 16, and 16.5 are, too.
        assert_eq!(size(496, 528).unwrap(), (512, 512));
        assert_eq!(size(1, 1).unwrap(), (256, 256));
        assert_eq!(size(10, 1000).unwrap(), (32, 2560));
        assert_eq!(size(6000, 8000).unwrap(), (3520, 4704));
        assert!(
            size(10, 2001)
                .unwrap_err()
                .to_string()
                .contains("2001 × 10")
        );
        let small = processor.clone().with_at_most(100_000).unwrap();
        let size = small.input_size(ImageSize {
            height: 480,
            width: 640,
        });
        assert_eq!(size.unwrap().height, 256);
        let error = processor.with_at_most(60_000).unwrap_err().to_string();
        assert!(
            error.contains("65536") && error.contains("60000"),
            "{error}"
        );
    }

    #[test]
    fn patches_are_cut_square_by_square() {
        let processor = read(
            r#"{"size": {"longest_edge": 1000, "shortest_edge": 1}, "patch_size": 1,
                "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#,
        );
        let pixel = |x: u32, y: u32| image::Rgb([(10 * y + x) as u8, 255, 0]);
        let image = Image::new(image::RgbImage::from_fn(4, 2, pixel)).unwrap();
        let (patches, grid) = processor
            .unwrap()
            .process(&image.view(), &Device::Cpu)
            .unwrap();
        assert_eq!((grid.rows, grid.columns), (2, 4));
        let patches = patches.to_vec2::<f32>().unwrap();
        let reds: Vec<f32> = patches.iter().map(|patch| patch[0] * 255.0).collect();
        assert_eq!(reds, [0.0, 1.0, 10.0, 11.0, 2.0, 3.0, 12.0, 13.0]);
        assert_eq!(patches[3][1..], [1.0, 0.0]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(read("{}").unwrap().patch, 14);
        let qwen2 = r#"{"min_pixels": 3136, "max_pixels": 12845056}"#;
        assert_eq!(read(qwen2).unwrap().most_pixels, 12_845_056);
        for (json, named) in [
            (r#"{"do_rescale": false}"#, "do_rescale"),
            (r#"{"rescale_factor": 1}"#, "rescale_factor"),
            (r#"{"resample": 1}"#, "resample"),
            (r#"{"patch_size": 0}"#, "patch_size"),
            (r#"{"merge_size": 99}"#, "merge_size"),
            (
                r#"{"size": {"shortest_edge": 9, "longest_edge": 8}}"#,
                "size",
            ),
            (r#"{"max_pixels": 99999999}"#, "16777216"),
            (r#"{"size": {"height": 9, "width": 9}}"#, "shortest_edge"),
            (r#"{"image_std": [1, 0, 1]}"#, "image_std"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }
}

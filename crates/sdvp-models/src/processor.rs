//! From a view to a model's pixels: resize, scale to `[0, 1]`, normalise.

use crate::error::{ModelError, Result};
use crate::processor_config::ProcessorFile;
use crate::squared::squared;
use candle_core::{Device, Tensor};
use fast_image_resize::images::{Image as Canvas, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use sdvp_core::View;
use serde::{Deserialize, Serialize};

/// How pixels between pixels are found when an image is resized; all are antialiased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// Triangle filter.
    Bilinear,
    /// Catmull–Rom cubic filter.
    Bicubic,
}

/// The longer side, pixels, of a view whose shorter one was resized.
const LONGEST: u32 = 65_536;

/// How a view of any shape becomes the model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Stretched to it, as OWL-ViT and BLIP do.
    Stretch,
    /// Resized until its shorter side has so many pixels, then cut out around the middle, as CLIP
    /// does; what is missing of the input is black.
    ShortestEdge(u32),
    /// Resized until its shorter side has the input's, its longer one at most [`LONGER`] times as
    /// many pixels, then both rounded down to multiples of this, as ViLT does: an input of many
    /// shapes.
    Multiples(u32),
    /// Resized in its shape, as little as makes one of its sides as long as the input's, both sides
    /// then rounded to the nearest multiples of this, as DPT and Depth Anything do: an input of many
    /// shapes, of at most [`MORE`] times as many pixels.
    KeepAspect(u32),
    /// Made a square by what is black at the right and below, then resized, as OWLv2 does. The filter
    /// is its own.
    Square,
}

/// How much longer than its shorter side an input of many shapes may be, published as 1333 to 800.
const LONGER: f64 = 1333.0 / 800.0;

/// How many times the pixels of a square view an input may have that only keeps its shape. What
/// patches say to each other grows with the square of their number.
const MORE: u64 = 6;

/// Settings of the image side of a model, as `preprocessor_config.json` has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ProcessorFile", into = "ProcessorFile")]
pub struct ImageProcessor {
    /// How views fit.
    pub fit: Fit,
    /// Height and width of the model's input, pixels; of a square view, if inputs have many shapes.
    pub size: ImageSize,
    /// Resampling filter.
    pub resample: Resample,
    /// Mean of each channel, of values in `[0, 1]`.
    pub image_mean: [f32; 3],
    /// Standard deviation of each channel.
    pub image_std: [f32; 3],
}

/// Height and width, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSize {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl ImageProcessor {
    /// A processor for square inputs, normalising to `[-1, 1]`.
    pub fn square(side: u32) -> Self {
        Self {
            fit: Fit::Stretch,
            size: ImageSize {
                height: side,
                width: side,
            },
            resample: Resample::Bilinear,
            image_mean: [0.5; 3],
            image_std: [0.5; 3],
        }
    }

    /// Height and width of the input that views of a shape become.
    pub fn input_size(&self, view: ImageSize) -> ImageSize {
        match self.fit {
            Fit::Multiples(of) => self.multiples(view, of),
            Fit::KeepAspect(of) => self.in_shape(view, of),
            Fit::Stretch | Fit::ShortestEdge(_) | Fit::Square => self.size,
        }
    }

    fn multiples(&self, view: ImageSize, of: u32) -> ImageSize {
        let shorter = f64::from(self.size.height.min(self.size.width));
        let [height, width] = [view.height, view.width].map(f64::from);
        let scale = shorter / height.min(width).max(1.0);
        let longest = (LONGER * shorter).floor();
        let scale = scale * (longest / (height.max(width) * scale)).min(1.0);
        let side = |side: f64| {
            let side = (side * scale + 0.5).floor() as u32;
            // Of a sliver, one patch is left.
            (side / of * of).max(of)
        };
        ImageSize {
            height: side(height),
            width: side(width),
        }
    }

    fn in_shape(&self, view: ImageSize, of: u32) -> ImageSize {
        let scale = |input: u32, view: u32| f64::from(input) / f64::from(view.max(1));
        let by_height = scale(self.size.height, view.height);
        let by_width = scale(self.size.width, view.width);
        let least = if (1.0 - by_width).abs() < (1.0 - by_height).abs() {
            by_width
        } else {
            by_height
        };
        let side = |side: u32| {
            let multiples = (least * f64::from(side) / f64::from(of)).round_ties_even();
            // Of a sliver, one patch is left.
            (multiples as u32).max(1).saturating_mul(of)
        };
        ImageSize {
            height: side(view.height),
            width: side(view.width),
        }
    }

    /// Width and height of the whole input in a view's pixels: what parts of the input's sides are
    /// to be multiplied with.
    pub fn extent(&self, view: &View) -> (f32, f32) {
        let (width, height) = (view.width() as f32, view.height() as f32);
        match self.fit {
            Fit::Square => (width.max(height), width.max(height)),
            _ => (width, height),
        }
    }

    /// One view as `3 × height × width` values of its [`ImageProcessor::input_size`], channels first.
    ///
    /// # Errors
    /// If the view cannot be resized.
    pub fn process(&self, view: &View) -> Result<Vec<f32>> {
        let rgb = view.to_rgb();
        let mut pixels = match self.fit {
            Fit::Square => squared(&rgb, self.size),
            _ => planes(&self.fitted(&rgb)?),
        };
        let plane = pixels.len() / 3;
        for (channel, values) in pixels.chunks_exact_mut(plane.max(1)).enumerate() {
            let (mean, std) = (self.image_mean[channel], self.image_std[channel]);
            values.iter_mut().for_each(|v| *v = (*v - mean) / std);
        }
        Ok(pixels)
    }

    /// The input's pixels, row by row, before they are normalised.
    fn fitted(&self, rgb: &image::RgbImage) -> Result<Vec<u8>> {
        let (width, height) = rgb.dimensions();
        let Fit::ShortestEdge(shortest) = self.fit else {
            let size = self.input_size(ImageSize { height, width });
            let pixels = |size: ImageSize| u64::from(size.height) * u64::from(size.width);
            let most = MORE * pixels(self.size);
            if matches!(self.fit, Fit::KeepAspect(_)) && pixels(size) > most {
                return Err(ModelError::Image(format!(
                    "a picture of {width} × {height} pixels is too narrow: the network would see \
                     {} × {}, and {most} pixels are the most; cut it in parts",
                    size.width, size.height
                )));
            }
            return resized(rgb, size, self.resample);
        };
        let longer = |short: u32, long: u32| {
            let long = u64::from(shortest) * u64::from(long) / u64::from(short.max(1));
            u32::try_from(long)
                .ok()
                .filter(|long| *long <= LONGEST)
                .ok_or_else(|| {
                    ModelError::Image(format!(
                        "a view of {width} × {height} pixels is too narrow: {shortest} pixels wide \
                         it would be {long} long, and {LONGEST} is the most"
                    ))
                })
        };
        let size = if width <= height {
            ImageSize {
                height: longer(width, height)?,
                width: shortest,
            }
        } else {
            ImageSize {
                height: shortest,
                width: longer(height, width)?,
            }
        };
        Ok(self.middle_of(&resized(rgb, size, self.resample)?, size))
    }

    /// The input's size around the middle of pixels of another size.
    fn middle_of(&self, pixels: &[u8], from: ImageSize) -> Vec<u8> {
        let ImageSize { height, width } = self.size;
        // May be negative: the margin of what is missing is rounded up, as transformers does it.
        let start = |whole: u32, part: u32| (i64::from(whole) - i64::from(part)).div_euclid(2);
        let (top, left) = (start(from.height, height), start(from.width, width));
        let mut cut = vec![0u8; 3 * (width * height) as usize];
        for (row, line) in cut.chunks_exact_mut(3 * width as usize).enumerate() {
            let y = row as i64 + top;
            for (column, pixel) in line.chunks_exact_mut(3).enumerate() {
                let x = column as i64 + left;
                if (0..i64::from(from.height)).contains(&y)
                    && (0..i64::from(from.width)).contains(&x)
                {
                    let at = 3 * (y as usize * from.width as usize + x as usize);
                    pixel.copy_from_slice(&pixels[at..at + 3]);
                }
            }
        }
        cut
    }

    /// A batch of views as a tensor `[views, 3, height, width]`.
    ///
    /// # Errors
    /// If a view cannot be resized, or their inputs differ in shape: see
    /// [`ImageProcessor::by_shape`].
    pub fn batch(&self, views: &[&View], device: &Device) -> Result<Tensor> {
        let input = match views {
            [first, ..] => self.input_size(size_of(first)),
            [] => self.size,
        };
        let other = |view: &&View| self.input_size(size_of(view)) != input;
        if views.iter().any(other) {
            return Err(ModelError::Image(
                "expected views whose inputs have one shape".to_owned(),
            ));
        }
        let ImageSize { height, width } = input;
        let size = (3 * width * height) as usize;
        let mut pixels = vec![0f32; size * views.len()];
        pixels.par_chunks_exact_mut(size).zip(views).try_for_each(
            |(slot, view)| -> Result<()> {
                slot.copy_from_slice(&self.process(view)?);
                Ok(())
            },
        )?;
        let shape = (views.len(), 3, height as usize, width as usize);
        Ok(Tensor::from_vec(pixels, shape, device)?)
    }

    /// Places of views whose inputs have one shape, in the order of their first views.
    pub fn by_shape(&self, views: &[&View]) -> Vec<Vec<usize>> {
        let mut shapes: Vec<(ImageSize, Vec<usize>)> = Vec::new();
        for (place, view) in views.iter().enumerate() {
            let size = self.input_size(size_of(view));
            match shapes.iter_mut().find(|(known, _)| *known == size) {
                Some((_, places)) => places.push(place),
                None => shapes.push((size, vec![place])),
            }
        }
        shapes.into_iter().map(|(_, places)| places).collect()
    }
}

/// Pixels, row by row, as three planes of values in `[0, 1]`.
fn planes(pixels: &[u8]) -> Vec<f32> {
    let mut planes = Vec::with_capacity(pixels.len());
    for channel in 0..3 {
        let values = pixels.chunks_exact(3).map(|pixel| pixel[channel]);
        planes.extend(values.map(|value| f32::from(value) / 255.0));
    }
    planes
}

fn size_of(view: &View) -> ImageSize {
    ImageSize {
        height: view.height(),
        width: view.width(),
    }
}

/// An image's pixels, row by row, resized as Pillow does it.
///
/// # Errors
/// If there is no memory for it.
pub fn resized(rgb: &image::RgbImage, size: ImageSize, resample: Resample) -> Result<Vec<u8>> {
    let (width, height) = rgb.dimensions();
    let from = ImageSize { height, width };
    match resample {
        Resample::Bilinear => convolved(rgb.as_raw(), from, size, FilterType::Bilinear),
        // Cubic filters overshoot, and what is cut off between the passes depends on which comes
        // first: with Pillow it is the horizontal one, with the resizer, by itself, the other.
        Resample::Bicubic => {
            let wide = ImageSize {
                height,
                width: size.width,
            };
            let filter = FilterType::CatmullRom;
            let rows = convolved(rgb.as_raw(), from, wide, filter)?;
            convolved(&rows, wide, size, filter)
        }
    }
}

/// Pixels, row by row, resized.
fn convolved(pixels: &[u8], from: ImageSize, to: ImageSize, filter: FilterType) -> Result<Vec<u8>> {
    if from == to {
        return Ok(pixels.to_vec());
    }
    let failed = |error: &dyn std::fmt::Display| ModelError::Image(error.to_string());
    let source =
        ImageRef::new(from.width, from.height, pixels, PixelType::U8x3).map_err(|e| failed(&e))?;
    let mut target = Canvas::new(to.width, to.height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|e| failed(&e))?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{Image, Region};

    fn image(width: u32, height: u32) -> Image {
        Image::new(image::RgbImage::from_fn(width, height, |x, _| {
            image::Rgb([if x < width / 2 { 0 } else { 255 }, 255, 0])
        }))
        .unwrap()
    }

    #[test]
    fn same_size_is_only_normalised() {
        let pixels = ImageProcessor::square(4)
            .process(&image(4, 4).view())
            .unwrap();
        assert_eq!(&pixels[..4], &[-1.0, -1.0, 1.0, 1.0]);
        assert!(pixels[16..32].iter().all(|&v| v == 1.0));
        assert!(pixels[32..].iter().all(|&v| v == -1.0));
    }

    #[test]
    fn crops_are_stretched_to_the_input() {
        let view = image(64, 32)
            .view()
            .crop(Region::new(32, 0, 64, 32).unwrap())
            .unwrap();
        let batch = ImageProcessor::square(8)
            .batch(&[&view, &view], &Device::Cpu)
            .unwrap();
        assert_eq!(batch.dims(), &[2, 3, 8, 8]);
        let red = batch.get(0).unwrap().get(0).unwrap().flatten_all().unwrap();
        assert!(
            red.to_vec1::<f32>()
                .unwrap()
                .iter()
                .all(|&v| (v - 1.0).abs() < 1e-6)
        );
    }

    #[test]
    fn the_middle_is_cut_out_and_what_is_missing_is_black() {
        let wide = image(40, 20);
        let processor = |shortest: u32, side: u32| ImageProcessor {
            fit: Fit::ShortestEdge(shortest),
            image_mean: [0.0; 3],
            image_std: [1.0; 3],
            ..ImageProcessor::square(side)
        };
        // Of 40 × 20, halved: columns 5 to 14 of 20, of which those from 10 on are bright.
        let cut = processor(10, 10).process(&wide.view()).unwrap();
        let row = &cut[20..30];
        assert!(row[..4].iter().all(|&v| v < 0.1) && row[6..].iter().all(|&v| v > 0.9));

        let green = &processor(10, 14).process(&wide.view()).unwrap()[14 * 14..2 * 14 * 14];
        let bright: Vec<bool> = green.chunks(14).map(|row| row[3] > 0.5).collect();
        let inside = |row: &usize| (2..12).contains(row);
        assert_eq!(bright, (0..14).map(|row| inside(&row)).collect::<Vec<_>>());
    }

    #[test]
    fn a_sliver_is_not_blown_up() {
        let processor = ImageProcessor {
            fit: Fit::ShortestEdge(224),
            ..ImageProcessor::square(224)
        };
        let error = processor.process(&image(1000, 1).view()).unwrap_err();
        assert!(error.to_string().contains("1000 × 1"), "{error}");
    }

    #[test]
    fn shapes_are_kept_within_limits() {
        let processor = ImageProcessor {
            fit: Fit::KeepAspect(14),
            ..ImageProcessor::square(518)
        };
        let input = |width: u32, height: u32| {
            let size = processor.input_size(ImageSize { height, width });
            (size.width, size.height)
        };
        // By the side that changes least.
        assert_eq!(input(640, 480), (686, 518));
        assert_eq!(input(480, 640), (518, 686));
        assert_eq!(input(100, 50), (518, 252));
        assert_eq!(input(2000, 1000), (1036, 518));
        assert_eq!(input(518, 518), (518, 518));
        // A half is rounded to the even number of patches: 525 are 37.5, as 259 above are 18.5.
        assert_eq!(input(518, 525), (518, 532));
        assert_eq!(input(518, 511), (518, 504));
        assert_eq!(input(1000, 1), (518, 14));

        let sliver = processor.process(&image(7000, 500).view()).unwrap_err();
        assert!(sliver.to_string().contains("7000 × 500"), "{sliver}");
    }

    #[test]
    fn one_pixel_views_are_usable() {
        let view = image(9, 9)
            .view()
            .crop(Region::new(8, 8, 9, 9).unwrap())
            .unwrap();
        assert!(
            ImageProcessor::square(16)
                .process(&view)
                .unwrap()
                .iter()
                .all(|v| v.is_finite())
        );
    }
}

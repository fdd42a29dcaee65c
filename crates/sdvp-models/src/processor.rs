//! From a view to a model's pixels: resize, scale to `[0, 1]`, normalise.

use crate::error::{ModelError, Result};
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

/// Settings of the image side of a model, as `preprocessor_config.json` has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageProcessor {
    /// Height and width of the model's input, pixels. Views are stretched to it, as OWL-ViT does.
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
            size: ImageSize {
                height: side,
                width: side,
            },
            resample: Resample::Bilinear,
            image_mean: [0.5; 3],
            image_std: [0.5; 3],
        }
    }

    /// One view as `3 × height × width` values, channels first.
    ///
    /// # Errors
    /// If the view cannot be resized.
    pub fn process(&self, view: &View) -> Result<Vec<f32>> {
        let (width, height) = (self.size.width, self.size.height);
        let rgb = view.to_rgb();
        let resized = if rgb.dimensions() == (width, height) {
            rgb.into_raw()
        } else {
            self.resize(&rgb)?
        };
        let plane = (width * height) as usize;
        let mut pixels = vec![0f32; 3 * plane];
        for (channel, values) in pixels.chunks_exact_mut(plane).enumerate() {
            let (mean, std) = (self.image_mean[channel], self.image_std[channel]);
            for (value, pixel) in values.iter_mut().zip(resized.chunks_exact(3)) {
                *value = (f32::from(pixel[channel]) / 255.0 - mean) / std;
            }
        }
        Ok(pixels)
    }

    fn resize(&self, rgb: &image::RgbImage) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::fmt::Display| ModelError::Image(error.to_string());
        let source = ImageRef::new(rgb.width(), rgb.height(), rgb.as_raw(), PixelType::U8x3)
            .map_err(|e| failed(&e))?;
        let mut target = Canvas::new(self.size.width, self.size.height, PixelType::U8x3);
        let filter = match self.resample {
            Resample::Bilinear => FilterType::Bilinear,
            Resample::Bicubic => FilterType::CatmullRom,
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        Resizer::new()
            .resize(&source, &mut target, &options)
            .map_err(|e| failed(&e))?;
        Ok(target.into_vec())
    }

    /// A batch of views as a tensor `[views, 3, height, width]`.
    ///
    /// # Errors
    /// If a view cannot be resized.
    pub fn batch(&self, views: &[&View], device: &Device) -> Result<Tensor> {
        let size = (3 * self.size.width * self.size.height) as usize;
        let mut pixels = vec![0f32; size * views.len()];
        pixels.par_chunks_exact_mut(size).zip(views).try_for_each(
            |(slot, view)| -> Result<()> {
                slot.copy_from_slice(&self.process(view)?);
                Ok(())
            },
        )?;
        let shape = (
            views.len(),
            3,
            self.size.height as usize,
            self.size.width as usize,
        );
        Ok(Tensor::from_vec(pixels, shape, device)?)
    }
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

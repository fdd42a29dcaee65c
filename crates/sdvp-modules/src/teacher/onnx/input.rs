//! From views to an ONNX file's input, and boxes back.

use super::description::{Channels, InputFit, Layout, OnnxInput};
use sdvp_core::{BBox, View};
use sdvp_models::{ImageSize, ModelError, resized};

/// Where in the input a view came to lie, in the input's pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Placement {
    /// A box of the input, in parts of the view's sides.
    pub(super) fn in_view(&self, bbox: BBox) -> BBox {
        bbox.shifted(-self.left, -self.top)
            .scaled(1.0 / self.width, 1.0 / self.height)
    }
}

impl OnnxInput {
    /// Appends a view's numbers, and says where it lies.
    pub(super) fn place(
        &self,
        view: &View,
        numbers: &mut Vec<f32>,
    ) -> Result<Placement, ModelError> {
        let rgb = view.to_rgb();
        let whole = self.size();
        let (size, [left, top]) = match self.fit {
            InputFit::Stretch => (whole, [0, 0]),
            InputFit::Letterbox | InputFit::LetterboxTopLeft => {
                let size = within(whole, rgb.dimensions());
                let half = |whole: u32, part: u32| match self.fit {
                    InputFit::Letterbox => (whole - part) / 2,
                    _ => 0,
                };
                let corner = [
                    half(whole.width, size.width),
                    half(whole.height, size.height),
                ];
                (size, corner)
            }
        };
        let inner = resized(&rgb, size, self.resample)?;
        let mut pixels = vec![self.fill; 3 * (whole.width * whole.height) as usize];
        let line = 3 * size.width as usize;
        let rows = pixels.chunks_exact_mut(3 * whole.width as usize);
        for (pixels, inner) in rows.skip(top as usize).zip(inner.chunks_exact(line)) {
            let inside = pixels.iter_mut().skip(3 * left as usize);
            inside.zip(inner).for_each(|(pixel, &value)| *pixel = value);
        }
        self.append(&pixels, numbers);
        Ok(Placement {
            left: left as f32,
            top: top as f32,
            width: size.width as f32,
            height: size.height as f32,
        })
    }

    /// Pixels as the numbers that the network wants.
    fn append(&self, pixels: &[u8], numbers: &mut Vec<f32>) {
        let number = |pixel: &[u8], channel: usize| {
            let from = match self.channels {
                Channels::Rgb => channel,
                Channels::Bgr => 2 - channel,
            };
            (f32::from(pixel[from]) / self.scale - self.mean[channel]) / self.std[channel]
        };
        let pixels = || pixels.chunks_exact(3);
        match self.layout {
            Layout::ChannelsFirst => {
                for channel in 0..3 {
                    numbers.extend(pixels().map(|pixel| number(pixel, channel)));
                }
            }
            Layout::ChannelsLast => {
                numbers.extend(pixels().flat_map(|pixel| (0..3).map(move |c| number(pixel, c))));
            }
        }
    }

    /// Shape of so many views' numbers.
    pub(super) fn shape(&self, views: usize) -> [usize; 4] {
        let (height, width) = (self.height as usize, self.width as usize);
        match self.layout {
            Layout::ChannelsFirst => [views, 3, height, width],
            Layout::ChannelsLast => [views, height, width, 3],
        }
    }
}

/// The largest size of a view's shape within another.
fn within(whole: ImageSize, (width, height): (u32, u32)) -> ImageSize {
    let scale = f64::min(
        f64::from(whole.width) / f64::from(width),
        f64::from(whole.height) / f64::from(height),
    );
    // Halves to even, as in Python, where such networks are trained.
    let side = |side: u32, most: u32| {
        let side = (f64::from(side) * scale).round_ties_even();
        (side as u32).clamp(1, most)
    };
    ImageSize {
        height: side(height, whole.height),
        width: side(width, whole.width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::Image;

    fn input(fit: &str) -> OnnxInput {
        let text = format!("height = 4\nwidth = 8\nfit = {fit:?}\nfill = 7\nscale = 1.0");
        toml::from_str(&text).unwrap()
    }

    /// 4×4 pixels of red 1, 2, 3 … in reading order, green 50 and blue 100.
    fn view() -> View {
        let rgb = image::RgbImage::from_fn(4, 4, |x, y| image::Rgb([(4 * y + x) as u8, 50, 100]));
        Image::new(rgb).unwrap().view()
    }

    #[test]
    fn a_letterboxed_view_lies_in_the_middle_and_its_boxes_find_back() {
        let input = input("letterbox");
        let mut numbers = Vec::new();
        let place = input.place(&view(), &mut numbers).unwrap();
        assert_eq!(numbers.len(), input.shape(1).iter().product::<usize>());
        let row = |channel: usize, y: usize| &numbers[32 * channel + 8 * y..][..8];
        assert_eq!(row(0, 1), [7.0, 7.0, 4.0, 5.0, 6.0, 7.0, 7.0, 7.0]);
        assert_eq!(row(2, 0), [7.0, 7.0, 100.0, 100.0, 100.0, 100.0, 7.0, 7.0]);
        let bbox = place.in_view(BBox::new(3.0, 1.0, 5.0, 4.0));
        assert_eq!(bbox, BBox::new(0.25, 0.25, 0.75, 1.0));
    }

    #[test]
    fn at_the_top_left_blue_first_and_channels_last() {
        let input = OnnxInput {
            layout: Layout::ChannelsLast,
            channels: Channels::Bgr,
            mean: [10.0, 0.0, 0.0],
            std: [2.0, 1.0, 1.0],
            ..input("letterbox_top_left")
        };
        let mut numbers = Vec::new();
        let place = input.place(&view(), &mut numbers).unwrap();
        assert_eq!((place.left, place.top), (0.0, 0.0));
        assert_eq!(input.shape(2), [2, 4, 8, 3]);
        assert_eq!(numbers[3..6], [(100.0 - 10.0) / 2.0, 50.0, 1.0]);
        assert_eq!(numbers[12..15], [(7.0 - 10.0) / 2.0, 7.0, 7.0]);
    }

    #[test]
    fn a_stretched_view_fills_the_input_and_slivers_have_a_pixel() {
        let place = input("stretch").place(&view(), &mut Vec::new()).unwrap();
        assert_eq!((place.width, place.height), (8.0, 4.0));
        let whole = ImageSize {
            height: 64,
            width: 64,
        };
        let size = within(whole, (1000, 1));
        assert_eq!((size.width, size.height), (64, 1));
        let size = within(whole, (128, 85));
        assert_eq!((size.width, size.height), (64, 42));
    }
}

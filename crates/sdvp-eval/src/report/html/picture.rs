//! Images, each embedded once; every crop is a window on it.

use super::super::ShownBox;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage, imageops};
use maud::{Markup, html};
use sdvp_core::{Digest, Image, Region, View};
use std::collections::HashMap;
use std::io::Cursor;

/// Longer sides are embedded smaller.
const MAX_SIDE: u32 = 1024;
/// Images of more pixels are embedded with loss.
const MAX_LOSSLESS: u32 = 256 * 256;
/// Images below this side are shown with hard pixels.
const PIXEL_ART: u32 = 256;
/// Colours that boxes take in turn.
const COLORS: usize = 4;

/// The images of a page, in the order of first use.
#[derive(Default)]
pub(super) struct Pictures {
    numbers: HashMap<Digest, usize>,
    images: Vec<Image>,
}

impl Pictures {
    fn number(&mut self, image: &Image) -> usize {
        *self.numbers.entry(image.digest()).or_insert_with(|| {
            self.images.push(image.clone());
            self.images.len() - 1
        })
    }

    /// A window on the part of the image that the view is, with boxes relative to the view.
    pub(super) fn view(&mut self, view: &View, boxes: &[ShownBox], description: &str) -> Markup {
        let region = view.region();
        let image = self.number(view.image());
        let window = format!(
            "{} {} {} {}",
            region.x0(),
            region.y0(),
            region.width(),
            region.height()
        );
        let placed = |shown: &ShownBox| view.to_image_coordinates(shown.bbox);
        html! {
            svg.view viewBox=(window) role="img" aria-label=(description) style=(proportions(region)) {
                title { (description) }
                use href={ "#picture-" (image) } {}
                // The best box last, on top of the others.
                @for (index, shown) in boxes.iter().enumerate().rev() {
                    @let b = placed(shown);
                    @for class in ["under".to_owned(), color(index)] {
                        rect class=(class) x=(b.x0) y=(b.y0) width=(b.width()) height=(b.height()) {}
                    }
                }
            }
        }
    }

    /// The images themselves, to stand once in the page.
    pub(super) fn store(&self) -> Markup {
        html! {
            svg.store aria-hidden="true" focusable="false" {
                defs {
                    @for (number, image) in self.images.iter().enumerate() {
                        image.pixels[image.width().max(image.height()) <= PIXEL_ART]
                            id={ "picture-" (number) }
                            width=(image.width()) height=(image.height())
                            preserveAspectRatio="none" href=(data_url(image.rgb())) {}
                    }
                }
            }
        }
    }
}

/// The class that colours a box of the given rank.
pub(super) fn color(rank: usize) -> String {
    format!("b{}", rank % COLORS)
}

/// Narrow windows would grow as high as they are allowed to, and wide ones shrink to a line.
fn proportions(region: Region) -> String {
    format!("aspect-ratio: {} / {}", region.width(), region.height())
}

fn data_url(rgb: &RgbImage) -> String {
    let longest = rgb.width().max(rgb.height());
    let smaller;
    let shown = if longest > MAX_SIDE {
        let side =
            |length: u32| (u64::from(length) * u64::from(MAX_SIDE) / u64::from(longest)) as u32;
        let (width, height) = (side(rgb.width()).max(1), side(rgb.height()).max(1));
        smaller = imageops::thumbnail(rgb, width, height);
        &smaller
    } else {
        rgb
    };
    let mut bytes = Cursor::new(Vec::new());
    let lossless = shown.width() * shown.height() <= MAX_LOSSLESS;
    let (kind, encoded) = if lossless {
        ("png", shown.write_to(&mut bytes, ImageFormat::Png))
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 85);
        ("jpeg", shown.write_with_encoder(encoder))
    };
    match encoded {
        Ok(()) => format!(
            "data:image/{kind};base64,{}",
            STANDARD.encode(bytes.into_inner())
        ),
        // Both encoders take every RGB image; a page without a picture is better than none.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::BBox;

    fn decoded(url: &str) -> image::DynamicImage {
        let (_, data) = url.split_once("base64,").unwrap();
        image::load_from_memory(&STANDARD.decode(data).unwrap()).unwrap()
    }

    #[test]
    fn small_images_are_kept_exactly_and_large_ones_made_smaller() {
        let small = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 7]));
        assert_eq!(decoded(&data_url(&small)).into_rgb8(), small);
        let large = decoded(&data_url(&RgbImage::new(4096, 10)));
        assert_eq!((large.width(), large.height()), (1024, 2));
    }

    #[test]
    fn an_image_is_embedded_once_however_often_it_is_shown() {
        let image = Image::new(RgbImage::new(20, 10)).unwrap();
        let crop = image
            .view()
            .crop(Region::new(5, 2, 15, 10).unwrap())
            .unwrap();
        let mut pictures = Pictures::default();
        let shown = ShownBox {
            bbox: BBox::new(1.0, 2.0, 4.0, 6.0),
            score: None,
        };
        pictures.view(&image.view(), &[], "whole");
        let part = pictures.view(&crop, &[shown], "part").into_string();
        assert!(part.contains("viewBox=\"5 2 10 8\""), "{part}");
        assert!(
            part.contains("x=\"6\" y=\"4\" width=\"3\" height=\"4\""),
            "{part}"
        );
        assert_eq!(
            pictures
                .store()
                .into_string()
                .matches("data:image/png")
                .count(),
            1
        );
    }
}

//! A region of an image: what a sub-task looks at.

use crate::{BBox, Digest, Hasher, Image, Region};
use image::{RgbImage, imageops};
use std::fmt;

/// A rectangular part of an image. Crops of crops stay views of the original image, so nothing is
/// copied until a module needs pixels, and every box can be traced back to the original.
#[derive(Clone)]
pub struct View {
    image: Image,
    region: Region,
}

impl View {
    /// The whole of an image.
    pub fn whole(image: Image) -> Self {
        let region = image.region();
        Self { image, region }
    }

    /// The part of `image` inside `region`, clipped to the image; `None` if nothing is left.
    pub fn of(image: Image, region: Region) -> Option<Self> {
        let region = image.region().nested(region)?;
        Some(Self { image, region })
    }

    /// A part of this view, `inner` being relative to this view's corner and clipped to it.
    /// `None` if nothing is left.
    pub fn crop(&self, inner: Region) -> Option<Self> {
        let region = self.region.nested(inner)?;
        Some(Self {
            image: self.image.clone(),
            region,
        })
    }

    /// The image this is a part of.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Which part, in the image's coordinates.
    pub fn region(&self) -> Region {
        self.region
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.region.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.region.height()
    }

    /// Whether this shows the whole image.
    pub fn is_whole(&self) -> bool {
        self.region == self.image.region()
    }

    /// A copy of the pixels.
    pub fn to_rgb(&self) -> RgbImage {
        let r = self.region;
        imageops::crop_imm(self.image.rgb(), r.x0(), r.y0(), r.width(), r.height()).to_image()
    }

    /// A box relative to this view, in the coordinates of the image.
    pub fn to_image_coordinates(&self, bbox: BBox) -> BBox {
        bbox.shifted(self.region.x0() as f32, self.region.y0() as f32)
    }

    /// A box of the image, relative to this view.
    pub fn to_view_coordinates(&self, bbox: BBox) -> BBox {
        bbox.shifted(-(self.region.x0() as f32), -(self.region.y0() as f32))
    }

    /// Digest of image and region.
    pub fn digest(&self) -> Digest {
        Self::digest_of(&self.image.digest(), self.region)
    }

    /// The digest of a view of which only the image's digest is known.
    pub fn digest_of(image: &Digest, region: Region) -> Digest {
        let mut hasher = Hasher::new("view").part(image.as_bytes());
        for edge in region.to_array() {
            hasher = hasher.part(&edge.to_le_bytes());
        }
        hasher.finish()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} of {:?})", self.region, self.image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_of_crops_compose() {
        let image = Image::new(RgbImage::from_fn(20, 10, |x, y| {
            image::Rgb([x as u8, y as u8, 0])
        }))
        .unwrap();
        let outer = image
            .view()
            .crop(Region::new(5, 2, 15, 10).unwrap())
            .unwrap();
        let inner = outer.crop(Region::new(2, 1, 40, 4).unwrap()).unwrap();
        assert_eq!(inner.region(), Region::new(7, 3, 15, 6).unwrap());
        assert_eq!(inner.to_rgb().get_pixel(0, 0).0, [7, 3, 0]);
        let b = BBox::new(1.0, 1.0, 2.0, 2.0);
        assert_eq!(inner.to_view_coordinates(inner.to_image_coordinates(b)), b);
        assert!(outer.crop(Region::new(10, 0, 12, 1).unwrap()).is_none());
        assert_ne!(inner.digest(), outer.digest());
    }
}

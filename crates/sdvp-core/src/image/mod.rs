//! Decoded images, with limits on what may come in.

mod allowed;
mod decode;
mod error;
mod frames;
mod jpeg;
mod metadata;

pub use allowed::DecodeLimits;
pub use error::ImageError;

use crate::file::read_within_value;
use crate::{Digest, Exceeded, Hasher, Region, View, limits::IMAGE_FILE};
use image::RgbImage;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// An immutable RGB image, cheap to clone, with a content digest computed once.
#[derive(Clone)]
pub struct Image(Arc<Pixels>);

struct Pixels {
    rgb: RgbImage,
    digest: OnceLock<Digest>,
}

impl Image {
    /// Wraps decoded pixels.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(rgb: RgbImage) -> Result<Self, ImageError> {
        let (width, height) = rgb.dimensions();
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        Ok(Self(Arc::new(Pixels {
            rgb,
            digest: OnceLock::new(),
        })))
    }

    /// Reads an image file, turned upright as its EXIF orientation says.
    ///
    /// # Errors
    /// See [`ImageError`]; each names the file.
    pub fn open(path: &Path, limits: &DecodeLimits) -> Result<Self, ImageError> {
        let bytes = Self::read(path, limits)?;
        Self::decode_named(&bytes, &path.display().to_string(), limits)
    }

    /// The bytes of a file that is not too large.
    fn read(path: &Path, limits: &DecodeLimits) -> Result<Vec<u8>, ImageError> {
        read_within_value(path, &IMAGE_FILE, limits.file).map_err(|source| {
            match Exceeded::of(&source) {
                Some(exceeded) => {
                    let name = path.display().to_string();
                    ImageError::too_large(&name, "the file")(exceeded.clone())
                }
                None => ImageError::Read {
                    path: path.to_owned(),
                    source,
                },
            }
        })
    }

    /// Decodes an image held in memory.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Self, ImageError> {
        Self::decode_named(bytes, "in memory", limits)
    }

    fn decode_named(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<Self, ImageError> {
        Self::new(decode::decode(bytes, name, limits)?)
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.0.rgb.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.0.rgb.height()
    }

    /// The pixels.
    pub fn rgb(&self) -> &RgbImage {
        &self.0.rgb
    }

    /// Digest of size and pixels.
    pub fn digest(&self) -> Digest {
        *self.0.digest.get_or_init(|| {
            Hasher::new("image")
                .part(&self.width().to_le_bytes())
                .part(&self.height().to_le_bytes())
                .part(self.0.rgb.as_raw())
                .finish()
        })
    }

    /// The whole image as a region.
    #[allow(clippy::expect_used)] // `new` refuses images without pixels.
    pub fn region(&self) -> Region {
        Region::new(0, 0, self.width(), self.height()).expect("images are never empty")
    }

    /// A view of the whole image.
    pub fn view(&self) -> View {
        View::whole(self.clone())
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}×{})", self.width(), self.height())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]))
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn decodes_and_digests_by_content() {
        let limits = DecodeLimits::default();
        let a = Image::decode(&png(5, 4), &limits).unwrap();
        let b = Image::decode(&png(5, 4), &limits).unwrap();
        assert_eq!((a.width(), a.height()), (5, 4));
        assert_eq!(a.digest(), b.digest());
        assert_ne!(
            a.digest(),
            Image::decode(&png(4, 5), &limits).unwrap().digest()
        );
    }

    #[test]
    fn text_named_png_says_what_it_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.png");
        std::fs::write(&path, "hello there").unwrap();
        let error = Image::open(&path, &DecodeLimits::default()).unwrap_err();
        assert!(matches!(error, ImageError::NotAnImage { .. }));
        assert!(
            error.to_string().contains("note.png") && error.to_string().contains("hello there")
        );
    }

    #[test]
    fn giant_header_is_refused_before_decoding() {
        let mut bytes = png(1, 1);
        // IHDR width and height, then its checksum.
        bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        let crc = crc32fast::hash(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        let error = Image::decode(&bytes, &DecodeLimits::default()).unwrap_err();
        assert!(error.to_string().contains("60000×60000"), "{error}");
    }

    /// It is read with these limits, and with one less of any of them refused by its name.
    fn takes(bytes: &[u8], limits: DecodeLimits) {
        let read = Image::decode(bytes, &limits);
        assert!(read.is_ok(), "{}", read.unwrap_err());
        let less = |change: fn(&mut DecodeLimits)| {
            let mut less = limits;
            change(&mut less);
            Image::decode(bytes, &less).unwrap_err().to_string()
        };
        for (error, name) in [
            (less(|limits| limits.side -= 1), "image-side"),
            (less(|limits| limits.pixels -= 1), "image-pixels"),
            (less(|limits| limits.memory -= 1), "image-memory"),
        ] {
            assert!(error.contains(&format!("the limit {name} is")), "{error}");
            assert!(error.contains(&format!("--allow {name}=")), "{error}");
        }
    }

    #[test]
    fn images_at_their_limits_are_read_and_beyond_refused() {
        let limits = |memory| DecodeLimits {
            side: 8,
            pixels: 40,
            memory,
            ..DecodeLimits::default()
        };
        takes(&png(8, 5), limits(3 * 40));
        let mut gray = Cursor::new(Vec::new());
        image::GrayImage::new(8, 5)
            .write_to(&mut gray, image::ImageFormat::Png)
            .unwrap();
        // One byte a pixel, and three once it is in colour.
        takes(&gray.into_inner(), limits(4 * 40));
        let mut jpeg = Cursor::new(Vec::new());
        RgbImage::new(8, 5)
            .write_to(&mut jpeg, image::ImageFormat::Jpeg)
            .unwrap();
        takes(&jpeg.into_inner(), limits(3 * 40));
    }

    #[test]
    fn files_at_their_limit_are_read_and_beyond_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let bytes = png(5, 4);
        std::fs::write(&path, &bytes).unwrap();
        let limits = |file| DecodeLimits {
            file,
            ..DecodeLimits::default()
        };
        let size = bytes.len() as u64;
        assert!(Image::open(&path, &limits(size)).is_ok());
        let error = Image::open(&path, &limits(size - 1)).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("a.png") && error.contains("the limit image-file is"),
            "{error}"
        );
    }

    #[test]
    fn truncated_and_missing_files_are_errors() {
        let bytes = png(40, 40);
        let error = Image::decode(&bytes[..bytes.len() / 2], &DecodeLimits::default()).unwrap_err();
        assert!(matches!(error, ImageError::Damaged { .. }), "{error}");
        let error = Image::open(Path::new("no/such.png"), &DecodeLimits::default()).unwrap_err();
        assert!(error.to_string().contains("no/such.png"));
    }
}

//! Decoded images, with limits on what may come in.

use crate::{Digest, Hasher, Region, View};
use image::{ImageDecoder, ImageReader, RgbImage};
use std::fmt;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// An immutable RGB image, cheap to clone, with a content digest computed once.
#[derive(Clone)]
pub struct Image(Arc<Pixels>);

struct Pixels {
    rgb: RgbImage,
    digest: OnceLock<Digest>,
}

/// What an image file may cost before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Greatest width or height, pixels.
    pub max_side: u32,
    /// Greatest memory a decoder may take, bytes.
    pub max_alloc: u64,
    /// Greatest size of the file, bytes.
    pub max_file: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_side: 16_384,
            max_alloc: 512 << 20,
            max_file: 256 << 20,
        }
    }
}

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be opened or read.
    #[error("cannot read image {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are no image of a known format.
    #[error("{name} is not an image: expected PNG, JPEG, WebP, GIF or BMP data, found {found}")]
    NotAnImage {
        /// File name, or a description of where the bytes came from.
        name: String,
        /// What the first bytes look like.
        found: String,
    },
    /// The image is larger than the limits allow.
    #[error("image {name} is too large: {found}, the limit is {limit} (setting {setting})")]
    TooLarge {
        /// File name, or a description of where the bytes came from.
        name: String,
        /// What was found.
        found: String,
        /// What is allowed.
        limit: String,
        /// The setting that would allow it.
        setting: &'static str,
    },
    /// The data is damaged.
    #[error("image {name} is damaged: {reason}")]
    Damaged {
        /// File name, or a description of where the bytes came from.
        name: String,
        /// The decoder's reason.
        reason: String,
    },
    /// A folder that should hold the frames of a video.
    #[error("the folder {} holds no image; expected the frames of a video", path.display())]
    NoFrames {
        /// The folder.
        path: PathBuf,
    },
    /// An image without pixels.
    #[error("an image needs at least one pixel, found {width}×{height}")]
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
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
    pub(crate) fn read(path: &Path, limits: &DecodeLimits) -> Result<Vec<u8>, ImageError> {
        let read = |source| ImageError::Read {
            path: path.to_owned(),
            source,
        };
        let size = std::fs::metadata(path).map_err(read)?.len();
        if size > limits.max_file {
            return Err(ImageError::TooLarge {
                name: path.display().to_string(),
                found: format!("a file of {size} bytes"),
                limit: format!("{} bytes", limits.max_file),
                setting: "max_file",
            });
        }
        std::fs::read(path).map_err(read)
    }

    /// Decodes an image held in memory.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Self, ImageError> {
        Self::decode_named(bytes, "in memory", limits)
    }

    pub(crate) fn decode_named(
        bytes: &[u8],
        name: &str,
        limits: &DecodeLimits,
    ) -> Result<Self, ImageError> {
        let damaged = |error: &dyn fmt::Display| ImageError::Damaged {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| damaged(&e))?;
        if reader.format().is_none() {
            return Err(ImageError::NotAnImage {
                name: name.to_owned(),
                found: first_bytes(bytes),
            });
        }
        let mut allowed = image::Limits::default();
        allowed.max_alloc = Some(limits.max_alloc);
        reader.limits(allowed);
        let mut decoder = reader.into_decoder().map_err(|e| damaged(&e))?;
        let (width, height) = decoder.dimensions();
        if width.max(height) > limits.max_side {
            return Err(ImageError::TooLarge {
                name: name.to_owned(),
                found: format!("{width}×{height} pixels"),
                limit: format!("{0}×{0}", limits.max_side),
                setting: "max_side",
            });
        }
        if decoder.total_bytes() > limits.max_alloc {
            return Err(ImageError::TooLarge {
                name: name.to_owned(),
                found: format!("{} bytes once decoded", decoder.total_bytes()),
                limit: format!("{} bytes", limits.max_alloc),
                setting: "max_alloc",
            });
        }
        let orientation = decoder
            .orientation()
            .unwrap_or(image::metadata::Orientation::NoTransforms);
        let mut decoded = image::DynamicImage::from_decoder(decoder).map_err(|e| damaged(&e))?;
        decoded.apply_orientation(orientation);
        Self::new(decoded.into_rgb8())
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

/// Describes the start of undecodable bytes, for the error message.
fn first_bytes(bytes: &[u8]) -> String {
    let first = &bytes[..bytes.len().min(16)];
    match std::str::from_utf8(first) {
        Ok("") => "an empty file".to_owned(),
        Ok(text) => format!("text starting {text:?}"),
        Err(_) => format!("bytes starting {first:02x?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn truncated_and_missing_files_are_errors() {
        let bytes = png(40, 40);
        let error = Image::decode(&bytes[..bytes.len() / 2], &DecodeLimits::default()).unwrap_err();
        assert!(matches!(error, ImageError::Damaged { .. }), "{error}");
        let error = Image::open(Path::new("no/such.png"), &DecodeLimits::default()).unwrap_err();
        assert!(error.to_string().contains("no/such.png"));
    }
}

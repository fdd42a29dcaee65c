//! From a file's bytes to pixels, refusing what is too large before memory is taken.

use super::jpeg::kept_per_pixel;
use super::metadata::admit_metadata;
use super::{DecodeLimits, ImageError};
use crate::{Exceeded, Found, limits};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use std::io::Cursor;

/// Decodes an image, turned upright as its EXIF orientation says; `name` is for messages.
pub(super) fn decode(
    bytes: &[u8],
    name: &str,
    limits: &DecodeLimits,
) -> Result<RgbImage, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| ImageError::Damaged {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
    let Some(format) = reader.format() else {
        return Err(ImageError::NotAnImage {
            name: name.to_owned(),
            found: first_bytes(bytes),
        });
    };
    admit_metadata(format, bytes, limits.metadata).map_err(ImageError::too_large(
        name,
        "what it holds beside the image",
    ))?;
    let failed = |error| decoding_error(error, name, limits);
    reader.limits(allowed(limits));
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    admit_size(width, height, limits).map_err(ImageError::too_large(
        name,
        format!("{width}×{height} pixels"),
    ))?;
    // A picture whose orientation cannot be read is taken as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    limits::IMAGE_MEMORY
        .admit_within(limits.memory, memory(&decoder, format, orientation, bytes))
        .map_err(ImageError::too_large(
            name,
            format!("{width}×{height} pixels"),
        ))?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
    decoded.apply_orientation(orientation);
    Ok(decoded.into_rgb8())
}

/// The decoder's own limits.
pub(super) fn allowed(limits: &DecodeLimits) -> image::Limits {
    let mut allowed = image::Limits::default();
    allowed.max_alloc = Some(limits.memory);
    allowed
}

/// What a decoder says; where it says that its limits were reached, that is ours of memory.
pub(super) fn decoding_error(
    error: image::ImageError,
    name: &str,
    limits: &DecodeLimits,
) -> ImageError {
    match error {
        image::ImageError::Limits(_) => {
            let exceeded = limits::IMAGE_MEMORY.exceeded(limits.memory, Found::More);
            ImageError::too_large(name, "what its decoder needs")(exceeded)
        }
        other => ImageError::Damaged {
            name: name.to_owned(),
            reason: other.to_string(),
        },
    }
}

fn admit_size(width: u32, height: u32, limits: &DecodeLimits) -> Result<(), Exceeded> {
    limits::IMAGE_SIDE.admit_within(limits.side, u64::from(width.max(height)))?;
    let pixels = u64::from(width) * u64::from(height);
    limits::IMAGE_PIXELS.admit_within(limits.pixels, pixels)
}

/// The greatest memory that decoding takes at once, bytes: the decoded image, and beside it whichever is
/// most of what its decoder works in, its turned copy, and its pixels in three bytes each.
fn memory(
    decoder: &impl ImageDecoder,
    format: ImageFormat,
    orientation: Orientation,
    bytes: &[u8],
) -> u64 {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    let decoded = decoder.total_bytes();
    let working = match format {
        ImageFormat::Jpeg => pixels.saturating_mul(kept_per_pixel(bytes)),
        // Four bytes a pixel, and planes of brightness and colour at half the resolution.
        ImageFormat::WebP => pixels.saturating_mul(6),
        // A frame beside the canvas.
        ImageFormat::Gif => pixels.saturating_mul(4),
        _ => 0,
    };
    let turned = match orientation {
        Orientation::NoTransforms => 0,
        _ => decoded,
    };
    let converted = match decoder.color_type() {
        ColorType::Rgb8 => 0,
        _ => pixels.saturating_mul(3),
    };
    decoded.saturating_add(working.max(turned).max(converted))
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

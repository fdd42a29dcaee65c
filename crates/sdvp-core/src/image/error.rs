//! Why an image could not be had.

use crate::Exceeded;
use std::path::PathBuf;

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
    #[error("image {name} is too large: {what}: {exceeded}")]
    TooLarge {
        /// File name, or a description of where the bytes came from.
        name: String,
        /// What of it is: `60000×60000 pixels`, `the file`.
        what: String,
        /// The limit.
        exceeded: Exceeded,
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

impl ImageError {
    /// For a limit that something of an image goes beyond.
    pub(super) fn too_large(name: &str, what: impl Into<String>) -> impl FnOnce(Exceeded) -> Self {
        let (name, what) = (name.to_owned(), what.into());
        move |exceeded| Self::TooLarge {
            name,
            what,
            exceeded,
        }
    }
}

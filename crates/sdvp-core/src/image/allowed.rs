//! What an image may cost.

use crate::limits;

/// What an image or a video may cost before it is refused. The default is what the process allows: see
/// [`crate::limits`], whose names are what a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Greatest size of the file, bytes (`image-file`).
    pub file: u64,
    /// Greatest width or height, pixels (`image-side`).
    pub side: u64,
    /// Most pixels (`image-pixels`).
    pub pixels: u64,
    /// Greatest memory that decoding may take, bytes (`image-memory`).
    pub memory: u64,
    /// Most of what a file holds beside the image, unpacked, bytes (`image-metadata`).
    pub metadata: u64,
    /// Most frames of a video (`video-frames`).
    pub frames: u64,
    /// Greatest memory that all frames of a video may take, bytes (`video-memory`).
    pub video: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            file: limits::IMAGE_FILE.value(),
            side: limits::IMAGE_SIDE.value(),
            pixels: limits::IMAGE_PIXELS.value(),
            memory: limits::IMAGE_MEMORY.value(),
            metadata: limits::IMAGE_METADATA.value(),
            frames: limits::VIDEO_FRAMES.value(),
            video: limits::VIDEO_MEMORY.value(),
        }
    }
}

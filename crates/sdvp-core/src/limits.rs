//! The limits of what is read here, and of what several crates read in the same way.

use crate::{Limit, Unit};

/// See [`Limit::guards`], as for all of these.
pub static IMAGE_FILE: Limit = Limit::new(
    "image-file",
    Unit::Bytes,
    256 << 20,
    "the file of an image or animation",
);
/// The width and the height of an image.
pub static IMAGE_SIDE: Limit = Limit::new(
    "image-side",
    Unit::Of("pixels"),
    16_384,
    "the width and the height of an image",
)
.at_most(1 << 20);
/// The pixels of an image.
pub static IMAGE_PIXELS: Limit = Limit::new(
    "image-pixels",
    Unit::Of("pixels"),
    128 << 20,
    "the pixels of an image: width times height",
)
.at_most(1 << 32);
/// The memory that one image takes while it is decoded.
pub static IMAGE_MEMORY: Limit = Limit::new(
    "image-memory",
    Unit::Bytes,
    512 << 20,
    "the memory that an image takes while it is decoded",
);
/// What an image's file holds beside the image.
pub static IMAGE_METADATA: Limit = Limit::new(
    "image-metadata",
    Unit::Bytes,
    16 << 20,
    "colour profiles, EXIF, XMP and texts in an image's file, unpacked",
);
/// The frames of a video.
pub static VIDEO_FRAMES: Limit = Limit::new(
    "video-frames",
    Unit::Of("frames"),
    4_096,
    "the frames of a video: of a folder or an animation",
);
/// The memory of a video's frames.
pub static VIDEO_MEMORY: Limit = Limit::new(
    "video-memory",
    Unit::Bytes,
    512 << 20,
    "the memory that all frames of a video take",
);
/// The nesting of JSON.
pub static JSON_DEPTH: Limit = Limit::new(
    "json-depth",
    Unit::Of("levels"),
    64,
    "lists and objects within each other in JSON",
)
// serde_json's own.
.at_most(127);
/// Files that are read as a whole.
pub static SETTINGS_FILE: Limit = Limit::new(
    "settings-file",
    Unit::Bytes,
    256 << 20,
    "a file that is read as a whole: a configuration, tokenizer, plan, manifest, program …",
);

/// What a Parquet file says of its columns.
pub static TABLE_FOOTER: Limit = Limit::new(
    "table-footer",
    Unit::Bytes,
    8 << 20,
    "what a Parquet file says of its columns",
);
/// Structures within each other in a Parquet file's footer.
pub static TABLE_DEPTH: Limit = Limit::new(
    "table-depth",
    Unit::Of("levels"),
    32,
    "structures within each other in what a Parquet file says of its columns",
)
.at_most(1_000);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[
    &IMAGE_FILE,
    &IMAGE_SIDE,
    &IMAGE_PIXELS,
    &IMAGE_MEMORY,
    &IMAGE_METADATA,
    &VIDEO_FRAMES,
    &VIDEO_MEMORY,
    &JSON_DEPTH,
    &SETTINGS_FILE,
    &TABLE_FOOTER,
    &TABLE_DEPTH,
];

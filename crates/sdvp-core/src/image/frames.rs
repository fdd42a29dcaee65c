//! Videos as frames: the images of a folder, or an animation.

use super::decode::{allowed, decoding_error};
use super::{DecodeLimits, Image, ImageError};
use crate::Found;
use crate::limits::{VIDEO_FRAMES, VIDEO_MEMORY};
use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat};
use std::io::Cursor;
use std::path::Path;

/// What the files of a folder must end with to be frames.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

impl Image {
    /// Reads a video: the images of a folder in the order of their names, where numbers count as
    /// numbers; all frames of an animated GIF or WebP; the one frame of any other image.
    ///
    /// # Errors
    /// See [`ImageError`]; each names the file. `frames` and `video` are limits of all frames together, the
    /// others of each.
    pub fn open_frames(path: &Path, limits: &DecodeLimits) -> Result<Vec<Self>, ImageError> {
        let read = |source| ImageError::Read {
            path: path.to_owned(),
            source,
        };
        if !std::fs::metadata(path).map_err(read)?.is_dir() {
            let bytes = Self::read(path, limits)?;
            return animation(&bytes, &path.display().to_string(), limits);
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(read)? {
            let file = entry.map_err(read)?.path();
            let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase());
            if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(ImageError::NoFrames {
                path: path.to_owned(),
            });
        }
        let name = path.display().to_string();
        VIDEO_FRAMES
            .admit_within(limits.frames, files.len() as u64)
            .map_err(ImageError::too_large(&name, "the video"))?;
        files.sort_by_cached_key(|file| in_order(file));
        let mut budget = Budget::new(&name, limits);
        files
            .iter()
            .map(|file| budget.spend(Self::open(file, limits)?))
            .collect()
    }

    /// As [`Image::open_frames`], of an animation or image held in memory.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn decode_frames(bytes: &[u8], limits: &DecodeLimits) -> Result<Vec<Self>, ImageError> {
        animation(bytes, "in memory", limits)
    }
}

/// A name with its numbers as numbers: `frame9` comes before `frame10`.
fn in_order(file: &Path) -> Vec<(String, u64)> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut parts: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut in_number = false;
    for c in name.chars() {
        if let (Some(digit), Some(last)) = (c.to_digit(10), parts.last_mut()) {
            last.1 = last.1.saturating_mul(10).saturating_add(u64::from(digit));
            in_number = true;
            continue;
        }
        if in_number {
            parts.push((String::new(), 0));
            in_number = false;
        }
        if let Some(last) = parts.last_mut() {
            last.0.push(c);
        }
    }
    parts
}

/// What all frames together may take.
struct Budget<'a> {
    name: &'a str,
    limits: DecodeLimits,
    frames: u64,
    bytes: u64,
}

impl<'a> Budget<'a> {
    fn new(name: &'a str, limits: &DecodeLimits) -> Self {
        Self {
            name,
            limits: *limits,
            frames: 0,
            bytes: 0,
        }
    }

    fn spend(&mut self, frame: Image) -> Result<Image, ImageError> {
        self.frames += 1;
        self.bytes += u64::from(frame.width()) * u64::from(frame.height()) * 3;
        // There may be more behind.
        let too_many = self.frames > self.limits.frames;
        let exceeded = if too_many {
            VIDEO_FRAMES.exceeded(self.limits.frames, Found::More)
        } else if self.bytes > self.limits.video {
            VIDEO_MEMORY.exceeded(self.limits.video, Found::More)
        } else {
            return Ok(frame);
        };
        Err(ImageError::too_large(self.name, "the video")(exceeded))
    }
}

fn animation(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<Vec<Image>, ImageError> {
    // The first frame, with all checks of an image.
    let first = Image::decode_named(bytes, name, limits)?;
    let damaged = |error| decoding_error(error, name, limits);
    let frames = match image::guess_format(bytes) {
        Ok(ImageFormat::Gif) => {
            let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
            decoder.set_limits(allowed(limits)).map_err(damaged)?;
            decoder.into_frames()
        }
        Ok(ImageFormat::WebP) => {
            let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
            if !decoder.has_animation() {
                return Ok(vec![first]);
            }
            decoder.set_limits(allowed(limits)).map_err(damaged)?;
            decoder.into_frames()
        }
        _ => return Ok(vec![first]),
    };
    let mut budget = Budget::new(name, limits);
    frames
        .map(|frame| {
            let frame = frame.map_err(damaged)?.into_buffer();
            budget.spend(Image::new(DynamicImage::from(frame).into_rgb8())?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::gif::GifEncoder;
    use image::{Frame, Rgba, RgbaImage};

    fn colors(frames: &[Image]) -> Vec<u8> {
        frames
            .iter()
            .map(|f| f.rgb().get_pixel(0, 0).0[0])
            .collect()
    }

    fn gif(path: &Path, reds: &[u8]) {
        let file = std::fs::File::create(path).unwrap();
        let frames = reds
            .iter()
            .map(|&red| Frame::new(RgbaImage::from_pixel(4, 3, Rgba([red, 0, 0, 255]))));
        GifEncoder::new(file).encode_frames(frames).unwrap();
    }

    #[test]
    fn frames_of_a_folder_are_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for number in [10u8, 9, 100] {
            image::RgbImage::from_pixel(2, 2, image::Rgb([number, 0, 0]))
                .save(folder.path().join(format!("frame{number}.png")))
                .unwrap();
        }
        std::fs::write(folder.path().join("notes.txt"), "none").unwrap();
        let limits = DecodeLimits::default();
        let frames = Image::open_frames(folder.path(), &limits).unwrap();
        assert_eq!(colors(&frames), [9, 10, 100]);
        let two = DecodeLimits {
            frames: 2,
            ..limits
        };
        let error = Image::open_frames(folder.path(), &two).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("found 3 frames, the limit video-frames is 2 frames"),
            "{error}"
        );
        let empty = tempfile::tempdir().unwrap();
        let error = Image::open_frames(empty.path(), &limits).unwrap_err();
        assert!(error.to_string().contains("holds no image"), "{error}");
    }

    #[test]
    fn animations_have_all_their_frames() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        gif(&path, &[0, 255, 0]);
        let limits = DecodeLimits::default();
        let frames = Image::open_frames(&path, &limits).unwrap();
        assert_eq!(colors(&frames), [0, 255, 0]);
        let within = |frames, video| {
            let limits = DecodeLimits {
                frames,
                video,
                ..limits
            };
            Image::open_frames(&path, &limits)
        };
        assert_eq!(within(3, 3 * 4 * 3 * 3).unwrap().len(), 3);
        for (read, name) in [
            (within(2, 1000), "video-frames"),
            (within(3, 3 * 4 * 3 * 3 - 1), "video-memory"),
        ] {
            let error = read.unwrap_err().to_string();
            assert!(error.contains(&format!("the limit {name} is")), "{error}");
            assert!(error.contains("a.gif"), "{error}");
        }
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = Image::open_frames(&path, &limits).unwrap_err().to_string();
        assert!(error.contains("a.gif"), "{error}");
        let still = folder.path().join("still.png");
        image::RgbImage::new(2, 2).save(&still).unwrap();
        assert_eq!(Image::open_frames(&still, &limits).unwrap().len(), 1);
        assert!(Image::open_frames(&folder.path().join("none"), &limits).is_err());
    }
}

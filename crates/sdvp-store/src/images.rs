//! Pictures, each kept once, by the digest of its pixels.

use crate::error::{Result, StoreError};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use sdvp_core::{Digest, Image};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The last bytes of every PNG file: an empty IEND chunk with its checksum.
const END: [u8; 12] = *b"\0\0\0\0IEND\xae\x42\x60\x82";

/// Where pictures are, from the run's folder on.
pub(crate) const FOLDER: &str = "images";

/// Where a picture of a run is, from the run's folder on: `images/ab/cd….png`.
pub(crate) fn place(digest: &Digest) -> PathBuf {
    let digits = digest.to_string();
    let (first, rest) = digits.split_at(2);
    Path::new(FOLDER).join(first).join(format!("{rest}.png"))
}

/// Whether the file of a picture is there to its end.
///
/// A file gets its name when it is written, so the death of a process leaves no part of one. Waiting for
/// the disk at every picture, too, would cost more time than many programs take; so where the machine
/// went down, files may be cut off, and are looked at again.
pub(crate) fn is_whole(folder: &Path, digest: &Digest) -> bool {
    let end = File::open(folder.join(place(digest))).and_then(|mut file| {
        let mut end = [0; END.len()];
        file.seek(SeekFrom::End(-(END.len() as i64)))?;
        file.read_exact(&mut end)?;
        Ok(end)
    });
    end.is_ok_and(|end| end == END)
}

/// Writes a picture if it is not there yet. One that the database does not speak of, because the process
/// was killed in between, is found again by the next.
pub(crate) fn keep(folder: &Path, image: &Image) -> Result<()> {
    let digest = image.digest();
    if is_whole(folder, &digest) {
        return Ok(());
    }
    let mut bytes = Vec::new();
    // Pictures are written while modules wait: speed is worth more than the last tenth of size.
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(
            image.rgb().as_raw(),
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| StoreError::Encode {
            digest: digest.to_string(),
            reason: error.to_string(),
        })?;
    let path = folder.join(place(&digest));
    // One process writes: the name is nobody else's.
    let partial = path.with_extension("partial");
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = made
        .and_then(|()| std::fs::write(&partial, &bytes))
        .and_then(|()| std::fs::rename(&partial, &path));
    written.map_err(|source| {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
        StoreError::Io {
            doing: "write",
            path,
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::DecodeLimits;

    #[test]
    fn a_picture_is_kept_once_with_all_its_pixels() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = image::RgbImage::from_fn(31, 17, |x, y| image::Rgb([x as u8, y as u8, 200]));
        let picture = Image::new(pixels).unwrap();
        keep(folder.path(), &picture).unwrap();
        let path = folder.path().join(place(&picture.digest()));
        let opened = || Image::open(&path, &DecodeLimits::default()).unwrap();
        assert_eq!(opened().digest(), picture.digest());

        // What ends as a picture does is not written again; what was cut off is.
        let bytes = std::fs::read(&path).unwrap();
        let other = [&b"another"[..], &END].concat();
        std::fs::write(&path, &other).unwrap();
        keep(folder.path(), &picture).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), other);
        for length in [0, 5, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            keep(folder.path(), &picture).unwrap();
            assert_eq!(opened().digest(), picture.digest());
        }
        let folder = path.parent().unwrap();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    }
}

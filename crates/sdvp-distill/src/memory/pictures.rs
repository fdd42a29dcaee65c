//! The pictures of a memory on disk, each once, under their digests.

use super::folder::broken;
use crate::error::Result;
use rayon::prelude::*;
use sdvp_core::{DecodeLimits, Digest, Image, Region, View};
use sdvp_models::weights;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The pictures of a memory, by digest.
pub(super) struct Pictures {
    folder: PathBuf,
    images: HashMap<Digest, Image>,
}

impl Pictures {
    /// Opens all of the given ones, and looks whether they are what they are called.
    pub(super) fn open(folder: &Path, digests: impl IntoIterator<Item = Digest>) -> Result<Self> {
        let mut digests: Vec<Digest> = digests.into_iter().collect();
        digests.sort_unstable();
        digests.dedup();
        let open = |digest: Digest| {
            let path = image_path(folder, &digest);
            let image = Image::open(&path, &DecodeLimits::default())
                .map_err(|error| broken(&path, error.to_string()))?;
            if image.digest() == digest {
                Ok((digest, image))
            } else {
                Err(broken(
                    &path,
                    "its pixels are not those remembered".to_owned(),
                ))
            }
        };
        Ok(Self {
            folder: folder.to_owned(),
            images: digests.into_par_iter().map(open).collect::<Result<_>>()?,
        })
    }

    /// A region of one of them.
    pub(super) fn view(&self, image: &Digest, region: [u32; 4]) -> Result<View> {
        let [left, top, right, bottom] = region;
        let place = Region::new(left, top, right, bottom).ok();
        self.images
            .get(image)
            .cloned()
            .zip(place)
            .and_then(|(image, place)| View::of(image, place))
            .ok_or_else(|| {
                let path = image_path(&self.folder, image);
                broken(&path, format!("it has no region {region:?}"))
            })
    }
}

fn image_path(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{digest}.png"))
}

/// Writes a picture into the folder, unless it is there.
pub(super) fn write_image(folder: &Path, digest: &Digest, image: &Image) -> Result<()> {
    let path = image_path(folder, digest);
    if path.exists() {
        return Ok(());
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .rgb()
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| broken(&path, error.to_string()))?;
    Ok(weights::write_whole(&path, bytes.get_ref())?)
}

/// Pictures that an earlier memory in the same folder left. One that stays does no harm.
pub(super) fn forget_other_images(folder: &Path, known: &HashMap<Digest, &Image>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let digest = stem.and_then(|stem| Digest::try_from(stem.to_owned()).ok());
        if digest.is_some_and(|digest| !known.contains_key(&digest)) {
            let _ = std::fs::remove_file(path);
        }
    }
}

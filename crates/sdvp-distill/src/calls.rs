//! Harvested calls as files, so that a model elsewhere can label them.
//!
//! ```text
//! calls.jsonl         a call a line
//! images/DIGEST.png   every picture once
//! ```

use crate::error::{DistillError, Result};
use rayon::prelude::*;
use sdvp_core::{Digest, Image, Region, SubTask, SubTaskKind, write_whole_with};
use sdvp_modules::CallRecord;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

const LIST: &str = "calls.jsonl";

/// What is to be labelled beside what programs asked, so that a student also learns what is *not*
/// there.
#[derive(Clone, Debug, Default)]
pub struct AlsoAsked {
    /// Things to look for in every view that programs search or ask about.
    pub words: Vec<String>,
    /// Descriptions to compare with every view that programs compare with one.
    pub descriptions: Vec<String>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenCalls {
    /// Calls by kind.
    pub calls: BTreeMap<SubTaskKind, usize>,
    /// Pictures.
    pub images: usize,
}

/// Pictures that are written together, by all cores.
const TOGETHER: usize = 32;

/// Writes the calls of the kinds that are taught into a folder: pictures as they come, the list of calls
/// at the end.
///
/// Held are, of every distinct call, its text and about a hundred bytes, and of every picture its digest;
/// never pictures, but those that are about to be written.
pub struct CallWriter {
    images_folder: PathBuf,
    list: PathBuf,
    /// What was looked at, by its digest.
    places: HashMap<Digest, usize>,
    views: Vec<Seen>,
    calls: BTreeMap<SubTaskKind, Vec<Call>>,
    /// Half of a call's key, which tells calls apart.
    known: HashSet<u128>,
    images: HashSet<Digest>,
    waiting: Vec<Image>,
}

/// What was looked at.
#[derive(Clone, Copy)]
struct Seen {
    digest: Digest,
    image: Digest,
    region: Region,
}

/// What was asked of a view, which is known by its place.
struct Call {
    view: usize,
    text: Box<str>,
}

impl CallWriter {
    /// Begins in a folder, which is made.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn new(folder: &Path) -> Result<Self> {
        let images_folder = folder.join(CallRecord::IMAGES);
        std::fs::create_dir_all(&images_folder)
            .map_err(|error| failed(&images_folder, error.to_string()))?;
        Ok(Self {
            images_folder,
            list: folder.join(LIST),
            places: HashMap::new(),
            views: Vec::new(),
            calls: BTreeMap::new(),
            known: HashSet::new(),
            images: HashSet::new(),
            waiting: Vec::new(),
        })
    }

    /// Takes a call in, if it is of a kind that is taught and was not made before.
    ///
    /// # Errors
    /// If its picture cannot be written.
    pub fn take(&mut self, call: &SubTask) -> Result<()> {
        if !SubTaskKind::TAUGHT.contains(&call.kind) || !self.known.insert(half(&call.key())) {
            return Ok(());
        }
        let (digest, image) = (call.view.digest(), call.view.image());
        let next = self.views.len();
        let view = *self.places.entry(digest).or_insert(next);
        if view == next {
            self.views.push(Seen {
                digest,
                image: image.digest(),
                region: call.view.region(),
            });
        }
        let text = call.text.as_str().into();
        self.calls
            .entry(call.kind)
            .or_default()
            .push(Call { view, text });
        if self.images.insert(image.digest()) {
            self.waiting.push(image.clone());
            if self.waiting.len() >= TOGETHER {
                self.write_images()?;
            }
        }
        Ok(())
    }

    fn write_images(&mut self) -> Result<()> {
        let folder = &self.images_folder;
        std::mem::take(&mut self.waiting)
            .par_iter()
            .try_for_each(|image| {
                let path = folder.join(CallRecord::image_file(&image.digest()));
                let saved = image.rgb().save_with_format(&path, image::ImageFormat::Png);
                saved.map_err(|error| failed(&path, error.to_string()))
            })
    }

    /// Writes the list. Calls to find and to match are in the order of their views, first what is also
    /// asked of a view, then what programs asked there.
    ///
    /// # Errors
    /// If there are no calls, or anything cannot be written.
    pub fn finish(mut self, also: &AlsoAsked) -> Result<WrittenCalls> {
        self.write_images()?;
        if self.images.is_empty() {
            let reason = "no program made a call that could be taught".to_owned();
            let folder = self.list.parent().unwrap_or(&self.list);
            return Err(failed(folder, reason));
        }
        let mut written = WrittenCalls {
            images: self.images.len(),
            ..WrittenCalls::default()
        };
        let [found, compared, asked] =
            [SubTaskKind::Locate, SubTaskKind::Match, SubTaskKind::Answer]
                .map(|kind| self.calls.get(&kind).map_or(&[][..], Vec::as_slice));
        let also_looked_at = match also.words.is_empty() {
            true => &[][..],
            false => asked,
        };
        let listed = write_whole_with(&self.list, |file| {
            let mut write = |kind: SubTaskKind, view: usize, text: &str| {
                let Some(seen) = self.views.get(view) else {
                    return Ok(());
                };
                *written.calls.entry(kind).or_default() += 1;
                let image = CallRecord::image_file(&seen.image);
                let record = CallRecord {
                    id: SubTask::key_of(kind, &seen.digest, text),
                    kind,
                    image: format!("{}/{image}", CallRecord::IMAGES),
                    region: seen.region,
                    text: text.to_owned(),
                };
                writeln!(file, "{}", serde_json::json!(record))
            };
            for (kind, calls, more, first) in [
                (SubTaskKind::Locate, found, also_looked_at, &also.words),
                (SubTaskKind::Match, compared, &[][..], &also.descriptions),
            ] {
                for (view, asked) in by_view(calls, more) {
                    let mut known = BTreeSet::new();
                    let texts = first.iter().map(String::as_str).chain(asked);
                    for text in texts.filter(|text| known.insert(*text)) {
                        write(kind, view, text)?;
                    }
                }
            }
            for call in asked {
                write(SubTaskKind::Answer, call.view, &call.text)?;
            }
            Ok(())
        });
        listed.map_err(|error| failed(&self.list, error.to_string()))?;
        Ok(written)
    }
}

/// The views of calls, in the order in which they come, with the calls' texts; then those of `more`
/// calls that are not among them, without.
fn by_view<'c>(calls: &'c [Call], more: &[Call]) -> Vec<(usize, Vec<&'c str>)> {
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut views: Vec<(usize, Vec<&str>)> = Vec::new();
    let texts = calls.iter().map(|call| (call.view, Some(&*call.text)));
    for (view, text) in texts.chain(more.iter().map(|call| (call.view, None))) {
        let place = *places.entry(view).or_insert_with(|| {
            views.push((view, Vec::new()));
            views.len() - 1
        });
        if let Some((_, asked)) = views.get_mut(place) {
            asked.extend(text);
        }
    }
    views
}

fn half(digest: &Digest) -> u128 {
    let bytes = digest.as_bytes().iter().take(16);
    bytes.fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}

fn failed(path: &Path, reason: String) -> DistillError {
    DistillError::Calls {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{DecodeLimits, View};

    #[test]
    fn calls_are_written_view_by_view_and_every_picture_once() {
        let picture = image::RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let whole = View::whole(Image::new(picture).unwrap());
        let part = whole.crop(Region::new(3, 2, 20, 14).unwrap()).unwrap();
        let locate = [(&whole, "hat"), (&part, "dog"), (&whole, "cat")]
            .map(|(view, text)| SubTask::locate(view.clone(), text));
        let answer = SubTask::answer(part.clone(), "Is it red?");
        let depth = SubTask::depth(whole.clone());
        let also = AlsoAsked {
            words: vec!["dog".to_owned(), "cat".to_owned()],
            descriptions: vec!["red dog".to_owned()],
        };
        let folder = tempfile::tempdir().unwrap();
        let mut writer = CallWriter::new(folder.path()).unwrap();
        // Equal calls are one, and what is not taught is none.
        for call in locate.iter().chain([&answer, &depth]).chain(&locate) {
            writer.take(call).unwrap();
        }
        let written = writer.finish(&also).unwrap();
        assert_eq!(written.images, 1);
        let kinds = [(SubTaskKind::Locate, 5), (SubTaskKind::Answer, 1)];
        assert_eq!(written.calls, kinds.into());

        let lines = std::fs::read_to_string(folder.path().join(LIST)).unwrap();
        let records = lines.lines().map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let image = folder.path().join(record["image"].as_str().unwrap());
            let image = Image::open(&image, &DecodeLimits::default()).unwrap();
            assert_eq!(image.digest(), whole.image().digest());
            (
                record["region"].to_string(),
                record["text"].as_str().unwrap().to_owned(),
            )
        });
        let records: Vec<(String, String)> = records.collect();
        let (whole, part) = ("[0,0,24,16]", "[3,2,20,14]");
        let expected = [
            (whole, "dog"),
            (whole, "cat"),
            (whole, "hat"),
            (part, "dog"),
            (part, "cat"),
            (part, "Is it red?"),
        ];
        assert_eq!(records, expected.map(|(r, t)| (r.to_owned(), t.to_owned())));

        let nothing = CallWriter::new(folder.path()).unwrap().finish(&also);
        assert!(nothing.unwrap_err().to_string().contains("no program"));
    }
}

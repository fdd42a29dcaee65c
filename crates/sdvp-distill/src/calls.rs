//! Harvested calls as files, so that a model elsewhere can label them.
//!
//! ```text
//! calls.jsonl         a call a line
//! images/DIGEST.png   every picture once
//! ```

use crate::error::{DistillError, Result};
use crate::harvest::Harvest;
use rayon::prelude::*;
use sdvp_core::{Digest, Image, SubTask, SubTaskKind, View, write_whole};
use sdvp_modules::CallRecord;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

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

/// Writes the calls of the kinds that are taught into a folder, which is made. Calls to find and to
/// match are in the order of their views, first what is also asked of a view, then what programs
/// asked there. The list comes last.
///
/// # Errors
/// If there are none, or anything cannot be written.
pub fn write_calls(folder: &Path, harvest: &Harvest, also: &AlsoAsked) -> Result<WrittenCalls> {
    let [found, compared, asked] =
        [SubTaskKind::Locate, SubTaskKind::Match, SubTaskKind::Answer].map(|kind| harvest.of(kind));
    let looked_at: Vec<&SubTask> = match also.words.is_empty() {
        true => found.iter().collect(),
        false => found.iter().chain(asked).collect(),
    };
    let found = by_view(SubTaskKind::Locate, &looked_at, &also.words);
    let looked_at: Vec<&SubTask> = compared.iter().collect();
    let compared = by_view(SubTaskKind::Match, &looked_at, &also.descriptions);
    let all = found.iter().chain(&compared).chain(asked);

    let images_folder = folder.join(CallRecord::IMAGES);
    std::fs::create_dir_all(&images_folder)
        .map_err(|error| failed(&images_folder, error.to_string()))?;
    let mut written = WrittenCalls::default();
    let mut images: HashMap<Digest, &Image> = HashMap::new();
    let mut lines = String::new();
    for call in all {
        *written.calls.entry(call.kind).or_default() += 1;
        let image = call.view.image();
        images.insert(image.digest(), image);
        let record = CallRecord::of(call);
        lines.push_str(&serde_json::json!(record).to_string());
        lines.push('\n');
    }
    if images.is_empty() {
        let reason = "no program made a call that could be taught".to_owned();
        return Err(failed(folder, reason));
    }
    written.images = images.len();
    images.par_iter().try_for_each(|(digest, image)| {
        let path = images_folder.join(CallRecord::image_file(digest));
        let saved = image.rgb().save_with_format(&path, image::ImageFormat::Png);
        saved.map_err(|error| failed(&path, error.to_string()))
    })?;
    let list = folder.join(LIST);
    write_whole(&list, lines.as_bytes()).map_err(|error| failed(&list, error.to_string()))?;
    Ok(written)
}

/// The calls of one kind, view by view: first the given texts, then those that calls of that kind
/// have.
fn by_view(kind: SubTaskKind, calls: &[&SubTask], first: &[String]) -> Vec<SubTask> {
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut views: Vec<(&View, Vec<&String>)> = Vec::new();
    for call in calls {
        let place = *places.entry(call.view.digest()).or_insert_with(|| {
            views.push((&call.view, Vec::new()));
            views.len() - 1
        });
        if let Some((_, texts)) = views.get_mut(place)
            && call.kind == kind
        {
            texts.push(&call.text);
        }
    }
    let mut all = Vec::new();
    for (view, asked) in views {
        let mut known = BTreeSet::new();
        let texts = first.iter().chain(asked);
        for text in texts.filter(|text| known.insert(*text)) {
            all.push(SubTask {
                kind,
                view: view.clone(),
                text: text.clone(),
            });
        }
    }
    all
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
    use sdvp_core::{DecodeLimits, Region};

    #[test]
    fn calls_are_written_view_by_view_and_every_picture_once() {
        let picture = image::RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let whole = View::whole(Image::new(picture).unwrap());
        let part = whole.crop(Region::new(3, 2, 20, 14).unwrap()).unwrap();
        let mut harvest = Harvest::default();
        let locate = [(&whole, "hat"), (&part, "dog"), (&whole, "cat")]
            .map(|(view, text)| SubTask::locate(view.clone(), text));
        harvest.calls.insert(SubTaskKind::Locate, locate.to_vec());
        let answer = SubTask::answer(part.clone(), "Is it red?");
        harvest.calls.insert(SubTaskKind::Answer, vec![answer]);
        harvest
            .calls
            .insert(SubTaskKind::Depth, vec![SubTask::depth(whole.clone())]);
        let also = AlsoAsked {
            words: vec!["dog".to_owned(), "cat".to_owned()],
            descriptions: vec!["red dog".to_owned()],
        };
        let folder = tempfile::tempdir().unwrap();
        let written = write_calls(folder.path(), &harvest, &also).unwrap();
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

        let nothing = write_calls(folder.path(), &Harvest::default(), &also);
        assert!(nothing.unwrap_err().to_string().contains("no program"));
    }
}

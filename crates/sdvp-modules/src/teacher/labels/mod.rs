//! Teachers that are files: what a model elsewhere said of harvested calls.
//!
//! A record names its call, by `id`, or by `kind`, `image`, `region` and `text`, and has its label:
//!
//! ```text
//! {"id": …, "kind": "locate", "image": "images/DIGEST.png", "region": [0, 0, 96, 96], "text": "dog",
//!  "boxes": [{"box": [10, 5, 40, 31.5], "score": 0.93}]}
//! {"id": …, "answers": [{"answer": "red", "probability": 0.8}, {"answer": "blue", "probability": 0.1}]}
//! {"id": …, "answer": "red", "confidence": 0.8}
//! {"id": …, "probability": 0.97}
//! ```
//!
//! as JSON lines or as the rows of a Parquet file. Boxes are in pixels, relative to the region's
//! top-left corner. What has no record has no label. Or a record says what was seen in a picture:
//!
//! ```text
//! {"image": "images/DIGEST.png", "detections": [{"label": "dog", "box": [10, 5, 40, 31.5], "score": 0.93}]}
//! ```

mod call;
mod detections;
mod error;
mod fault;
mod label;
mod lines;
mod record;
mod table;

pub use call::CallRecord;
pub use error::{LabelError, Place};

use super::{AnswerTeacher, LocateTeacher, MatchTeacher, Teacher};
use crate::limits::{LABEL_FILE, LABEL_RECORDS};
use call::Address;
use detections::{Detections, Gathered, SeenTeacher};
use error::Result;
use fault::Faults;
use record::Record;
use sdvp_core::{
    Detection, Digest, Exceeded, Found, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind,
    View, read_within,
};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The labels of a file, by call.
pub struct LabelFile {
    path: PathBuf,
    fingerprint: Digest,
    labels: HashMap<Digest, Label>,
    /// The texts that are labelled, by kind, in the file's order.
    texts: HashMap<SubTaskKind, Texts>,
    /// What was seen in pictures, in place of labels.
    seen: Option<Arc<Detections>>,
    records: usize,
}

struct Label {
    place: Place,
    outcome: Outcome,
}

/// The texts of one kind, as far as records say what they are about.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    /// Of every view, as indices into `all`.
    of_view: HashMap<Digest, Vec<usize>>,
    places: HashMap<String, usize>,
}

impl Texts {
    fn add(&mut self, view: Digest, text: String) {
        let place = *self.places.entry(text).or_insert_with_key(|text| {
            self.all.push(text.clone());
            self.all.len() - 1
        });
        self.of_view.entry(view).or_default().push(place);
    }
}

impl LabelFile {
    /// Whether a path is called like a file of labels.
    pub fn is_one(path: &Path) -> bool {
        Format::of(path).is_some()
    }

    /// Reads a file, JSON lines (`.jsonl`) or Parquet (`.parquet`).
    ///
    /// # Errors
    /// If it cannot be read, a record is wrong, two disagree, or there is no label in it.
    pub fn load(path: &Path) -> std::result::Result<Self, LabelError> {
        let bytes =
            read_within(path, &LABEL_FILE).map_err(|source| match Exceeded::of(&source) {
                Some(exceeded) => LabelError::beyond(path, "the file")(exceeded.clone()),
                None => LabelError::Read {
                    file: path.to_owned(),
                    source,
                },
            })?;
        let mut file = Self {
            path: path.to_owned(),
            fingerprint: Hasher::new("labels").part(&bytes).finish(),
            labels: HashMap::new(),
            texts: HashMap::new(),
            seen: None,
            records: 0,
        };
        let mut seen = Gathered::default();
        let each = |place, record| file.add(place, record, &mut seen);
        match Format::of(path) {
            Some(Format::Table) => table::read(path, bytes::Bytes::from(bytes), each)?,
            Some(Format::Lines) | None => lines::read(path, &bytes, each)?,
        }
        file.seen = seen.finish(path, file.fingerprint)?;
        if file.labels() == 0 {
            let found = match file.records {
                0 => "nothing".to_owned(),
                records => format!("{records} records without a label"),
            };
            return Err(LabelError::Empty {
                file: path.to_owned(),
                found,
            });
        }
        Ok(file)
    }

    fn add(&mut self, place: Place, mut record: Record, seen: &mut Gathered) -> Result<()> {
        self.records += 1;
        if self.records as u64 > LABEL_RECORDS.value() {
            // There may be more behind.
            let exceeded = LABEL_RECORDS.exceeded(LABEL_RECORDS.value(), Found::More);
            return Err(LabelError::beyond(&self.path, "its records")(exceeded));
        }
        let file = self.path.clone();
        let faults = Faults { file: &file, place };
        if let Some(things) = record.detections.take() {
            if !self.labels.is_empty() {
                let expected = "labels of calls, as in the records before";
                return Err(faults.field("detections", expected, "detections"));
            }
            return seen.add(&record, &things, &faults);
        }
        if record.image.is_some() && record.of_a_call().is_none() {
            // A picture that nobody has looked at.
            return Ok(());
        }
        let address = Address::of(&record, &faults)?;
        let Some(outcome) = label::label_of(record, &address, &faults)? else {
            return Ok(());
        };
        if !seen.is_empty() {
            let expected = "detections in pictures, as in the records before";
            return Err(faults.field("detections", expected, "a label of a call"));
        }
        let kind = outcome.kind();
        match self.labels.entry(address.key) {
            Entry::Occupied(known) if known.get().outcome == outcome => return Ok(()),
            Entry::Occupied(known) => {
                return Err(LabelError::Disagree {
                    file,
                    first: known.get().place,
                    second: place,
                });
            }
            Entry::Vacant(free) => free.insert(Label { place, outcome }),
        };
        let texts = self.texts.entry(kind).or_default();
        if let Some((view, text)) = address.content {
            texts.add(view, text);
        }
        Ok(())
    }

    /// The kinds of calls it has labels of.
    pub fn teaches(&self) -> Vec<SubTaskKind> {
        let taught = SubTaskKind::TAUGHT.into_iter();
        taught
            .filter(|kind| self.seen.is_some() || self.texts.contains_key(kind))
            .collect()
    }

    /// A teacher of one kind; none if there are no labels of that kind.
    pub fn teacher(self: &Arc<Self>, kind: SubTaskKind) -> Option<Arc<dyn Teacher>> {
        if !self.teaches().contains(&kind) {
            return None;
        }
        let Some(seen) = &self.seen else {
            return Some(Arc::new(LabelTeacher::new(self.clone(), kind)));
        };
        let teacher: Arc<dyn Teacher> = match kind {
            SubTaskKind::Locate => Arc::new(LocateTeacher::new(seen.clone())),
            SubTaskKind::Match => Arc::new(MatchTeacher::new(seen.clone())),
            _ => Arc::new(AnswerTeacher::new(seen.clone())),
        };
        Some(Arc::new(SeenTeacher::new(teacher, seen.clone())))
    }

    /// Identity of the file: of its bytes.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Records in the file, with labels or without.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Calls that it has labels of, or pictures in which things were seen.
    pub fn labels(&self) -> usize {
        match &self.seen {
            Some(seen) => seen.pictures(),
            None => self.labels.len(),
        }
    }

    /// What it says of a call.
    fn label(&self, task: &SubTask) -> Option<Outcome> {
        let Label { place, outcome } = self.labels.get(&task.key())?;
        let wrong = |reason: String| {
            tracing::warn!(
                "{}, {place}: {reason}; the call is not labelled",
                self.path.display()
            );
        };
        if outcome.kind() != task.kind {
            wrong(format!(
                "the label is one of a call to {}, the call to {}",
                outcome.kind(),
                task.kind
            ));
            return None;
        }
        let Outcome::Boxes(found) = outcome else {
            return Some(outcome.clone());
        };
        let (width, height) = (task.view.width(), task.view.height());
        let mut boxes = Vec::with_capacity(found.len());
        for Detection { bbox, score } in found {
            // Where the record does not say what the region is, this shows only now.
            let Some(bbox) = label::within(bbox, width, height) else {
                let edges = [bbox.x0, bbox.y0, bbox.x1, bbox.y1];
                wrong(format!(
                    "expected boxes within the region's {width}×{height}, found {edges:?}"
                ));
                return None;
            };
            boxes.push(Detection {
                bbox,
                score: *score,
            });
        }
        Some(Outcome::Boxes(boxes))
    }
}

/// How records are written down.
#[derive(Clone, Copy)]
enum Format {
    Lines,
    Table,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "jsonl" => Some(Self::Lines),
            "parquet" => Some(Self::Table),
            _ => None,
        }
    }
}

/// A teacher that knows the labels of one kind of call in a file, and nothing else.
struct LabelTeacher {
    file: Arc<LabelFile>,
    kind: SubTaskKind,
    kinds: [SubTaskKind; 1],
    name: String,
}

impl LabelTeacher {
    fn new(file: Arc<LabelFile>, kind: SubTaskKind) -> Self {
        Self {
            name: format!("labels in {}", file.path.display()),
            file,
            kind,
            kinds: [kind],
        }
    }

    fn texts(&self) -> Option<&Texts> {
        self.file.texts.get(&self.kind)
    }
}

impl Module for LabelTeacher {
    fn name(&self) -> &str {
        &self.name
    }

    fn answers(&self) -> &[SubTaskKind] {
        &self.kinds
    }

    fn fingerprint(&self) -> Digest {
        self.file.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let unknown = || ModuleError::Failed {
            module: self.name.clone(),
            reason: "there is no label for the call".to_owned(),
        };
        let labels = batch.iter().zip(self.label(batch));
        labels
            .map(|(task, label)| match task.kind == self.kind {
                true => label.ok_or_else(unknown),
                false => Err(ModuleError::WrongKind {
                    module: self.name.clone(),
                    kind: task.kind,
                }),
            })
            .collect()
    }
}

impl Teacher for LabelTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        let own = |task: &SubTask| (task.kind == self.kind).then(|| self.file.label(task));
        batch.iter().map(|task| own(task).flatten()).collect()
    }

    fn parameters(&self) -> usize {
        0
    }

    fn repertoire(&self) -> Vec<String> {
        self.texts()
            .map_or_else(Vec::new, |texts| texts.all.clone())
    }

    fn texts_about(&self, view: &View) -> Vec<String> {
        let Some(texts) = self.texts() else {
            return Vec::new();
        };
        let places = texts.of_view.get(&view.digest());
        let places = places.into_iter().flatten();
        places
            .filter_map(|&place| texts.all.get(place).cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests;

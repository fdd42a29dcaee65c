//! What a detector elsewhere saw in pictures, call or no call.

use super::call::{picture, quoted};
use super::error::{LabelError, Place, Result};
use super::fault::Faults;
use super::label;
use super::record::{Record, Thing};
use crate::teacher::{Detector, Sighting, Teacher, Vocabulary};
use sdvp_core::{BBox, Digest, Image, Module, ModuleError, Outcome, SubTask, SubTaskKind, View};
use sdvp_models::{Calibration, ModelError};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A thing counts for a part of a picture if so much of it lies there.
const MOSTLY: f32 = 0.5;

/// Records as they come.
#[derive(Default)]
pub(super) struct Gathered {
    names: Vec<String>,
    classes: HashMap<String, usize>,
    pictures: HashMap<Digest, Picture>,
    believed: Option<(Option<f64>, Place)>,
}

/// What was seen in a picture.
struct Picture {
    place: Place,
    /// Boxes in the picture's pixels with class and score, best first.
    things: Vec<(BBox, usize, f32)>,
    told: OnceLock<()>,
}

impl Gathered {
    /// Takes the things of a record.
    pub(super) fn add(
        &mut self,
        record: &Record,
        things: &[Thing],
        faults: &Faults<'_>,
    ) -> Result<()> {
        if let Some(field) = record.of_a_call() {
            let expected = "detections with their image only";
            return Err(faults.field(field, expected, field));
        }
        let image = record.image.as_deref();
        let image = image.ok_or_else(|| faults.field("image", "a picture", "nothing"))?;
        let image = picture(image, faults)?;
        match self.believed {
            Some((known, place)) if known != record.believed => {
                let told = |p: Option<f64>| p.map_or("nothing".to_owned(), |p| p.to_string());
                let expected = format!("{}, as in {place}", told(known));
                return Err(faults.field("believed", expected, told(record.believed)));
            }
            _ => self.believed = Some((record.believed, faults.place)),
        }
        let mut seen = Vec::with_capacity(things.len());
        for (at, thing) in things.iter().enumerate() {
            let field = |part: &str| format!("detections[{at}].{part}");
            let bbox = label::bbox(&thing.r#box, &field("box"), None, faults)?;
            let score = thing.score.unwrap_or(1.0);
            let score = label::probability(score, &field("score"), faults)?;
            let name = thing.label.trim();
            if name.is_empty() {
                return Err(faults.field(field("label"), "a name", quoted(name)));
            }
            seen.push((bbox, self.class(name), score));
        }
        seen.sort_by(|a, b| b.2.total_cmp(&a.2));
        match self.pictures.get(&image) {
            Some(known) if known.things != seen => Err(LabelError::Disagree {
                file: faults.file.to_owned(),
                first: known.place,
                second: faults.place,
            }),
            Some(_) => Ok(()),
            None => {
                let picture = Picture {
                    place: faults.place,
                    things: seen,
                    told: OnceLock::new(),
                };
                self.pictures.insert(image, picture);
                Ok(())
            }
        }
    }

    fn class(&mut self, name: &str) -> usize {
        if let Some(known) = self.classes.get(name) {
            return *known;
        }
        self.names.push(name.to_owned());
        self.classes.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// A detector that has seen these; none if there was nothing.
    pub(super) fn finish(
        self,
        file: &std::path::Path,
        fingerprint: Digest,
    ) -> Result<Option<Arc<Detections>>> {
        let Some((believed, place)) = self.believed else {
            return Ok(None);
        };
        let faults = Faults { file, place };
        let believed = believed.map(|p| label::believed(p, &faults)).transpose()?;
        Ok(Some(Arc::new(Detections {
            file: file.display().to_string(),
            vocabulary: Vocabulary::new(self.names, Vec::new(), Vec::new()),
            believed: believed.unwrap_or_default(),
            fingerprint,
            pictures: self.pictures,
        })))
    }
}

/// A detector that has looked already.
pub(super) struct Detections {
    file: String,
    vocabulary: Vocabulary,
    believed: Calibration,
    fingerprint: Digest,
    pictures: HashMap<Digest, Picture>,
}

impl Detections {
    /// Pictures of which there is a record.
    pub(super) fn pictures(&self) -> usize {
        self.pictures.len()
    }

    /// What was seen in a picture; none if there is no record of it, or one of another picture.
    fn things(&self, image: &Image) -> Option<&[(BBox, usize, f32)]> {
        let seen = self.pictures.get(&image.digest())?;
        let (width, height) = (image.width(), image.height());
        let outside =
            |(bbox, ..): &&(BBox, usize, f32)| label::within(bbox, width, height).is_none();
        let Some((bbox, ..)) = seen.things.iter().find(outside) else {
            return Some(&seen.things);
        };
        if seen.told.set(()).is_ok() {
            let edges = [bbox.x0, bbox.y0, bbox.x1, bbox.y1];
            tracing::warn!(
                "{}, {}: expected boxes within the picture's {width}×{height}, found {edges:?}; \
                 calls about it are not labelled",
                self.file,
                seen.place
            );
        }
        None
    }
}

impl Detector for Detections {
    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn believed(&self) -> Calibration {
        self.believed
    }

    fn parameters(&self) -> usize {
        0
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// In a part of a picture it sees what lies there for the most part.
    fn sightings(&self, views: &[&View]) -> std::result::Result<Vec<Vec<Sighting>>, ModelError> {
        let classes = self.vocabulary.names.len();
        let seen = views.iter().map(|view| {
            let region = BBox::from(view.region());
            let things = self.things(view.image()).unwrap_or_default();
            let inside = things.iter().filter(|(bbox, ..)| {
                let picture = BBox::from(view.image().region());
                bbox.intersection(&picture).coverage_by(&region) >= MOSTLY
            });
            let sighting = |(bbox, class, score): &(BBox, usize, f32)| {
                let bbox = view.to_view_coordinates(bbox.intersection(&region));
                let mut names = vec![0.0; classes];
                if let Some(name) = names.get_mut(*class) {
                    *name = *score;
                }
                Sighting {
                    bbox: bbox.scaled(1.0 / view.width() as f32, 1.0 / view.height() as f32),
                    names,
                    colors: Vec::new(),
                }
            };
            inside.map(sighting).collect()
        });
        Ok(seen.collect())
    }
}

/// A teacher before such a detector, which says nothing of other pictures.
pub(super) struct SeenTeacher {
    teacher: Arc<dyn Teacher>,
    detections: Arc<Detections>,
}

impl SeenTeacher {
    pub(super) fn new(teacher: Arc<dyn Teacher>, detections: Arc<Detections>) -> Self {
        Self {
            teacher,
            detections,
        }
    }

    fn has_seen(&self, view: &View) -> bool {
        self.detections.things(view.image()).is_some()
    }

    /// What `say` says of the calls about pictures that were seen.
    fn of_seen<T>(
        &self,
        batch: &[SubTask],
        say: impl Fn(&[SubTask]) -> Vec<T>,
    ) -> impl Iterator<Item = Option<T>> {
        let seen: Vec<bool> = batch.iter().map(|task| self.has_seen(&task.view)).collect();
        let asked = batch.iter().zip(&seen).filter(|(_, seen)| **seen);
        let asked: Vec<SubTask> = asked.map(|(task, _)| task.clone()).collect();
        let mut said = say(&asked).into_iter();
        seen.into_iter()
            .map(move |seen| if seen { said.next() } else { None })
    }
}

impl Module for SeenTeacher {
    fn name(&self) -> &str {
        self.teacher.name()
    }

    fn answers(&self) -> &[SubTaskKind] {
        self.teacher.answers()
    }

    fn fingerprint(&self) -> Digest {
        self.teacher.fingerprint()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let unseen = || ModuleError::Failed {
            module: self.name().to_owned(),
            reason: format!("{} has no record of the picture", self.detections.file),
        };
        let said = self.of_seen(batch, |batch| self.teacher.run(batch));
        said.map(|said| said.unwrap_or_else(|| Err(unseen())))
            .collect()
    }
}

impl Teacher for SeenTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        let said = self.of_seen(batch, |batch| self.teacher.label(batch));
        said.map(Option::flatten).collect()
    }

    fn parameters(&self) -> usize {
        0
    }

    fn repertoire(&self) -> Vec<String> {
        self.teacher.repertoire()
    }

    fn texts_about(&self, view: &View) -> Vec<String> {
        match self.has_seen(view) {
            true => self.repertoire(),
            false => Vec::new(),
        }
    }
}

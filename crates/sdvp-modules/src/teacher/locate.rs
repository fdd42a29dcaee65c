//! The locate adapter: free text to classes, sightings to boxes.

use super::{Sighting, Teacher, TeacherModel, Vocabulary};
use crate::error::Result;
use sdvp_core::{
    Detection, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use std::sync::Arc;

/// A teacher for locate sub-tasks.
pub struct LocateTeacher {
    model: Arc<TeacherModel>,
    vocabulary: Vocabulary,
    fingerprint: Digest,
}

/// Boxes less likely than this are not reported.
const SCORE_FLOOR: f32 = 0.01;

impl LocateTeacher {
    /// Puts the adapter before a teacher.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: Arc<TeacherModel>) -> Result<Self> {
        let fingerprint = Hasher::new("locate teacher")
            .part(model.fingerprint()?.as_bytes())
            .finish();
        Ok(Self {
            vocabulary: model.vocabulary(),
            model,
            fingerprint,
        })
    }

    fn boxes(&self, task: &SubTask, seen: &[Sighting]) -> Outcome {
        let meaning = self.vocabulary.meaning(&task.text);
        let calibration = self.model.config.believed;
        let (width, height) = (task.view.width() as f32, task.view.height() as f32);
        let mut found: Vec<Detection> = seen
            .iter()
            .map(|s| Detection {
                bbox: s.bbox.scaled(width, height),
                score: calibration.score_of(s.probability(&meaning)),
            })
            .filter(|found| found.score >= SCORE_FLOOR)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        Outcome::Boxes(found)
    }
}

impl Module for LocateTeacher {
    fn name(&self) -> &str {
        "locate teacher"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Locate]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        super::answer::run_on_sightings(
            self,
            &self.model,
            SubTaskKind::Locate,
            batch,
            |task, seen| Ok(self.boxes(task, seen)),
        )
    }
}

impl Teacher for LocateTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        self.run(batch)
            .into_iter()
            .zip(batch)
            .map(|(outcome, task)| {
                outcome
                    .ok()
                    .filter(|_| self.vocabulary.meaning(&task.text).is_known())
            })
            .collect()
    }

    fn parameters(&self) -> usize {
        self.model.params.count()
    }

    fn repertoire(&self) -> Vec<String> {
        let mut categories = self.vocabulary.categories.clone();
        categories.dedup();
        self.vocabulary
            .names
            .iter()
            .cloned()
            .chain(categories)
            .collect()
    }
}

/// The pixels a batch of sub-tasks looks at.
pub(crate) fn views_of(batch: &[SubTask]) -> Vec<&View> {
    batch.iter().map(|task| &task.view).collect()
}

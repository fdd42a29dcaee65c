//! The locate adapter: free text to classes, sightings to boxes.

use super::detector::known_only;
use super::{Detector, Sighting, Teacher};
use sdvp_core::{
    Detection, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use std::collections::HashSet;
use std::sync::Arc;

/// A teacher for locate sub-tasks.
pub struct LocateTeacher {
    detector: Arc<dyn Detector>,
    fingerprint: Digest,
}

/// Boxes less likely than this are not reported.
const SCORE_FLOOR: f32 = 0.01;

impl LocateTeacher {
    /// Puts the adapter before a detector.
    pub fn new(detector: Arc<dyn Detector>) -> Self {
        let fingerprint = Hasher::new("locate teacher")
            .part(detector.fingerprint().as_bytes())
            .finish();
        Self {
            detector,
            fingerprint,
        }
    }

    fn boxes(&self, task: &SubTask, seen: &[Sighting]) -> Outcome {
        let meaning = self.detector.vocabulary().meaning(&task.text);
        let calibration = self.detector.believed();
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
            self.detector.as_ref(),
            SubTaskKind::Locate,
            batch,
            |task, seen| Ok(self.boxes(task, seen)),
        )
    }
}

impl Teacher for LocateTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        known_only(self, self.detector.vocabulary(), batch)
    }

    fn parameters(&self) -> usize {
        self.detector.parameters()
    }

    fn repertoire(&self) -> Vec<String> {
        let words = self.detector.vocabulary();
        let mut known = HashSet::new();
        let all = words.names.iter().chain(&words.categories);
        all.filter(|word| !word.is_empty() && known.insert(*word))
            .cloned()
            .collect()
    }
}

/// The pixels a batch of sub-tasks looks at.
pub(crate) fn views_of(batch: &[SubTask]) -> Vec<&View> {
    batch.iter().map(|task| &task.view).collect()
}

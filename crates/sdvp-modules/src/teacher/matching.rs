//! The match adapter: descriptions to what sightings say of them.

use super::answer::{likely, run_on_sightings};
use super::detector::known_only;
use super::{Detector, Sighting, Teacher};
use sdvp_core::{Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View};
use std::sync::Arc;

/// A teacher for match sub-tasks: a description fits a view that shows such a thing.
pub struct MatchTeacher {
    detector: Arc<dyn Detector>,
    fingerprint: Digest,
}

impl MatchTeacher {
    /// Puts the adapter before a detector.
    pub fn new(detector: Arc<dyn Detector>) -> Self {
        let fingerprint = Hasher::new("match teacher")
            .part(detector.fingerprint().as_bytes())
            .finish();
        Self {
            detector,
            fingerprint,
        }
    }

    /// The probability that one of the sightings is meant; 0 where the noun is unknown.
    fn fit(&self, task: &SubTask, seen: &[Sighting]) -> f32 {
        let meaning = self.detector.vocabulary().meaning(&task.text);
        let absent: f32 = likely(&meaning, seen).map(|p| 1.0 - p).product();
        1.0 - absent
    }
}

impl Module for MatchTeacher {
    fn name(&self) -> &str {
        "match teacher"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Match]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        run_on_sightings(
            self,
            self.detector.as_ref(),
            SubTaskKind::Match,
            batch,
            |task, seen| Ok(Outcome::Score(self.fit(task, seen))),
        )
    }
}

impl Teacher for MatchTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        known_only(self, self.detector.vocabulary(), batch)
    }

    fn parameters(&self) -> usize {
        self.detector.parameters()
    }

    /// None but what programs ask. Of every name in every colour nearly none fits a view, and a student
    /// that learns all of them learns to say no: of other pictures, too.
    fn texts_about(&self, _: &View) -> Vec<String> {
        Vec::new()
    }

    /// Every name, in every colour.
    fn repertoire(&self) -> Vec<String> {
        let words = self.detector.vocabulary();
        let names = words.names.iter().filter(|name| !name.is_empty());
        let colored = words
            .colors
            .iter()
            .flat_map(|color| names.clone().map(move |name| format!("{color} {name}")));
        names.clone().cloned().chain(colored).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvDetector, TeacherModel, builtin_source};
    use sdvp_core::{BBox, Image};

    fn teacher() -> MatchTeacher {
        let source = builtin_source("teacher-picto-gqa").unwrap();
        let model = TeacherModel::load(&source).unwrap();
        MatchTeacher::new(Arc::new(ConvDetector::new(model).unwrap()))
    }

    #[test]
    fn a_description_fits_if_one_of_the_things_is_meant() {
        let teacher = teacher();
        let words = teacher.detector.vocabulary();
        let sighting = |name: usize, color: usize| Sighting {
            bbox: BBox::new(0.0, 0.0, 0.5, 0.5),
            names: (0..words.names.len())
                .map(|i| if i == name { 0.9 } else { 0.0 })
                .collect(),
            colors: (0..words.colors.len())
                .map(|i| if i == color { 1.0 } else { 0.0 })
                .collect(),
        };
        let view = Image::new(image::RgbImage::new(8, 8)).unwrap().view();
        let seen = [sighting(0, 1), sighting(1, 0)];
        let fit = |color: usize, name: usize| {
            let text = format!("{} {}", words.colors[color], words.names[name]);
            teacher.fit(&SubTask::matching(view.clone(), text), &seen)
        };
        assert!((fit(1, 0) - 0.9).abs() < 1e-6);
        assert!((fit(0, 1) - 0.9).abs() < 1e-6);
        assert_eq!((fit(0, 0), fit(1, 1), fit(0, 2)), (0.0, 0.0, 0.0));

        // Many doubts are no sight.
        let mut doubted = sighting(0, 1);
        doubted.names[0] = 0.09;
        let doubted = vec![doubted; 9];
        let text = words.names[0].clone();
        assert_eq!(teacher.fit(&SubTask::matching(view, text), &doubted), 0.0);
    }

    #[test]
    fn words_it_does_not_know_are_not_labelled() {
        let teacher = teacher();
        let view = Image::new(image::RgbImage::new(64, 64)).unwrap().view();
        let known = teacher.repertoire();
        let words = teacher.detector.vocabulary();
        assert_eq!(known.len(), words.names.len() * (1 + words.colors.len()));
        let calls = [known[0].as_str(), "quasar"].map(|text| SubTask::matching(view.clone(), text));
        let labels = teacher.label(&calls);
        assert!(matches!(labels[0], Some(Outcome::Score(_))));
        assert_eq!(labels[1], None);
    }
}

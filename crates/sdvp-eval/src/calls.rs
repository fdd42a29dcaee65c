//! How well the visual calls of programs are answered, whatever the programs make of it.

use crate::average_precision::{FoundBoxes, average_precision};
use crate::calibration::calibration_error;
use crate::score::normalized;
use sdvp_core::{BBox, Module, Outcome, SubTask, SubTaskKind};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// An IoU from which on a box is found.
const FOUND: f32 = 0.5;
/// A score from which on a text fits.
const FITS: f32 = 0.5;

/// How one kind of call is answered by someone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallQuality {
    /// Of locate calls: COCO's average precision at an IoU of 0.5, all calls together.
    pub average_precision: Option<f64>,
    /// Of locate calls: the part of the true boxes that is found at all.
    pub recall: Option<f64>,
    /// Of answers, and of whether texts fit: the part that is right.
    pub accuracy: Option<f64>,
    /// Of these: expected calibration error of the confidence.
    pub calibration_error: Option<f64>,
}

/// The calls of one kind, answered by the student before and after, and by the teachers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallRow {
    /// The task whose programs made the calls.
    pub task: String,
    /// Their kind.
    pub kind: String,
    /// Distinct calls whose right answer is known.
    pub n: usize,
    /// The student as it was.
    pub before: CallQuality,
    /// The distilled student, on the same calls.
    pub after: CallQuality,
    /// The teachers, on the same calls.
    pub teachers: CallQuality,
}

/// Calls with their right answers.
pub struct KnownCalls {
    calls: Vec<SubTask>,
    truths: Vec<Outcome>,
}

impl KnownCalls {
    /// Of one kind: those of `calls` that `truth` can answer, each once.
    pub fn of(
        kind: SubTaskKind,
        calls: impl IntoIterator<Item = SubTask>,
        truth: &dyn Module,
    ) -> Self {
        let mut seen = HashSet::new();
        let calls = calls.into_iter().filter(|call| call.kind == kind);
        let calls: Vec<SubTask> = calls.filter(|call| seen.insert(call.key())).collect();
        let truths = truth.run(&calls);
        let known = calls.into_iter().zip(truths);
        let (calls, truths) = known
            .filter_map(|(call, truth)| Some((call, truth.ok()?)))
            .unzip();
        Self { calls, truths }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How well modules answer them; an outcome that is missing is a wrong one.
    pub fn quality(&self, modules: &[Arc<dyn Module>]) -> CallQuality {
        let (mut boxes, mut answers) = (Vec::new(), Vec::new());
        for (outcome, truth) in self.outcomes(modules).into_iter().zip(&self.truths) {
            match truth {
                Outcome::Boxes(truth) => boxes.push(FoundBoxes {
                    found: match outcome {
                        Some(Outcome::Boxes(found)) => found,
                        _ => Vec::new(),
                    },
                    truth: truth.iter().map(|found| found.bbox).collect::<Vec<BBox>>(),
                }),
                Outcome::Answer(truth) => answers.push(match outcome {
                    Some(Outcome::Answer(answer)) => (
                        f64::from(answer.confidence),
                        normalized(&answer.text) == normalized(&truth.text),
                    ),
                    _ => (0.0, false),
                }),
                Outcome::Score(truth) => answers.push(match outcome {
                    Some(Outcome::Score(score)) => (
                        f64::from(score.max(1.0 - score)),
                        (score > FITS) == (*truth > FITS),
                    ),
                    _ => (0.0, false),
                }),
                _ => {}
            }
        }
        let found = average_precision(&boxes, FOUND);
        let right = answers.iter().filter(|(_, right)| *right).count();
        CallQuality {
            average_precision: found.map(|found| found.average_precision),
            recall: found.map(|found| found.recall),
            accuracy: (!answers.is_empty()).then(|| right as f64 / answers.len() as f64),
            calibration_error: calibration_error(&answers),
        }
    }

    fn outcomes(&self, modules: &[Arc<dyn Module>]) -> Vec<Option<Outcome>> {
        let Some(kind) = self.calls.first().map(|call| call.kind) else {
            return Vec::new();
        };
        let module = modules
            .iter()
            .find(|module| module.answers().contains(&kind));
        match module {
            Some(module) => module
                .run(&self.calls)
                .into_iter()
                .map(Result::ok)
                .collect(),
            None => vec![None; self.calls.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{AnswerOutcome, Detection, Digest, Hasher, Image, ModuleError, View};

    /// Answers "yes" and finds one box, of this width.
    struct Says(f32);

    impl Module for Says {
        fn name(&self) -> &str {
            "says"
        }
        fn answers(&self) -> &[SubTaskKind] {
            &SubTaskKind::TAUGHT
        }
        fn fingerprint(&self) -> Digest {
            Hasher::new("says").finish()
        }
        fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
            let outcome = |task: &SubTask| match (task.kind, task.text.as_str()) {
                (_, "unknown") => Err(ModuleError::Failed {
                    module: "says".to_owned(),
                    reason: "unknown".to_owned(),
                }),
                (SubTaskKind::Locate, _) => Ok(Outcome::Boxes(vec![Detection {
                    bbox: BBox::new(0.0, 0.0, self.0, 8.0),
                    score: 0.9,
                }])),
                _ => Ok(Outcome::Answer(AnswerOutcome::certain("Yes."))),
            };
            batch.iter().map(outcome).collect()
        }
    }

    #[test]
    fn known_calls_are_scored_by_their_kind() {
        let view = View::whole(Image::new(image::RgbImage::new(16, 16)).unwrap());
        let calls = || {
            let texts = ["dog", "dog", "cat", "unknown"];
            let look = texts.map(|text| SubTask::locate(view.clone(), text));
            look.into_iter()
                .chain([SubTask::answer(view.clone(), "Is it?")])
        };
        let known = KnownCalls::of(SubTaskKind::Locate, calls(), &Says(8.0));
        assert_eq!(known.len(), 2);
        let of = |width: f32| known.quality(&[Arc::new(Says(width)) as Arc<dyn Module>]);
        assert_eq!(
            (of(7.0).average_precision, of(7.0).recall),
            (Some(1.0), Some(1.0))
        );
        assert_eq!((of(3.0).recall, of(3.0).accuracy), (Some(0.0), None));
        assert_eq!(known.quality(&[]).recall, Some(0.0));

        let known = KnownCalls::of(SubTaskKind::Answer, calls(), &Says(8.0));
        let quality = known.quality(&[Arc::new(Says(1.0)) as Arc<dyn Module>]);
        assert_eq!(
            (quality.accuracy, quality.calibration_error),
            (Some(1.0), Some(0.0))
        );
        assert!(KnownCalls::of(SubTaskKind::Answer, [], &Says(8.0)).is_empty());
    }

    /// Gives every text this score.
    struct Fits(f32);

    impl Module for Fits {
        fn name(&self) -> &str {
            "fits"
        }
        fn answers(&self) -> &[SubTaskKind] {
            &[SubTaskKind::Match]
        }
        fn fingerprint(&self) -> Digest {
            Hasher::new("fits").finish()
        }
        fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
            batch.iter().map(|_| Ok(Outcome::Score(self.0))).collect()
        }
    }

    #[test]
    fn a_text_is_rightly_said_to_fit_or_not() {
        let view = View::whole(Image::new(image::RgbImage::new(16, 16)).unwrap());
        let calls = ["dog", "cat"].map(|text| SubTask::matching(view.clone(), text));
        let known = KnownCalls::of(SubTaskKind::Match, calls, &Fits(1.0));
        let of = |score: f32| known.quality(&[Arc::new(Fits(score)) as Arc<dyn Module>]);
        assert_eq!((of(0.9).accuracy, of(0.1).accuracy), (Some(1.0), Some(0.0)));
        // Wrong, and 0.9 sure of it.
        assert!((of(0.1).calibration_error.unwrap() - 0.9).abs() < 1e-6);
    }
}

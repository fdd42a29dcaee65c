//! Labels that say nothing of the picture: a gain from them would be no gain from the teacher.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{
    AnswerOutcome, Detection, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind,
    View,
};
use sdvp_modules::Teacher;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A teacher whose labels are dealt out anew: a call gets the boxes that were found for the same text in
/// some other view, how well a text fits what some other fitted, and an answer the probability of some
/// other answer that came in question. How often things are there, how many and how surely stays as it
/// was.
pub struct RandomTeacher {
    teacher: Arc<dyn Teacher>,
    seed: u64,
}

impl RandomTeacher {
    /// Shuffles the labels of `teacher`.
    pub fn new(teacher: Arc<dyn Teacher>, seed: u64) -> Self {
        Self { teacher, seed }
    }

    /// One generator a batch, whatever batches came before.
    fn dealer(&self, batch: &[SubTask]) -> ChaCha8Rng {
        let hasher = Hasher::new("dealer").part(&self.seed.to_le_bytes());
        let digest = batch
            .iter()
            .fold(hasher, |hasher, task| hasher.part(task.key().as_bytes()))
            .finish();
        ChaCha8Rng::from_seed(*digest.as_bytes())
    }

    fn shuffle(&self, batch: &[SubTask], labels: &mut [Option<Outcome>]) {
        let mut rng = self.dealer(batch);
        let mut by_text: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut fits = Vec::new();
        for (index, (task, label)) in batch.iter().zip(labels.iter_mut()).enumerate() {
            match label {
                Some(Outcome::Boxes(_)) => by_text.entry(&task.text).or_default().push(index),
                // Of most texts a fit is asked once; fits are alike, whatever the text.
                Some(Outcome::Score(_)) => fits.push(index),
                Some(Outcome::Answer(answer)) => deal(answer, &mut rng),
                Some(_) | None => {}
            }
        }
        for places in by_text.into_values().chain([fits]) {
            let mut from = places.clone();
            from.shuffle(&mut rng);
            let dealt: Vec<Option<Outcome>> = from
                .iter()
                .zip(&places)
                .map(|(&from, &to)| moved(labels[from].as_ref()?, &batch[from], &batch[to]))
                .collect();
            for (place, label) in places.into_iter().zip(dealt) {
                labels[place] = label;
            }
        }
    }
}

/// What was said of one view, of another: boxes in the same places.
fn moved(label: &Outcome, from: &SubTask, to: &SubTask) -> Option<Outcome> {
    let found = match label {
        Outcome::Boxes(found) => found,
        Outcome::Score(score) => return Some(Outcome::Score(*score)),
        _ => return None,
    };
    let wider = to.view.width() as f32 / from.view.width() as f32;
    let higher = to.view.height() as f32 / from.view.height() as f32;
    let moved = found.iter().map(|found| Detection {
        bbox: found.bbox.scaled(wider, higher),
        score: found.score,
    });
    Some(Outcome::Boxes(moved.collect()))
}

fn deal(answer: &mut AnswerOutcome, rng: &mut impl Rng) {
    let mut texts: Vec<String> = answer.top.iter().map(|(text, _)| text.clone()).collect();
    texts.shuffle(rng);
    for ((text, _), dealt) in answer.top.iter_mut().zip(texts) {
        *text = dealt;
    }
    if let Some((text, _)) = answer.top.first() {
        answer.text.clone_from(text);
    }
}

impl Module for RandomTeacher {
    fn name(&self) -> &str {
        "random teacher"
    }

    fn answers(&self) -> &[SubTaskKind] {
        self.teacher.answers()
    }

    fn fingerprint(&self) -> Digest {
        Hasher::new("random teacher")
            .part(self.teacher.fingerprint().as_bytes())
            .part(&self.seed.to_le_bytes())
            .finish()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        self.teacher.run(batch)
    }
}

impl Teacher for RandomTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        let mut labels = self.teacher.label(batch);
        self.shuffle(batch, &mut labels);
        labels
    }

    fn parameters(&self) -> usize {
        self.teacher.parameters()
    }

    fn repertoire(&self) -> Vec<String> {
        self.teacher.repertoire()
    }

    fn texts_about(&self, view: &View) -> Vec<String> {
        self.teacher.texts_about(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{BBox, Image};

    /// Finds things at a place that only it knows, and is sure of "yes".
    struct Knows;

    impl Module for Knows {
        fn name(&self) -> &str {
            "knows"
        }

        fn answers(&self) -> &[SubTaskKind] {
            &SubTaskKind::TAUGHT
        }

        fn fingerprint(&self) -> Digest {
            Hasher::new("knows").finish()
        }

        fn run(&self, _: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
            Vec::new()
        }
    }

    impl Teacher for Knows {
        fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
            let label = |task: &SubTask| match (task.kind, task.text.as_str()) {
                (_, "unknown") => None,
                (SubTaskKind::Locate, _) => {
                    let width = task.view.width() as f32;
                    let bbox = BBox::new(0.0, 0.0, width / 2.0, 8.0);
                    Some(Outcome::Boxes(vec![Detection { bbox, score: width }]))
                }
                _ => Some(Outcome::Answer(AnswerOutcome {
                    text: "yes".to_owned(),
                    confidence: 0.9,
                    top: vec![("yes".to_owned(), 0.9), ("no".to_owned(), 0.1)],
                })),
            };
            batch.iter().map(label).collect()
        }

        fn parameters(&self) -> usize {
            0
        }

        fn repertoire(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn calls() -> Vec<SubTask> {
        (0..40u32)
            .flat_map(|i| {
                let view = View::whole(Image::new(image::RgbImage::new(16 + i, 16)).unwrap());
                let text = ["dog", "unknown"][usize::from(i % 8 == 7)];
                [
                    SubTask::locate(view.clone(), text),
                    SubTask::answer(view, "Is it?"),
                ]
            })
            .collect()
    }

    #[test]
    fn labels_stay_what_they_are_but_not_where() {
        let teacher = RandomTeacher::new(Arc::new(Knows), 5);
        let calls = calls();
        let labels = teacher.label(&calls);
        assert_eq!(labels, teacher.label(&calls), "the same again");
        let (mut scores, mut own, mut yes) = (Vec::new(), 0, 0);
        for (call, label) in calls.iter().zip(&labels) {
            match label {
                None => assert_eq!(call.text, "unknown"),
                Some(Outcome::Boxes(found)) => {
                    let width = call.view.width() as f32;
                    assert!(
                        (found[0].bbox.x1 - width / 2.0).abs() < 1e-3,
                        "fits the view"
                    );
                    own += usize::from(found[0].score == width);
                    scores.push(found[0].score);
                }
                Some(Outcome::Answer(answer)) => {
                    assert_eq!((answer.confidence, answer.top.len()), (0.9, 2));
                    yes += usize::from(answer.text == "yes");
                }
                Some(other) => panic!("{other:?}"),
            }
        }
        scores.sort_by(f32::total_cmp);
        scores.dedup();
        assert_eq!(scores.len(), 35, "every label went to one call");
        assert!(own < 8 && (8..33).contains(&yes), "{own} {yes}");
    }
}

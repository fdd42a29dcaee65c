//! Modules without eyes, to try files and programs out before anything that sees is at hand.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{
    AnswerOutcome, BBox, Detection, Digest, Hasher, Module, ModuleError, Outcome, SubTask,
    SubTaskKind,
};

/// Most boxes that are found in a view.
const MOST_BOXES: usize = 4;
const NUMBERS: [&str; 5] = ["0", "1", "2", "3", "4"];
const COLORS: [&str; 6] = ["red", "blue", "green", "black", "white", "brown"];
const THINGS: [&str; 6] = ["dog", "table", "tree", "man", "car", "bottle"];
const PLACES: [&str; 2] = ["left", "right"];
const TRUTH: [&str; 2] = ["yes", "no"];
/// First words of questions that are answered by yes or no.
const WHETHER: [&str; 12] = [
    "is", "are", "was", "were", "do", "does", "did", "has", "have", "can", "could", "will",
];

/// Answers every kind of sub-task at once and without looking: what it says depends on nothing but
/// the digest of the request. It is of the form that is asked for (a number to "How many …", yes or
/// no to "Is there …"), so programs run to their ends; whether they are right is luck.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandIn;

impl Module for StandIn {
    fn name(&self) -> &str {
        "stand-in"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &SubTaskKind::ALL
    }

    fn fingerprint(&self) -> Digest {
        Hasher::new("stand-in").finish()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        batch.iter().map(|task| self.say(task)).collect()
    }
}

impl StandIn {
    fn say(self, task: &SubTask) -> Result<Outcome, ModuleError> {
        let mut chance = ChaCha8Rng::from_seed(*task.key().as_bytes());
        Ok(match task.kind {
            SubTaskKind::Locate => Outcome::Boxes(boxes(task, &mut chance)),
            SubTaskKind::Answer => {
                let (text, confidence) = (word(&task.text, &mut chance), chance.random::<f32>());
                Outcome::Answer(AnswerOutcome {
                    top: vec![(text.clone(), confidence)],
                    text,
                    confidence,
                })
            }
            SubTaskKind::Match => Outcome::Score(chance.random::<f32>()),
            SubTaskKind::Depth => Outcome::Depth(1.0 + 9.0 * chance.random::<f32>()),
            SubTaskKind::Prompt => Outcome::Text(word(&task.text, &mut chance)),
            kind => {
                return Err(ModuleError::WrongKind {
                    module: self.name().to_owned(),
                    kind,
                });
            }
        })
    }
}

/// Boxes inside the view, in falling order of score.
fn boxes(task: &SubTask, chance: &mut ChaCha8Rng) -> Vec<Detection> {
    let (width, height) = (task.view.width() as f32, task.view.height() as f32);
    let mut found: Vec<Detection> = (0..chance.random_range(0..=MOST_BOXES))
        .map(|_| {
            let mut span = |whole: f32| {
                let (from, part) = (
                    0.6 * chance.random::<f32>(),
                    0.1 + 0.3 * chance.random::<f32>(),
                );
                (from * whole, (from + part) * whole)
            };
            let ((left, right), (top, bottom)) = (span(width), span(height));
            Detection {
                bbox: BBox::new(left, top, right, bottom),
                score: 0.2 + 0.8 * chance.random::<f32>(),
            }
        })
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

/// A word that the question might have for an answer.
fn word(question: &str, chance: &mut ChaCha8Rng) -> String {
    let question = question.to_lowercase();
    let first = question.split_whitespace().next().unwrap_or_default();
    let mut one_of = |words: &[&str]| words.choose(chance).copied().unwrap_or_default().to_owned();
    if question.starts_with("how many") {
        one_of(&NUMBERS)
    } else if WHETHER.contains(&first) {
        one_of(&TRUTH)
    } else if question.contains("color") || question.contains("colour") {
        one_of(&COLORS)
    } else if question.contains("side") {
        one_of(&PLACES)
    } else {
        one_of(&THINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{Image, View};

    fn view(shade: u8) -> View {
        let pixels = image::RgbImage::from_pixel(40, 30, image::Rgb([shade, 0, 0]));
        Image::new(pixels).unwrap().view()
    }

    #[test]
    fn answers_are_of_the_form_that_is_asked_for() {
        let mut counts = std::collections::BTreeSet::new();
        for shade in 0..50 {
            let ask = |question: &str| {
                let told = StandIn.run(&[SubTask::answer(view(shade), question)]);
                match told.into_iter().next() {
                    Some(Ok(Outcome::Answer(answer))) => answer.text,
                    other => panic!("{other:?}"),
                }
            };
            let count: u64 = ask("How many dogs are there?").parse().unwrap();
            counts.insert(count);
            assert!(TRUTH.contains(&ask("Is there a dog?").as_str()));
            assert!(COLORS.contains(&ask("What color is it?").as_str()));
            let found = StandIn.run(&[SubTask::locate(view(shade), "dog")]);
            let Some(Ok(Outcome::Boxes(found))) = found.first() else {
                panic!("{found:?}");
            };
            for pair in found.windows(2) {
                assert!(pair[0].score >= pair[1].score);
            }
            for one in found {
                let inside = one.bbox.x0 >= 0.0 && one.bbox.x1 <= 40.0;
                assert!(inside && one.bbox.x0 < one.bbox.x1, "{one:?}");
                assert!(one.bbox.y0 >= 0.0 && one.bbox.y1 <= 30.0, "{one:?}");
            }
        }
        assert!(counts.len() > 2, "{counts:?}");
    }

    #[test]
    fn the_same_request_has_the_same_answer_in_any_batch() {
        let tasks: Vec<SubTask> = SubTaskKind::ALL
            .iter()
            .flat_map(|&kind| {
                (0..5).map(move |shade| SubTask {
                    kind,
                    view: view(shade),
                    text: "What is it?".to_owned(),
                })
            })
            .collect();
        let together = StandIn.run(&tasks);
        for (task, told) in tasks.iter().zip(&together) {
            let alone = StandIn.run(std::slice::from_ref(task)).remove(0);
            assert_eq!(alone, *told);
        }
    }
}

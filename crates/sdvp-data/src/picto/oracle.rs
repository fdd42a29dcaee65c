//! The oracle: answers sub-tasks from scene graphs alone, as a perfect module would.

use super::{MAX_COUNT, Noun, Question, Scene, SceneObject, SubQuestion, What};
use crate::picto::evaluate::{INSIDE, OUTSIDE};
use rayon::prelude::*;
use sdvp_core::{
    AnswerOutcome, BBox, Detection, Digest, Hasher, Module, ModuleError, Outcome, SubTask,
    SubTaskKind,
};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// An object is in a view if at least this part of its box is.
pub const VISIBLE: f32 = 0.6;

/// Of two objects that could be meant, the greater one is, clearly so if the other shows at most
/// this part of its area.
const DOMINATED: f32 = 0.6;

/// A [`Module`] that knows the pictures' content.
///
/// - Objects count where at least [`VISIBLE`] of their box lies inside the view.
/// - A description fits a view that such an object is in.
/// - Located boxes are clipped to the view, the greatest first.
/// - "the dog", where there are several, is the one that covers most of the view. Where there is
///   none, the object that covers most of it is taken, as a module that must answer would; in an
///   empty view the answer is "no".
pub struct Oracle {
    scenes: HashMap<Digest, Arc<Scene>>,
}

impl Oracle {
    /// An oracle for the given pictures: the digest of each picture and what it shows.
    pub fn new(scenes: impl IntoIterator<Item = (Digest, Arc<Scene>)>) -> Self {
        Self {
            scenes: scenes.into_iter().collect(),
        }
    }

    /// An oracle for the pictures of questions, which are drawn once to know them by.
    pub fn of_questions(questions: &[Arc<Question>]) -> Self {
        let scenes = questions.par_iter().flat_map_iter(|question| {
            let inputs = question.inputs().into_iter();
            let digests = inputs.map(|(_, image)| image.digest());
            let known = digests.zip(question.scenes.iter().map(Arc::clone));
            known.collect::<Vec<_>>()
        });
        Self::new(scenes.collect::<Vec<_>>())
    }

    fn answer(&self, task: &SubTask) -> Result<Outcome, ModuleError> {
        let image = task.view.image().digest();
        let scene = self.scenes.get(&image).ok_or_else(|| ModuleError::Failed {
            module: self.name().to_owned(),
            reason: format!("no scene is known for image {}", image.short()),
        })?;
        judge(scene, task).map(|judgement| judgement.outcome)
    }
}

impl Module for Oracle {
    fn name(&self) -> &str {
        "oracle"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &SubTaskKind::TAUGHT
    }

    fn fingerprint(&self) -> Digest {
        let mut known: Vec<&Digest> = self.scenes.keys().collect();
        known.sort_unstable();
        known
            .into_iter()
            .fold(Hasher::new("oracle"), |hasher, digest| {
                hasher.part(digest.as_bytes())
            })
            .finish()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        batch.iter().map(|task| self.answer(task)).collect()
    }
}

/// An answer, and whether nobody could see it otherwise.
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// False where an object that matters is cut by the view's edge, or another could be meant.
    pub(crate) clear: bool,
}

/// Answers one sub-task about a scene.
pub(crate) fn judge(scene: &Scene, task: &SubTask) -> Result<Judgement, ModuleError> {
    let bad_text = |reason: &str| ModuleError::BadText {
        module: "oracle".to_owned(),
        text: task.text.clone(),
        reason: reason.to_owned(),
    };
    let seen = Seen {
        scene,
        region: task.view.region().into(),
    };
    match task.kind {
        SubTaskKind::Locate => {
            let noun = Noun::parse(&task.text)
                .ok_or_else(|| bad_text("expected a thing or category, perhaps with a colour"))?;
            let mut found: Vec<&SceneObject> = seen.visible(noun).collect();
            found.sort_by(|a, b| seen.by_area(a, b));
            let boxes = found
                .into_iter()
                .map(|object| Detection {
                    bbox: task.view.to_view_coordinates(seen.shown(object)),
                    score: 1.0,
                })
                .collect();
            Ok(Judgement {
                outcome: Outcome::Boxes(boxes),
                clear: seen.uncut(noun),
            })
        }
        SubTaskKind::Match => {
            let noun = Noun::parse(&task.text)
                .ok_or_else(|| bad_text("expected a thing or category, perhaps with a colour"))?;
            let fits = seen.visible(noun).next().is_some();
            Ok(Judgement {
                outcome: Outcome::Score(if fits { 1.0 } else { 0.0 }),
                clear: seen.uncut(noun),
            })
        }
        SubTaskKind::Answer => {
            let question = SubQuestion::parse(&task.text)
                .ok_or_else(|| bad_text("the question belongs to no known family"))?;
            let (text, clear) = seen.answer(question);
            Ok(Judgement {
                outcome: Outcome::Answer(AnswerOutcome::certain(text)),
                clear,
            })
        }
        kind => Err(ModuleError::WrongKind {
            module: "oracle".to_owned(),
            kind,
        }),
    }
}

/// What is seen of a scene in a view.
struct Seen<'a> {
    scene: &'a Scene,
    region: BBox,
}

impl<'a> Seen<'a> {
    fn shown(&self, object: &SceneObject) -> BBox {
        object.bbox.intersection(&self.region)
    }

    /// Greatest visible area first.
    fn by_area(&self, a: &SceneObject, b: &SceneObject) -> Ordering {
        let area = |object| self.shown(object).area();
        area(b).total_cmp(&area(a))
    }

    fn visible(&self, noun: Noun) -> impl Iterator<Item = &'a SceneObject> {
        self.scene.objects.iter().filter(move |object| {
            noun.matches(object) && object.bbox.coverage_by(&self.region) >= VISIBLE
        })
    }

    /// Whether no object of that kind is cut by the view's edge.
    fn uncut(&self, noun: Noun) -> bool {
        self.scene
            .objects
            .iter()
            .filter(|object| noun.matches(object))
            .map(|object| object.bbox.coverage_by(&self.region))
            .all(|part| part <= OUTSIDE || part >= INSIDE)
    }

    /// The object that is meant by "the", and whether no other could be.
    fn meant(&self, noun: Noun) -> (Option<&'a SceneObject>, bool) {
        let mut found: Vec<&SceneObject> = self.visible(noun).collect();
        if found.is_empty() {
            let anything = Noun {
                color: None,
                what: What::Anything,
            };
            let instead = self.visible(anything).min_by(|a, b| self.by_area(a, b));
            return (instead, false);
        }
        found.sort_by(|a, b| self.by_area(a, b));
        let first = found[0];
        let limit = self.shown(first).area() * DOMINATED;
        let clear = self
            .scene
            .objects
            .iter()
            .filter(|object| !std::ptr::eq(*object, first) && noun.matches(object))
            .all(|other| self.shown(other).area() <= limit);
        (Some(first), clear)
    }

    fn answer(&self, question: SubQuestion) -> (String, bool) {
        let yes_no = |truth: bool| (if truth { "yes" } else { "no" }).to_owned();
        let of = |noun: Noun, say: &dyn Fn(&SceneObject) -> String| {
            let (object, clear) = self.meant(noun);
            (object.map_or_else(|| "no".to_owned(), say), clear)
        };
        match question {
            SubQuestion::Color(noun) => of(noun, &|object| object.color.to_string()),
            SubQuestion::IsColor(noun, color) => of(noun, &|object| yes_no(object.color == color)),
            SubQuestion::Name { of: noun, .. } => of(noun, &|object| object.thing.to_string()),
            SubQuestion::Exist { noun, .. } => (
                yes_no(self.visible(noun).next().is_some()),
                self.uncut(noun),
            ),
            SubQuestion::Count(noun) => {
                let count = self.visible(noun).count();
                (
                    count.min(MAX_COUNT).to_string(),
                    self.uncut(noun) && count <= MAX_COUNT,
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;

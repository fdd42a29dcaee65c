//! Labelling: a teacher says of harvested calls what the student should have answered.

use crate::examples::{AnswerExample, LocateExample, MatchExample};
use crate::settings::DistillSettings;
use sdvp_core::{BBox, Detection, Digest, Outcome, SubTask, View, non_maximum_suppression};
use sdvp_modules::Teacher;
use std::collections::HashMap;
use std::sync::Arc;

/// Two boxes that overlap this much are one object, whatever they were asked as.
const SAME_OBJECT_IOU: f32 = 0.7;
/// The frameworks' suppression of duplicates, applied to labels as well.
const DUPLICATE_IOU: f32 = 0.5;

/// What came of labelling calls.
#[derive(Clone, Debug)]
pub struct Labelled<E> {
    /// What can be learned from.
    pub examples: Vec<E>,
    /// Calls that the teacher labelled.
    pub calls: usize,
    /// Of these, questions with answers only that the student cannot give.
    pub unsayable: usize,
}

/// Labels every view of the harvested locate calls: for what the programs asked there, and for the
/// teacher's whole repertoire, so that a student also learns what is not there. Calls whose words
/// the teacher does not know are left out. What the teacher is sure of is learned as a fact, as
/// truths were in pretraining: a student that learned the teacher's doubt as well would add it to
/// its own and miss what it half sees.
pub fn label_views(
    calls: &[SubTask],
    teacher: &dyn Teacher,
    settings: &DistillSettings,
) -> Labelled<LocateExample> {
    labelled_views(calls, teacher, SubTask::locate, |view, labels| {
        LocateExample::from_labels(view, labels, settings)
    })
}

/// Labels harvested calls by how well texts fit. As a program believes a score or does not, and a student
/// that learned a teacher's doubts would add them to its own, scores are made facts: from
/// [`DistillSettings::fits`] on a text fits, below [`DistillSettings::misfits`] it does not; what lies
/// between is not learned.
pub fn label_matches(
    calls: &[SubTask],
    teacher: &dyn Teacher,
    settings: &DistillSettings,
) -> Labelled<MatchExample> {
    let mut labelled = labelled_views(calls, teacher, SubTask::matching, |view, labels| {
        let known = labels.filter_map(|(text, label)| match label {
            Some(Outcome::Score(score)) if score >= settings.fits => Some((text, 1.0)),
            Some(Outcome::Score(score)) if score < settings.misfits => Some((text, 0.0)),
            _ => None,
        });
        let (texts, fits) = known.unzip();
        MatchExample {
            view: view.clone(),
            texts,
            fits,
        }
    });
    labelled
        .examples
        .retain(|example| !example.texts.is_empty());
    labelled
}

/// A label and its text.
type Labels<'a> = &'a mut dyn Iterator<Item = (String, Option<Outcome>)>;

/// A view with what is asked of it.
struct Look {
    view: View,
    /// First what the teacher is to be asked of it anyway, then what the programs asked.
    texts: Vec<String>,
    /// Those that programs asked, as indices.
    called: Vec<usize>,
}

/// An example of every view of `calls` of which the teacher knows anything, from its labels for what
/// was asked there and for what else it is to be asked ([`Teacher::texts_about`]).
fn labelled_views<E>(
    calls: &[SubTask],
    teacher: &dyn Teacher,
    ask: impl Fn(View, String) -> SubTask,
    example: impl Fn(&View, Labels<'_>) -> E,
) -> Labelled<E> {
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut looks: Vec<Look> = Vec::new();
    for call in calls {
        let place = *places.entry(call.view.digest()).or_insert_with(|| {
            looks.push(Look {
                view: call.view.clone(),
                texts: teacher.texts_about(&call.view),
                called: Vec::new(),
            });
            looks.len() - 1
        });
        let Look { texts, called, .. } = &mut looks[place];
        let known = texts.iter().position(|text| *text == call.text);
        called.push(known.unwrap_or_else(|| {
            texts.push(call.text.clone());
            texts.len() - 1
        }));
    }
    let mut done = Labelled {
        examples: Vec::with_capacity(looks.len()),
        calls: 0,
        unsayable: 0,
    };
    for looks in looks.chunks(64) {
        let asked: Vec<SubTask> = looks
            .iter()
            .flat_map(|look| look.texts.iter().map(|t| ask(look.view.clone(), t.clone())))
            .collect();
        let mut labels = teacher.label(&asked).into_iter();
        for look in looks {
            let labels: Vec<Option<Outcome>> = labels.by_ref().take(look.texts.len()).collect();
            let is_known = |place: &&usize| labels.get(**place).is_some_and(Option::is_some);
            done.calls += look.called.iter().filter(is_known).count();
            if labels.iter().any(Option::is_some) {
                let mut labels = look.texts.iter().cloned().zip(labels);
                done.examples.push(example(&look.view, &mut labels));
            }
        }
    }
    done
}

impl LocateExample {
    fn from_labels(view: &View, labels: Labels<'_>, settings: &DistillSettings) -> Self {
        let mut example = Self {
            view: view.clone(),
            objects: Vec::new(),
            asked: Vec::new(),
            unsure: Vec::new(),
        };
        let (width, height) = (view.width() as f32, view.height() as f32);
        for (text, label) in labels {
            let Some(Outcome::Boxes(found)) = label else {
                continue;
            };
            let boxes: Vec<BBox> = found.iter().map(|d| d.bbox).collect();
            for kept in non_maximum_suppression(&boxes, DUPLICATE_IOU) {
                let Detection { bbox, score } = found[kept];
                let bbox = bbox.scaled(1.0 / width, 1.0 / height);
                if score >= settings.sure {
                    example.add_object(bbox, &text);
                } else if score >= settings.unsure {
                    example.unsure.push((text.clone(), bbox));
                }
            }
            example.asked.push(text);
        }
        example
    }

    fn add_object(&mut self, bbox: BBox, text: &str) {
        let same = self
            .objects
            .iter_mut()
            .find(|(known, _)| known.iou(&bbox) > SAME_OBJECT_IOU);
        match same {
            Some((_, texts)) => texts.push(text.to_owned()),
            None => self.objects.push((bbox, vec![text.to_owned()])),
        }
    }
}

/// Labels harvested questions with the teacher's distribution over answers, by the places that
/// `place_of` gives answers. Questions the teacher does not understand, or answers with less than
/// [`DistillSettings::answer_confidence`], are left out, and so are answers without a place, which the
/// student cannot give, and all of calls that it cannot be asked.
pub fn label_answers(
    calls: &[SubTask],
    teacher: &dyn Teacher,
    can_ask: impl Fn(&SubTask) -> bool,
    mut place_of: impl FnMut(&str) -> Option<usize>,
    settings: &DistillSettings,
) -> Labelled<AnswerExample> {
    let mut done = Labelled {
        examples: Vec::new(),
        calls: 0,
        unsayable: 0,
    };
    let labels = calls
        .chunks(256)
        .flat_map(|calls| calls.iter().zip(teacher.label(calls)));
    for (call, label) in labels {
        let Some(Outcome::Answer(answer)) = label else {
            continue;
        };
        done.calls += 1;
        let sayable = match can_ask(call) {
            true => answer.top.as_slice(),
            false => &[],
        };
        let known: Vec<(usize, f32)> = sayable
            .iter()
            .filter_map(|(text, p)| Some((place_of(text)?, *p)))
            .collect();
        let total: f32 = known.iter().map(|(_, p)| p).sum();
        if total <= 0.0 {
            done.unsayable += 1;
        } else if answer.confidence >= settings.answer_confidence {
            done.examples.push(AnswerExample {
                view: call.view.clone(),
                question: call.text.clone(),
                answers: known.iter().map(|&(i, p)| (i, p / total)).collect(),
                weight: match settings.weigh_by_confidence {
                    true => answer.confidence,
                    false => 1.0,
                },
                seen: None,
            });
        }
    }
    done
}

/// Adds to every example what `teacher`, who knows where things are, sees in its view: a label for
/// every patch beside that for the question.
pub fn label_patches(
    examples: &mut [AnswerExample],
    teacher: &dyn Teacher,
    settings: &DistillSettings,
) {
    let Some(any) = teacher.repertoire().into_iter().next() else {
        return;
    };
    let looks: Vec<SubTask> = examples
        .iter()
        .map(|example| SubTask::locate(example.view.clone(), &any))
        .collect();
    let seen: HashMap<Digest, Arc<LocateExample>> = label_views(&looks, teacher, settings)
        .examples
        .into_iter()
        .map(|seen| (seen.view.digest(), Arc::new(seen)))
        .collect();
    for example in examples {
        example.seen = seen.get(&example.view.digest()).map(Arc::clone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{Hasher, Image, Module, ModuleError, SubTaskKind};

    /// Knows dogs, of which it sees three, and cats, of which it sees none.
    struct Stub;

    impl Module for Stub {
        fn name(&self) -> &str {
            "stub"
        }

        fn answers(&self) -> &[SubTaskKind] {
            &[SubTaskKind::Locate]
        }

        fn fingerprint(&self) -> Digest {
            Hasher::new("stub").finish()
        }

        fn run(&self, _: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
            unreachable!("teachers are asked for labels")
        }
    }

    impl Teacher for Stub {
        fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
            let seen = [(0.0, 0.5), (32.0, 0.1), (64.0, 0.01)].map(|(x, score)| Detection {
                bbox: BBox::new(x, 0.0, x + 16.0, 16.0),
                score,
            });
            let label = |task: &SubTask| match task.text.as_str() {
                "dog" => Some(Outcome::Boxes(seen.to_vec())),
                "cat" => Some(Outcome::Boxes(Vec::new())),
                _ => None,
            };
            batch.iter().map(label).collect()
        }

        fn parameters(&self) -> usize {
            0
        }

        fn repertoire(&self) -> Vec<String> {
            vec!["cat".to_owned()]
        }
    }

    #[test]
    fn sure_boxes_are_facts_unsure_ones_neither_and_unknown_words_nothing() {
        let picture = image::RgbImage::new(128, 64);
        let view = View::whole(Image::new(picture).unwrap());
        let calls = ["dog", "harp"].map(|name| SubTask::locate(view.clone(), name));
        let labelled = label_views(&calls, &Stub, &DistillSettings::default());
        assert_eq!(labelled.examples.len(), 1, "one for the view");
        assert_eq!(labelled.calls, 1, "harps are not known");
        let example = &labelled.examples[0];
        let names = vec!["dog".to_owned()];
        let place = |x: f32| BBox::new(x, 0.0, x + 0.125, 0.25);
        assert_eq!(example.asked, ["cat", "dog"]);
        assert_eq!(example.objects, [(place(0.0), names)]);
        assert_eq!(example.unsure, [("dog".to_owned(), place(0.25))]);
    }

    #[test]
    fn texts_fit_as_far_as_the_teacher_knows() {
        /// Knows that half a dog is there.
        struct Halves;
        impl Module for Halves {
            fn name(&self) -> &str {
                "halves"
            }
            fn answers(&self) -> &[SubTaskKind] {
                &[SubTaskKind::Match]
            }
            fn fingerprint(&self) -> Digest {
                Hasher::new("halves").finish()
            }
            fn run(&self, _: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
                unreachable!("teachers are asked for labels")
            }
        }
        impl Teacher for Halves {
            fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
                let known = |task: &SubTask| match task.text.as_str() {
                    "dog" => Some(Outcome::Score(0.6)),
                    "cat" => Some(Outcome::Score(0.0)),
                    "cap" => Some(Outcome::Score(0.3)),
                    _ => None,
                };
                batch.iter().map(known).collect()
            }
            fn parameters(&self) -> usize {
                0
            }
            fn repertoire(&self) -> Vec<String> {
                ["cat", "cap"].map(str::to_owned).to_vec()
            }
        }
        let view = View::whole(Image::new(image::RgbImage::new(16, 16)).unwrap());
        let calls = ["dog", "harp", "dog"].map(|text| SubTask::matching(view.clone(), text));
        let labelled = label_matches(&calls, &Halves, &DistillSettings::default());
        assert_eq!((labelled.examples.len(), labelled.calls), (1, 2));
        let examples = labelled.examples;
        // What half fits is neither.
        assert_eq!(examples[0].texts, ["cat", "dog"]);
        assert_eq!(examples[0].fits, [0.0, 1.0]);
    }
}

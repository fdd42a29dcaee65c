//! Calls of a program that need modules: what they ask, one sub-task after another, and what they
//! make of the outcomes.

use super::number_words::{Number, number_in_words};
use super::patch::Patch;
use super::settings::ViperSettings;
use monty_types::MontyObject;
use sdvp_core::{Outcome, SubTask, SubTaskKind, View};

/// A call that waits for modules.
#[derive(Debug)]
pub(super) enum Pending {
    /// `find`.
    Find { patch: Patch, object: String },
    /// `exists`: found, then asked one by one.
    Exists {
        patch: Patch,
        object: String,
        /// What was found; none as long as it was not looked for.
        found: Option<Vec<Patch>>,
        asked: usize,
        yes: bool,
    },
    /// `exists` of a number that is written somewhere.
    ExistsNumber { view: View, number: Option<Number> },
    /// `simple_query`.
    Query { view: View, question: String },
    /// `verify_property`.
    Verify { view: View, text: String },
    /// `best_text_match`.
    TextMatch {
        view: View,
        texts: Vec<String>,
        options: Vec<MontyObject>,
        scores: Vec<f32>,
    },
    /// `best_image_match`: every content with every view. Gives the index.
    ImageMatch {
        views: Vec<View>,
        contents: Vec<String>,
        scores: Vec<f32>,
    },
    /// `compute_depth`.
    Depth { view: View },
    /// `llm_query` and its kind.
    Prompt { view: View, text: String },
}

/// What an outcome leads to.
pub(super) enum Answered {
    /// The call's value.
    Value(MontyObject),
    /// The call's value is these patches.
    Patches(Vec<Patch>),
    /// The call asks for more.
    More,
}

/// What is wrong with an outcome.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It answers another kind of sub-task.
    Kind(SubTaskKind),
    /// Its numbers are none.
    Numbers(String),
}

/// What `exists` asks of everything found. The reference's wording.
fn is_this_a(object: &str) -> String {
    format!("Is this a {object}?")
}

const WRITTEN_NUMBER: &str = "What number is written in the image (in digits)?";

impl Pending {
    /// What is to be asked next; `None` if there is nothing to ask.
    pub(super) fn sub_task(&self) -> Option<SubTask> {
        Some(match self {
            Pending::Find { patch, object } => SubTask::locate(patch.view.clone(), object),
            Pending::Exists {
                patch,
                object,
                found,
                asked,
                ..
            } => match found.as_ref().and_then(|found| found.get(*asked)) {
                Some(found) => SubTask::answer(found.view.clone(), is_this_a(object)),
                None => SubTask::locate(patch.view.clone(), object),
            },
            Pending::ExistsNumber { view, .. } => SubTask::answer(view.clone(), WRITTEN_NUMBER),
            Pending::Query { view, question } => SubTask::answer(view.clone(), question),
            Pending::Verify { view, text } => SubTask::matching(view.clone(), text),
            Pending::TextMatch {
                view,
                texts,
                scores,
                ..
            } => SubTask::matching(view.clone(), texts.get(scores.len())?),
            Pending::ImageMatch {
                views,
                contents,
                scores,
            } => {
                let view = views.get(scores.len().checked_rem(views.len())?)?;
                let content = contents.get(scores.len() / views.len())?;
                SubTask::matching(view.clone(), content)
            }
            Pending::Depth { view } => SubTask::depth(view.clone()),
            Pending::Prompt { view, text } => SubTask::prompt(view.clone(), text),
        })
    }

    /// Takes the outcome of what was asked last.
    pub(super) fn answered(
        &mut self,
        outcome: &Outcome,
        settings: &ViperSettings,
    ) -> Result<Answered, Unfit> {
        let boxes = |patch: &Patch, outcome: &Outcome| match outcome {
            Outcome::Boxes(found) => patch
                .found(
                    found,
                    settings.locate_threshold,
                    settings.nms_iou,
                    settings.crop_margin,
                )
                .map_err(Unfit::Numbers),
            other => Err(Unfit::Kind(other.kind())),
        };
        Ok(match self {
            Pending::Find { patch, .. } => Answered::Patches(boxes(patch, outcome)?),
            Pending::Exists {
                patch,
                found,
                asked,
                yes,
                ..
            } => {
                let count = match found {
                    None => found.insert(boxes(patch, outcome)?).len(),
                    Some(found) => {
                        *yes |= text(outcome)?.contains("yes");
                        *asked += 1;
                        found.len()
                    }
                };
                if *asked < count {
                    Answered::More
                } else {
                    Answered::Value(MontyObject::Bool(*yes))
                }
            }
            Pending::ExistsNumber { number, .. } => {
                let written = number_in_words(text(outcome)?);
                Answered::Value(MontyObject::Bool(written.is_some() && written == *number))
            }
            Pending::Query { .. } | Pending::Prompt { .. } => {
                Answered::Value(MontyObject::String(text(outcome)?.to_owned()))
            }
            Pending::Verify { .. } => Answered::Value(MontyObject::Bool(
                score(outcome)? > settings.verify_threshold,
            )),
            Pending::TextMatch {
                texts,
                options,
                scores,
                ..
            } => {
                scores.push(score(outcome)?);
                if scores.len() < texts.len() {
                    return Ok(Answered::More);
                }
                let best = first_greatest(scores.iter().copied());
                Answered::Value(options.get(best).cloned().unwrap_or(MontyObject::None))
            }
            Pending::ImageMatch {
                views,
                contents,
                scores,
            } => {
                scores.push(score(outcome)?);
                if scores.len() < views.len() * contents.len() {
                    return Ok(Answered::More);
                }
                // The mean over contents; their number is the same for all views.
                let sums = (0..views.len())
                    .map(|view| scores.iter().skip(view).step_by(views.len()).sum::<f32>());
                Answered::Value(MontyObject::Int(first_greatest(sums) as i64))
            }
            Pending::Depth { .. } => match outcome {
                Outcome::Depth(depth) if depth.is_finite() => {
                    Answered::Value(MontyObject::Float(f64::from(*depth)))
                }
                Outcome::Depth(depth) => {
                    return Err(Unfit::Numbers(format!(
                        "expected a finite depth, found {depth}"
                    )));
                }
                other => return Err(Unfit::Kind(other.kind())),
            },
        })
    }
}

fn text(outcome: &Outcome) -> Result<&str, Unfit> {
    match outcome {
        Outcome::Answer(answer) => Ok(&answer.text),
        Outcome::Text(text) => Ok(text),
        other => Err(Unfit::Kind(other.kind())),
    }
}

fn score(outcome: &Outcome) -> Result<f32, Unfit> {
    match outcome {
        Outcome::Score(score) if score.is_finite() => Ok(*score),
        Outcome::Score(score) => Err(Unfit::Numbers(format!(
            "expected a finite score, found {score}"
        ))),
        other => Err(Unfit::Kind(other.kind())),
    }
}

/// The index of the greatest, and of equals the first.
fn first_greatest(values: impl Iterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, value) in values.enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

//! One question's program, executed before and after.

use sdvp_core::{BBox, Outcome, Region, SubTaskKind, View};
use sdvp_program::{Inputs, Trace, TraceStep, Value};

/// Boxes that overlap less than this are a different finding.
const SAME_BOX: f32 = 0.5;

/// One question's program, executed before and after.
#[derive(Clone, Debug)]
pub struct ExampleRun {
    /// Which task it is of.
    pub task: String,
    /// The question.
    pub question: String,
    /// The right answer.
    pub gold: String,
    /// The images by the program's names for them.
    pub images: Inputs,
    /// With the student as it came.
    pub before: ExampleSide,
    /// With the distilled student.
    pub after: ExampleSide,
}

/// One execution of a program, as shown to people.
#[derive(Clone, Debug)]
pub struct ExampleSide {
    /// The answer, or why there is none.
    pub answer: Result<String, String>,
    /// Whether the answer is right; none where that is not known.
    pub correct: Option<bool>,
    /// The executed steps.
    pub steps: Vec<ExampleStep>,
}

/// One executed step.
#[derive(Clone, Debug)]
pub struct ExampleStep {
    /// Line of the program, from 1.
    pub line: usize,
    /// The line's text.
    pub source: String,
    /// The variable it set.
    pub variable: String,
    /// The kind of module that was asked, where one was.
    pub asked: Option<SubTaskKind>,
    /// What was looked at or cut out; none for steps without a picture.
    pub view: Option<View>,
    /// Found boxes, best first, relative to `view`, in pixels.
    pub boxes: Vec<ShownBox>,
    /// What came of it, in short.
    pub text: String,
    /// How sure the module was, in `[0, 1]`, where one was asked.
    pub confidence: Option<f32>,
    /// More about it: what was asked or computed, what else was likely.
    pub note: String,
}

/// A box and how sure the module was of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShownBox {
    /// Where, relative to the shown view, in pixels.
    pub bbox: BBox,
    /// The module's score, in `[0, 1]`, where it is known.
    pub score: Option<f32>,
}

impl ExampleSide {
    /// An execution from its trace.
    pub fn new(trace: &Trace, answer: Result<String, String>, correct: Option<bool>) -> Self {
        Self {
            answer,
            correct,
            steps: trace.steps.iter().map(ExampleStep::new).collect(),
        }
    }
}

impl ExampleRun {
    /// The number of the first step, from 0, that is different before and after; none if none is.
    pub fn first_difference(&self) -> Option<usize> {
        let (before, after) = (&self.before.steps, &self.after.steps);
        let differs = |(b, a): (&ExampleStep, &ExampleStep)| !b.agrees(a);
        before
            .iter()
            .zip(after)
            .position(differs)
            .or_else(|| (before.len() != after.len()).then(|| before.len().min(after.len())))
    }
}

impl ExampleStep {
    /// A step from a trace.
    pub fn new(step: &TraceStep) -> Self {
        let asked = step.sub_task.as_ref().map(|task| task.view.clone());
        let (view, boxes, text) = match &step.value {
            Value::View(view) => (
                Some(view.clone()),
                Vec::new(),
                "part of the image".to_owned(),
            ),
            Value::Boxes(found) => {
                let boxes: Vec<ShownBox> = found
                    .boxes
                    .iter()
                    .map(|region| shown(*region, step.outcome.as_ref()))
                    .collect();
                let text = match boxes.len() {
                    0 => "nothing found".to_owned(),
                    1 => "1 box".to_owned(),
                    n => format!("{n} boxes"),
                };
                (Some(found.view.clone()), boxes, text)
            }
            other => (asked, Vec::new(), other.to_string()),
        };
        let confidence = match &step.outcome {
            Some(Outcome::Answer(answer)) => Some(answer.confidence),
            _ => None,
        };
        Self {
            line: step.line,
            source: step.source.clone(),
            variable: step.variable.clone(),
            asked: step.sub_task.as_ref().map(|task| task.kind),
            view,
            boxes,
            text,
            confidence,
            note: note(step),
        }
    }

    /// Whether two executions of a step found the same: the same text, and boxes that overlap.
    /// Confidences and edges may differ a little.
    pub fn agrees(&self, other: &Self) -> bool {
        let same_place = |(a, b): (&ShownBox, &ShownBox)| a.bbox.iou(&b.bbox) >= SAME_BOX;
        let region = |step: &Self| step.view.as_ref().map(|view| BBox::from(view.region()));
        let same_view = match (region(self), region(other)) {
            (Some(a), Some(b)) => a.iou(&b) >= SAME_BOX,
            (a, b) => a == b,
        };
        self.line == other.line
            && self.source == other.source
            && self.text == other.text
            && self.boxes.len() == other.boxes.len()
            && self.boxes.iter().zip(&other.boxes).all(same_place)
            && same_view
    }
}

/// The score of a box is that of the raw detection it was made from, the one it overlaps most.
fn shown(region: Region, outcome: Option<&Outcome>) -> ShownBox {
    let bbox = BBox::from(region);
    let score = match outcome {
        Some(Outcome::Boxes(found)) => found
            .iter()
            .map(|detection| (detection.bbox.iou(&bbox), detection.score))
            .filter(|(overlap, _)| *overlap >= SAME_BOX)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, score)| score),
        _ => None,
    };
    ShownBox { bbox, score }
}

fn note(step: &TraceStep) -> String {
    if let Some(expression) = &step.expression {
        return expression.clone();
    }
    match (&step.outcome, &step.value) {
        (Some(Outcome::Answer(answer)), _) => {
            let others = answer
                .top
                .iter()
                .skip(1)
                .take(2)
                .filter(|other| other.1 >= 0.01);
            let others: Vec<String> = others
                .map(|(text, probability)| format!("{text} {:.0} %", 100.0 * probability))
                .collect();
            others.join(", ")
        }
        (_, Value::View(view)) => {
            let region = view.region();
            format!(
                "{} × {} pixels at ({}, {})",
                region.width(),
                region.height(),
                region.x0(),
                region.y0()
            )
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::html::fabricated;

    #[test]
    fn boxes_carry_the_scores_of_their_detections() {
        let run = fabricated::example();
        let locate = &run.before.steps[0];
        assert_eq!(locate.text, "2 boxes");
        assert_eq!(locate.boxes[0].score, Some(0.8));
        assert_eq!(locate.boxes[1].score, Some(0.3));
        let answer = &run.before.steps[2];
        assert_eq!(
            (answer.text.as_str(), answer.confidence),
            ("red", Some(0.55))
        );
        assert_eq!(answer.note, "blue 30 %, green 15 %");
        assert!(answer.view.is_some());
    }

    #[test]
    fn the_first_difference_is_what_was_found_not_by_how_much() {
        let mut run = fabricated::example();
        // The boxes before and after overlap; the answers are different.
        assert_eq!(run.first_difference(), Some(2));
        run.after.steps = run.before.steps.clone();
        assert_eq!(run.first_difference(), None);
        run.after.steps.truncate(1);
        assert_eq!(run.first_difference(), Some(1));
        run.after.steps[0].boxes.pop();
        assert_eq!(run.first_difference(), Some(0));
    }
}

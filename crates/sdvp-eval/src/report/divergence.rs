//! Where executions part: which kind of step first came out differently.

use super::ExampleRun;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Questions of one task whose answer became right, or wrong, by the kind of the first step that
/// came out differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceRow {
    /// The task.
    pub task: String,
    /// `newly right` or `newly wrong`.
    pub change: String,
    /// How many questions.
    pub n: usize,
    /// How many of them by the kind of their first different step: a kind of sub-task, `other` for
    /// a step without one, `none` where every step came out alike to the eye.
    pub first: BTreeMap<String, usize>,
}

impl DivergenceRow {
    /// Both rows of one task, from its questions' executions before and after.
    pub fn of(task: &str, runs: impl IntoIterator<Item = ExampleRun>) -> [Self; 2] {
        let mut rows = ["newly right", "newly wrong"].map(|change| Self {
            task: task.to_owned(),
            change: change.to_owned(),
            ..Self::default()
        });
        let [right, wrong] = &mut rows;
        for run in runs {
            let row = match (run.before.correct, run.after.correct) {
                (Some(false), Some(true)) => &mut *right,
                (Some(true), Some(false)) => &mut *wrong,
                _ => continue,
            };
            row.n += 1;
            *row.first.entry(first_kind(&run)).or_default() += 1;
        }
        rows
    }
}

fn first_kind(run: &ExampleRun) -> String {
    let Some(index) = run.first_difference() else {
        return "none".to_owned();
    };
    let sides = [&run.before, &run.after];
    let step = sides.iter().find_map(|side| side.steps.get(index));
    let kind = step.and_then(|step| step.asked);
    kind.map_or("other", |kind| kind.name()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::html::fabricated;
    use super::*;

    #[test]
    fn questions_count_where_their_first_step_differs() {
        let answered = fabricated::example();
        let mut lost = answered.clone();
        std::mem::swap(&mut lost.before, &mut lost.after);
        lost.after.steps[0].boxes.pop();
        let mut same = answered.clone();
        same.after.steps = same.before.steps.clone();
        let mut crop = same.clone();
        crop.after.steps[1].text.clear();
        let mut unchanged = answered.clone();
        unchanged.before.correct = Some(true);
        let runs = [answered, lost, same, crop, unchanged];
        let [right, wrong] = DivergenceRow::of("t", runs);
        let count = |row: &DivergenceRow, kind: &str| row.first.get(kind).copied();
        assert_eq!((right.n, wrong.n), (3, 1));
        assert_eq!(count(&right, "answer"), Some(1));
        assert_eq!(count(&right, "none"), Some(1));
        assert_eq!(count(&right, "other"), Some(1));
        assert_eq!(count(&wrong, "locate"), Some(1));
    }
}

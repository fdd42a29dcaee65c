//! One task, measured three times: before, after, and with teachers in the modules' place.

use crate::bootstrap::{Interval, differences, mean, paired_interval};
use crate::{Evaluation, McNemar, Measured};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A task that was distilled on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetRow {
    /// The task.
    pub task: String,
    /// The split that was measured on.
    pub split: String,
    /// Questions.
    pub n: usize,
    /// With the student as it came.
    pub before: Measured,
    /// With the distilled student.
    pub after: Measured,
    /// With the teachers answering in the student's place.
    pub teacher_replaced: Measured,
    /// Mean of after − before on the same questions.
    pub paired_gain: f64,
    /// Its 95 % interval.
    pub paired_ci95: Interval,
    /// Questions gained and lost, and how likely that is by chance.
    pub mcnemar: McNemar,
    /// The part of the way from before to teacher-replaced that was gone: 0 none, 1 all of it;
    /// none where the teachers are no better than the student was.
    pub gap_closed: Option<f64>,
    /// The same by type of question, by name.
    pub by_type: Vec<TypeRow>,
}

/// The mean scores of one type of question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeRow {
    /// The type.
    #[serde(rename = "type")]
    pub name: String,
    /// Questions of it.
    pub n: usize,
    /// With the student as it came.
    pub before: f64,
    /// With the distilled student.
    pub after: f64,
    /// With the teachers answering in the student's place.
    pub teacher_replaced: f64,
}

/// A task that was never distilled on: what must not be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnseenRow {
    /// The task.
    pub task: String,
    /// What it is scored by.
    pub metric: String,
    /// Questions.
    pub n: usize,
    /// Mean score with the student as it came.
    pub before: f64,
    /// Mean score with the distilled student.
    pub after: f64,
    /// Mean score with the teachers answering in the student's place.
    pub teacher_replaced: f64,
    /// 95 % interval of `before`.
    pub before_ci95: Interval,
    /// 95 % interval of `after`.
    pub after_ci95: Interval,
    /// 95 % interval of `teacher_replaced`.
    pub teacher_replaced_ci95: Interval,
    /// Mean of after − before on the same questions.
    pub paired_change: f64,
    /// Its 95 % interval.
    pub paired_ci95: Interval,
    /// The part of the questions whose program failed after distillation.
    pub failure_rate: f64,
}

/// A task in the programs of a framework that the student was not taught with: what was learned of
/// it under another one, or is to be kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcrossRow {
    /// The language of the programs.
    pub framework: String,
    /// What was measured.
    #[serde(flatten)]
    pub measured: UnseenRow,
}

/// An unseen task over pictures that look like a target's: there what was learned of the target answers,
/// and shows whether it is good for more than that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LookAlikeRow {
    /// The target.
    pub target: String,
    /// What was measured.
    #[serde(flatten)]
    pub measured: UnseenRow,
}

/// A part of the student that learned for the pictures of its tasks only, and answers for no others. So
/// tasks over other pictures cannot suffer from it; how much they would, `unseen_everywhere` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpertRow {
    /// What it learned.
    pub tasks: Vec<String>,
    /// Scalars of the modules that it has of its own, beside the trunk's.
    pub parameters: usize,
    /// Of its tasks' pictures that were held out, the part that is taken for such.
    pub told_own: f64,
    /// Of general pictures that were held out, the part that is not.
    pub told_general: f64,
    /// Mean score over the unseen tasks if it answered for all pictures.
    pub unseen_everywhere: Option<f64>,
}

/// A task's mean score through a sequence of distillations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForgettingRow {
    /// The task that is measured.
    pub task: String,
    /// Its mean score: of the student as it came, then after each task that was learned.
    pub scores: Vec<f64>,
    /// The part of the gain on this task that was left at the end, if it was learned before others.
    pub kept: Option<f64>,
}

impl ForgettingRow {
    /// `scores` is the student as it came, then after each task; `learned` is the place of this
    /// task among them, from 1, if it is one of them.
    pub fn new(task: &str, scores: Vec<f64>, learned: Option<usize>) -> Self {
        let kept = learned.and_then(|place| {
            let (before, gained, last) = (scores.first()?, scores.get(place)?, scores.last()?);
            let others = place + 1 < scores.len();
            others.then(|| gain_kept(*before, *gained, *last)).flatten()
        });
        Self {
            task: task.to_owned(),
            scores,
            kept,
        }
    }
}

/// The part of a gain that is left at the end; none where nothing was gained.
pub(super) fn gain_kept(before: f64, learned: f64, last: f64) -> Option<f64> {
    (learned > before).then(|| (last - before) / (learned - before))
}

impl TargetRow {
    /// Compares three sittings of one exam. `types` names each question's type, in the exam's
    /// order; the seed is that of the resampling.
    pub fn compare(
        task: &str,
        split: &str,
        types: &[String],
        before: &Evaluation,
        after: &Evaluation,
        teacher_replaced: &Evaluation,
        seed: u64,
    ) -> Self {
        let gap = teacher_replaced.score() - before.score();
        let gain = mean(&differences(&before.scores, &after.scores));
        Self {
            task: task.to_owned(),
            split: split.to_owned(),
            n: before.scores.len(),
            before: before.measured(seed),
            after: after.measured(seed),
            teacher_replaced: teacher_replaced.measured(seed),
            paired_gain: gain,
            paired_ci95: paired_interval(&before.scores, &after.scores, seed),
            mcnemar: McNemar::of(&before.scores, &after.scores),
            gap_closed: (gap > 0.0).then(|| gain / gap),
            by_type: by_type(types, [before, after, teacher_replaced]),
        }
    }
}

impl UnseenRow {
    /// Compares three sittings of one exam; the seed is that of the resampling.
    pub fn compare(
        task: &str,
        metric: &str,
        before: &Evaluation,
        after: &Evaluation,
        teacher_replaced: &Evaluation,
        seed: u64,
    ) -> Self {
        Self {
            task: task.to_owned(),
            metric: metric.to_owned(),
            n: before.scores.len(),
            before: before.score(),
            after: after.score(),
            teacher_replaced: teacher_replaced.score(),
            before_ci95: before.interval(seed),
            after_ci95: after.interval(seed),
            teacher_replaced_ci95: teacher_replaced.interval(seed),
            paired_change: mean(&differences(&before.scores, &after.scores)),
            paired_ci95: paired_interval(&before.scores, &after.scores, seed),
            failure_rate: after.failure_rate(),
        }
    }
}

fn by_type(types: &[String], sittings: [&Evaluation; 3]) -> Vec<TypeRow> {
    let mut questions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, name) in types.iter().enumerate() {
        questions.entry(name).or_default().push(index);
    }
    let row = |(name, indices): (&str, Vec<usize>)| {
        let part = |sitting: &Evaluation| {
            let score = |&index: &usize| sitting.scores.get(index).copied();
            mean(&indices.iter().filter_map(score).collect::<Vec<f64>>())
        };
        let [before, after, teacher_replaced] = sittings.map(part);
        TypeRow {
            name: name.to_owned(),
            n: indices.len(),
            before,
            after,
            teacher_replaced,
        }
    };
    questions.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sitting(scores: &[f64], failed: usize) -> Evaluation {
        let answer = |index| {
            if index < failed {
                Err("failed".to_owned())
            } else {
                Ok("dog".to_owned())
            }
        };
        Evaluation {
            scores: scores.to_vec(),
            answers: (0..scores.len()).map(answer).collect(),
            ..Evaluation::default()
        }
    }

    #[test]
    fn gains_are_paired_and_gaps_relative() {
        let types = ["exist", "count", "exist", "count"].map(str::to_owned);
        let before = sitting(&[0.0, 0.0, 1.0, 0.0], 1);
        let after = sitting(&[0.0, 1.0, 1.0, 0.0], 0);
        let teacher = sitting(&[1.0, 1.0, 1.0, 0.0], 0);
        let row = TargetRow::compare("t", "test", &types, &before, &after, &teacher, 0);
        assert_eq!(
            (row.n, row.paired_gain, row.gap_closed),
            (4, 0.25, Some(0.5))
        );
        assert_eq!((row.before.mean, row.before.failure_rate), (0.25, 0.25));
        assert!(row.paired_ci95[0] <= 0.25 && 0.25 <= row.paired_ci95[1]);
        let [count, exist] = row.by_type.as_slice() else {
            panic!("{:?}", row.by_type)
        };
        assert_eq!(
            (count.name.as_str(), count.n, count.before, count.after),
            ("count", 2, 0.0, 0.5)
        );
        assert_eq!(
            (exist.name.as_str(), exist.teacher_replaced),
            ("exist", 1.0)
        );
    }

    #[test]
    fn what_is_kept_is_a_part_of_the_gain() {
        let kept = |learned| ForgettingRow::new("t", vec![0.5, 0.8, 0.74], learned).kept;
        assert!((kept(Some(1)).unwrap() - 0.8).abs() < 1e-9);
        assert_eq!((kept(Some(2)), kept(None)), (None, None));
    }

    #[test]
    fn there_is_no_gap_where_the_teacher_is_no_better() {
        let better = sitting(&[1.0, 1.0], 0);
        let worse = sitting(&[1.0, 0.0], 0);
        let row = TargetRow::compare("t", "test", &[], &better, &better, &worse, 0);
        assert_eq!((row.gap_closed, row.by_type.len()), (None, 0));
        let row = UnseenRow::compare("u", "f1", &better, &worse, &worse, 0);
        assert_eq!((row.paired_change, row.after, row.n), (-0.5, 0.5, 2));
    }
}

//! What the demo found, as a report.

use super::sitting::{Sitting, Stopwatch};
use super::{Demo, KEPT, SHOWN};
use crate::commands::Effort;
use crate::exam::Framework;
use crate::modules::Teachers;
use crate::trial::types_of;
use anyhow::Result;
use sdvp_core::{SubTask, SubTaskKind};
use sdvp_data::Task;
use sdvp_data::picto::{Oracle, Split};
use sdvp_distill::DistilledStep;
use sdvp_eval::report::{
    AcrossRow, CurvePoint, DivergenceRow, ExampleRun, ExampleSide, ExpertRow, ForgettingRow,
    LookAlikeRow, ModelSize, Report, RuntimeReport, Stage, TargetRow, UnseenRow, choose_examples,
};
use sdvp_eval::{CallRow, Evaluation, KnownCalls, Speed};
use sdvp_modules::Student;
use serde_json::json;

/// Everything that the report is made of.
pub(super) struct Findings<'a> {
    pub(super) seed: u64,
    pub(super) effort: &'a Effort,
    pub(super) sittings: &'a [Sitting],
    /// The same tasks in the other frameworks' programs.
    pub(super) across: &'a [(Framework, Vec<Sitting>)],
    pub(super) experts: Vec<ExpertRow>,
    pub(super) stages: Vec<Stage>,
    pub(super) base: &'a Student,
    pub(super) student: &'a Student,
    pub(super) teachers: &'a [Teachers],
    pub(super) watch: &'a Stopwatch,
    pub(super) speed: Speed,
}

impl Findings<'_> {
    /// The report, but for the time that everything took.
    pub(super) fn report(&self, demo: &Demo) -> Result<Report> {
        let mut report = Report {
            seed: self.seed,
            framework: self.effort.framework.name().to_owned(),
            experts: self.experts.clone(),
            stages: self.stages.clone(),
            timings: self.watch.timings.clone(),
            settings: json!({ "full": demo.full, "part": demo.effort, "effort": self.effort }),
            ..Report::default()
        };
        for sitting in self.sittings {
            let Sitting {
                task,
                before,
                replaced,
                ..
            } = sitting;
            let (name, after) = (task.name(), sitting.after());
            if let Some(like) = sitting.like {
                report.look_alikes.push(LookAlikeRow {
                    target: like.name().to_owned(),
                    measured: self.compared(sitting),
                });
            } else if Task::targets().contains(task) {
                let types = types_of(&sitting.exam);
                let split = Split::Test.name();
                let row =
                    TargetRow::compare(name, split, &types, before, after, replaced, self.seed);
                report.targets.push(row);
            } else {
                report.unseen.push(self.compared(sitting));
            }
        }
        for (framework, sittings) in self.across {
            let rows = sittings.iter().map(|sitting| AcrossRow {
                framework: framework.name().to_owned(),
                measured: self.compared(sitting),
            });
            report.across.extend(rows);
        }
        report.calls = self.calls()?;
        report.divergence = divergence(self.sittings);
        report.forgetting = forgetting(self.sittings);
        let size = |kind: SubTaskKind, task: Option<&str>, parameters| ModelSize {
            kind: kind.name().to_owned(),
            task: task.map(str::to_owned),
            parameters,
        };
        report.students = SubTaskKind::TAUGHT
            .map(|kind| size(kind, None, self.base.parameters(kind)))
            .to_vec();
        report.teachers = self
            .teachers
            .iter()
            .flat_map(|t| {
                SubTaskKind::TAUGHT.map(|kind| size(kind, Some(t.task.name()), t.parameters))
            })
            .collect();
        report.runtime = RuntimeReport {
            statistics: self.watch.statistics.clone(),
            questions_per_s: self.speed.together,
            questions_per_s_one_at_a_time: self.speed.one_at_a_time,
        };
        Ok(report)
    }

    fn compared(&self, sitting: &Sitting) -> UnseenRow {
        let (before, after) = (&sitting.before, sitting.after());
        let metric = sitting.task.metric().name();
        let name = sitting.task.name();
        UnseenRow::compare(name, metric, before, after, &sitting.replaced, self.seed)
    }

    /// How well the calls of the targets' kept programs are answered, by kind.
    fn calls(&self) -> Result<Vec<CallRow>> {
        let (before, after) = (self.base.modules()?, self.student.modules()?);
        let mut rows = Vec::new();
        for (sitting, teachers) in self.sittings.iter().zip(self.teachers) {
            let traces = sitting.before.traces.iter().flatten();
            let calls: Vec<SubTask> = traces.flat_map(|t| t.sub_tasks().cloned()).collect();
            let truth = Oracle::of_questions(&sitting.questions);
            for kind in SubTaskKind::TAUGHT {
                let known = KnownCalls::of(kind, calls.iter().cloned(), &truth);
                if known.is_empty() {
                    continue;
                }
                rows.push(CallRow {
                    task: sitting.task.name().to_owned(),
                    kind: kind.name().to_owned(),
                    n: known.len(),
                    before: known.quality(&before),
                    after: known.quality(&after),
                    teachers: known.quality(&teachers.modules()),
                });
            }
        }
        Ok(rows)
    }
}

/// Every task's score through the stages.
fn forgetting(sittings: &[Sitting]) -> Vec<ForgettingRow> {
    let targets = Task::targets();
    let row = |sitting: &Sitting| {
        let through = std::iter::once(&sitting.before).chain(&sitting.stages);
        let learned = targets.iter().position(|task| *task == sitting.task);
        let scores = through.map(Evaluation::score).collect();
        ForgettingRow::new(&sitting.name(), scores, learned.map(|place| place + 1))
    };
    sittings.iter().map(row).collect()
}

/// A step of the distillation, for the report.
pub(super) fn stage(task: Task, step: &DistilledStep) -> Stage {
    let point = |p: &sdvp_distill::CurvePoint| CurvePoint {
        step: p.step,
        loss: f64::from(p.loss),
        rehearsal: (step.rehearsed > 0).then_some(f64::from(p.divergence)),
        validation: None,
    };
    Stage {
        task: task.name().to_owned(),
        kind: step.kind.name().to_owned(),
        harvested: step.harvested,
        labelled: step.labelled,
        rehearsed: step.rehearsed,
        seconds: step.curve.seconds,
        curve: step.curve.points.iter().map(point).collect(),
    }
}

/// Programs of both targets, step by step, before and after.
pub(super) fn examples(sittings: &[Sitting]) -> Vec<ExampleRun> {
    let targets = Task::targets().len();
    let mut shown = Vec::new();
    for sitting in sittings.iter().take(targets) {
        let kept = KEPT.min(sitting.exam.len());
        let (before, after) = (&sitting.before.scores, &sitting.after().scores);
        let chosen = choose_examples(&before[..kept], &after[..kept], SHOWN / targets);
        shown.extend(chosen.into_iter().map(|index| example(sitting, index)));
    }
    shown
}

/// Of every target's questions whose steps were kept, which step parted them.
fn divergence(sittings: &[Sitting]) -> Vec<DivergenceRow> {
    let targets = sittings.iter().take(Task::targets().len());
    let rows = targets.map(|sitting| {
        let right = |evaluation: &Evaluation, index: usize| evaluation.scores[index] >= 0.5;
        let (before, after) = (&sitting.before, sitting.after());
        // Only of these are pictures drawn again.
        let turned = (0..KEPT.min(sitting.exam.len()))
            .filter(|&index| right(before, index) != right(after, index));
        DivergenceRow::of(
            sitting.task.name(),
            turned.map(|index| example(sitting, index)),
        )
    });
    rows.flatten().collect()
}

/// A question's program before and after.
fn example(sitting: &Sitting, index: usize) -> ExampleRun {
    let item = &sitting.exam[index];
    let side = |evaluation: &Evaluation| {
        let trace = evaluation.traces[index].clone().unwrap_or_default();
        ExampleSide::new(
            &trace,
            evaluation.answers[index].clone(),
            Some(evaluation.scores[index] >= 0.5),
        )
    };
    ExampleRun {
        task: sitting.task.name().to_owned(),
        question: item.question.clone(),
        gold: item.gold.text(),
        images: (item.inputs)().unwrap_or_default(),
        before: side(&sitting.before),
        after: side(sitting.after()),
    }
}

//! `sdvp demo`: the whole of the method on the built-in world.

use super::distill::Effort;
use crate::exam::{Framework, exam};
use crate::modules::Teachers;
use crate::progress::Progress;
use crate::{modules, output};
use anyhow::Result;
use sdvp_core::{Module, SubTaskKind};
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_distill::{DistilledStep, Observer, Phase};
use sdvp_eval::report::{
    CurvePoint, ExampleRun, ExampleSide, ModelSize, Report, RuntimeReport, Stage, TargetRow,
    Timing, UnseenRow, choose_examples, text_table, write_report,
};
use sdvp_eval::{Evaluation, Exam, ExamItem, Speed, evaluate};
use sdvp_modules::Student;
use sdvp_runtime::{Settings, Statistics};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Write report.json, report.html and the distilled student into this folder.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Seed of all questions, batches and intervals.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// More questions and longer training.
    #[arg(long)]
    full: bool,
    /// Multiplies the number of questions and training steps; below 1 for a quick look.
    #[arg(long, default_value_t = 1.0)]
    effort: f64,
}

/// How much is run.
struct Scale {
    target_questions: usize,
    unseen_questions: usize,
    effort: Effort,
}

impl Scale {
    fn new(full: bool, part: f64) -> Self {
        let some = |all: usize| ((all as f64 * part).round() as usize).max(1);
        let effort = |questions, rehearsal, steps| Effort {
            questions: some(questions),
            rehearsal: some(rehearsal),
            locate_steps: some(steps),
            answer_steps: some(steps),
            batch: None,
            rehearsed: None,
            learning_rate: None,
            lambda: None,
            lora: None,
        };
        if full {
            Self {
                target_questions: some(1000),
                unseen_questions: some(500),
                effort: effort(8000, 6000, 900),
            }
        } else {
            Self {
                target_questions: some(500),
                unseen_questions: some(300),
                effort: effort(4000, 2000, 300),
            }
        }
    }
}

/// Questions of the first target whose steps may be shown, per target.
const KEPT: usize = 200;
/// Programs shown step by step.
const SHOWN: usize = 10;
/// Questions of the comparison with one call at a time.
const COMPARED: usize = 500;

/// A task with its questions and what came of them.
struct Sitting {
    task: Task,
    exam: Exam,
    before: Evaluation,
    replaced: Vec<Evaluation>,
}

/// What the phases of the demo share.
struct Stopwatch {
    progress: Progress,
    timings: Vec<Timing>,
    statistics: Statistics,
}

impl Stopwatch {
    fn sit(
        &mut self,
        exam: &[ExamItem],
        modules: Vec<Arc<dyn Module>>,
        name: &str,
    ) -> Result<Evaluation> {
        self.progress.begin(&Phase {
            name: name.to_owned(),
            total: exam.len(),
        });
        let progress = &self.progress;
        let evaluation = evaluate(
            exam,
            modules,
            &Settings::default(),
            |i| i < KEPT,
            |_| progress.advance(1),
        )?;
        self.statistics.add(&evaluation.statistics);
        Ok(evaluation)
    }

    fn time(&mut self, name: &str, since: Instant) {
        self.timings.push(Timing {
            phase: name.to_owned(),
            seconds: since.elapsed().as_secs_f64(),
        });
    }
}

impl Demo {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let started = Instant::now();
        let scale = Scale::new(self.full, self.effort);
        let base = modules::student(None)?;
        let teachers: Vec<Teachers> = Task::targets()
            .into_iter()
            .map(Teachers::of)
            .collect::<Result<_>>()?;
        let mut watch = Stopwatch {
            progress: Progress::new(),
            timings: Vec::new(),
            statistics: Statistics::default(),
        };

        let mut sittings = Vec::new();
        for task in Task::targets().into_iter().chain(Task::unseen()) {
            sittings.push(self.before(task, &scale, &base, &teachers, &mut watch)?);
        }
        watch.time("before and teachers", started);

        let phase = Instant::now();
        let mut student = base.clone();
        let mut stages = Vec::new();
        for task in Task::targets() {
            let distilled = scale
                .effort
                .distill(task, &student, self.seed, &watch.progress)?;
            stages.extend(distilled.steps.iter().map(|step| stage(task, step)));
            student = distilled.student;
        }
        watch.time("distillation", phase);

        let phase = Instant::now();
        let after: Vec<Evaluation> = sittings
            .iter()
            .map(|s| watch.sit(&s.exam, student.modules()?, &format!("{}: after", s.task)))
            .collect::<Result<_>>()?;
        watch.time("after", phase);

        let phase = Instant::now();
        let first = &sittings[0].exam;
        let some = &first[..first.len().min(COMPARED)];
        watch.progress.begin(&Phase {
            name: "together and one call at a time".to_owned(),
            total: some.len(),
        });
        let speed = Speed::measure(some, base.modules()?, base.modules_without_memory()?)?;
        watch.time("together and one call at a time", phase);
        watch.progress.end();

        let report = self.report(
            &scale, &sittings, &after, stages, &base, &teachers, &watch, speed, started,
        );
        if let Some(out) = &self.out {
            write_report(out, &report, &examples(&sittings, &after))?;
            student.save(&out.join("student"))?;
        }
        if json {
            output::json(&report)?;
        } else {
            output::text(&text_table(&report))?;
            if let Some(out) = &self.out {
                output::text(&format!("report and student are in {}", out.display()))?;
            }
        }
        Ok(true)
    }

    /// The student as it is, and each target's teachers in its place: on a target its own, on an
    /// unseen task those of every target.
    fn before(
        &self,
        task: Task,
        scale: &Scale,
        base: &Student,
        teachers: &[Teachers],
        watch: &mut Stopwatch,
    ) -> Result<Sitting> {
        let target = Task::targets().contains(&task);
        let count = if target {
            scale.target_questions
        } else {
            scale.unseen_questions
        };
        let exam = exam(task, Split::Test, self.seed, count);
        let before = watch.sit(&exam, base.modules()?, &format!("{task}: before"))?;
        let replaced = teachers
            .iter()
            .filter(|teacher| !target || teacher.task == task)
            .map(|teacher| {
                watch.sit(
                    &exam,
                    teacher.modules(),
                    &format!("{task}: teachers of {}", teacher.task),
                )
            })
            .collect::<Result<_>>()?;
        Ok(Sitting {
            task,
            exam,
            before,
            replaced,
        })
    }

    fn report(
        &self,
        scale: &Scale,
        sittings: &[Sitting],
        after: &[Evaluation],
        stages: Vec<Stage>,
        base: &Student,
        teachers: &[Teachers],
        watch: &Stopwatch,
        speed: Speed,
        started: Instant,
    ) -> Report {
        let mut report = Report {
            seed: self.seed,
            framework: Framework::Visprog.name().to_owned(),
            stages,
            timings: watch.timings.clone(),
            settings: serde_json::json!({ "full": self.full, "part": self.effort, "effort": scale.effort }),
            ..Report::default()
        };
        for (sitting, after) in sittings.iter().zip(after) {
            let Sitting {
                task,
                exam,
                before,
                replaced,
            } = sitting;
            if Task::targets().contains(task) {
                let types: Vec<String> = exam.iter().map(|item| item.kind.clone()).collect();
                let replaced = replaced.first().cloned().unwrap_or_default();
                let row = TargetRow::compare(
                    task.name(),
                    Split::Test.name(),
                    &types,
                    before,
                    after,
                    &replaced,
                    self.seed,
                );
                report.targets.push(row);
            } else {
                let replaced = mean_of(replaced);
                let row = UnseenRow::compare(
                    task.name(),
                    task.metric().name(),
                    before,
                    after,
                    &replaced,
                    self.seed,
                );
                report.unseen.push(row);
            }
        }
        let size = |kind: SubTaskKind, task: Option<&str>, parameters| ModelSize {
            kind: kind.name().to_owned(),
            task: task.map(str::to_owned),
            parameters,
        };
        report.students = SubTaskKind::ALL
            .map(|kind| size(kind, None, base.parameters(kind)))
            .to_vec();
        report.teachers = teachers
            .iter()
            .flat_map(|t| {
                SubTaskKind::ALL.map(|kind| size(kind, Some(t.task.name()), t.parameters))
            })
            .collect();
        report.runtime = RuntimeReport {
            statistics: watch.statistics.clone(),
            questions_per_s: speed.together,
            questions_per_s_one_at_a_time: speed.one_at_a_time,
        };
        report.wall_s = started.elapsed().as_secs_f64();
        report
    }
}

/// Several sittings of one exam as one, question by question.
fn mean_of(sittings: &[Evaluation]) -> Evaluation {
    let mut mean = sittings.first().cloned().unwrap_or_default();
    for (index, score) in mean.scores.iter_mut().enumerate() {
        let all: Vec<f64> = sittings
            .iter()
            .filter_map(|s| s.scores.get(index).copied())
            .collect();
        *score = sdvp_eval::mean(&all);
    }
    mean
}

fn stage(task: Task, step: &DistilledStep) -> Stage {
    let point = |p: &sdvp_distill::CurvePoint| CurvePoint {
        step: p.step,
        loss: f64::from(p.loss),
        rehearsal: Some(f64::from(p.divergence)),
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
fn examples(sittings: &[Sitting], after: &[Evaluation]) -> Vec<ExampleRun> {
    let targets = Task::targets().len();
    let mut shown = Vec::new();
    for (sitting, after) in sittings.iter().zip(after).take(targets) {
        let kept = KEPT.min(sitting.exam.len());
        for index in choose_examples(
            &sitting.before.scores[..kept],
            &after.scores[..kept],
            SHOWN / targets,
        ) {
            let item = &sitting.exam[index];
            let side = |evaluation: &Evaluation| {
                let trace = evaluation.traces[index].clone().unwrap_or_default();
                ExampleSide::new(
                    &trace,
                    evaluation.answers[index].clone(),
                    Some(evaluation.scores[index] >= 0.5),
                )
            };
            shown.push(ExampleRun {
                task: sitting.task.name().to_owned(),
                question: item.question.clone(),
                gold: item.gold.text(),
                images: (item.inputs)().unwrap_or_default(),
                before: side(&sitting.before),
                after: side(after),
            });
        }
    }
    shown
}

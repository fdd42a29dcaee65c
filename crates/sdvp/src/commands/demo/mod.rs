//! `sdvp demo`: the whole of the method on the built-in world.

mod experts;
mod findings;
mod sitting;

use super::effort::{Effort, How};
use crate::exam::{Framework, look_alike_name};
use crate::modules::Teachers;
use crate::progress::Progress;
use crate::trial::{look_alikes, names, seed_types};
use crate::{modules, output};
use anyhow::Result;
use experts::experts;
use findings::{Findings, examples, stage};
use sdvp_data::Task;
use sdvp_distill::{Memory, Observer, Phase};
use sdvp_eval::Speed;
use sdvp_eval::report::{
    Grid, GridCell, GridRun, Report, SeedTypes, grid_html, grid_table, text_table, write_file,
    write_report,
};
use sdvp_runtime::Statistics;
use serde_json::json;
use sitting::{Sitting, Stopwatch, scores_of};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Write report.json, report.html and the distilled student into this folder.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Seed of all questions, batches and intervals.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// So many seeds, from the given one on, and what they show together.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// More questions and longer training, and the other framework's programs afterwards.
    #[arg(long)]
    full: bool,
    /// The language of the programs whose calls are learned.
    #[arg(long, value_enum, default_value_t)]
    framework: Framework,
    /// Multiplies the number of questions and training steps; below 1 for a quick look.
    #[arg(long, default_value_t = 1.0)]
    effort: f64,
}

/// How much is run.
struct Scale {
    target_questions: usize,
    unseen_questions: usize,
    /// Of every unseen task in the looks of every target.
    look_alike_questions: usize,
    effort: Effort,
}

impl Scale {
    fn new(full: bool, part: f64, framework: Framework) -> Self {
        let some = |all: usize| ((all as f64 * part).round() as usize).max(1);
        let whole = Effort::default();
        let effort = |questions, rehearsal, part: f64, passes: [f64; 3]| Effort {
            framework,
            questions: some(questions),
            rehearsal: some(rehearsal),
            locate_steps: some((whole.locate_steps as f64 * part) as usize),
            match_steps: some((whole.match_steps as f64 * part) as usize),
            answer_steps: some((whole.answer_steps as f64 * part) as usize),
            locate_passes: Some(passes[0]),
            match_passes: Some(passes[1]),
            answer_passes: Some(passes[2]),
            how: How::default(),
        };
        if full {
            Self {
                target_questions: some(1000),
                unseen_questions: some(500),
                look_alike_questions: some(200),
                effort: effort(5500, 1200, 1.0, [2.0, 4.0, 3.0]),
            }
        } else {
            Self {
                target_questions: some(500),
                unseen_questions: some(300),
                look_alike_questions: some(100),
                effort: effort(1400, 1200, 0.4, [2.4, 4.0, 3.8]),
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

impl Demo {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        if self.seeds == 1 {
            let (report, ..) = self.one(self.seed, self.out.as_deref())?;
            if json {
                output::json(&report)?;
            } else {
                output::text(&text_table(&report))?;
                self.tell_where()?;
            }
            return Ok(true);
        }
        let mut grid = Grid {
            name: format!("{} seeds from {}", self.seeds, self.seed),
            targets: names(Task::targets()),
            unseen: names(Task::unseen()),
            look_alikes: look_alikes(&Task::targets())
                .map(|(task, like)| look_alike_name(task, like))
                .collect(),
            runs: vec![GridRun {
                name: "stepwise distillation".to_owned(),
                ..GridRun::default()
            }],
            ..Grid::default()
        };
        for seed in (0..self.seeds).map(|i| self.seed.saturating_add(i)) {
            let out = self
                .out
                .as_ref()
                .map(|out| out.join(format!("seed-{seed}")));
            let (report, [before, teachers, after], types) = self.one(seed, out.as_deref())?;
            if !json {
                output::text(&format!(
                    "seed {seed}, {:.0} s\n{}",
                    report.wall_s,
                    text_table(&report)
                ))?;
            }
            grid.types.push(types);
            grid.before.push(before);
            grid.teachers.push(teachers);
            grid.runs[0].cells.push(after);
        }
        let summary = json!({ "grid": grid, "rows": grid.rows() });
        if let Some(out) = &self.out {
            write_file(&out.join("grid.json"), format!("{summary:#}\n").as_bytes())?;
            write_file(&out.join("grid.html"), grid_html(&grid).as_bytes())?;
        }
        if json {
            output::json(&summary)?;
        } else {
            output::text(&grid_table(&grid))?;
            self.tell_where()?;
        }
        Ok(true)
    }

    fn tell_where(&self) -> Result<()> {
        match &self.out {
            Some(out) => output::text(&format!("report and student are in {}", out.display())),
            None => Ok(()),
        }
    }

    /// The whole of the method with one seed: its report; the scores of the untouched student, of
    /// the teachers, and of the student after each target; the types of the targets' questions.
    fn one(&self, seed: u64, out: Option<&Path>) -> Result<(Report, [GridCell; 3], SeedTypes)> {
        let started = Instant::now();
        let scale = Scale::new(self.full, self.effort, self.framework);
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

        let targets = Task::targets();
        let tasks = targets.iter().copied().chain(Task::unseen());
        let tasks: Vec<(Task, Option<Task>)> = tasks.map(|task| (task, None)).collect();
        let in_looks = look_alikes(&targets).map(|(task, like)| (task, Some(like)));
        let all: Vec<(Task, Option<Task>)> = tasks.iter().copied().chain(in_looks).collect();
        let sit = |framework, tasks: &[_], watch: &mut Stopwatch| -> Result<Vec<Sitting>> {
            let tasks = tasks.iter();
            tasks
                .map(|&task| {
                    Sitting::before(task, framework, &scale, &base, &teachers, seed, watch)
                })
                .collect()
        };
        let mut sittings = sit(self.framework, &all, &mut watch)?;
        watch.time("before and teachers", started);

        let (effort, mut stages) = (&scale.effort, Vec::new());
        let (mut student, mut memory) = (base.clone(), Memory::default());
        for task in Task::targets() {
            let phase = Instant::now();
            memory = effort.complete(memory, &student, seed, &watch.progress)?;
            let distilled = effort.distill(task, &student, &memory, seed, None, &watch.progress)?;
            stages.extend(distilled.steps.iter().map(|step| stage(task, step)));
            student = distilled.student.clone();
            memory = distilled.remember(&student, memory, &effort.settings(seed))?;
            watch.time(&format!("distillation of {task}"), phase);

            let phase = Instant::now();
            for sitting in &mut sittings {
                sitting.again(&student, task.name(), &mut watch)?;
            }
            watch.time(&format!("after {task}"), phase);
        }

        let phase = Instant::now();
        let experts = experts(&student, &sittings, &mut watch)?;
        if !experts.is_empty() {
            watch.time("experts, answering everywhere", phase);
        }

        let mut across = Vec::new();
        let others = Framework::ALL.into_iter();
        for framework in others.filter(|other| self.full && *other != self.framework) {
            let phase = Instant::now();
            let mut sittings = sit(framework, &tasks, &mut watch)?;
            for sitting in &mut sittings {
                sitting.again(&student, "all", &mut watch)?;
            }
            across.push((framework, sittings));
            watch.time(&format!("{} programs", framework.name()), phase);
        }

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

        let findings = Findings {
            seed,
            effort,
            sittings: &sittings,
            across: &across,
            experts,
            stages,
            base: &base,
            student: &student,
            teachers: &teachers,
            watch: &watch,
            speed,
        };
        let mut report = findings.report(self)?;
        report.wall_s = started.elapsed().as_secs_f64();
        if let Some(out) = out {
            write_report(out, &report, &examples(&sittings))?;
            memory.save(&out.join("student"))?;
            student.save(&out.join("student"))?;
        }
        let cell = |stages| GridCell {
            seed,
            stages,
            notes: Vec::new(),
        };
        let learned = (0..Task::targets().len())
            .map(|stage| scores_of(&sittings, |sitting| sitting.stages.get(stage)))
            .collect();
        let cells = [
            cell(vec![scores_of(&sittings, |sitting| Some(&sitting.before))]),
            cell(vec![scores_of(&sittings, |sitting| {
                Some(&sitting.replaced)
            })]),
            cell(learned),
        ];
        let targets = sittings.iter().take(Task::targets().len());
        let exams = targets.map(|sitting| (sitting.task, sitting.exam.as_slice()));
        Ok((report, cells, seed_types(exams, seed)))
    }
}

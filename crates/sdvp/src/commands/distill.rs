//! `sdvp distill`: a task's teachers into a student.

use crate::exam::{Framework, exercises};
use crate::progress::Progress;
use crate::{modules, output};
use anyhow::Result;
use sdvp_data::Task;
use sdvp_distill::{DistillSettings, Distillation, Exercise, distill};
use sdvp_models::LoraConfig;
use sdvp_modules::{Student, TrainMethod};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Distill {
    /// The target: picto-gqa or picto-nlvr2.
    task: String,
    /// The language of the programs.
    #[arg(long, value_enum, default_value = "visprog")]
    framework: Framework,
    /// Where the student's folder goes.
    #[arg(long)]
    out: PathBuf,
    /// The student to start from; the shipped one if not given. Its earlier tasks are rehearsed.
    #[arg(long)]
    after: Option<PathBuf>,
    /// Seed of questions, batches and fresh weights.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    effort: Effort,
}

/// How much to learn from, and how long.
#[derive(clap::Args, Clone, Debug, serde::Serialize)]
pub(crate) struct Effort {
    /// Questions of the task's training split.
    #[arg(long, default_value_t = 8000)]
    pub(crate) questions: usize,
    /// Questions whose calls are rehearsed: general ones, and as many of every earlier task.
    #[arg(long, default_value_t = 6000)]
    pub(crate) rehearsal: usize,
    /// Optimizer steps of learning to locate; 0 leaves that module as it is.
    #[arg(long, default_value_t = 900)]
    pub(crate) locate_steps: usize,
    /// Optimizer steps of learning to answer; 0 leaves that module as it is.
    #[arg(long, default_value_t = 900)]
    pub(crate) answer_steps: usize,
    /// Labelled calls in a batch.
    #[arg(long)]
    pub(crate) batch: Option<usize>,
    /// Rehearsed calls in a batch.
    #[arg(long)]
    pub(crate) rehearsed: Option<usize>,
    /// Highest learning rate.
    #[arg(long)]
    pub(crate) learning_rate: Option<f64>,
    /// Weight of staying what one was; 0 forgets freely.
    #[arg(long)]
    pub(crate) lambda: Option<f64>,
    /// Train low-rank additions of this rank instead of all weights.
    #[arg(long)]
    pub(crate) lora: Option<usize>,
}

impl Effort {
    /// The settings it stands for.
    pub(crate) fn settings(&self, seed: u64) -> DistillSettings {
        let method = match self.lora {
            None => TrainMethod::Full,
            Some(rank) => TrainMethod::Lora(LoraConfig {
                rank,
                alpha: 2.0 * rank as f32,
                patterns: ["layers.", "layer."].map(str::to_owned).to_vec(),
            }),
        };
        let mut settings = DistillSettings {
            seed,
            ..DistillSettings::default()
        };
        for step in [&mut settings.locate, &mut settings.answer] {
            step.batch = self.batch.unwrap_or(step.batch);
            step.rehearsed = self.rehearsed.unwrap_or(step.rehearsed);
            step.learning_rate = self.learning_rate.unwrap_or(step.learning_rate);
            step.lambda = self.lambda.unwrap_or(step.lambda);
            step.method = method.clone();
        }
        settings.locate.steps = self.locate_steps;
        settings.answer.steps = self.answer_steps;
        settings
    }

    /// Distils a target into a student that may have learned others before.
    pub(crate) fn distill(
        &self,
        task: Task,
        student: &Student,
        seed: u64,
        progress: &Progress,
    ) -> Result<Distillation> {
        let teachers = modules::Teachers::of(task)?;
        let mut rehearsal: Vec<Exercise> = exercises(Task::General, seed, self.rehearsal);
        for earlier in &student.manifest.history {
            rehearsal.extend(exercises(Task::named(earlier)?, seed, self.rehearsal));
        }
        let exercises = exercises(task, seed, self.questions);
        let settings = self.settings(seed);
        let (locate, answer) = (teachers.locate.as_ref(), teachers.answer.as_ref());
        Ok(distill(
            task.name(),
            student,
            &exercises,
            &rehearsal,
            locate,
            answer,
            &settings,
            progress,
        )?)
    }
}

impl Distill {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let task = Task::named(&self.task)?;
        let student = modules::student(self.after.as_deref())?;
        let progress = Progress::new();
        let distilled = self.effort.distill(task, &student, self.seed, &progress)?;
        progress.end();
        distilled.student.save(&self.out)?;
        if json {
            output::json(&serde_json::json!({
                "task": task, "framework": self.framework.name(), "seed": self.seed,
                "effort": self.effort, "student": self.out, "steps": distilled.steps,
            }))?;
        } else {
            for step in &distilled.steps {
                let loss = step
                    .curve
                    .points
                    .last()
                    .map_or(f32::NAN, |point| point.loss);
                output::text(&format!(
                    "{}: {} calls harvested, {} labelled, {} rehearsed, loss {loss:.3}, {:.0} s",
                    step.kind, step.harvested, step.labelled, step.rehearsed, step.curve.seconds,
                ))?;
            }
            output::text(&format!("the student is in {}", self.out.display()))?;
        }
        Ok(true)
    }
}

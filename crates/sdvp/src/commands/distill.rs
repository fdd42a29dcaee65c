//! `sdvp distill`: a task's teachers into a student.

use super::effort::Effort;
use crate::exam::{Framework, exercises, questions_of};
use crate::progress::Progress;
use crate::{modules, output};
use anyhow::{Context, Result};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_distill::{DistilledStep, Gate, HeldOut, Memory, Verdict};
use sdvp_modules::Student;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Distill {
    /// The target: picto-gqa or picto-nlvr2.
    task: String,
    /// Where the student's folder goes.
    #[arg(long)]
    out: PathBuf,
    /// The student to start from; the shipped one if not given. Its memory is rehearsed.
    #[arg(long)]
    after: Option<PathBuf>,
    /// Seed of questions, batches and fresh weights.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    effort: Effort,
    #[command(flatten)]
    gate: GateOptions,
}

/// What may be lost.
#[derive(clap::Args)]
struct GateOptions {
    /// Points by which general and earlier tasks may fall on held-out questions.
    #[arg(long, default_value_t = 1.0)]
    tolerance: f64,
    /// Held-out questions of each of these tasks.
    #[arg(long, default_value_t = 2000)]
    gate_questions: usize,
    /// Keep the student whatever it has lost. That is recorded with it.
    #[arg(long)]
    no_gate: bool,
}

impl GateOptions {
    fn gate(&self, task: Task, framework: Framework, student: &Student, seed: u64) -> Result<Gate> {
        let held_out = |task: Task| {
            let questions = questions_of(task, Split::Val, seed, self.gate_questions);
            HeldOut {
                task: task.name().to_owned(),
                exercises: exercises(&questions, framework),
            }
        };
        let mut kept = vec![held_out(Task::General)];
        for earlier in &student.manifest.history {
            let earlier = Task::named(earlier)?;
            if earlier != task && !kept.iter().any(|known| known.task == earlier.name()) {
                kept.push(held_out(earlier));
            }
        }
        Ok(Gate {
            kept,
            target: held_out(task),
            tolerance: self.tolerance / 100.0,
        })
    }
}

/// What was done to a student, task by task, beside its manifest.
const RECORD: &str = "distilled.json";

impl Distill {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let task = Task::named(&self.task)?;
        let before = modules::student(self.after.as_deref())?;
        let (memory, mut record) = match &self.after {
            Some(folder) => (Memory::load(folder)?, read_record(folder)?),
            None => (Memory::default(), Vec::new()),
        };
        let (effort, seed, progress) = (&self.effort, self.seed, Progress::new());
        let how = effort.record()?;
        let memory = effort.complete(memory, &before, seed, &progress)?;
        let distilled = effort.distill(task, &before, &memory, seed, &progress)?;
        let (verdict, student) = if self.gate.no_gate {
            (None, distilled.student.clone())
        } else {
            let gate = self.gate.gate(task, effort.framework, &before, seed)?;
            let (verdict, student) = gate.judge(&before, &distilled.checkpoints, &progress)?;
            (Some(verdict), student)
        };
        let memory = match verdict.as_ref().map(|verdict| verdict.steps) {
            // Nothing was learned, so there is nothing more to remember.
            Some(0) => memory,
            _ => distilled.remember(&student, memory, &effort.settings(seed))?,
        };
        progress.end();

        let done = json!({
            "task": task, "framework": effort.framework, "seed": seed, "effort": how,
            "settings": effort.settings(seed), "gate": verdict, "steps": distilled.steps,
        });
        record.push(done.clone());
        let is_new = !self.out.exists();
        let saved = save(&self.out, &memory, &record, &student);
        if saved.is_err() && is_new {
            // Half a student is of no use. What cannot be removed has no manifest.
            let _ = std::fs::remove_dir_all(&self.out);
        }
        saved?;
        if json {
            let mut done = done;
            done["student"] = json!(self.out);
            output::json(&done)?;
        } else {
            self.tell(&distilled.steps, verdict.as_ref())?;
        }
        Ok(verdict.is_none_or(|verdict| verdict.accepted))
    }

    fn tell(&self, steps: &[DistilledStep], verdict: Option<&Verdict>) -> Result<()> {
        for step in steps {
            let loss = step.curve.points.last();
            let loss = loss.map_or(f32::NAN, |point| point.loss);
            output::text(&format!(
                "{}: labelled {} of {} calls{}, {} examples, {} rehearsed, loss {loss:.3}, {:.0} s",
                step.kind,
                step.known,
                step.harvested,
                match step.unsayable {
                    0 => String::new(),
                    some => format!(", {some} with answers that the student cannot give"),
                },
                step.labelled,
                step.rehearsed,
                step.curve.seconds,
            ))?;
        }
        if let Some(verdict) = verdict {
            output::text(&judgement(verdict))?;
        }
        output::text(&format!("the student is in {}", self.out.display()))
    }
}

/// The gate's verdict for people.
fn judgement(verdict: &Verdict) -> String {
    let points = |part: f64| 100.0 * part;
    let mut lines: Vec<String> = verdict
        .kept
        .iter()
        .chain([&verdict.target])
        .map(|task| {
            format!(
                "{}: {:.1} before, {:.1} after, of {} held-out questions{}",
                task.task,
                points(task.before),
                points(task.after),
                task.n,
                match task.fell(verdict.tolerance) {
                    true => ", which is too much lost",
                    false => "",
                }
            )
        })
        .collect();
    if !verdict.accepted {
        let kept = match verdict.steps {
            0 => "the student is kept as it was".to_owned(),
            steps => format!("the student is kept as it was after step {steps}"),
        };
        lines.push(format!(
            "refused: more than {:.1} points were lost; {kept}. Try a greater --lambda, a lower \
             --learning-rate, more --rehearsed calls, or --no-gate",
            points(verdict.tolerance),
        ));
    }
    lines.join("\n")
}

/// The manifest, which makes a folder a student, comes last.
fn save(folder: &Path, memory: &Memory, record: &[Value], student: &Student) -> Result<()> {
    memory.save(folder)?;
    write_record(folder, record)?;
    Ok(student.save(folder)?)
}

fn read_record(folder: &Path) -> Result<Vec<Value>> {
    let path = folder.join(RECORD);
    match sdvp_core::read_within(&path, &SETTINGS_FILE) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a list of distillations", path.display())),
        // Students of earlier versions have none.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write_record(folder: &Path, record: &[Value]) -> Result<()> {
    let path = folder.join(RECORD);
    let text = format!("{:#}\n", json!(record));
    sdvp_core::write_whole(&path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

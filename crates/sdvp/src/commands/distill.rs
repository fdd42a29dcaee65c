//! `sdvp distill`: a task's teachers into a student.

use super::caching;
use super::distill_record::{claim, write_run};
use super::effort::Effort;
use crate::exam::{Framework, exercises, questions_of};
use crate::progress::Progress;
use crate::{modules, output};
use anyhow::{Context, Result};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_distill::{Checkpoints, DistillError, DistilledStep, Gate, HeldOut, Memory, Verdict};
use sdvp_modules::Student;
use sdvp_runtime::Settings;
use sdvp_store::{LOCK, Lock};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// While a module learns, write down how far it is every so many seconds, if that takes no more
    /// than a twentieth of the time; 0 does so at every step. The same command goes on from there.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    checkpoint_every: f64,
    /// Begin again, and drop what `--out` has of an unfinished or a finished distillation.
    #[arg(long)]
    afresh: bool,
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
/// In a record, all that decided what came of it.
const DISTILLATION: &str = "distillation";
/// The file that makes a folder a student.
const MANIFEST: &str = "student.json";
/// There, what modules answered: programs that are run again need not ask them again.
const OUTCOMES: &str = "outcomes";
/// In the student's folder to be, what is kept until it is one.
const UNFINISHED: &str = "unfinished";

impl Distill {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let task = Task::named(&self.task)?;
        let before = modules::student(self.after.as_deref())?;
        self.effort.suits(&before)?;
        let distillation = self.distillation(task, &before)?;
        let unfinished = self.out.join(UNFINISHED);
        if let Some(done) = self.finished(&distillation, &unfinished)?
            && !unfinished.exists()
        {
            return self.tell(&done, json);
        }
        let Taken {
            record,
            is_new,
            _unfinished,
        } = self.take(&unfinished)?;
        // Whoever had the folder before may have finished it, and been killed when it cleared up.
        if let Some(done) = self.finished(&distillation, &unfinished)? {
            if !Checkpoints::are_of_another(&unfinished, &distillation)? {
                remove(&unfinished)?;
            }
            return self.tell(&done, json);
        }
        let distilled = self.distil(task, &before, &distillation, &unfinished, record);
        if let Err(error) = &distilled
            && is_new
        {
            let of_no_use = matches!(
                error.downcast_ref(),
                Some(DistillError::NothingToLearn { .. })
            );
            // What is rehearsed is the first thing that takes long.
            if of_no_use || !Memory::is_in(&unfinished) {
                remove(&unfinished)?;
            }
            remove_if_empty(&self.out);
        }
        let done = distilled?;
        remove(&unfinished)?;
        self.tell(&done, json)
    }

    /// All that decides what will come of it.
    fn distillation(&self, task: Task, before: &Student) -> Result<Value> {
        let (effort, seed) = (&self.effort, self.seed);
        let modules = before.modules()?;
        let modules = modules.iter().flat_map(|module| {
            let kinds = module.answers().iter();
            kinds.map(|kind| (kind.name(), module.fingerprint()))
        });
        let experts = before.manifest.experts.iter().map(|expert| &expert.tasks);
        let memory = match &self.after {
            Some(folder) => Memory::digest(folder)?,
            None => None,
        };
        Ok(json!({
            "sdvp": env!("CARGO_PKG_VERSION"),
            "task": task, "framework": effort.framework, "seed": seed, "effort": effort.record()?,
            "settings": effort.settings(seed),
            "from": {
                "modules": modules.collect::<BTreeMap<_, _>>(),
                "history": before.manifest.history,
                "experts": experts.collect::<Vec<_>>(),
                "memory": memory,
            },
            "gate": {
                "tolerance": self.gate.tolerance,
                "questions": self.gate.gate_questions,
                "left out": self.gate.no_gate,
            },
        }))
    }

    /// The record of this very distillation, if it is finished.
    fn finished(&self, distillation: &Value, unfinished: &Path) -> Result<Option<Value>> {
        if self.afresh || !self.out.join(MANIFEST).exists() {
            return Ok(None);
        }
        let done = read_record(&self.out)?.pop();
        match done {
            Some(done) if done.get(DISTILLATION) == Some(distillation) => {
                match Student::load(&self.out) {
                    Ok(_) => Ok(Some(done)),
                    // It is being made anew.
                    Err(_) if Checkpoints::are_of(unfinished, distillation)? => Ok(None),
                    Err(error) => Err(error).with_context(|| {
                        format!(
                            "the student in {} was finished and is damaged; give --afresh to make it \
                             anew, or choose another --out",
                            self.out.display()
                        )
                    }),
                }
            }
            // It was begun with --afresh.
            _ if Checkpoints::are_of(unfinished, distillation)? => Ok(None),
            _ => anyhow::bail!(
                "{} holds a student that came about otherwise; choose another --out, or give --afresh \
                 to replace it when the new one is finished",
                self.out.display()
            ),
        }
    }

    /// Makes the folder for what is unfinished; there and in the student's folder this process alone may
    /// then work.
    fn take(&self, unfinished: &Path) -> Result<Taken> {
        if let Some(after) = &self.after
            && after.canonicalize().ok() == self.out.canonicalize().ok()
            && self.out.exists()
        {
            anyhow::bail!(
                "--out is the student to start from, {}, which is needed until the new one is finished; \
                 choose another --out",
                after.display()
            );
        }
        let record = claim(&self.out)?;
        let is_new = !unfinished.exists();
        std::fs::create_dir_all(unfinished)
            .with_context(|| format!("cannot make {}", unfinished.display()))?;
        let lock = Lock::take(unfinished)?;
        if self.afresh {
            remove_all_but(unfinished, LOCK)?;
        }
        Ok(Taken {
            record,
            _unfinished: lock,
            is_new,
        })
    }

    /// Does it, or what is left of it.
    fn distil(
        &self,
        task: Task,
        before: &Student,
        distillation: &Value,
        unfinished: &Path,
        claimed: Lock,
    ) -> Result<Value> {
        let (effort, seed, progress) = (&self.effort, self.seed, Progress::new());
        let every = Duration::try_from_secs_f64(self.checkpoint_every)
            .context("--checkpoint-every expected seconds, 0 or more")?;
        let (earlier, mut record) = match &self.after {
            Some(folder) => (Memory::load(folder)?, read_record(folder)?),
            None => (Memory::default(), Vec::new()),
        };
        let outcomes = caching::kept_in(&unfinished.join(OUTCOMES))?;
        let runs = Settings {
            kept: Some(outcomes),
            ..Settings::default()
        };
        let checkpoints = Checkpoints::open(unfinished, distillation, every)?.with_runs(runs);
        let memory = match checkpoints.memory()? {
            Some(memory) => memory,
            None => {
                let memory = effort.complete(earlier, before, seed, &progress)?;
                checkpoints.keep_memory(&memory)?;
                memory
            }
        };
        let kept = Some(&checkpoints);
        let distilled = effort.distill(task, before, &memory, seed, kept, &progress)?;
        let (verdict, student) = if self.gate.no_gate {
            (None, distilled.student.clone())
        } else {
            let gate = self.gate.gate(task, effort.framework, before, seed)?;
            let (verdict, student) = gate.judge(before, &distilled.checkpoints, &progress)?;
            (Some(verdict), student)
        };
        let memory = match verdict.as_ref().map(|verdict| verdict.steps) {
            // Nothing was learned, so there is nothing more to remember.
            Some(0) => memory,
            _ => distilled.remember(&student, memory, &effort.settings(seed))?,
        };
        progress.end();

        let done = json!({
            "task": task, "framework": effort.framework, "seed": seed,
            "effort": distillation["effort"], "settings": distillation["settings"],
            "gate": verdict, "steps": distilled.steps, DISTILLATION: distillation,
        });
        record.push(done.clone());
        clear(&self.out)?;
        write_run(claimed, &self.out, distillation, seed, &distilled)?;
        save(&self.out, &memory, &record, &student)?;
        Ok(done)
    }

    /// Says what came of it, and returns whether it was accepted.
    fn tell(&self, done: &Value, json: bool) -> Result<bool> {
        let told: Told = serde_json::from_value(done.clone()).with_context(|| {
            let path = self.out.join(RECORD);
            format!("{} does not say what came of it", path.display())
        })?;
        let accepted = told.gate.as_ref().is_none_or(|verdict| verdict.accepted);
        if json {
            let mut done = done.clone();
            if let Some(done) = done.as_object_mut() {
                done.remove(DISTILLATION);
                done.insert("student".to_owned(), json!(self.out));
            }
            output::json(&done)?;
            return Ok(accepted);
        }
        for step in &told.steps {
            output::text(&summary(step))?;
        }
        if let Some(verdict) = &told.gate {
            output::text(&judgement(verdict))?;
        }
        output::text(&format!("the student is in {}", self.out.display()))?;
        Ok(accepted)
    }
}

/// What a distillation holds while it is under way.
struct Taken {
    /// Of the student's folder, where its record goes.
    record: Lock,
    _unfinished: Lock,
    /// Whether there was nothing unfinished.
    is_new: bool,
}

/// Of a record what people are told.
#[derive(Deserialize)]
struct Told {
    gate: Option<Verdict>,
    steps: Vec<DistilledStep>,
}

/// What a step did, for people.
fn summary(step: &DistilledStep) -> String {
    let loss = step.curve.points.last();
    let loss = loss.map_or(f32::NAN, |point| point.loss);
    format!(
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
    )
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
            "refused: more than {:.1} points were lost; {kept}. Try a lower --learning-rate, for what is \
             learned for all pictures a greater --lambda or more --rehearsed calls, or --no-gate",
            points(verdict.tolerance),
        ));
    }
    lines.join("\n")
}

/// Makes a folder none of a student, so that what is written into it is not mistaken for what was there.
fn clear(folder: &Path) -> Result<()> {
    for folder in Memory::folders(folder).iter().chain([&folder.to_owned()]) {
        sdvp_core::remove_all_partial(folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    match std::fs::remove_file(folder.join(MANIFEST)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The manifest, which makes a folder a student, comes last.
fn save(folder: &Path, memory: &Memory, record: &[Value], student: &Student) -> Result<()> {
    memory.save(folder)?;
    write_record(folder, record)?;
    Ok(student.save(folder)?)
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Removes a folder in which there is nothing but who writes there.
fn remove_if_empty(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut entries = entries.flatten();
    if entries.all(|entry| entry.file_name() == LOCK) {
        // Whoever comes next makes both again.
        let _ = std::fs::remove_file(folder.join(LOCK));
        let _ = std::fs::remove_dir(folder);
    }
}

fn remove_all_but(folder: &Path, kept: &str) -> Result<()> {
    let failed = || format!("cannot clear {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        if entry.file_name() == kept {
            continue;
        }
        let path = entry.path();
        match entry.file_type().with_context(failed)?.is_dir() {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        }
        .with_context(failed)?;
    }
    Ok(())
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

//! `sdvp ablate`: a grid of distillations, each compared with the untouched student on the same
//! questions.
//!
//! ```toml
//! name = "which module"
//! seeds = [0, 1]
//! questions = 1000            # of each target
//! framework = "visprog"       # that questions are answered in
//! [base]                      # as the options of `sdvp distill`, with _ for -
//! locate_steps = 400
//! [[run]]
//! name = "locate only"
//! answer_steps = 0
//! ```

use super::effort::Effort;
use crate::exam::{Framework, look_alike_name};
use crate::modules::{self, Teachers};
use crate::output;
use crate::progress::Progress;
use crate::trial::{Exams, chain, look_alikes, names};
use anyhow::{Context, Result, bail};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::{Digest, Module, remove_partial};
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_eval::mean_by_question;
use sdvp_eval::report::{
    Grid, GridCell, GridRun, Scores, TaskScores, grid_html, grid_table, write_file,
};
use sdvp_store::Lock;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct Ablate {
    /// The grid, as TOML.
    plan: PathBuf,
    /// Where the results go; what is there already is not run again.
    #[arg(long)]
    out: PathBuf,
}

/// A grid of distillations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    name: String,
    /// The framework that students are measured under, and learn under if nothing else is said.
    #[serde(default)]
    framework: Framework,
    #[serde(default = "targets")]
    tasks: Vec<String>,
    #[serde(default = "one_seed")]
    seeds: Vec<u64>,
    #[serde(default = "validation")]
    split: String,
    #[serde(default = "thousand")]
    questions: usize,
    #[serde(default = "thousand")]
    unseen_questions: usize,
    /// Of each unseen task, over pictures that look like each target's.
    #[serde(default)]
    look_alike_questions: usize,
    #[serde(default)]
    base: Map<String, Value>,
    run: Vec<PlannedRun>,
}

#[derive(Deserialize)]
struct PlannedRun {
    name: String,
    x: Option<f64>,
    /// What differs from the base.
    #[serde(flatten)]
    effort: Map<String, Value>,
}

fn targets() -> Vec<String> {
    names(Task::targets())
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

fn validation() -> String {
    Split::Val.name().to_owned()
}

fn thousand() -> usize {
    1000
}

/// A finished cell on disk, with all that it depends on.
#[derive(Serialize, Deserialize)]
struct Finished {
    made_with: Value,
    cell: GridCell,
}

impl Plan {
    fn read(path: &Path) -> Result<Self> {
        let text = sdvp_core::read_text_within(path, &SETTINGS_FILE)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let plan: Self =
            toml::from_str(&text).with_context(|| format!("{} is not a plan", path.display()))?;
        let mut names: Vec<String> = plan.run.iter().map(|run| slug(&run.name)).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("{}: two runs are called {:?}", path.display(), twice[0]);
        }
        Ok(plan)
    }

    /// The base's effort with what a run does otherwise.
    fn effort(&self, run: &PlannedRun) -> Result<Effort> {
        let usual = Effort {
            framework: self.framework,
            ..Effort::default()
        };
        let Value::Object(mut all) = json!(usual) else {
            bail!("an effort is not an object");
        };
        for (key, value) in self.base.iter().chain(&run.effort) {
            if !all.contains_key(key) {
                let known: Vec<&String> = all.keys().collect();
                bail!(
                    "run {:?}: expected one of {known:?}, found {key:?}",
                    run.name
                );
            }
            all.insert(key.clone(), value.clone());
        }
        serde_json::from_value(Value::Object(all))
            .with_context(|| format!("run {:?} has a setting that does not fit", run.name))
    }
}

impl Ablate {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let plan = Plan::read(&self.plan)?;
        let tasks: Vec<Task> = plan
            .tasks
            .iter()
            .map(|name| Task::named(name))
            .collect::<Result<_, _>>()?;
        let efforts: Vec<Effort> = plan
            .run
            .iter()
            .map(|run| plan.effort(run))
            .collect::<Result<_>>()?;
        let split: Split = plan.split.parse()?;
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make the folder {}", self.out.display()))?;
        // Two processes would make every cell twice.
        let _lock = Lock::take(&self.out)?;
        let (student, teachers) = origin(&tasks)?;
        let progress = Progress::new();
        let mut grid = Grid {
            name: plan.name.clone(),
            targets: plan.tasks.clone(),
            unseen: names(Task::unseen()),
            look_alikes: match plan.look_alike_questions {
                0 => Vec::new(),
                _ => look_alikes(&tasks)
                    .map(|(unseen, target)| look_alike_name(unseen, target))
                    .collect(),
            },
            ..Grid::default()
        };
        for run in &plan.run {
            grid.runs.push(GridRun {
                name: run.name.clone(),
                x: run.x,
                cells: Vec::new(),
            });
        }
        for &seed in &plan.seeds {
            let counts = tasks.iter().map(|&task| (task, plan.questions));
            let unseen = Task::unseen().map(|task| (task, plan.unseen_questions));
            let exams = Exams::new(counts.chain(unseen), plan.framework, split, seed);
            let exams = match plan.look_alike_questions {
                0 => exams,
                some => exams.with_look_alikes(&tasks, plan.framework, split, seed, some),
            };
            grid.types.push(exams.types(&tasks, seed));
            let made_with = json!({
                "tasks": plan.tasks, "framework": plan.framework, "split": plan.split, "seed": seed,
                "questions": [plan.questions, plan.unseen_questions, plan.look_alike_questions],
                "sdvp": env!("CARGO_PKG_VERSION"), "student": student, "teachers": teachers,
            });
            let cell = |name: &str, made_with: Value, make: &dyn Fn() -> Result<GridCell>| {
                self.finished(&format!("{name}.seed-{seed}.json"), made_with, make)
            };
            let before = cell("no distillation", made_with.clone(), &|| {
                let modules = || Ok(modules::student(None)?.modules()?);
                let scores = exams.sit(modules, |_| true, "before", &progress)?;
                Ok(alone(seed, scores))
            })?;
            let teachers = cell("teachers instead", made_with.clone(), &|| {
                teachers_instead(&tasks, &exams, seed, &progress)
            })?;
            grid.before.push(before);
            grid.teachers.push(teachers);
            for (run, effort) in grid.runs.iter_mut().zip(&efforts) {
                let mut made_with = made_with.clone();
                made_with["effort"] = effort.record()?;
                run.cells.push(cell(&slug(&run.name), made_with, &|| {
                    chain(&tasks, effort, &exams, seed, &progress)
                })?);
            }
        }
        progress.end();
        let rows = json!({ "grid": grid, "rows": grid.rows() });
        let text = format!("{rows:#}\n");
        write_file(&self.out.join("grid.json"), text.as_bytes())?;
        write_file(&self.out.join("grid.html"), grid_html(&grid).as_bytes())?;
        if json {
            output::json(&json!({ "name": grid.name, "rows": grid.rows() }))?;
        } else {
            output::text(&grid_table(&grid))?;
        }
        Ok(true)
    }

    /// A cell from an earlier call, or made now and kept.
    fn finished(
        &self,
        file: &str,
        made_with: Value,
        make: &dyn Fn() -> Result<GridCell>,
    ) -> Result<GridCell> {
        let path = self.out.join(file);
        remove_partial(&path)
            .with_context(|| format!("cannot clear {} of what was left", self.out.display()))?;
        if path.exists() {
            let text = sdvp_core::read_within(&path, &SETTINGS_FILE)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let finished: Finished = serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is not a finished cell of a grid; remove it to have it made again",
                    path.display()
                )
            })?;
            if finished.made_with != made_with {
                bail!(
                    "{} was made with other settings: {}. Choose another --out, or remove it",
                    path.display(),
                    differing(&finished.made_with, &made_with),
                );
            }
            return Ok(finished.cell);
        }
        let cell = make()?;
        let text = json!(Finished {
            made_with,
            cell: cell.clone(),
        });
        write_file(&path, text.to_string().as_bytes())?;
        Ok(cell)
    }
}

/// What every cell begins with: the student's fingerprints, and those of each target's teachers.
fn origin(tasks: &[Task]) -> Result<(Value, Value)> {
    let student = fingerprints(&modules::student(None)?.modules()?);
    let mut teachers = BTreeMap::new();
    for &task in tasks {
        let own = Teachers::of(task)?.modules();
        teachers.insert(task.name(), fingerprints(&own));
    }
    Ok((json!(student), json!(teachers)))
}

/// Who answers what.
fn fingerprints(modules: &[Arc<dyn Module>]) -> BTreeMap<&'static str, Digest> {
    let answers = modules.iter().flat_map(|module| {
        let fingerprint = module.fingerprint();
        let kinds = module.answers().iter();
        kinds.map(move |kind| (kind.name(), fingerprint))
    });
    answers.collect()
}

/// On what two descriptions differ, with what was there and what is wanted.
fn differing(there: &Value, wanted: &Value) -> String {
    let objects = [there, wanted].into_iter().filter_map(Value::as_object);
    let keys: BTreeSet<&str> = objects
        .flat_map(|object| object.keys().map(String::as_str))
        .collect();
    let keys = keys.into_iter().filter(|key| there[*key] != wanted[*key]);
    let told = keys.map(|key| format!("{key} is {}, not {}", there[key], wanted[key]));
    told.collect::<Vec<String>>().join("; ")
}

fn alone(seed: u64, scores: Scores) -> GridCell {
    GridCell {
        seed,
        stages: vec![scores],
        notes: Vec::new(),
    }
}

/// Each target with its own teachers; unseen tasks with those of every target, and the mean of that.
fn teachers_instead(
    tasks: &[Task],
    exams: &Exams,
    seed: u64,
    progress: &Progress,
) -> Result<GridCell> {
    let mut sat: BTreeMap<String, Vec<TaskScores>> = BTreeMap::new();
    for &task in tasks {
        let teachers = Teachers::of(task)?;
        let own = |other: Task| other == task || !tasks.contains(&other);
        for (task, scores) in exams.sit(|| Ok(teachers.modules()), own, "teachers", progress)? {
            sat.entry(task).or_default().push(scores);
        }
    }
    let mean = |sat: Vec<TaskScores>| {
        let scores: Vec<&[f64]> = sat.iter().map(|one| one.scores.as_slice()).collect();
        TaskScores {
            scores: mean_by_question(&scores),
            failed: sat.iter().map(|one| one.failed).sum::<usize>() / sat.len().max(1),
        }
    };
    let scores = sat.into_iter().map(|(task, sat)| (task, mean(sat)));
    Ok(alone(seed, scores.collect()))
}

/// A name that any file system takes.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    name.to_lowercase().chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(path: &Path) -> Plan {
        Plan::read(path).unwrap_or_else(|error| panic!("{error:#}"))
    }

    #[test]
    fn every_plan_that_is_shipped_can_be_carried_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plans");
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let plan = plan(&file.unwrap().path());
            assert!(plan.split.parse::<Split>().is_ok());
            for run in &plan.run {
                plan.effort(run)
                    .unwrap_or_else(|error| panic!("{}: {error:#}", plan.name));
            }
            read += 1;
        }
        assert!(read >= 4);
    }

    #[test]
    fn a_run_learns_under_the_plans_framework_or_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.toml");
        let text = "name = \"a\"\nframework = \"viper\"\n[[run]]\nname = \"b\"\n\
                    [[run]]\nname = \"c\"\nframework = \"visprog\"";
        std::fs::write(&file, text).unwrap();
        let plan = plan(&file);
        let learned = |run: &PlannedRun| plan.effort(run).unwrap().framework;
        let learned: Vec<Framework> = plan.run.iter().map(learned).collect();
        assert_eq!(learned, [Framework::Viper, Framework::Visprog]);
    }

    #[test]
    fn a_cell_of_another_version_or_of_other_networks_is_told_apart() {
        let (student, teachers) = origin(&[Task::named("picto-gqa").unwrap()]).unwrap();
        assert!(student["locate"].is_string() && student["answer"].is_string());
        assert_ne!(student["locate"], teachers["picto-gqa"]["locate"]);
        let there = json!({ "sdvp": "0.0.1", "seed": 3, "student": student });
        let wanted = json!({ "sdvp": "0.0.2", "seed": 3, "student": student, "split": "val" });
        assert_eq!(
            differing(&there, &wanted),
            "sdvp is \"0.0.1\", not \"0.0.2\"; split is null, not \"val\""
        );
    }
}

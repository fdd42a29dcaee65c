//! How a task is distilled: the options of `sdvp distill`, which `sdvp demo` sets by its scale.

use crate::exam::{Framework, exercises, questions_of};
use crate::modules::{self, OwnTeacher};
use crate::progress::Progress;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use sdvp_data::Task;
use sdvp_data::picto::{Oracle, Split};
use sdvp_distill::{
    ApartSettings, Checkpoints, DistillSettings, Distillation, FinalAnswerTeacher, Lesson, Memory,
    MemoryPolicy, RandomTeacher, Rehearsal, TaskMemory, TruthTeacher, answered_rightly, distill,
};
use sdvp_models::LoraConfig;
use sdvp_modules::{EarlySettings, Student, Teacher, TrainMethod};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// How much to learn from, how long, and how. What is not given is as [`DistillSettings`] has it.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Effort {
    /// The language of the programs whose calls are learned and remembered.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) framework: Framework,
    /// Questions of the task's training split.
    #[arg(long, default_value_t = Effort::default().questions)]
    pub(crate) questions: usize,
    /// General questions whose calls are remembered before the first task is learned.
    #[arg(long, default_value_t = Effort::default().rehearsal)]
    pub(crate) rehearsal: usize,
    /// Optimizer steps of learning to locate; 0 leaves that module as it is.
    #[arg(long, default_value_t = Effort::default().locate_steps)]
    pub(crate) locate_steps: usize,
    /// Optimizer steps of learning how well texts fit, where programs ask that; 0 leaves that module
    /// as it is.
    #[arg(long, default_value_t = Effort::default().match_steps)]
    pub(crate) match_steps: usize,
    /// Optimizer steps of learning to answer; 0 leaves that module as it is.
    #[arg(long, default_value_t = Effort::default().answer_steps)]
    pub(crate) answer_steps: usize,
    /// Go so often through the labelled views, in place of a number of steps.
    #[arg(long)]
    pub(crate) locate_passes: Option<f64>,
    /// Go so often through the labelled views that texts are compared with, in place of a number of
    /// steps: programs make few such calls, and hundreds of steps on them would only teach to say no
    /// to what is not among them.
    #[arg(long)]
    pub(crate) match_passes: Option<f64>,
    /// Go so often through the labelled questions, in place of a number of steps.
    #[arg(long)]
    pub(crate) answer_passes: Option<f64>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) how: How,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            framework: Framework::default(),
            questions: 6000,
            rehearsal: 4000,
            locate_steps: 650,
            match_steps: 250,
            answer_steps: 950,
            locate_passes: None,
            match_passes: None,
            answer_passes: None,
            how: How::default(),
        }
    }
}

/// How to learn.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct How {
    /// Who labels the calls; all but the teachers are controls.
    #[arg(long, value_enum, default_value_t)]
    labels: Labels,
    /// A teacher of your own: the TOML file that describes a detector or classifier in an ONNX file,
    /// or a file of labels for harvested calls (.jsonl, .parquet). It labels in place of the task's
    /// own teacher what it can. May be given several times.
    #[arg(long, value_name = "FILE")]
    teacher: Vec<PathBuf>,
    /// Drop the calls of programs whose answer, with the teachers in the modules' place, is known
    /// to be wrong.
    #[arg(long)]
    gold_filter: bool,
    /// How often programs are executed again with what was learned so far [default: 1]; 0 teaches
    /// all modules at once.
    #[arg(long)]
    rounds: Option<usize>,
    /// Labelled calls in a batch.
    #[arg(long)]
    batch: Option<usize>,
    /// Sum up the gradients of a batch over so many pieces of it, one after the other, each of which
    /// takes that much less memory [default: 1].
    #[arg(long, value_parser = at_least_one)]
    pieces: Option<usize>,
    /// What is rehearsed.
    #[arg(long, value_enum, default_value_t)]
    rehearse: Rehearse,
    /// Rehearsed calls in a batch; an expert that learns its first task has none to rehearse.
    #[arg(long)]
    rehearsed: Option<usize>,
    /// Highest learning rate.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Weight of staying what one was (self-distillation); 0 forgets freely.
    #[arg(long)]
    lambda: Option<f64>,
    /// How strongly every weight is drawn back to what it was [default: 0; for what is learned for all
    /// pictures 18, and 240 with viper].
    #[arg(long)]
    anchor: Option<f64>,
    /// Let what is learned answer for all pictures. Else an expert learns it, and answers only for those
    /// that look like the task's, if they can be told from general ones: for others the student stays as
    /// it was.
    #[arg(long)]
    #[serde(default)]
    everywhere: bool,
    /// Directions of every weight matrix's change that stay after learning [default: 0, all].
    #[arg(long)]
    directions: Option<usize>,
    /// Views that are searched, views that are compared with texts, and questions, that are
    /// remembered of all tasks together: of each so many.
    #[arg(long)]
    memory: Option<usize>,
    /// Pictures that these may be about.
    #[arg(long)]
    pictures: Option<usize>,
    /// Which of them stay when there are more.
    #[arg(long, value_enum, default_value_t)]
    keep: Keep,
    /// Which weights learn.
    #[arg(long, value_enum, default_value_t, conflicts_with = "lora")]
    weights: Weights,
    /// Train low-rank additions of this rank instead.
    #[arg(long)]
    lora: Option<usize>,
    /// What they are multiplied by is this over their rank [default: twice the rank].
    #[arg(long, value_name = "ALPHA", requires = "lora", value_parser = alpha)]
    #[serde(default)]
    lora_alpha: Option<f32>,
    /// Where they sit: layers whose name holds this, or matches it if it has a `*`. May be given
    /// several times; all layers of the encoders if not, and of a Qwen3-VL those of its decoder.
    #[arg(long, requires = "lora")]
    lora_layer: Vec<String>,
    /// The probability with which each number that they read is left out while they learn.
    #[arg(long, value_name = "P", requires = "lora", default_value_t = 0.0, value_parser = probability)]
    #[serde(default)]
    lora_dropout: f32,
    /// Low-rank additions of later layers only: keep what the layers before them say of a view on
    /// disk, up to so many GiB, rather than compute it in every step [default: 8]; 0 keeps nothing.
    #[arg(long, value_name = "GIB", requires = "lora")]
    early_states: Option<f64>,
    /// The folder for that [default: the system's for temporary files].
    #[arg(long, value_name = "DIR", requires = "lora")]
    early_folder: Option<PathBuf>,
    /// The score from which on a teacher's box is taken for a fact.
    #[arg(long)]
    sure: Option<f32>,
    /// The probability below which a teacher's answer is not learned.
    #[arg(long)]
    answer_confidence: Option<f32>,
    /// Let a teacher's answer count the more the surer it is.
    #[arg(long)]
    weigh_by_confidence: bool,
    /// Temperature at which answers are compared.
    #[arg(long)]
    temperature: Option<f64>,
    /// Weight of what every patch shows while the answer module learns; 0 leaves it out.
    #[arg(long)]
    patches: Option<f64>,
}

/// Where labels come from.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Labels {
    /// The task's own teachers.
    #[default]
    Teachers,
    /// The scene graphs: an upper bound.
    Truth,
    /// The teachers' labels, dealt out among the calls: they must not help.
    Random,
    /// No teacher: the known answers of programs that ask a single question and end with its
    /// answer. Nobody then knows where things are or what fits, so nothing is learned of that.
    Answers,
}

/// Which weights learn.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weights {
    /// Those that pictures pass through; texts are read and answers worded as before.
    #[default]
    Vision,
    /// All of them.
    All,
}

/// Which calls a student is held to.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rehearse {
    /// Those that the part of the student that learns answered before: of general and earlier tasks, or
    /// of an expert's.
    #[default]
    Memory,
    /// The task's own: self-distillation without rehearsal.
    Own,
    /// None: no self-distillation at all.
    Nothing,
}

/// Which calls stay in memory.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keep {
    /// Every call alike.
    #[default]
    Reservoir,
    /// As many of every answer.
    Balanced,
}

/// Where low-rank additions sit if nothing else is said: in the encoders of all students.
const ENCODERS: [&str; 2] = ["layers.", "layer."];

/// The anchor where programs ask how well texts fit, too: there is a third module to forget with, and
/// the unseen tasks use it.
const ANCHOR_OF_THREE: f64 = 240.0;

/// A probability below 1.
fn probability(text: &str) -> std::result::Result<f32, String> {
    match text.parse() {
        Ok(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => Err(format!("expected a number from 0 to below 1, found {text}")),
    }
}

/// A factor of additions.
fn alpha(text: &str) -> std::result::Result<f32, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f32::is_finite(number) => Ok(number),
        _ => Err(format!("expected a number above 0, found {text}")),
    }
}

/// A number of pieces.
fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("expected a whole number from 1 on, found {text}")),
        Ok(number) => Ok(number),
    }
}

impl How {
    fn early(&self) -> EarlySettings {
        let usual = EarlySettings::default();
        EarlySettings {
            bytes: match self.early_states {
                Some(gib) => (gib.max(0.0) * f64::from(1 << 30)) as u64,
                None => usual.bytes,
            },
            folder: self.early_folder.clone(),
        }
    }

    fn method(&self) -> TrainMethod {
        let Some(rank) = self.lora else {
            return match self.weights {
                Weights::Vision => TrainMethod::Vision,
                Weights::All => TrainMethod::Full,
            };
        };
        let mut patterns = self.lora_layer.clone();
        if patterns.is_empty() {
            patterns = ENCODERS.map(str::to_owned).to_vec();
        }
        TrainMethod::Lora(LoraConfig {
            rank,
            alpha: self.lora_alpha.unwrap_or(2.0 * rank as f32),
            dropout: self.lora_dropout,
            patterns,
        })
    }
}

impl Effort {
    /// What it does, for records: teachers of one's own by what they are, and not by where they lie.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(crate) fn record(&self) -> Result<Value> {
        let mut record = json!(self);
        let teachers = self.how.teacher.iter().map(|file| {
            let fingerprint = OwnTeacher::load(file)?.fingerprint();
            Ok(json!({ "file": file, "fingerprint": fingerprint }))
        });
        let teachers = teachers.collect::<Result<Vec<Value>>>()?;
        if let Some(record) = record.as_object_mut() {
            match teachers.is_empty() {
                true => record.remove("teacher"),
                false => record.insert("teacher".to_owned(), json!(teachers)),
            };
        }
        Ok(record)
    }

    /// The settings it stands for.
    pub(crate) fn settings(&self, seed: u64) -> DistillSettings {
        let how = &self.how;
        let mut settings = DistillSettings {
            seed,
            ..DistillSettings::default()
        };
        let steps = [
            &mut settings.locate,
            &mut settings.matching,
            &mut settings.answer,
        ];
        for step in steps {
            step.batch = how.batch.unwrap_or(step.batch);
            step.rehearsed = how.rehearsed.unwrap_or(step.rehearsed);
            step.learning_rate = how.learning_rate.unwrap_or(step.learning_rate);
            step.lambda = how.lambda.unwrap_or(step.lambda);
            step.anchor = how.anchor.unwrap_or(match self.framework.matches() {
                true => ANCHOR_OF_THREE,
                false => step.anchor,
            });
            step.directions = how.directions.unwrap_or(step.directions);
            step.pieces = how.pieces.unwrap_or(step.pieces);
            step.early = how.early();
            step.method = how.method();
        }
        settings.apart = match how.everywhere {
            true => None,
            false => settings.apart.map(|usual| ApartSettings {
                anchor: how.anchor.unwrap_or(usual.anchor),
            }),
        };
        [settings.locate.steps, settings.matching.steps] = match how.labels {
            Labels::Answers => [0, 0],
            _ => [self.locate_steps, self.match_steps],
        };
        settings.answer.steps = self.answer_steps;
        settings.locate.passes = self.locate_passes;
        settings.matching.passes = self.match_passes;
        settings.answer.passes = self.answer_passes;
        settings.rounds = how.rounds.unwrap_or(settings.rounds);
        settings.sure = how.sure.unwrap_or(settings.sure);
        settings.answer_confidence = how.answer_confidence.unwrap_or(settings.answer_confidence);
        settings.weigh_by_confidence = how.weigh_by_confidence;
        settings.temperature = how.temperature.unwrap_or(settings.temperature);
        settings.patches = how.patches.unwrap_or(settings.patches);
        settings.memory.views = how.memory.unwrap_or(settings.memory.views);
        settings.memory.answers = how.memory.unwrap_or(settings.memory.answers);
        settings.memory.pictures = how.pictures.unwrap_or(settings.memory.pictures);
        settings.memory.policy = match how.keep {
            Keep::Reservoir => MemoryPolicy::Reservoir,
            Keep::Balanced => MemoryPolicy::Balanced,
        };
        settings
    }

    /// Whether what is learned is to answer for all pictures.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.how.everywhere
    }

    /// Refuses a student that cannot learn so.
    pub(crate) fn suits(&self, student: &Student) -> Result<()> {
        if self.how.everywhere && !student.manifest.experts.is_empty() {
            bail!(
                "experts of the student answer for some pictures, whatever is learned for all of them; \
                 leave out --everywhere"
            );
        }
        Ok(())
    }

    /// A memory with general calls, and calls of every task the student has learned; what `memory`
    /// lacks of them is remembered from what the student says now.
    pub(crate) fn complete(
        &self,
        mut memory: Memory,
        student: &Student,
        seed: u64,
        progress: &Progress,
    ) -> Result<Memory> {
        let bound = self.settings(seed).memory;
        let earlier = student
            .manifest
            .history
            .iter()
            .map(|name| Task::named(name));
        for task in std::iter::once(Ok(Task::General)).chain(earlier) {
            let task = task?;
            let matches = self.framework.matches() && memory.lacks_matches(task.name());
            if memory.knows(task.name()) && !matches {
                continue;
            }
            let questions = questions_of(task, Split::Train, seed, self.rehearsal);
            let calls = exercises(&questions, self.framework);
            let learned = TaskMemory::of(task.name(), &calls, student, &bound, seed, progress)?;
            memory = if matches {
                memory.with_matches(learned, &bound, seed)
            } else {
                memory.with(learned, &bound, seed)
            };
        }
        Ok(memory)
    }

    /// Distils a target into a student, which rehearses `memory`, unless it is to rehearse something
    /// else. What there is of it in `checkpoints` is not done again.
    pub(crate) fn distill(
        &self,
        task: Task,
        student: &Student,
        memory: &Memory,
        seed: u64,
        checkpoints: Option<&Checkpoints>,
        progress: &Progress,
    ) -> Result<Distillation> {
        self.suits(student)?;
        let teachers = modules::Teachers::of(task)?.or_own(&self.how.teacher)?;
        let questions = questions_of(task, Split::Train, seed, self.questions);
        let mut calls = exercises(&questions, self.framework);
        if self.how.gold_filter {
            calls = answered_rightly(&calls, teachers.modules(), progress)?;
        }
        let settings = self.settings(seed);
        let [locate, matching, answer]: [Arc<dyn Teacher>; 3] = match self.how.labels {
            Labels::Teachers => [teachers.locate, teachers.matching, teachers.answer],
            Labels::Truth => {
                let oracle = Arc::new(Oracle::of_questions(&questions));
                // Teachers of how texts fit are asked what programs ask, and nothing else.
                let repertoires = [teachers.locate.repertoire(), Vec::new(), Vec::new()];
                repertoires.map(|repertoire| {
                    let truth = TruthTeacher::new(Arc::clone(&oracle), repertoire);
                    Arc::new(truth) as Arc<dyn Teacher>
                })
            }
            Labels::Random => {
                let teachers = [teachers.locate, teachers.matching, teachers.answer];
                teachers
                    .map(|teacher| Arc::new(RandomTeacher::new(teacher, seed)) as Arc<dyn Teacher>)
            }
            Labels::Answers => {
                let known = FinalAnswerTeacher::of(&calls, student.modules()?, progress)?;
                let known: Arc<dyn Teacher> = Arc::new(known);
                [Arc::clone(&known), Arc::clone(&known), known]
            }
        };
        let lesson = Lesson {
            task: task.name(),
            exercises: &calls,
            locate: locate.as_ref(),
            matching: matching.as_ref(),
            answer: answer.as_ref(),
            rehearsal: match self.how.rehearse {
                Rehearse::Memory => Rehearsal::Memory,
                Rehearse::Own => Rehearsal::Own,
                Rehearse::Nothing => Rehearsal::Nothing,
            },
        };
        let distilled = distill(&lesson, student, memory, &settings, checkpoints, progress)?;
        Ok(distilled)
    }
}

//! Questions as exams (to be scored) and exercises (to be learned from).

use anyhow::{Result, bail};
use sdvp_core::DecodeLimits;
use sdvp_data::dataset::{self, Record};
use sdvp_data::picto::{Question, Split};
use sdvp_data::{Gold, Task, questions};
use sdvp_distill::Exercise;
use sdvp_eval::{Exam, ExamItem};
use sdvp_program::viper::{self, ViperProgram, ViperSettings};
use sdvp_program::visprog::{self, VisProgProgram, VisProgSettings};
use sdvp_program::{Program, ProgramError, ProgramErrors};
use std::path::Path;
use std::sync::Arc;

/// A language that programs are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Framework {
    /// One step a line.
    Visprog,
    /// Python over `ImagePatch`.
    Viper,
}

impl Framework {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Framework::Visprog => "visprog",
            Framework::Viper => "viper",
        }
    }

    /// The faults of a program.
    pub(crate) fn check(self, source: &str) -> Vec<ProgramError> {
        match self {
            Framework::Visprog => visprog::check(source, &VisProgSettings::default()),
            Framework::Viper => viper::check(source, &ViperSettings::default()),
        }
    }

    /// Reads a program that answers `question` and starts from the images of these names.
    pub(crate) fn parse(
        self,
        source: &str,
        question: &str,
        inputs: &[&str],
    ) -> Result<Arc<dyn Program>, ProgramErrors> {
        Ok(match self {
            Framework::Visprog => {
                let settings = VisProgSettings {
                    inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
                    ..VisProgSettings::default()
                };
                Arc::new(VisProgProgram::parse(source, &settings)?)
            }
            Framework::Viper => {
                let program = ViperProgram::parse(source, &ViperSettings::default())?;
                Arc::new(program.asking(question, &[]))
            }
        })
    }
}

impl Framework {
    /// The program of a question of the built-in world.
    fn program_of(self, question: &Question) -> Result<Arc<dyn Program>, String> {
        match self {
            Framework::Visprog => parse(&question.program, &VisProgSettings::default()),
            Framework::Viper => {
                let mut settings = ViperSettings::default();
                if matches!(question.gold, Gold::Box(_)) {
                    // What is returned is where something is, as in the reference's settings for
                    // referring expressions.
                    settings.crop_margin = 0;
                }
                let program = ViperProgram::parse(&question.viper_program(), &settings)
                    .map_err(|errors| errors.to_string())?;
                Ok(Arc::new(program.asking(&question.text, &[])))
            }
        }
    }
}

/// The images that programs of records and of the built-in world start from.
const INPUTS: [&str; 3] = ["IMAGE", "LEFT", "RIGHT"];

/// The questions of a split of the built-in world, to be scored.
pub(crate) fn exam(
    task: Task,
    framework: Framework,
    split: Split,
    seed: u64,
    count: usize,
) -> Exam {
    questions(task, split, seed, count)
        .into_iter()
        .map(|question| {
            let program = framework.program_of(&question);
            ExamItem::drawn(question, program)
        })
        .collect()
}

/// The questions of a folder in a published layout, to be scored.
pub(crate) fn exam_from(folder: &Path, framework: Framework, limit: Option<usize>) -> Result<Exam> {
    let records = dataset::read(folder)?;
    if records.is_empty() {
        bail!("{} holds no question", folder.display());
    }
    let count = limit.unwrap_or(records.len());
    Ok(records
        .into_iter()
        .take(count)
        .map(|record| item(record, framework))
        .collect())
}

fn item(record: Record, framework: Framework) -> ExamItem {
    let program = match &record.program {
        Some(program) => framework
            .parse(program, &record.text, &INPUTS)
            .map_err(|errors| errors.to_string()),
        None => Err("the question has no program; expected one in programs.jsonl".to_owned()),
    };
    let record = Arc::new(record);
    ExamItem {
        id: record.id.clone(),
        question: record.text.clone(),
        kind: String::new(),
        program,
        gold: record.gold.clone(),
        inputs: Arc::new(move || {
            record
                .inputs(&DecodeLimits::default())
                .map_err(|error| error.to_string())
        }),
    }
}

/// Questions of a split of the built-in world.
pub(crate) fn questions_of(
    task: Task,
    split: Split,
    seed: u64,
    count: usize,
) -> Vec<Arc<Question>> {
    let questions = questions(task, split, seed, count);
    questions.into_iter().map(Arc::new).collect()
}

/// The programs of questions; those that cannot be read are left out.
pub(crate) fn exercises(questions: &[Arc<Question>]) -> Vec<Exercise> {
    let settings = VisProgSettings::default();
    questions
        .iter()
        .filter_map(|question| {
            let program = parse(&question.program, &settings).ok()?;
            let question = Arc::clone(question);
            Some(Exercise {
                program,
                gold: Some(question.gold.clone()),
                inputs: Arc::new(move || question.inputs()),
            })
        })
        .collect()
}

fn parse(program: &str, settings: &VisProgSettings) -> Result<Arc<dyn Program>, String> {
    match VisProgProgram::parse(program, settings) {
        Ok(program) => Ok(Arc::new(program)),
        Err(errors) => Err(errors.to_string()),
    }
}

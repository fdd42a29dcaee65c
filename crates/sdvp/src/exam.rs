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

    /// Reads a program that answers `question`.
    pub(crate) fn parse(
        self,
        source: &str,
        question: &str,
        settings: &ProgramSettings,
    ) -> Result<Arc<dyn Program>, ProgramErrors> {
        Ok(match self {
            Framework::Visprog => Arc::new(VisProgProgram::parse(source, &settings.visprog)?),
            Framework::Viper => {
                let program = ViperProgram::parse(source, &settings.viper)?;
                Arc::new(program.asking(question, &[]))
            }
        })
    }

    /// The program of a question of the built-in world.
    fn program_of(
        self,
        question: &Question,
        settings: &ProgramSettings,
    ) -> Result<Arc<dyn Program>, String> {
        let program = match self {
            Framework::Visprog => self.parse(&question.program, &question.text, settings),
            Framework::Viper => self.parse(&question.viper_program(), &question.text, settings),
        };
        program.map_err(|errors| errors.to_string())
    }
}

/// How programs of each framework are read and run.
#[derive(Default)]
pub(crate) struct ProgramSettings {
    pub(crate) visprog: VisProgSettings,
    pub(crate) viper: ViperSettings,
}

impl ProgramSettings {
    /// Those for questions whose answer is where something is: what is returned is the box, without
    /// a margin, as in the reference's settings for referring expressions.
    fn referring() -> Self {
        let mut settings = Self::default();
        settings.viper.crop_margin = 0;
        settings
    }
}

/// The questions of a split of the built-in world, to be scored.
pub(crate) fn exam(
    task: Task,
    framework: Framework,
    split: Split,
    seed: u64,
    count: usize,
) -> Exam {
    let (plain, referring) = (ProgramSettings::default(), ProgramSettings::referring());
    questions(task, split, seed, count)
        .into_iter()
        .map(|question| {
            let settings = match question.gold {
                Gold::Box(_) => &referring,
                _ => &plain,
            };
            let program = framework.program_of(&question, settings);
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
    let settings = ProgramSettings::default();
    Ok(records
        .into_iter()
        .take(count)
        .map(|record| item(record, framework, &settings))
        .collect())
}

fn item(record: Record, framework: Framework, settings: &ProgramSettings) -> ExamItem {
    let program = match &record.program {
        Some(program) => framework
            .parse(program, &record.text, settings)
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
    let settings = ProgramSettings::default();
    questions
        .iter()
        .filter_map(|question| {
            let program = Framework::Visprog.program_of(question, &settings).ok()?;
            let question = Arc::clone(question);
            Some(Exercise {
                program,
                gold: Some(question.gold.clone()),
                inputs: Arc::new(move || question.inputs()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_folders_may_be_about_three_pictures() {
        let program = "BOX0=LOC(image=MIDDLE,object='box')\nANSWER0=COUNT(box=BOX0)\nFINAL_ANSWER=RESULT(var=ANSWER0)";
        let settings = ProgramSettings::default();
        assert!(Framework::Visprog.parse(program, "?", &settings).is_ok());
    }
}

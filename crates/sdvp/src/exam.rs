//! Questions as exams (to be scored) and exercises (to be learned from).

use anyhow::Result;
use sdvp_core::DecodeLimits;
use sdvp_data::Record;
use sdvp_data::gqa::functional::{Functional, compile_viper, compile_visprog};
use sdvp_data::picto::{FunctionalStep, Question, Split};
use sdvp_data::{Gold, Task, questions};
use sdvp_distill::Exercise;
use sdvp_eval::{Exam, ExamItem};
use sdvp_program::viper::{self, ViperProgram, ViperSettings, WorkerPool};
use sdvp_program::visprog::{self, VisProgProgram, VisProgSettings};
use sdvp_program::{Program, ProgramError, ProgramErrors};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// A language that programs are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Framework {
    /// One step a line.
    #[default]
    Visprog,
    /// Python over `ImagePatch`.
    Viper,
}

impl Framework {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Visprog, Self::Viper];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Framework::Visprog => "visprog",
            Framework::Viper => "viper",
        }
    }

    /// Whether its programs ask how well texts fit.
    pub(crate) fn matches(self) -> bool {
        self == Self::Viper
    }

    /// The faults of a program.
    pub(crate) fn check(self, source: &str) -> Vec<ProgramError> {
        match self {
            Framework::Visprog => visprog::check(source, &VisProgSettings::default()),
            Framework::Viper => viper::check(source, &ViperSettings::default()),
        }
    }

    /// The program for what a question means, by its functional program.
    fn compile(self, question: &str, steps: &[FunctionalStep]) -> Result<String, String> {
        if steps.is_empty() {
            return Err(
                "the question has no functional program; expected GQA's semantic field".to_owned(),
            );
        }
        let functional = Functional::read(question, steps).map_err(|error| error.to_string())?;
        Ok(match self {
            Framework::Visprog => compile_visprog(&functional),
            Framework::Viper => compile_viper(&functional),
        })
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
                let program = program.asking(question, &[]);
                Arc::new(match &settings.workers {
                    Some(workers) => program.isolated(Arc::clone(workers)),
                    None => program,
                })
            }
        })
    }
}

/// How programs of each framework are read and run.
#[derive(Clone, Default)]
pub(crate) struct ProgramSettings {
    pub(crate) visprog: VisProgSettings,
    pub(crate) viper: ViperSettings,
    /// Who runs Python, if not this process.
    pub(crate) workers: Option<Arc<WorkerPool>>,
}

impl ProgramSettings {
    /// These for questions whose answer is where something is: what is returned is the box, without
    /// a margin, as in the reference's settings for referring expressions.
    fn referring(mut self) -> Self {
        self.viper.crop_margin = 0;
        self
    }
}

/// Reads the programs of questions.
#[derive(Clone)]
pub(crate) struct Reader {
    framework: Framework,
    plain: ProgramSettings,
    referring: ProgramSettings,
}

impl From<Framework> for Reader {
    fn from(framework: Framework) -> Self {
        Self::new(framework, ProgramSettings::default())
    }
}

impl Reader {
    pub(crate) fn new(framework: Framework, settings: ProgramSettings) -> Self {
        Self {
            framework,
            plain: settings.clone(),
            referring: settings.referring(),
        }
    }

    fn program(&self, question: &Question) -> Result<Arc<dyn Program>, String> {
        let source = match self.framework {
            Framework::Visprog => Cow::Borrowed(&question.program),
            Framework::Viper => Cow::Owned(question.viper_program()),
        };
        self.program_of(question, &source)
    }

    /// Reads a program that somebody else wrote for a question of the built-in world.
    pub(crate) fn program_of(
        &self,
        question: &Question,
        source: &str,
    ) -> Result<Arc<dyn Program>, String> {
        self.read(source, &question.text, &question.gold)
    }

    /// Reads another program for a question of an exam.
    pub(crate) fn program_for(
        &self,
        item: &ExamItem,
        source: &str,
    ) -> Result<Arc<dyn Program>, String> {
        self.read(source, &item.question, &item.gold)
    }

    /// Reads a program for a question whose answer is like `gold`.
    fn read(&self, source: &str, question: &str, gold: &Gold) -> Result<Arc<dyn Program>, String> {
        let settings = match gold {
            Gold::Box(_) => &self.referring,
            _ => &self.plain,
        };
        let program = self.framework.parse(source, question, settings);
        program.map_err(|errors| errors.to_string())
    }
}

/// In the place of a program that is yet to be written.
const UNWRITTEN: &str = "its program is yet to be written";

/// The questions of a split of the built-in world, to be scored.
pub(crate) fn exam(
    task: Task,
    reader: impl Into<Reader>,
    split: Split,
    seed: u64,
    count: usize,
) -> Exam {
    let reader = reader.into();
    questions(task, split, seed, count)
        .into_iter()
        .map(|question| {
            let program = reader.program(&question);
            ExamItem::drawn(question, program)
        })
        .collect()
}

/// Questions that were read from files, to be scored, each with its own program.
pub(crate) fn exam_of(records: Vec<Record>, reader: &Reader) -> Exam {
    exam_with(records, reader, |record| {
        record.program.take().ok_or_else(|| {
            "the question has no program; expected one in programs.jsonl or in the file given by --programs".to_owned()
        })
    })
}

/// Questions that were read from files, with programs made of what the files say they mean.
pub(crate) fn exam_of_meanings(records: Vec<Record>, reader: &Reader) -> Exam {
    exam_with(records, reader, |record| {
        let steps = std::mem::take(&mut record.semantic);
        reader.framework.compile(&record.id, &steps)
    })
}

/// Questions that were read from files, whose programs are yet to be written.
pub(crate) fn exam_unwritten(records: Vec<Record>, reader: &Reader) -> Exam {
    exam_with(records, reader, |_| Err(UNWRITTEN.to_owned()))
}

/// Questions that were read from files, with the programs that `source` gives for them.
fn exam_with(
    records: Vec<Record>,
    reader: &Reader,
    mut source: impl FnMut(&mut Record) -> Result<String, String>,
) -> Exam {
    let item = |mut record: Record| {
        let program =
            source(&mut record).and_then(|source| reader.read(&source, &record.text, &record.gold));
        let record = Arc::new(record);
        ExamItem {
            id: record.id.clone(),
            question: record.text.clone(),
            kind: record.kind.clone(),
            program,
            gold: record.gold.clone(),
            inputs: Arc::new(move || {
                record
                    .inputs(&DecodeLimits::default())
                    .map_err(|error| error.to_string())
            }),
        }
    };
    records.into_iter().map(item).collect()
}

/// Questions of the built-in world, with programs made of what they mean.
pub(crate) fn exam_drawn_meanings(questions: Vec<Question>, reader: &Reader) -> Exam {
    exam_drawn_with(questions, reader, |question| {
        reader.framework.compile(&question.id, &question.semantic)
    })
}

/// Questions of the built-in world, whose programs are yet to be written.
pub(crate) fn exam_drawn_unwritten(questions: Vec<Question>, reader: &Reader) -> Exam {
    exam_drawn_with(questions, reader, |_| Err(UNWRITTEN.to_owned()))
}

/// Questions of the built-in world, with the programs that `source` gives for them.
fn exam_drawn_with(
    questions: Vec<Question>,
    reader: &Reader,
    mut source: impl FnMut(&Question) -> Result<String, String>,
) -> Exam {
    let item = |question: Question| {
        let program = source(&question);
        let program = program.and_then(|source| reader.program_of(&question, &source));
        ExamItem::drawn(question, program)
    };
    questions.into_iter().map(item).collect()
}

/// A program that puts the whole question to the answer module, about the only picture, or the left
/// one.
pub(crate) fn single_question(question: &str) -> Result<Arc<dyn Program>, String> {
    let source =
        "def execute_command(left, query):\n    return ImagePatch(left).simple_query(query)";
    let settings = ProgramSettings::default();
    let program = Framework::Viper.parse(source, question, &settings);
    program.map_err(|errors| errors.to_string())
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
pub(crate) fn exercises(questions: &[Arc<Question>], framework: Framework) -> Vec<Exercise> {
    let reader = Reader::from(framework);
    questions
        .iter()
        .filter_map(|question| {
            let program = reader.program(question).ok()?;
            let question = Arc::clone(question);
            Some(Exercise {
                program,
                gold: Some(question.gold.clone()),
                inputs: Arc::new(move || Ok(question.inputs())),
            })
        })
        .collect()
}

/// The programs of questions that were read from files; those that cannot be read are left out.
pub(crate) fn exercises_of(records: Vec<Record>, framework: Framework) -> Vec<Exercise> {
    let exercise = |item: ExamItem| {
        Some(Exercise {
            program: item.program.ok()?,
            inputs: item.inputs,
            gold: Some(item.gold),
        })
    };
    let exam = exam_of(records, &Reader::from(framework));
    exam.into_iter().filter_map(exercise).collect()
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

//! Questions as exams (to be scored) and exercises (to be learned from).

use sdvp_data::gqa::functional::{Functional, compile_viper, compile_visprog};
use sdvp_data::picto::{FunctionalStep, Question, Split, Style};
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
        let referring = matches!(question.gold, Gold::Box(_));
        self.read(&self.source_of(question), &question.text, referring)
    }

    /// The program that a question of the built-in world comes with.
    pub(crate) fn source_of<'q>(&self, question: &'q Question) -> Cow<'q, str> {
        match self.framework {
            Framework::Visprog => Cow::Borrowed(&question.program),
            Framework::Viper => Cow::Owned(question.viper_program()),
        }
    }

    /// The program that is made of what a question means, as its annotation says.
    pub(crate) fn compiled(&self, id: &str, steps: &[FunctionalStep]) -> Result<String, String> {
        self.framework.compile(id, steps)
    }

    /// Reads another program for a question of an exam.
    pub(crate) fn program_for(
        &self,
        item: &ExamItem,
        source: &str,
    ) -> Result<Arc<dyn Program>, String> {
        let referring = matches!(item.gold, Gold::Box(_));
        self.read(source, &item.question, referring)
    }

    /// Reads a program for a question in words; `referring` if the answer is where something is in a
    /// picture of the built-in world.
    pub(crate) fn read(
        &self,
        source: &str,
        question: &str,
        referring: bool,
    ) -> Result<Arc<dyn Program>, String> {
        let settings = match referring {
            true => &self.referring,
            false => &self.plain,
        };
        let program = self.framework.parse(source, question, settings);
        program.map_err(|errors| errors.to_string())
    }
}

/// The questions of a split of the built-in world, to be scored.
pub(crate) fn exam(
    task: Task,
    reader: impl Into<Reader>,
    split: Split,
    seed: u64,
    count: usize,
) -> Exam {
    exam_in(task, task.style(), reader, split, seed, count)
}

/// The same questions over the same scenes, drawn in a style that need not be the task's.
pub(crate) fn exam_in(
    task: Task,
    style: Style,
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
            ExamItem::drawn(question.in_style(style), program)
        })
        .collect()
}

/// What an unseen task's exam over pictures that look like a target's is called.
pub(crate) fn look_alike_name(unseen: Task, target: Task) -> String {
    format!("{unseen} like {target}")
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

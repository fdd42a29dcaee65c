//! Labels without a teacher: where a program's answer is what its only question was answered, the
//! known answer of the program is that of the question.

use crate::error::Result;
use crate::harvest::{Exercise, execute};
use crate::observer::Observer;
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind,
};
use sdvp_data::Gold;
use sdvp_modules::Teacher;
use sdvp_program::{Trace, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Knows the answers to programs with a single question, and nothing else.
pub struct FinalAnswerTeacher {
    answers: HashMap<Digest, String>,
}

impl FinalAnswerTeacher {
    /// Runs the exercises with a student's modules, to see which end with what was answered.
    ///
    /// # Errors
    /// If the modules cannot run together.
    pub fn of(
        exercises: &[Exercise],
        modules: Vec<Arc<dyn Module>>,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let mut answers = HashMap::new();
        let name = "programs with one question";
        execute(exercises, modules, name, observer, |exercise, run| {
            if let (Some(Gold::Text(gold)), Ok(value)) = (&exercise.gold, &run.result)
                && let Some(question) = only_question(&run.trace, value)
            {
                answers.insert(question.key(), gold.clone());
            }
        })?;
        Ok(Self { answers })
    }
}

/// The only question a program asked, if its answer is the program's.
fn only_question<'a>(trace: &'a Trace, result: &Value) -> Option<&'a SubTask> {
    let asked = trace.steps.iter().filter_map(|step| {
        let task = step.sub_task.as_ref()?;
        (task.kind == SubTaskKind::Answer).then_some((task, step.outcome.as_ref()))
    });
    match asked.collect::<Vec<_>>().as_slice() {
        [(task, Some(Outcome::Answer(answer)))] if answer.text == result.to_string() => Some(task),
        _ => None,
    }
}

impl Module for FinalAnswerTeacher {
    fn name(&self) -> &str {
        "final answers"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        let mut known: Vec<(&Digest, &String)> = self.answers.iter().collect();
        known.sort_unstable();
        let hasher = Hasher::new("final answers");
        let hasher = known.into_iter().fold(hasher, |hasher, (key, answer)| {
            hasher.part(key.as_bytes()).part(answer.as_bytes())
        });
        hasher.finish()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let unknown = |task: &SubTask| ModuleError::BadText {
            module: self.name().to_owned(),
            text: task.text.clone(),
            reason: "expected the only question of a program whose answer is known".to_owned(),
        };
        batch
            .iter()
            .zip(self.label(batch))
            .map(|(task, label)| label.ok_or_else(|| unknown(task)))
            .collect()
    }
}

impl Teacher for FinalAnswerTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        let known = |task: &SubTask| {
            let answer = self.answers.get(&task.key())?;
            Some(Outcome::Answer(AnswerOutcome::certain(answer.clone())))
        };
        batch.iter().map(known).collect()
    }

    fn parameters(&self) -> usize {
        0
    }

    fn repertoire(&self) -> Vec<String> {
        Vec::new()
    }
}

//! Which student and which teachers a command works with.

use anyhow::{Context, Result};
use sdvp_core::Module;
use sdvp_data::Task;
use sdvp_modules::{AnswerTeacher, LocateTeacher, Student, TeacherModel, builtin_source};
use std::path::Path;
use std::sync::Arc;

/// The student in a folder, or the shipped one.
pub(crate) fn student(folder: Option<&Path>) -> Result<Student> {
    match folder {
        Some(folder) => Student::load(folder)
            .with_context(|| format!("cannot load the student {}", folder.display())),
        None => Student::builtin().context("cannot load the shipped student"),
    }
}

/// A target's teacher behind its two adapters.
pub(crate) struct Teachers {
    pub(crate) task: Task,
    pub(crate) locate: Arc<LocateTeacher>,
    pub(crate) answer: Arc<AnswerTeacher>,
    pub(crate) parameters: usize,
}

impl Teachers {
    /// The shipped teacher of a target.
    pub(crate) fn of(task: Task) -> Result<Self> {
        let source = builtin_source(&format!("teacher-{task}")).with_context(|| {
            format!("{task} has no teacher; targets are picto-gqa and picto-nlvr2")
        })?;
        let model = Arc::new(TeacherModel::load(&source)?);
        Ok(Self {
            task,
            parameters: model.params.count(),
            locate: Arc::new(LocateTeacher::new(Arc::clone(&model))?),
            answer: Arc::new(AnswerTeacher::new(model)?),
        })
    }

    /// The teachers in the students' place.
    pub(crate) fn modules(&self) -> Vec<Arc<dyn Module>> {
        vec![
            Arc::clone(&self.locate) as Arc<dyn Module>,
            Arc::clone(&self.answer) as Arc<dyn Module>,
        ]
    }
}

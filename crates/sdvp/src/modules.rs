//! Which student and which teachers a command works with.

use anyhow::{Context, Result};
use sdvp_core::{Module, SubTaskKind};
use sdvp_data::Task;
use sdvp_modules::{
    AnswerTeacher, LocateTeacher, MatchTeacher, Student, TeacherModel, builtin_source,
    published_module,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The student in a folder, or the shipped one.
pub(crate) fn student(folder: Option<&Path>) -> Result<Student> {
    match folder {
        Some(folder) => Student::load(folder)
            .with_context(|| format!("cannot load the student {}", folder.display())),
        None => Student::builtin().context("cannot load the shipped student"),
    }
}

/// Published checkpoints in the place of a student's modules.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Checkpoints {
    /// A checkpoint's folder that finds in the student's place: an OWL-ViT, as it is downloaded.
    #[arg(long, value_name = "DIR")]
    locate: Option<PathBuf>,
    /// One that answers in its place: a BLIP for question answering.
    #[arg(long, value_name = "DIR")]
    answer: Option<PathBuf>,
    /// One that says in its place how well texts fit: a CLIP, or a BLIP for image–text retrieval.
    #[arg(long = "match", value_name = "DIR")]
    matching: Option<PathBuf>,
}

impl Checkpoints {
    /// `modules`, with the checkpoints instead of those that answer the same.
    pub(crate) fn instead_of(&self, modules: Vec<Arc<dyn Module>>) -> Result<Vec<Arc<dyn Module>>> {
        let mut modules = modules;
        for (kind, folder) in [
            (SubTaskKind::Locate, &self.locate),
            (SubTaskKind::Answer, &self.answer),
            (SubTaskKind::Match, &self.matching),
        ] {
            if let Some(folder) = folder {
                let module = published_module(kind, folder)
                    .with_context(|| format!("cannot load the checkpoint {}", folder.display()))?;
                modules.retain(|other| !other.answers().contains(&kind));
                modules.push(module);
            }
        }
        Ok(modules)
    }
}

/// A target's teacher behind its adapters.
pub(crate) struct Teachers {
    pub(crate) task: Task,
    pub(crate) locate: Arc<LocateTeacher>,
    pub(crate) answer: Arc<AnswerTeacher>,
    pub(crate) matching: Arc<MatchTeacher>,
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
            answer: Arc::new(AnswerTeacher::new(Arc::clone(&model))?),
            matching: Arc::new(MatchTeacher::new(model)?),
        })
    }

    /// The teachers in the students' place.
    pub(crate) fn modules(&self) -> Vec<Arc<dyn Module>> {
        vec![
            Arc::clone(&self.locate) as Arc<dyn Module>,
            Arc::clone(&self.answer) as Arc<dyn Module>,
            Arc::clone(&self.matching) as Arc<dyn Module>,
        ]
    }
}

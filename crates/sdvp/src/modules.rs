//! Which student and which teachers a command works with.

use anyhow::{Context, Result, bail};
use sdvp_core::{Module, SubTaskKind};
use sdvp_data::Task;
use sdvp_hub::{Cache, ModelId};
use sdvp_modules::onnx::OnnxDetector;
use sdvp_modules::{
    AnswerTeacher, ConvDetector, Detector, LocateTeacher, MatchTeacher, Student, Teacher,
    TeacherModel, builtin_source, published_module,
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

/// Published checkpoints, or described ONNX files, in the place of a student's modules.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Checkpoints {
    /// A checkpoint that finds in the student's place: an OWL-ViT or OWLv2, its folder as it is
    /// downloaded or the name by which `sdvp models pull` downloaded it. Or a detector in an ONNX file:
    /// the TOML file that describes it.
    #[arg(long, value_name = "DIR|ID|TOML")]
    locate: Option<PathBuf>,
    /// One that answers in its place: a ViLT or BLIP for question answering, or a described ONNX
    /// file.
    #[arg(long, value_name = "DIR|ID|TOML")]
    answer: Option<PathBuf>,
    /// One that says in its place how well texts fit: a CLIP, a BLIP for image–text retrieval, or a
    /// described ONNX file.
    #[arg(long = "match", value_name = "DIR|ID|TOML")]
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
            if let Some(path) = folder {
                let module = module(kind, &located(path)?)?;
                modules.retain(|other| !other.answers().contains(&kind));
                modules.push(module);
            }
        }
        Ok(modules)
    }
}

/// Where a checkpoint is: in the folder of this name or, if there is none, in the hub's cache, if what
/// is said can be a name there. Nothing is downloaded.
pub(crate) fn located(said: &Path) -> Result<PathBuf> {
    if said.exists() || is_description(said) {
        return Ok(said.to_owned());
    }
    match said.to_str().map(str::parse::<ModelId>) {
        Some(Ok(id)) => {
            let found = Cache::from_environment()?.find(&id);
            let found = found.with_context(|| format!("there is no folder {}", said.display()))?;
            Ok(found.folder)
        }
        // Whoever writes a revision means no folder.
        Some(Err(error)) if said.to_string_lossy().contains('@') => {
            Err(error).with_context(|| format!("there is no folder {}", said.display()))
        }
        _ => Ok(said.to_owned()),
    }
}

/// A checkpoint's folder, or a described ONNX file, as a module.
pub(crate) fn module(kind: SubTaskKind, path: &Path) -> Result<Arc<dyn Module>> {
    if !is_description(path) {
        return published_module(kind, path)
            .with_context(|| format!("cannot load the checkpoint {}", path.display()));
    }
    stand_in(kind, &Arc::new(described(path)?), path)
}

/// A described ONNX file as a module.
pub(crate) fn stand_in(
    kind: SubTaskKind,
    detector: &Arc<OnnxDetector>,
    path: &Path,
) -> Result<Arc<dyn Module>> {
    if !detector.description().teaches().contains(&kind) {
        bail!("{} does not {kind}", path.display());
    }
    match teacher(kind, detector.clone()) {
        Some(teacher) => Ok(teacher),
        None => bail!("nothing in {} could {kind}", path.display()),
    }
}

/// The adapter of a kind before a detector; none if the kind is not taught.
fn teacher(kind: SubTaskKind, detector: Arc<dyn Detector>) -> Option<Arc<dyn Teacher>> {
    Some(match kind {
        SubTaskKind::Locate => Arc::new(LocateTeacher::new(detector)),
        SubTaskKind::Match => Arc::new(MatchTeacher::new(detector)),
        SubTaskKind::Answer => Arc::new(AnswerTeacher::new(detector)),
        _ => return None,
    })
}

/// Whether a path is a description of an ONNX file, and not a checkpoint.
pub(crate) fn is_description(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

/// The detector that a file describes.
pub(crate) fn described(file: &Path) -> Result<OnnxDetector> {
    OnnxDetector::load(file).with_context(|| format!("cannot use the teacher {}", file.display()))
}

/// A target's teacher behind its adapters.
pub(crate) struct Teachers {
    pub(crate) task: Task,
    pub(crate) locate: Arc<dyn Teacher>,
    pub(crate) answer: Arc<dyn Teacher>,
    pub(crate) matching: Arc<dyn Teacher>,
    pub(crate) parameters: usize,
}

impl Teachers {
    /// The shipped teacher of a target.
    pub(crate) fn of(task: Task) -> Result<Self> {
        let source = builtin_source(&format!("teacher-{task}")).with_context(|| {
            format!("{task} has no teacher; targets are picto-gqa and picto-nlvr2")
        })?;
        let detector = Arc::new(ConvDetector::new(TeacherModel::load(&source)?)?);
        Ok(Self {
            task,
            parameters: detector.parameters(),
            locate: Arc::new(LocateTeacher::new(detector.clone())),
            answer: Arc::new(AnswerTeacher::new(detector.clone())),
            matching: Arc::new(MatchTeacher::new(detector)),
        })
    }

    /// With described ONNX files in the place of those that teach the same; of several files the
    /// last.
    pub(crate) fn or_described(mut self, files: &[PathBuf]) -> Result<Self> {
        for file in files {
            let detector = Arc::new(described(file)?);
            for kind in detector.description().teaches() {
                let place = match kind {
                    SubTaskKind::Locate => &mut self.locate,
                    SubTaskKind::Match => &mut self.matching,
                    _ => &mut self.answer,
                };
                if let Some(teacher) = teacher(kind, detector.clone()) {
                    *place = teacher;
                }
            }
        }
        Ok(self)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam::{Framework, exercises, questions_of};
    use sdvp_data::picto::Split;
    use sdvp_distill::{Silent, harvest};

    /// A word that teachers take for more than they know would keep them from teaching what they do.
    #[test]
    fn teachers_know_every_word_of_their_tasks_programs() {
        for task in Task::targets() {
            let teachers = Teachers::of(task).unwrap();
            let source = builtin_source(&format!("teacher-{task}")).unwrap();
            let detector = ConvDetector::new(TeacherModel::load(&source).unwrap()).unwrap();
            let words = detector.vocabulary();
            for framework in [Framework::Visprog, Framework::Viper] {
                let questions = questions_of(task, Split::Train, 0, 300);
                let calls = exercises(&questions, framework);
                let calls = harvest(&calls, teachers.modules(), "calls", &Silent).unwrap();
                let mut known = 0;
                for call in SubTaskKind::TAUGHT.iter().flat_map(|kind| calls.of(*kind)) {
                    let named = words.meaning(&call.text).is_known();
                    assert!(!named || words.knows(&call.text), "{task}: {}", call.text);
                    known += usize::from(named);
                }
                assert!(known > 500, "{known}");
            }
        }
    }
}

//! Teachers: small networks that know one task, behind adapters that speak the sub-tasks' language.

mod answer;
mod detector;
mod labels;
mod locate;
mod matching;
mod model;
pub mod onnx;
mod sighting;
mod vocabulary;

pub use answer::AnswerTeacher;
pub use detector::Detector;
pub use labels::{CallRecord, LabelError, LabelFile, Place};
pub use locate::LocateTeacher;
pub use matching::MatchTeacher;
pub use model::{ConvDetector, TeacherModel};
pub use sighting::Sighting;
pub use vocabulary::{Meaning, Question, Vocabulary};

use sdvp_core::{Module, Outcome, SubTask, View};

/// A module that labels sub-tasks for students.
pub trait Teacher: Module {
    /// Its label for each sub-task; `None` where it does not know the words. (As a
    /// [`Module`] that *replaces* the student it must answer all the same.)
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>>;

    /// Number of scalars of its network.
    fn parameters(&self) -> usize;

    /// Texts it can be asked on any view beside those a program asked: its vocabulary, for
    /// teaching what is *not* there.
    fn repertoire(&self) -> Vec<String>;

    /// Those of them that it is to be asked about this view, whatever programs ask of it: all, unless it
    /// knows views one by one or only what programs ask is worth learning.
    fn texts_about(&self, view: &View) -> Vec<String> {
        let _ = view;
        self.repertoire()
    }
}

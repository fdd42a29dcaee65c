//! Labels from scene graphs: what a teacher could be worth at most.

use sdvp_core::{Digest, Module, ModuleError, Outcome, SubTask, SubTaskKind};
use sdvp_data::picto::Oracle;
use sdvp_modules::Teacher;
use std::sync::Arc;

/// A teacher that knows what the pictures of the built-in world show.
pub struct TruthTeacher {
    oracle: Arc<Oracle>,
    repertoire: Vec<String>,
}

impl TruthTeacher {
    /// For the pictures that an oracle knows. `repertoire` is what it says of every view beside
    /// what it is asked: that of the teacher it is compared with.
    pub fn new(oracle: Arc<Oracle>, repertoire: Vec<String>) -> Self {
        Self { oracle, repertoire }
    }
}

impl Module for TruthTeacher {
    fn name(&self) -> &str {
        "truth"
    }

    fn answers(&self) -> &[SubTaskKind] {
        self.oracle.answers()
    }

    fn fingerprint(&self) -> Digest {
        self.oracle.fingerprint()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        self.oracle.run(batch)
    }
}

impl Teacher for TruthTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        self.run(batch).into_iter().map(Result::ok).collect()
    }

    fn parameters(&self) -> usize {
        0
    }

    fn repertoire(&self) -> Vec<String> {
        self.repertoire.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_data::Task;
    use sdvp_data::picto::{Split, questions};

    #[test]
    fn the_truth_is_what_scene_graphs_say() {
        let questions: Vec<_> = questions(Task::General, Split::Train, 3, 6);
        let questions: Vec<_> = questions.into_iter().map(Arc::new).collect();
        let oracle = Arc::new(Oracle::of_questions(&questions));
        let teacher = TruthTeacher::new(oracle, vec!["dog".to_owned()]);
        assert_eq!(teacher.repertoire(), ["dog"]);
        for question in &questions {
            let (_, image) = question.inputs().remove(0);
            let object = &question.scenes[0].objects[0];
            let look = SubTask::locate(image.view(), object.thing.name());
            let words = SubTask::answer(image.view(), "Who painted this?");
            let labels = teacher.label(&[look, words]);
            let Some(Outcome::Boxes(found)) = &labels[0] else {
                panic!("{labels:?}");
            };
            assert!(
                found
                    .iter()
                    .any(|found| found.bbox.iou(&object.bbox) > 0.99)
            );
            assert!(labels[1].is_none(), "it knows no answer to that");
        }
    }
}

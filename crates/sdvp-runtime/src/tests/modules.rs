//! A stand-in module: its answer names what it was asked, and it remembers its batches.

use sdvp_core::{AnswerOutcome, Digest, Module, ModuleError, Outcome, SubTask, SubTaskKind};
use std::sync::{Arc, Mutex};

/// Answers `answer` sub-tasks by a digest of the request, `locate` ones by no boxes. Some texts
/// are special: see [`Echo::run`].
pub(super) struct Echo {
    kinds: Vec<SubTaskKind>,
    weights: Mutex<String>,
    batches: Mutex<Vec<Vec<SubTask>>>,
}

impl Echo {
    pub(super) fn of(kind: SubTaskKind) -> Arc<Self> {
        Self::answering(&[kind])
    }

    pub(super) fn both() -> Arc<Self> {
        Self::answering(&SubTaskKind::TAUGHT)
    }

    fn answering(kinds: &[SubTaskKind]) -> Arc<Self> {
        Arc::new(Self {
            kinds: kinds.to_vec(),
            weights: Mutex::new("first".to_owned()),
            batches: Mutex::new(Vec::new()),
        })
    }

    /// Changes how it answers, and its fingerprint with it.
    pub(super) fn retrain(&self, weights: &str) {
        *self.weights.lock().unwrap() = weights.to_owned();
    }

    /// The batches it was given so far.
    pub(super) fn batches(&self) -> Vec<Vec<SubTask>> {
        self.batches.lock().unwrap().clone()
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.batches().iter().map(Vec::len).collect()
    }

    fn answer(&self, task: &SubTask) -> Result<Outcome, ModuleError> {
        if task.text.contains("broken") {
            return Err(ModuleError::BadText {
                module: self.name().to_owned(),
                text: task.text.clone(),
                reason: "it is broken".to_owned(),
            });
        }
        let kind = if task.text.contains("confused") {
            SubTaskKind::Locate
        } else {
            task.kind
        };
        Ok(match kind {
            SubTaskKind::Locate => Outcome::Boxes(Vec::new()),
            _ => {
                let weights = self.weights.lock().unwrap().clone();
                let answer = Digest::of(format!("{weights}{}", task.key()).as_bytes());
                Outcome::Answer(AnswerOutcome::certain(&answer.short()[..6]))
            }
        })
    }
}

impl Module for Echo {
    fn name(&self) -> &str {
        match self.kinds.as_slice() {
            [kind] => kind.name(),
            _ => "echo",
        }
    }

    fn answers(&self) -> &[SubTaskKind] {
        &self.kinds
    }

    fn fingerprint(&self) -> Digest {
        Digest::of(self.weights.lock().unwrap().as_bytes())
    }

    /// "broken" fails that sub-task; "confused" answers with boxes; "explosive" panics, "chatty"
    /// returns one outcome too many and "lazy" none at all, for the whole batch.
    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        self.batches.lock().unwrap().push(batch.to_vec());
        let says = |word: &str| batch.iter().any(|task| task.text.contains(word));
        if says("explosive") {
            panic!("boom");
        }
        let mut outcomes: Vec<_> = batch.iter().map(|task| self.answer(task)).collect();
        if says("chatty") {
            outcomes.push(Ok(Outcome::Boxes(Vec::new())));
        }
        if says("lazy") {
            outcomes.clear();
        }
        outcomes
    }
}

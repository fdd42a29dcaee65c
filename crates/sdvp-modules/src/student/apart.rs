//! A student that answers by what it learned where it learned it, and elsewhere as it was.

use super::domain::{Domain, fingerprint, is_known};
use super::memory::Memory;
use sdvp_core::{Digest, Hasher, Image, Module, ModuleError, Outcome, SubTask, SubTaskKind};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// Two students of one kind: for pictures of the domains the one that learned, for others the base. Whole
/// pictures decide, not views: all steps of a program then agree.
pub(super) struct Apart {
    base: Box<dyn Module>,
    learned: Box<dyn Module>,
    fingerprint: Digest,
    recognition: Arc<Recognition>,
}

/// Tells which pictures belong to a domain. A student's modules share it: each picture is looked at once,
/// whichever of them it is given to.
pub(super) struct Recognition {
    domains: Vec<Domain>,
    known: Memory<Digest, bool>,
}

/// Pictures of which it is remembered who answers for them.
const KEPT_PICTURES: usize = 1 << 16;
/// Pictures that are looked at together.
const PICTURES_AT_ONCE: usize = 8;

impl Apart {
    pub(super) fn new(
        base: Box<dyn Module>,
        learned: Box<dyn Module>,
        recognition: Arc<Recognition>,
    ) -> Self {
        let fingerprint = Hasher::new("told apart")
            .part(base.fingerprint().as_bytes())
            .part(learned.fingerprint().as_bytes())
            .part(fingerprint(&recognition.domains).as_bytes())
            .finish();
        Self {
            base,
            learned,
            fingerprint,
            recognition,
        }
    }
}

impl Recognition {
    pub(super) fn new(domains: Vec<Domain>) -> Self {
        Self {
            domains,
            known: Memory::new(KEPT_PICTURES),
        }
    }

    /// Which of the pictures of some sub-tasks belong to a domain.
    fn known(&self, batch: &[SubTask]) -> HashMap<Digest, bool> {
        let pictures: HashMap<Digest, &Image> = batch
            .iter()
            .map(|task| (task.view.image().digest(), task.view.image()))
            .collect();
        let digests = pictures.keys().copied();
        let known = self.known.get_or_compute(digests, PICTURES_AT_ONCE, |few| {
            let few = few.iter().filter_map(|digest| pictures.get(digest));
            Ok::<_, Infallible>(
                few.map(|picture| is_known(&self.domains, picture))
                    .collect(),
            )
        });
        known.unwrap_or_else(|never| match never {})
    }
}

impl Module for Apart {
    fn name(&self) -> &str {
        self.learned.name()
    }

    fn answers(&self) -> &[SubTaskKind] {
        self.learned.answers()
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        let known = self.recognition.known(batch);
        let is_known = |task: &SubTask| known.get(&task.view.image().digest()) == Some(&true);
        let (learned, others): (Vec<SubTask>, Vec<SubTask>) =
            batch.iter().cloned().partition(|task| is_known(task));
        let answered = |by: &dyn Module, tasks: &[SubTask]| match tasks {
            [] => Vec::new(),
            tasks => by.run(tasks),
        };
        let mut learned = answered(self.learned.as_ref(), &learned).into_iter();
        let mut others = answered(self.base.as_ref(), &others).into_iter();
        let one = |task: &SubTask| {
            let of = if is_known(task) {
                &mut learned
            } else {
                &mut others
            };
            of.next().unwrap_or_else(|| {
                Err(ModuleError::Failed {
                    module: self.name().to_owned(),
                    reason: "fewer answers came than were asked for".to_owned(),
                })
            })
        };
        batch.iter().map(one).collect()
    }
}

//! A student's module that answers by its experts for the pictures that they learned.

use super::domain::{Appearance, Domain, domain_of, fingerprint};
use super::memory::Memory;
use sdvp_core::{Digest, Hasher, Image, Module, ModuleError, Outcome, SubTask, SubTaskKind};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

/// Several students of one kind: for pictures of an expert's domain the expert, for all others the trunk.
/// Whole pictures decide, not views: all steps of a program that look at one then agree.
pub(super) struct Apart {
    trunk: Arc<dyn Module>,
    /// One for each domain; none where the expert did not learn this kind.
    experts: Vec<Option<Arc<dyn Module>>>,
    fingerprint: Digest,
    recognition: Arc<Recognition>,
}

/// Tells whose a picture is. A student's modules share it: each picture is looked at once, whichever of
/// them it is given to.
pub(super) struct Recognition {
    domains: Vec<Domain>,
    known: Memory<Digest, Option<usize>>,
}

/// Pictures of which it is remembered who answers for them.
const KEPT_PICTURES: usize = 1 << 16;
/// Pictures that are looked at together.
const PICTURES_AT_ONCE: usize = 8;

impl Apart {
    pub(super) fn new(
        trunk: Arc<dyn Module>,
        experts: Vec<Option<Arc<dyn Module>>>,
        recognition: Arc<Recognition>,
    ) -> Self {
        let hasher = Hasher::new("told apart").part(trunk.fingerprint().as_bytes());
        let hasher = experts.iter().fold(hasher, |hasher, expert| match expert {
            Some(expert) => hasher.part(expert.fingerprint().as_bytes()),
            None => hasher.part(&[]),
        });
        let domains = fingerprint(&recognition.domains);
        Self {
            fingerprint: hasher.part(domains.as_bytes()).finish(),
            trunk,
            experts,
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

    /// Of the pictures of some sub-tasks, those of a domain, each with its domain's place.
    fn known(&self, batch: &[SubTask]) -> HashMap<Digest, usize> {
        let pictures: HashMap<Digest, &Image> = batch
            .iter()
            .map(|task| (task.view.image().digest(), task.view.image()))
            .collect();
        let digests = pictures.keys().copied();
        let known = self.known.get_or_compute(digests, PICTURES_AT_ONCE, |few| {
            let few = few.iter().filter_map(|digest| pictures.get(digest));
            let whose = few.map(|picture| {
                let appearance = Appearance::of(picture.rgb());
                domain_of(&self.domains, &appearance)
            });
            Ok::<_, Infallible>(whose.collect())
        });
        let known = known.unwrap_or_else(|never| match never {});
        let known = known.into_iter();
        known
            .filter_map(|(digest, whose)| Some((digest, whose?)))
            .collect()
    }
}

impl Module for Apart {
    fn name(&self) -> &str {
        self.trunk.name()
    }

    fn answers(&self) -> &[SubTaskKind] {
        self.trunk.answers()
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        let known = self.recognition.known(batch);
        let whose = |task: &SubTask| {
            let place = *known.get(&task.view.image().digest())?;
            self.experts.get(place)?.as_ref().map(|_| place)
        };
        let mut shares: BTreeMap<Option<usize>, Vec<SubTask>> = BTreeMap::new();
        for task in batch {
            shares.entry(whose(task)).or_default().push(task.clone());
        }
        let mut answered: BTreeMap<_, _> = shares
            .into_iter()
            .map(|(place, tasks)| {
                let expert = place.and_then(|place| self.experts.get(place)?.as_ref());
                let module = expert.unwrap_or(&self.trunk);
                (place, module.run(&tasks).into_iter())
            })
            .collect();
        let one = |task: &SubTask| {
            let next = answered.get_mut(&whose(task)).and_then(Iterator::next);
            next.unwrap_or_else(|| {
                Err(ModuleError::Failed {
                    module: self.name().to_owned(),
                    reason: "fewer answers came than were asked for".to_owned(),
                })
            })
        };
        batch.iter().map(one).collect()
    }
}

//! Experts: what a student learned for some pictures only. For all others its trunk answers.

use super::domain::Domain;
use super::learning::LearningModel;
use super::manifest::{ExpertManifest, ModuleAdapter, StudentManifest};
use super::{AnswerModel, LocateModel, MatchModel, Student};
use crate::error::Result;
use candle_core::Device;
use sdvp_core::SubTaskKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where in a student something is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StudentPart {
    /// In what answers for all pictures that are no expert's.
    #[default]
    Trunk,
    /// In one of the experts.
    Expert(usize),
}

/// The models that an expert has of its own; what it did not learn, the trunk answers.
#[derive(Clone, Default)]
pub(super) struct Expert {
    pub(super) locate: Option<Arc<LocateModel>>,
    pub(super) answer: Option<AnswerModel>,
    pub(super) matching: Option<MatchModel>,
}

impl Student {
    /// Where a task was learned, or would be if nothing else is decided.
    pub fn part_of(&self, task: &str) -> StudentPart {
        let experts = &self.manifest.experts;
        let found = experts.iter().position(|expert| {
            let mut tasks = expert.tasks.iter();
            tasks.any(|known| known == task)
        });
        found.map_or(StudentPart::Trunk, StudentPart::Expert)
    }

    /// Whether a part has a module of its own for a kind.
    pub fn has_learned(&self, part: StudentPart, kind: SubTaskKind) -> bool {
        match part {
            StudentPart::Trunk => true,
            StudentPart::Expert(place) => {
                let expert = self.manifest.experts.get(place);
                expert.is_some_and(|expert| expert.modules.contains_key(&kind))
            }
        }
    }

    /// Adds an expert for a task, which as yet has learned nothing.
    pub fn add_expert(&mut self, task: &str, domain: Domain) -> StudentPart {
        self.leave_experts(task);
        let place = self.manifest.experts.len();
        self.manifest.format = StudentManifest::WITH_EXPERTS;
        self.manifest.experts.push(ExpertManifest {
            tasks: vec![task.to_owned()],
            domain,
            modules: Default::default(),
        });
        self.experts.resize(place + 1, Expert::default());
        StudentPart::Expert(place)
    }

    /// Gives a task to an expert that is there, if it has not learned it before; its pictures are those of
    /// this domain from now on.
    pub fn widen_expert(&mut self, expert: usize, task: &str, domain: Domain) {
        let is_new = self.part_of(task) != StudentPart::Expert(expert);
        if is_new {
            self.leave_experts(task);
        }
        if let Some(expert) = self.manifest.experts.get_mut(expert) {
            if is_new {
                expert.tasks.push(task.to_owned());
            }
            expert.domain = domain;
        }
    }

    /// A task is learned in one part.
    fn leave_experts(&mut self, task: &str) {
        for expert in &mut self.manifest.experts {
            expert.tasks.retain(|known| known != task);
        }
    }

    /// A name for the weights of an expert's module that no other one has.
    fn weights_name(&self, place: usize, kind: SubTaskKind) -> String {
        let own = self.manifest.experts.get(place);
        let own = own.and_then(|expert| expert.modules.get(&kind)?.weights.clone());
        own.unwrap_or_else(|| {
            let numbered = |number: usize| format!("expert-{number}-{}.safetensors", kind.name());
            let experts = self.manifest.experts.iter();
            let taken: BTreeSet<&String> = experts
                .flat_map(|expert| expert.modules.values())
                .filter_map(|adapter| adapter.weights.as_ref())
                .collect();
            let mut number = place + 1;
            while taken.contains(&numbered(number)) {
                number += 1;
            }
            numbered(number)
        })
    }

    /// What answers at a place, as a student that does so for all pictures.
    #[must_use]
    pub fn at(&self, part: StudentPart) -> Self {
        let mut student = Self {
            experts: Vec::new(),
            manifest: StudentManifest {
                format: StudentManifest::FORMAT,
                experts: Vec::new(),
                ..self.manifest.clone()
            },
            ..self.clone()
        };
        if let StudentPart::Expert(place) = part
            && let Some(expert) = self.experts.get(place)
            && let Some(manifest) = self.manifest.experts.get(place)
        {
            student.locate = expert.locate.clone().unwrap_or(student.locate);
            student.answer = expert.answer.clone().unwrap_or(student.answer);
            student.matching = expert.matching.clone().unwrap_or(student.matching);
            student.manifest.modules.extend(manifest.modules.clone());
        }
        student
    }

    /// Puts a module of a student without experts at a place, where it was learned.
    pub fn take(&mut self, part: StudentPart, kind: SubTaskKind, learned: &Self) {
        let Some(adapter) = learned.manifest.modules.get(&kind).cloned() else {
            return;
        };
        match part {
            StudentPart::Trunk => {
                self.manifest.modules.insert(kind, adapter);
                match kind {
                    SubTaskKind::Locate => self.locate = Arc::clone(&learned.locate),
                    SubTaskKind::Match => self.matching = learned.matching.clone(),
                    _ => self.answer = learned.answer.clone(),
                }
            }
            StudentPart::Expert(place) => {
                let weights = self.weights_name(place, kind);
                let (Some(manifest), Some(expert)) = (
                    self.manifest.experts.get_mut(place),
                    self.experts.get_mut(place),
                ) else {
                    return;
                };
                let adapter = ModuleAdapter {
                    weights: Some(weights),
                    ..adapter
                };
                manifest.modules.insert(kind, adapter);
                match kind {
                    SubTaskKind::Locate => expert.locate = Some(Arc::clone(&learned.locate)),
                    SubTaskKind::Match => expert.matching = Some(learned.matching.clone()),
                    _ => expert.answer = Some(learned.answer.clone()),
                }
            }
        }
    }

    /// The same student, to compute on a device.
    ///
    /// # Errors
    /// If it does not fit on it.
    pub fn on(self, device: &Device) -> Result<Self> {
        if device.is_cpu() {
            return Ok(self);
        }
        let experts = self.experts.iter().map(|expert| {
            Ok(Expert {
                locate: moved(&expert.locate, device)?,
                answer: moved(&expert.answer, device)?,
                matching: moved(&expert.matching, device)?,
            })
        });
        Ok(Self {
            experts: experts.collect::<Result<_>>()?,
            locate: LearningModel::on(&self.locate, device)?,
            answer: self.answer.on(device)?,
            matching: self.matching.on(device)?,
            manifest: self.manifest,
        })
    }
}

fn moved<M: LearningModel>(model: &Option<M>, device: &Device) -> Result<Option<M>> {
    model.as_ref().map(|model| model.on(device)).transpose()
}

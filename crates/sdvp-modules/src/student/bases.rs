//! What a student was before it learned anything, and the modules that it and its bases are together.

use super::apart::{Apart, Recognition};
use super::model::{StudentModel, StudentNetwork};
use super::{
    AnswerModel, AnswerStudent, LocateModel, LocateStudent, MatchModel, MatchStudent, Student,
};
use crate::error::Result;
use candle_core::Device;
use sdvp_core::Module;
use std::sync::Arc;

/// The models that a student was before it learned anything.
#[derive(Clone)]
pub struct Bases {
    /// Finds.
    pub locate: Arc<LocateModel>,
    /// Answers.
    pub answer: Arc<AnswerModel>,
    /// Says how well texts fit.
    pub matching: Arc<MatchModel>,
}

impl Student {
    /// Whether it can keep apart what it learns: its bases are known, and answer for all that it did not
    /// learn in a domain.
    pub fn can_tell_apart(&self) -> bool {
        self.bases
            .as_ref()
            .is_some_and(|bases| !self.manifest.domains.is_empty() || bases.are(self))
    }

    /// The student before it learned anything, if that is known; itself if not.
    #[must_use]
    pub fn as_it_was(&self) -> Self {
        match &self.bases {
            Some(bases) => Self {
                locate: Arc::clone(&bases.locate),
                answer: Arc::clone(&bases.answer),
                matching: Arc::clone(&bases.matching),
                ..self.everywhere()
            },
            None => self.clone(),
        }
    }

    /// The same student, answering by what it learned for every picture.
    #[must_use]
    pub fn everywhere(&self) -> Self {
        let mut student = self.clone();
        student.manifest.domains.clear();
        student
    }

    /// The student as modules, frozen as it is now.
    ///
    /// # Errors
    /// If parameters cannot be read.
    pub fn modules(&self) -> Result<Vec<Arc<dyn Module>>> {
        self.modules_of(
            |model| LocateStudent::new(Arc::clone(model)),
            |model| MatchStudent::new(Arc::clone(model)),
        )
    }

    /// As [`Student::modules`], remembering neither images nor names between calls: how the reference
    /// code runs, for comparison.
    ///
    /// # Errors
    /// If parameters cannot be read.
    pub fn modules_without_memory(&self) -> Result<Vec<Arc<dyn Module>>> {
        self.modules_of(
            |model| LocateStudent::with_memory(Arc::clone(model), 0, 0),
            |model| MatchStudent::with_memory(Arc::clone(model), 0),
        )
    }

    fn modules_of(
        &self,
        locate: impl Fn(&Arc<LocateModel>) -> Result<LocateStudent>,
        matching: impl Fn(&Arc<MatchModel>) -> Result<MatchStudent>,
    ) -> Result<Vec<Arc<dyn Module>>> {
        let answer = |model: &Arc<AnswerModel>| AnswerStudent::new(Arc::clone(model));
        let domains = &self.manifest.domains;
        let bases = self.bases.as_ref().filter(|_| !domains.is_empty());
        let told = Arc::new(Recognition::new(domains.clone()));
        Ok(vec![
            apart(&self.locate, bases.map(|b| &b.locate), locate, &told)?,
            apart(&self.answer, bases.map(|b| &b.answer), answer, &told)?,
            apart(&self.matching, bases.map(|b| &b.matching), matching, &told)?,
        ])
    }
}

impl Bases {
    /// Whether a student has learned nothing since.
    fn are(&self, student: &Student) -> bool {
        Arc::ptr_eq(&self.locate, &student.locate)
            && Arc::ptr_eq(&self.answer, &student.answer)
            && Arc::ptr_eq(&self.matching, &student.matching)
    }

    /// The same on a device where `there` is what is `here`: what the student still is, is there once.
    pub(super) fn on(&self, device: &Device, here: &Student, there: &Student) -> Result<Self> {
        Ok(Self {
            locate: moved(&self.locate, &here.locate, &there.locate, device)?,
            answer: moved(&self.answer, &here.answer, &there.answer, device)?,
            matching: moved(&self.matching, &here.matching, &there.matching, device)?,
        })
    }
}

fn moved<N: StudentNetwork>(
    base: &Arc<StudentModel<N>>,
    here: &Arc<StudentModel<N>>,
    there: &Arc<StudentModel<N>>,
    device: &Device,
) -> Result<Arc<StudentModel<N>>> {
    match Arc::ptr_eq(base, here) {
        true => Ok(Arc::clone(there)),
        false => Ok(Arc::new(base.on(device)?)),
    }
}

/// A model as a module; if it learned something, kept apart from its base by the domains.
fn apart<N: StudentNetwork, M: Module + 'static>(
    model: &Arc<StudentModel<N>>,
    base: Option<&Arc<StudentModel<N>>>,
    module: impl Fn(&Arc<StudentModel<N>>) -> Result<M>,
    told: &Arc<Recognition>,
) -> Result<Arc<dyn Module>> {
    let learned = module(model)?;
    Ok(match base.filter(|base| !Arc::ptr_eq(base, model)) {
        Some(base) => Arc::new(Apart::new(
            Box::new(module(base)?),
            Box::new(learned),
            Arc::clone(told),
        )),
        None => Arc::new(learned),
    })
}

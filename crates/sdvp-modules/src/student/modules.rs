//! The modules that a student is: for each kind its trunk, and its experts beside it.

use super::apart::{Apart, Recognition};
use super::expert::Expert;
use super::model::{StudentModel, StudentNetwork};
use super::{
    AnswerModel, AnswerStudent, LocateModel, LocateStudent, MatchModel, MatchStudent, Student,
};
use crate::error::Result;
use sdvp_core::Module;
use std::sync::Arc;

impl Student {
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
        let experts = self.manifest.experts.iter();
        let domains = experts.map(|expert| expert.domain.clone()).collect();
        let told = Arc::new(Recognition::new(domains));
        Ok(vec![
            self.apart(&self.locate, |e| e.locate.as_ref(), locate, &told)?,
            self.apart(&self.answer, |e| e.answer.as_ref(), answer, &told)?,
            self.apart(&self.matching, |e| e.matching.as_ref(), matching, &told)?,
        ])
    }

    /// One kind's module.
    fn apart<N: StudentNetwork, M: Module + 'static>(
        &self,
        trunk: &Arc<StudentModel<N>>,
        of: impl Fn(&Expert) -> Option<&Arc<StudentModel<N>>>,
        module: impl Fn(&Arc<StudentModel<N>>) -> Result<M>,
        told: &Arc<Recognition>,
    ) -> Result<Arc<dyn Module>> {
        let trunk = module(trunk)?;
        let experts = self.experts.iter().map(|expert| {
            let expert = of(expert).map(&module).transpose()?;
            Ok(expert.map(|expert| Box::new(expert) as Box<dyn Module>))
        });
        let experts = experts.collect::<Result<Vec<_>>>()?;
        Ok(match experts.iter().any(Option::is_some) {
            true => Arc::new(Apart::new(Box::new(trunk), experts, Arc::clone(told))),
            false => Arc::new(trunk),
        })
    }
}

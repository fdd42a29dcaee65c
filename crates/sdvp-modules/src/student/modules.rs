//! The modules that a student is: for each kind its trunk, and its experts beside it.

use super::apart::{Apart, Recognition};
use super::expert::Expert;
use super::{AnswerModel, LocateModel, LocateStudent, MatchModel, Student};
use crate::error::Result;
use sdvp_core::Module;
use std::sync::Arc;

impl Student {
    /// The student as modules, frozen as it is now.
    ///
    /// # Errors
    /// If parameters cannot be read.
    pub fn modules(&self) -> Result<Vec<Arc<dyn Module>>> {
        let locate = |model: &Arc<LocateModel>| LocateStudent::new(model);
        self.modules_of(
            |model| Ok(Arc::new(locate(model)?)),
            AnswerModel::module,
            MatchModel::module,
        )
    }

    /// As [`Student::modules`], remembering neither images nor names between calls: how the reference
    /// code runs, for comparison.
    ///
    /// # Errors
    /// If parameters cannot be read.
    pub fn modules_without_memory(&self) -> Result<Vec<Arc<dyn Module>>> {
        let locate = |model: &Arc<LocateModel>| LocateStudent::with_memory(model, 0, 0);
        self.modules_of(
            |model| Ok(Arc::new(locate(model)?)),
            AnswerModel::module_without_memory,
            MatchModel::module_without_memory,
        )
    }

    fn modules_of(
        &self,
        locate: impl Fn(&Arc<LocateModel>) -> Result<Arc<dyn Module>>,
        answer: impl Fn(&AnswerModel) -> Result<Arc<dyn Module>>,
        matching: impl Fn(&MatchModel) -> Result<Arc<dyn Module>>,
    ) -> Result<Vec<Arc<dyn Module>>> {
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
    fn apart<M>(
        &self,
        trunk: &M,
        of: impl Fn(&Expert) -> Option<&M>,
        module: impl Fn(&M) -> Result<Arc<dyn Module>>,
        told: &Arc<Recognition>,
    ) -> Result<Arc<dyn Module>> {
        let trunk = module(trunk)?;
        let experts = self.experts.iter();
        let experts = experts.map(|expert| of(expert).map(&module).transpose());
        let experts = experts.collect::<Result<Vec<_>>>()?;
        Ok(match experts.iter().any(Option::is_some) {
            true => Arc::new(Apart::new(trunk, experts, Arc::clone(told))),
            false => trunk,
        })
    }
}

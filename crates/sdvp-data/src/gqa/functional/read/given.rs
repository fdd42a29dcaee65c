//! What a step works on, and what is said where it is not that.

use super::Reader;
use crate::gqa::functional::FunctionalError;
use crate::gqa::functional::argument::Expected;
use crate::gqa::functional::meaning::{Amount, Claim, Meaning, Number, Objects, Subject, Truth};
use std::sync::Arc;

/// The operations that there are, as errors list them; `…` stands for any attribute.
const OPERATIONS: &str = "select, filter …, relate, exist, count, query …, verify …, verify rel, \
    choose …, choose rel, same …, different …, common, and, or, image, xor, plus, compare, list";

impl Reader<'_> {
    /// The steps that an operation of `N` works on.
    pub(super) fn on<const N: usize>(&self) -> Result<[usize; N], FunctionalError> {
        <[usize; N]>::try_from(self.step.dependencies.as_slice())
            .map_err(|_| self.dependencies(&N.to_string()))
    }

    pub(super) fn get(&self, on: usize) -> Result<&Meaning, FunctionalError> {
        match self.known.get(on) {
            Some(meaning) => Ok(meaning),
            None if on < self.steps => Err(FunctionalError::NotEarlier {
                question: self.question.to_owned(),
                step: self.at,
                operation: self.step.operation.clone(),
                dependency: on,
            }),
            None => Err(FunctionalError::OutOfRange {
                question: self.question.to_owned(),
                step: self.at,
                operation: self.step.operation.clone(),
                dependency: on,
                last: self.steps.saturating_sub(1),
            }),
        }
    }

    pub(super) fn objects(&self, on: usize) -> Result<Arc<Objects>, FunctionalError> {
        match self.get(on)? {
            Meaning::Objects(objects) => Ok(Arc::clone(objects)),
            other => Err(self.kind(on, "objects", other)),
        }
    }

    pub(super) fn subject(&self, on: usize) -> Result<Subject, FunctionalError> {
        match self.get(on)? {
            Meaning::Objects(objects) => Ok(Subject::Objects(Arc::clone(objects))),
            Meaning::Scene(picture) => Ok(Subject::Scene(*picture)),
            other => Err(self.kind(on, "objects or the scene", other)),
        }
    }

    pub(super) fn truth_of(&self, on: usize) -> Result<Arc<Truth>, FunctionalError> {
        match self.get(on)? {
            Meaning::Truth(truth) => Ok(Arc::clone(truth)),
            other => Err(self.kind(on, "a truth value", other)),
        }
    }

    pub(super) fn number(&self, on: usize) -> Result<Arc<Number>, FunctionalError> {
        match self.get(on)? {
            Meaning::Number(number) => Ok(Arc::clone(number)),
            other => Err(self.kind(on, "a number", other)),
        }
    }

    pub(super) fn truth(&self, says: Claim) -> Meaning {
        Meaning::Truth(Arc::new(Truth { id: self.at, says }))
    }

    pub(super) fn amount(&self, is: Amount) -> Meaning {
        Meaning::Number(Arc::new(Number { id: self.at, is }))
    }

    pub(super) fn next_id(&mut self) -> usize {
        *self.ids += 1;
        *self.ids
    }

    pub(super) fn read<T>(&self, read: Result<T, Expected>) -> Result<T, FunctionalError> {
        read.map_err(|expected| self.argument(expected))
    }

    pub(super) fn argument(&self, expected: impl Into<String>) -> FunctionalError {
        FunctionalError::Argument {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            expected: expected.into(),
            found: self.step.argument.clone(),
        }
    }

    pub(super) fn unknown(&self) -> FunctionalError {
        FunctionalError::UnknownOperation {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            known: OPERATIONS.to_owned(),
        }
    }

    pub(super) fn dependencies(&self, expected: &str) -> FunctionalError {
        FunctionalError::Dependencies {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            expected: expected.to_owned(),
            found: self.step.dependencies.len(),
        }
    }

    pub(super) fn kind(
        &self,
        on: usize,
        expected: &'static str,
        found: &Meaning,
    ) -> FunctionalError {
        FunctionalError::WrongKind {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            dependency: on,
            expected,
            found: found.kind(),
        }
    }
}

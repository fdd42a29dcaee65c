//! Why a functional program is refused.

/// What is wrong with a question's functional program. Steps count from 0, as dependencies do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunctionalError {
    /// There is none.
    #[error("question {question}: expected a functional program in its field semantic, found none")]
    Empty {
        /// The question.
        question: String,
    },
    /// It has more steps than any published one by far.
    #[error("question {question}: {exceeded}")]
    TooLong {
        /// The question.
        question: String,
        /// The limit.
        exceeded: sdvp_core::Exceeded,
    },
    /// A step's operation is not known.
    #[error(
        "question {question}, step {step}: there is no operation `{operation}`; expected one of \
         {known}"
    )]
    UnknownOperation {
        /// The question.
        question: String,
        /// The step.
        step: usize,
        /// What it says.
        operation: String,
        /// The operations that there are.
        known: String,
    },
    /// A step's argument does not say what its operation needs.
    #[error("question {question}, step {step} ({operation}): expected {expected}, found {found:?}")]
    Argument {
        /// The question.
        question: String,
        /// The step.
        step: usize,
        /// Its operation.
        operation: String,
        /// What the argument should be.
        expected: String,
        /// The argument.
        found: String,
    },
    /// A step depends on fewer or more steps than its operation works on.
    #[error(
        "question {question}, step {step} ({operation}): expected {expected} dependencies, found \
         {found}"
    )]
    Dependencies {
        /// The question.
        question: String,
        /// The step.
        step: usize,
        /// Its operation.
        operation: String,
        /// How many it works on.
        expected: String,
        /// How many there are.
        found: usize,
    },
    /// A step depends on one that is not there.
    #[error(
        "question {question}, step {step} ({operation}): depends on step {dependency}; the last \
         step is {last}"
    )]
    OutOfRange {
        /// The question.
        question: String,
        /// The step.
        step: usize,
        /// Its operation.
        operation: String,
        /// What it depends on.
        dependency: usize,
        /// The last step there is.
        last: usize,
    },
    /// A step depends on itself or on a later one: followed far enough, that is a circle.
    #[error(
        "question {question}, step {step} ({operation}): depends on step {dependency}; expected \
         an earlier step"
    )]
    NotEarlier {
        /// The question.
        question: String,
        /// The step.
        step: usize,
        /// Its operation.
        operation: String,
        /// What it depends on.
        dependency: usize,
    },
    /// A step depends on one that gives something else than it works on.
    #[error(
        "question {question}, step {step} ({operation}): expected {expected} from step \
         {dependency}, which gives {found}"
    )]
    WrongKind {
        /// The question.
        question: String,
        /// The step.
        step: usize,
        /// Its operation.
        operation: String,
        /// What it depends on.
        dependency: usize,
        /// What it works on.
        expected: &'static str,
        /// What that step gives.
        found: &'static str,
    },
    /// The last step answers nothing.
    #[error(
        "question {question}, step {step} ({operation}): expected a last step that answers, found \
         one that gives {found}"
    )]
    NoAnswer {
        /// The question.
        question: String,
        /// The last step.
        step: usize,
        /// Its operation.
        operation: String,
        /// What it gives.
        found: &'static str,
    },
}

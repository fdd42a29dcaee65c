//! The coroutine that every framework's programs are.

use crate::{Trace, Value};
use sdvp_core::{Image, ModuleError, Outcome, SubTask, SubTaskKind};

/// The images a program starts from, by variable name (`IMAGE`; `LEFT` and `RIGHT`).
pub type Inputs = Vec<(String, Image)>;

/// A parsed program of some framework, ready to be run any number of times.
pub trait Program: Send + Sync {
    /// Starts a run on the given images.
    fn start(&self, inputs: &Inputs) -> Box<dyn Execution>;

    /// The text it was parsed from.
    fn source(&self) -> &str;
}

/// What an execution wants next.
#[derive(Debug)]
pub enum Step {
    /// It is suspended until this is answered.
    Needs(SubTask),
    /// It has ended.
    Done(Value),
}

/// One run of a program, suspended between sub-tasks.
///
/// Drive it with [`start`](Execution::start) once, then [`resume`](Execution::resume) for every
/// [`Step::Needs`]. After an error or [`Step::Done`] it must not be resumed.
pub trait Execution: Send {
    /// Runs to the first sub-task or the end.
    ///
    /// # Errors
    /// If the program fails.
    fn start(&mut self) -> Result<Step, RunError>;

    /// Answers the sub-task last asked for, and runs to the next one or the end.
    ///
    /// # Errors
    /// If the module failed, the outcome is of another kind, or the program fails.
    fn resume(&mut self, answer: Result<Outcome, ModuleError>) -> Result<Step, RunError>;

    /// What has happened so far.
    fn trace(&self) -> &Trace;
}

/// Why a run failed. Lines and columns count from 1; 0 where there is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The program used a variable that has no value.
    #[error("line {line}: variable {name} is not defined; defined so far: {defined}")]
    UndefinedVariable {
        /// Line of the program.
        line: usize,
        /// The variable.
        name: String,
        /// The variables there are.
        defined: String,
    },
    /// A value has the wrong type for a step.
    #[error("line {line}: {step} expected {expected} in {name}, found {found}")]
    WrongType {
        /// Line of the program.
        line: usize,
        /// The step.
        step: String,
        /// The variable.
        name: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: &'static str,
    },
    /// An expression failed.
    #[error("line {line}: the expression `{expression}` failed: {reason}")]
    Expression {
        /// Line of the program.
        line: usize,
        /// The expression with its values filled in.
        expression: String,
        /// The interpreter's reason.
        reason: String,
    },
    /// The program raised an exception that it did not catch.
    #[error("{traceback}")]
    Raised {
        /// Line of the program.
        line: usize,
        /// As Python writes it, with the lines of the program.
        traceback: String,
    },
    /// The program wants an image that there is not.
    #[error("the program wants {wanted}; given are {given}")]
    NoImage {
        /// What it wants.
        wanted: String,
        /// The images there are.
        given: String,
    },
    /// The module could not answer.
    #[error("line {line}: {source}")]
    Module {
        /// Line of the program.
        line: usize,
        /// The module's reason.
        source: ModuleError,
    },
    /// The outcome answers another kind of sub-task than was asked.
    #[error("line {line}: expected an answer to a {expected} sub-task, found one to {found}")]
    WrongOutcome {
        /// Line of the program.
        line: usize,
        /// Asked.
        expected: SubTaskKind,
        /// Answered.
        found: SubTaskKind,
    },
    /// A limit was reached.
    #[error(
        "line {line}: {what} reached its limit of {limit} (limit {setting}, raised by --allow {setting}=…)"
    )]
    Limit {
        /// Line of the program.
        line: usize,
        /// What reached it.
        what: String,
        /// The limit.
        limit: u64,
        /// Its name.
        setting: &'static str,
    },
    /// What interpreted the program was lost.
    #[error("line {line}: the program was lost: {reason}")]
    Lost {
        /// The last line of the program that was heard of.
        line: usize,
        /// What became of it.
        reason: String,
    },
    /// The driver resumed an execution that was not waiting.
    #[error("an execution was resumed that was not waiting for an answer")]
    NotWaiting,
}

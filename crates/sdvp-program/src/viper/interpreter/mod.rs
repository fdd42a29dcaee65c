//! The Python interpreter, which stops whenever the program needs something of ours. It runs in
//! this process or in a worker of its own: what it stops for and what it is given are plain values.

mod here;
mod wire;
mod worker;

pub(super) use here::Here;
pub use worker::{WorkerPool, serve};

use super::ViperSettings;
use monty_types::{ExtFunctionResult, MontyException, MontyObject, MontyUuid, NameLookupResult};
use serde::{Deserialize, Serialize};

/// What a program stopped for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Stop {
    /// It ended with this value.
    Complete(MontyObject),
    /// A call of a function or method that it has not defined itself.
    Call(HostCall),
    /// A name, or an attribute of one of our objects, that it has not defined itself.
    Lookup {
        name: String,
        object: Option<MontyUuid>,
    },
    /// A file, a clock, the environment: by the function's name.
    System(String),
    /// It waits for what runs beside it; nothing does.
    Futures,
}

/// A call of ours.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HostCall {
    /// The function's or method's name.
    pub(super) name: String,
    pub(super) args: Vec<MontyObject>,
    pub(super) kwargs: Vec<(MontyObject, MontyObject)>,
    /// The receiver of a method, or the class that is called.
    pub(super) object: Option<MontyUuid>,
}

/// What a stopped program is given.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Returned {
    Value(MontyObject),
    /// The call or lookup raises this.
    Raise(MontyException),
    /// There is no such name.
    Undefined,
}

/// Why an interpreter does not go on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    /// An exception that the program did not catch.
    Exception(MontyException),
    /// The interpreter itself failed, or was ended.
    Lost(String),
}

/// One run of one program.
pub(super) trait Interpreter: Send {
    /// Runs to the first stop.
    fn start(&mut self) -> Result<Stop, Failure>;

    /// Hands over what was needed, and runs to the next stop.
    fn resume(&mut self, reply: Returned) -> Result<Stop, Failure>;
}

/// Bounds of one run that the interpreter keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Limits {
    max_ms: u64,
    max_memory: usize,
    max_recursion: usize,
    max_output: usize,
}

impl From<&ViperSettings> for Limits {
    fn from(settings: &ViperSettings) -> Self {
        Self {
            max_ms: settings.max_ms,
            max_memory: settings.max_memory,
            max_recursion: settings.max_recursion,
            max_output: settings.max_output,
        }
    }
}

impl From<Returned> for ExtFunctionResult {
    fn from(reply: Returned) -> Self {
        match reply {
            Returned::Value(value) => Self::Return(value),
            Returned::Raise(exception) => Self::Error(exception),
            Returned::Undefined => Self::NotFound(String::new()),
        }
    }
}

impl From<Returned> for NameLookupResult {
    fn from(reply: Returned) -> Self {
        match reply {
            Returned::Value(value) => Self::Value(value),
            Returned::Raise(exception) => Self::Error(exception),
            Returned::Undefined => Self::Undefined,
        }
    }
}

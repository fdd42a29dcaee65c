//! The sandbox in which Python that a language model wrote is evaluated.
//!
//! The interpreter has no files, network, imports or host calls. What it is given is bounded
//! beforehand ([`nesting`]), since both parsing and dropping a deeply nested tree recurse, and what
//! it does is bounded while it runs.

mod booleans;
mod convert;
mod depth;
mod edits;
mod nesting;

pub(crate) use depth::check_depth;
pub(crate) use edits::Edits;

use crate::Value;
use monty::MontyRun;
use monty_types::{CompileOptions, MontyObject, PrintWriter, ResourceLimits, ResourceTracker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What an expression may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PythonLimits {
    /// Greatest time of one evaluation.
    pub(crate) time: Duration,
    /// Greatest size of one value, bytes. (A total is not enforced: that takes an allocator of
    /// the interpreter's own. Time bounds how many values there can be.)
    pub(crate) memory: usize,
    /// Greatest length of the source, characters.
    pub(crate) length: usize,
    /// Greatest depth of nesting.
    pub(crate) depth: usize,
}

/// A fault in an expression's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxFault {
    /// Where, in characters from 0, if known.
    pub(crate) at: Option<usize>,
    /// What is wrong.
    pub(crate) message: String,
}

impl SyntaxFault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at: Some(at),
            message: message.into(),
        }
    }

    fn unreadable() -> Self {
        Self {
            at: None,
            message: "the Python interpreter cannot read it".to_owned(),
        }
    }
}

/// A compiled expression, evaluated any number of times on different inputs.
#[derive(Debug)]
pub(crate) struct Expression {
    /// The interpreter's code caches facts about itself, so that threads cannot share it.
    run: Mutex<MontyRun>,
    limits: PythonLimits,
}

impl Expression {
    /// Compiles one Python expression (no statements) over the variables `inputs`.
    ///
    /// # Errors
    /// If it is too long, too deeply nested or not an expression.
    pub(crate) fn compile(
        code: &str,
        inputs: Vec<String>,
        limits: PythonLimits,
    ) -> Result<Self, SyntaxFault> {
        if code.trim().is_empty() {
            return Err(SyntaxFault::new(0, "expected an expression, found nothing"));
        }
        let length = code.chars().count();
        if length > limits.length {
            return Err(SyntaxFault::new(
                limits.length,
                format!(
                    "an expression may have {} characters (limit expression-length, raised by --allow expression-length=…), found {length}",
                    limits.length
                ),
            ));
        }
        nesting::check(code, limits.depth)?;
        let numeric = catch_unwind(|| booleans::with_numbers(code));
        // A line break inside parentheses does not end the expression.
        let wrapped = match numeric {
            Ok(numeric) => format!("({})", numeric?),
            Err(_) => return Err(SyntaxFault::unreadable()),
        };
        let compiled = catch_unwind(|| {
            MontyRun::new(wrapped, "expression", inputs, CompileOptions::default())
        });
        match compiled {
            Ok(Ok(run)) => Ok(Self {
                run: Mutex::new(run),
                limits,
            }),
            // Python, but not what the interpreter knows of it.
            Ok(Err(error)) => Err(SyntaxFault {
                at: None,
                message: error.summary(),
            }),
            Err(_) => Err(SyntaxFault::unreadable()),
        }
    }

    /// The value, given one value for each input.
    ///
    /// # Errors
    /// The interpreter's reason, such as `TypeError: …`, or which limit was reached.
    pub(crate) fn evaluate(&self, inputs: &[Value]) -> Result<Value, String> {
        let inputs = inputs
            .iter()
            .map(convert::to_python)
            .collect::<Result<Vec<MontyObject>, String>>()?;
        let limits = ResourceLimits::default()
            .max_duration(self.limits.time)
            .max_memory(self.limits.memory)
            .max_recursion_depth(self.limits.depth);
        let tracker = ResourceTracker::new(limits);
        // The interpreter must not take the process down with it, should it have a fault.
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || run.run(inputs, tracker, PrintWriter::Disabled);
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(object)) => convert::from_python(object),
            Ok(Err(error)) => Err(error.summary()),
            Err(_) => Err("the Python interpreter failed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;

//! ViperGPT: programs that are Python functions over `ImagePatch`.
//!
//! The interpreter is monty: it has no files, no network and no environment, and stops whenever
//! the program calls the API. A call that needs modules becomes sub-tasks; its value goes back in.
//! Programs come from language models, so what is recoverable is mended before they run ([`source`],
//! [`rewrite`]), and every limit is a setting. `DIALECT.md` in this folder describes it, with examples
//! that the tests run.

mod api;
mod entry;
mod execution;
mod interpreter;
mod names;
mod normal;
mod number_words;
mod patch;
mod pending;
mod prelude;
mod rewrite;
mod settings;
mod signature;
mod source;
mod things;
mod traceback;
mod video;

pub use interpreter::{WorkerPool, serve};
pub use normal::ViperCode;
pub use settings::ViperSettings;

use crate::{Execution, Inputs, Program, ProgramError, ProgramErrors};
use entry::{Entry, Given};
use execution::ViperExecution;
use interpreter::{Here, Interpreter, Limits};
use monty::MontyRun;
use monty_types::{CompileOptions, ExcType, MontyException};
use prelude::Helper;
use rewrite::Rewritten;
use source::Source;
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, PoisonError};

/// A ViperGPT program that compiles.
///
/// Cheap to clone; each run shares the compiled code.
#[derive(Clone)]
pub struct ViperProgram {
    parsed: Arc<Parsed>,
    question: String,
    possible_answers: Vec<String>,
    workers: Option<Arc<WorkerPool>>,
}

struct Parsed {
    source: String,
    /// Line of the text for every line of the code; 0 for those that were added.
    numbers: Vec<usize>,
    /// How many lines of ours come before the code.
    before: usize,
    settings: ViperSettings,
    /// The interpreter's code caches facts about itself, so that threads cannot share it.
    code: Mutex<MontyRun>,
    entry: Entry,
}

/// Names in tracebacks.
const FILE: &str = "program";

impl ViperProgram {
    /// Reads a program as a language model wrote it, and compiles it.
    ///
    /// # Errors
    /// What is wrong, with its line and column: text that is no Python, no function to call, a
    /// parameter that nothing is known to be given to, a limit, Python that the interpreter does
    /// not know.
    pub fn parse(text: &str, settings: &ViperSettings) -> Result<Self, ProgramErrors> {
        let one = |error| ProgramErrors(vec![error]);
        let source = Source::read(text, settings)?;
        let entry = Entry::of(source.module.syntax()).map_err(|(at, message)| {
            let line = source
                .code
                .get(..at)
                .unwrap_or_default()
                .matches('\n')
                .count();
            let number = source.numbers.get(line).copied().unwrap_or(1).max(1);
            one(ProgramError::new(number, 1, message))
        })?;
        let rewritten = rewrite::rewrite(&source, &entry.name, &settings.modules);
        let ours = ours(&rewritten, &entry);
        let before = ours.matches('\n').count();
        let code = ours + &rewritten.code + &call(&entry);
        let code = compiled(code).map_err(|error| one(refused(&error, &source, before)))?;
        Ok(Self {
            parsed: Arc::new(Parsed {
                source: text.to_owned(),
                numbers: source.numbers,
                before,
                settings: settings.clone(),
                code: Mutex::new(code),
                entry,
            }),
            question: String::new(),
            possible_answers: Vec::new(),
            workers: None,
        })
    }

    /// The program to be run in a process of its own, so that it may run out of memory, or meet a
    /// fault of the interpreter, without harm to others.
    #[must_use]
    pub fn isolated(mut self, workers: Arc<WorkerPool>) -> Self {
        self.workers = Some(workers);
        self
    }

    fn interpreter(&self) -> Box<dyn Interpreter> {
        let limits = Limits::from(&self.parsed.settings);
        let code = self.parsed.code.lock();
        let code = code.unwrap_or_else(PoisonError::into_inner);
        match &self.workers {
            Some(workers) => Box::new(workers.run(code.code().to_owned(), limits)),
            None => Box::new(Here::new(code.clone(), limits)),
        }
    }

    /// The program with what its parameters `query` and `possible_answers` are given.
    #[must_use]
    pub fn asking(mut self, question: &str, possible_answers: &[String]) -> Self {
        question.clone_into(&mut self.question);
        self.possible_answers = possible_answers.to_vec();
        self
    }
}

/// What a program needs of ours, which comes before its own lines: they may run before its function
/// is called.
fn ours(rewritten: &Rewritten, entry: &Entry) -> String {
    let mut given = entry.parameters.iter();
    let given = given.any(|(_, given)| *given == Given::Api(IMAGE_MATCH));
    let used = rewritten.helpers.iter().copied();
    let used = used.chain(given.then_some(Helper::ImageMatchValue));
    let needed: BTreeSet<Helper> = used
        .flat_map(|helper| helper.needs().iter().copied().chain([helper]))
        .collect();
    needed.into_iter().map(Helper::source).collect()
}

/// The function that gives a patch, while the host's own gives an index.
const IMAGE_MATCH: &str = "best_image_match";

/// The call of the function that answers.
fn call(entry: &Entry) -> String {
    let argument = |(at, (name, given)): (usize, &(String, Given))| {
        let value = match *given {
            Given::Api(IMAGE_MATCH) => Helper::ImageMatchValue.name().to_owned(),
            Given::Api(api) => api.to_owned(),
            _ => format!("_given_{name}"),
        };
        if at < entry.by_position {
            value
        } else {
            format!("{name}={value}")
        }
    };
    let arguments: Vec<String> = entry.parameters.iter().enumerate().map(argument).collect();
    format!("{}({})", entry.name, arguments.join(", "))
}

/// What the interpreter refuses, in the lines of the text.
fn refused(error: &MontyException, source: &Source, before: usize) -> ProgramError {
    let frame = error.traceback().last();
    let line = frame.map_or(1, |frame| frame.start.line as usize);
    let column = frame.map_or(1, |frame| frame.start.column as usize);
    let number = source
        .numbers
        .get(line.saturating_sub(before + 1))
        .copied()
        .unwrap_or(1);
    ProgramError::new(
        number.max(1),
        column,
        rewrite::without_lines(&error.summary()),
    )
}

/// Compiles code, whatever that does to the interpreter.
fn compiled(code: String) -> Result<MontyRun, MontyException> {
    let compiled =
        catch_unwind(|| MontyRun::new(code, FILE, Vec::new(), CompileOptions::default()));
    compiled.unwrap_or_else(|_| {
        let unreadable = "the Python interpreter cannot read it".to_owned();
        Err(signature::raised(ExcType::SyntaxError, unreadable))
    })
}

/// The faults of a program; none if [`ViperProgram::parse`] accepts it.
pub fn check(text: &str, settings: &ViperSettings) -> Vec<ProgramError> {
    match ViperProgram::parse(text, settings) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0,
    }
}

impl Program for ViperProgram {
    fn start(&self, inputs: &Inputs) -> Box<dyn Execution> {
        Box::new(ViperExecution::new(self.clone(), inputs))
    }

    fn source(&self) -> &str {
        &self.parsed.source
    }
}

#[cfg(test)]
mod cpython_tests;
#[cfg(test)]
mod dialect_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod tests;

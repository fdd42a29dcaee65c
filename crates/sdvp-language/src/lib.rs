//! Language models that write visual programs.
//!
//! A [`LanguageModel`] continues a conversation; where it runs, behind an endpoint or in this
//! process, nobody else here knows. An [`Asker`] asks one many questions: answers are kept, failures
//! that pass are waited out, budgets hold. A [`Prompt`] puts a question, with examples, and a
//! [`Writer`] makes programs of what is said. A [`Ballot`] says which of them are to be run, sent back
//! and believed.

mod ask;
mod crew;
mod endpoint;
mod error;
mod journal;
pub mod limits;
pub mod local;
mod model;
mod prompt;
mod write;

pub use ask::Ask;
pub use crew::{Answered, Asker, AskerSettings, Estimate, Price, Spent, Unwatched, Watch};
pub use endpoint::{Endpoint, EndpointSettings};
pub use error::LanguageError;
pub use journal::{Journal, Kept};
pub use model::{Completion, LanguageModel, Message, Role, Sampling, Syntax};
pub use prompt::{Choice, Example, ExampleCall, Form, Framework, Prompt, Question, examples};
pub use write::{
    Attempt, Ballot, Found, Ran, Sample, Vote, WriteError, Writer, WriterSettings, Written,
    extract, program_line,
};

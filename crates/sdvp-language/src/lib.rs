//! Language models that write visual programs.
//!
//! A [`LanguageModel`] continues a conversation; where it runs, behind an endpoint or in this
//! process, nobody else here knows.

mod error;
pub mod local;
mod model;

pub use error::LanguageError;
pub use model::{Completion, LanguageModel, Message, Role, Sampling, Syntax};

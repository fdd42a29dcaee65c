//! Programs for questions: asked for, found in what is said, sent back where they will not do, voted
//! on.

mod canonical;
mod extract;
mod file;
mod sample;
mod writer;

pub use extract::{Found, extract};
pub use file::{program_line, program_lines};
pub use sample::{Attempt, Sample, WriteError};
pub use writer::{Trial, Writer, WriterSettings, Written};

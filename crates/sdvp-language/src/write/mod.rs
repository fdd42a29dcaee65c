//! Programs for questions: asked for, found in what is said, sent back where they will not do, voted
//! on.

mod ballot;
mod canonical;
mod extract;
mod file;
mod sample;
mod writer;

pub use ballot::{Ballot, Ran};
pub use extract::{Found, extract};
pub use file::program_line;
pub use sample::{Attempt, Sample, WriteError};
pub use writer::{Vote, Writer, WriterSettings, Written};

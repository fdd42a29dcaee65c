//! Programs that language models write, as coroutines.
//!
//! An [`Execution`] runs until it needs a visual [`SubTask`](sdvp_core::SubTask), hands it out and
//! waits; whoever drives it answers with an [`Outcome`](sdvp_core::Outcome), and it goes on. So the
//! same program is run, traced, batched with thousands of others, cached and distilled from.
//!
//! What a program needs of modules is only ever in its sub-tasks: this crate knows no model.

mod detections;
mod execution;
pub mod limits;
mod program_error;
mod python;
mod trace;
mod value;
pub mod viper;
pub mod visprog;

pub use execution::{Execution, Inputs, Program, RunError, Step};
pub use program_error::{ProgramError, ProgramErrors};
pub use trace::{Trace, TraceStep};
pub use value::{LocatedBoxes, Value};

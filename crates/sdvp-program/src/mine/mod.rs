//! VisProg (Gupta & Kembhavi 2023, arXiv 2211.11559): one `VAR=STEP(arg=value,…)` a line, in the
//! dialects of GQA and NLVR. `DIALECT.md` beside this file describes it with tested examples.

mod check;
mod crops;
mod error;
mod execution;
mod expression;
mod parse;
mod program;
mod settings;
mod step;

pub use error::{ProgramError, ProgramErrors};
pub use program::{VisProgProgram, check};
pub use settings::VisProgSettings;
pub use step::{CropSide, StepCall};

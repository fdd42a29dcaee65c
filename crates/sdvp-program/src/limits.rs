//! The limits of programs: of their texts, and of what they do when they run.

use sdvp_core::{Limit, Unit};

/// Lines of a VisProg program; see [`Limit::guards`], as for all of these.
pub static PROGRAM_LINES: Limit = Limit::new(
    "program-lines",
    Unit::Of("lines"),
    2_000,
    "the lines of a VisProg program",
);
/// A line of a VisProg program.
pub static PROGRAM_LINE_LENGTH: Limit = Limit::new(
    "program-line-length",
    Unit::Of("characters"),
    10_000,
    "a line of a VisProg program",
);
/// Calls of modules.
pub static PROGRAM_SUB_TASKS: Limit = Limit::new(
    "program-sub-tasks",
    Unit::Of("sub-tasks"),
    512,
    "the calls of modules that one run of a program makes",
);
/// An expression of `EVAL`.
pub static EXPRESSION_LENGTH: Limit = Limit::new(
    "expression-length",
    Unit::Of("characters"),
    4_000,
    "an expression of EVAL",
);
/// Nesting of an expression of `EVAL`.
pub static EXPRESSION_DEPTH: Limit = Limit::new(
    "expression-depth",
    Unit::Of("levels"),
    64,
    "the nesting of an expression of EVAL",
)
// The interpreter's own reader goes down into each level.
.at_most(128);
/// Time of an expression of `EVAL`.
pub static EXPRESSION_TIME: Limit = Limit::new(
    "expression-time",
    Unit::Milliseconds,
    1_000,
    "the time that an expression of EVAL computes",
);
/// Values in an expression of `EVAL`.
pub static EXPRESSION_MEMORY: Limit = Limit::new(
    "expression-memory",
    Unit::Bytes,
    4 << 20,
    "a value in an expression of EVAL",
);
/// A ViperGPT program.
pub static PYTHON_LENGTH: Limit = Limit::new(
    "python-length",
    Unit::Of("characters"),
    40_000,
    "a ViperGPT program",
);
/// Nesting of a ViperGPT program.
pub static PYTHON_DEPTH: Limit = Limit::new(
    "python-depth",
    Unit::Of("levels"),
    64,
    "brackets in brackets, and blocks in blocks, of a ViperGPT program",
)
.at_most(128);
/// Operations of one statement of a ViperGPT program.
pub static PYTHON_OPERATIONS: Limit = Limit::new(
    "python-operations",
    Unit::Of("operations"),
    1_000,
    "the operations of one statement of a ViperGPT program",
)
.at_most(2_000);
/// Calls of the API of a ViperGPT program.
pub static PYTHON_CALLS: Limit = Limit::new(
    "python-calls",
    Unit::Of("calls"),
    20_000,
    "the calls of the API that one run of a ViperGPT program makes",
);
/// Time of a ViperGPT program.
pub static PYTHON_TIME: Limit = Limit::new(
    "python-time",
    Unit::Milliseconds,
    500,
    "the time that a ViperGPT program computes, without its modules",
);
/// Values of a ViperGPT program.
pub static PYTHON_MEMORY: Limit = Limit::new(
    "python-memory",
    Unit::Bytes,
    32 << 20,
    "a value of a ViperGPT program",
);
/// Calls within each other of a ViperGPT program.
pub static PYTHON_RECURSION: Limit = Limit::new(
    "python-recursion",
    Unit::Of("calls"),
    200,
    "the calls within each other of a ViperGPT program",
)
.at_most(1_000);
/// What a ViperGPT program prints.
pub static PYTHON_OUTPUT: Limit = Limit::new(
    "python-output",
    Unit::Bytes,
    64 << 10,
    "what one run of a ViperGPT program prints",
);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[
    &PROGRAM_LINES,
    &PROGRAM_LINE_LENGTH,
    &PROGRAM_SUB_TASKS,
    &EXPRESSION_LENGTH,
    &EXPRESSION_DEPTH,
    &EXPRESSION_TIME,
    &EXPRESSION_MEMORY,
    &PYTHON_LENGTH,
    &PYTHON_DEPTH,
    &PYTHON_OPERATIONS,
    &PYTHON_CALLS,
    &PYTHON_TIME,
    &PYTHON_MEMORY,
    &PYTHON_RECURSION,
    &PYTHON_OUTPUT,
];

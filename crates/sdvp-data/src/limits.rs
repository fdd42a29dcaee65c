//! The limits of benchmarks' files.

use sdvp_core::{Limit, Unit};

/// One record of a list or object of records; see [`Limit::guards`], as for all of these. The longest
/// published ones, scene graphs, have under a hundred thousand bytes.
pub static RECORD_BYTES: Limit = Limit::new(
    "record-bytes",
    Unit::Bytes,
    16 << 20,
    "one record of a JSON file of questions, scene graphs, choices or attention",
);
/// One line of JSON lines, or row of a table.
pub static LINE_BYTES: Limit = Limit::new(
    "line-bytes",
    Unit::Bytes,
    16 << 20,
    "one line of a file of JSON lines, or row of a table with separators",
);
/// What is unpacked at once of a Parquet file.
pub static TABLE_BYTES: Limit = Limit::new(
    "table-bytes",
    Unit::Bytes,
    512 << 20,
    "the columns read of a Parquet file's group of rows, unpacked",
);
/// Steps of a functional program: published ones have at most nine, those of `picto` seventeen.
pub static FUNCTIONAL_STEPS: Limit = Limit::new(
    "functional-steps",
    Unit::Of("steps"),
    32,
    "the steps of a question's functional program",
)
.at_most(256);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[&RECORD_BYTES, &LINE_BYTES, &TABLE_BYTES, &FUNCTIONAL_STEPS];

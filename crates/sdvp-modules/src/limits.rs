//! The limits of teachers' files.

use sdvp_core::{Limit, Unit};

/// A file of labels; see [`Limit::guards`], as for all of these.
pub static LABEL_FILE: Limit = Limit::new("label-file", Unit::Bytes, 2 << 30, "a file of labels");
/// Records of a file of labels.
pub static LABEL_RECORDS: Limit = Limit::new(
    "label-records",
    Unit::Of("records"),
    20_000_000,
    "the records of a file of labels",
);
/// A line of a file of labels.
pub static LABEL_LINE: Limit = Limit::new(
    "label-line",
    Unit::Bytes,
    1 << 20,
    "a line of a file of labels: the label of one call",
);
/// What a table of labels unpacks to.
pub static LABEL_BYTES: Limit = Limit::new(
    "label-bytes",
    Unit::Bytes,
    4 << 30,
    "the columns of a table of labels, unpacked",
);
/// Values in a column of a table of labels, those in lists counted one by one.
pub static LABEL_VALUES: Limit = Limit::new(
    "label-values",
    Unit::Of("values"),
    100_000_000,
    "the numbers or texts in a column of a table of labels",
);
/// An ONNX file, and each file of weights beside it.
pub static ONNX_FILE: Limit = Limit::new(
    "onnx-file",
    Unit::Bytes,
    4 << 30,
    "an ONNX file, and each file of weights beside it",
);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[
    &LABEL_FILE,
    &LABEL_RECORDS,
    &LABEL_LINE,
    &LABEL_BYTES,
    &LABEL_VALUES,
    &ONNX_FILE,
];

//! Errors of one record.

use super::error::{LabelError, Place};
use std::fmt::Display;
use std::path::Path;

/// Makes the errors of a record.
#[derive(Clone, Copy)]
pub(super) struct Faults<'a> {
    pub(super) file: &'a Path,
    pub(super) place: Place,
}

impl Faults<'_> {
    /// A field that holds something else than it should.
    pub(super) fn field(
        &self,
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Display,
    ) -> LabelError {
        LabelError::Field {
            file: self.file.to_owned(),
            place: self.place,
            field: field.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

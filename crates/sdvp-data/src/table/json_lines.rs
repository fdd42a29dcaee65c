//! Tables with one JSON record a line.

use super::record::read_row;
use super::{Columns, Row};
use crate::DatasetError;
use crate::records::each_json_line;
use crate::stream::Next;
use std::path::Path;

pub(super) fn each_row(
    path: &Path,
    columns: &Columns,
    mut each: impl FnMut(Result<Row, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    let mut number = 0;
    each_json_line(path, |line, value| {
        number += 1;
        each(value.and_then(|value| read_row(path, line, number, columns, &value)))
    })
}

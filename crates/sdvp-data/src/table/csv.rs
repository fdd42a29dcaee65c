//! Tables with a separator.

use super::columns::Found;
use super::{Columns, Row, stays_below};
use crate::DatasetError;
use crate::limits::LINE_BYTES;
use crate::stream::{Metered, Next};
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use sdvp_core::Exceeded;
use std::fs::File;
use std::path::Path;

pub(super) fn each_row(
    path: &Path,
    separator: u8,
    columns: &Columns,
    mut each: impl FnMut(Result<Row, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    let file = File::open(path).map_err(|source| DatasetError::read(path, source))?;
    let most = LINE_BYTES.size();
    let (file, allowance) = Metered::new(file, most);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        // Rows of other lengths are handed out as wrong; the rest of the table is still read.
        .flexible(true)
        .from_reader(file);
    let mut names = StringRecord::new();
    if let Err(error) = reader.headers().map(|record| names.clone_from(record)) {
        return Err(wrong(path, 1, error));
    }
    let table_error = |line, reason| DatasetError::Table {
        path: path.to_owned(),
        line,
        reason,
    };
    let names: Vec<String> = names
        .iter()
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_owned())
        .collect();
    let there: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = columns
        .find(&there)
        .map_err(|reason| table_error(1, reason))?;
    let places = Places::of(&found, &there);
    let (mut record, mut number) = (StringRecord::new(), 0);
    loop {
        allowance.set(most);
        let line = reader.position().line();
        let row = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                number += 1;
                let line = record.position().map_or(line, |position| position.line());
                if record.len() == names.len() {
                    places.row(&record, number)
                } else {
                    Err(format!(
                        "expected {} cells, found {}",
                        names.len(),
                        record.len()
                    ))
                }
                .map_err(|reason| table_error(line, reason))
            }
            Err(error) if matches!(error.kind(), ErrorKind::Utf8 { .. }) => {
                number += 1;
                Err(wrong(path, line, error))
            }
            Err(error) => return Err(wrong(path, line, error)),
        };
        if each(row).is_break() {
            return Ok(());
        }
    }
}

fn wrong(path: &Path, line: u64, error: csv::Error) -> DatasetError {
    let line = error.position().map_or(line, |position| position.line());
    match error.into_kind() {
        ErrorKind::Io(source) => match Exceeded::of(&source) {
            Some(exceeded) => DatasetError::beyond(path, &format!("line {line}"))(exceeded.clone()),
            None => DatasetError::read(path, source),
        },
        ErrorKind::Utf8 { .. } => DatasetError::Table {
            path: path.to_owned(),
            line,
            reason: "expected UTF-8, found other bytes".to_owned(),
        },
        other => DatasetError::Table {
            path: path.to_owned(),
            line,
            reason: format!("expected a row of cells, found {other:?}"),
        },
    }
}

/// Where the wanted columns are.
struct Places {
    images: Vec<usize>,
    question: Option<usize>,
    answer: Option<usize>,
    id: Option<usize>,
    kind: Option<usize>,
}

impl Places {
    fn of(found: &Found, there: &[&str]) -> Self {
        let place = |wanted: &String| there.iter().position(|name| name == wanted);
        Self {
            images: found.images.iter().filter_map(place).collect(),
            question: place(&found.question),
            answer: found.answer.as_ref().and_then(place),
            id: found.id.as_ref().and_then(place),
            kind: found.kind.as_ref().and_then(place),
        }
    }

    fn row(&self, record: &StringRecord, number: usize) -> Result<Row, String> {
        let cell = |place: Option<usize>| {
            let text = place
                .and_then(|place| record.get(place))
                .unwrap_or_default();
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let images = self
            .images
            .iter()
            .map(|place| match cell(Some(*place)) {
                Some(image) if stays_below(&image) => Ok(image),
                found => Err(format!(
                    "expected a picture's path below the folder of the table, found {:?}",
                    found.unwrap_or_default()
                )),
            })
            .collect::<Result<_, _>>()?;
        Ok(Row {
            id: cell(self.id).unwrap_or_else(|| number.to_string()),
            images,
            question: cell(self.question).ok_or("expected a question, found an empty cell")?,
            answer: cell(self.answer),
            kind: cell(self.kind).unwrap_or_default(),
        })
    }
}

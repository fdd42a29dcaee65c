//! Records in Parquet files, a row each.

use super::error::{LabelError, Place, Result};
use super::fault::Faults;
use super::record::{FIELDS, Record, ScoredBox, Thing, WeighedAnswer};
use crate::limits::{LABEL_BYTES, LABEL_VALUES};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use sdvp_core::{Exceeded, admit_table, unpacked_pages};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Hands over every record of a table.
///
/// # Errors
/// If it is no table, claims to be larger than is allowed, or has other columns.
pub(super) fn read(
    file: &Path,
    bytes: bytes::Bytes,
    mut each: impl FnMut(Place, Record) -> Result<()>,
) -> Result<()> {
    let broken = |reason: String| LabelError::Table {
        file: file.to_owned(),
        reason,
    };
    admit_table(Cursor::new(&bytes)).map_err(|error| match Exceeded::of(&error) {
        Some(exceeded) => LabelError::beyond(file, "its footer")(exceeded.clone()),
        None => broken(error.to_string()),
    })?;
    // Cheap: both are the same bytes.
    let pages = bytes.clone();
    // The reader's author meant some damaged files to end the process.
    let unwound = |_| broken("it breaks the reader".to_owned());
    let table = catch_unwind(AssertUnwindSafe(|| SerializedFileReader::new(bytes)))
        .map_err(unwound)?
        .map_err(|error| broken(error.to_string()))?;
    check(file, &table)?;
    let pages = unpacked(&pages, &table).map_err(|error| broken(error.to_string()))?;
    LABEL_BYTES
        .admit(pages)
        .map_err(LabelError::beyond(file, "its pages"))?;
    let mut rows = catch_unwind(AssertUnwindSafe(|| table.get_row_iter(None)))
        .map_err(unwound)?
        .map_err(|error| broken(error.to_string()))?;
    for index in 0.. {
        let place = Place::Row(index);
        let row = catch_unwind(AssertUnwindSafe(|| rows.next())).map_err(unwound)?;
        let Some(row) = row else {
            break;
        };
        let row = row.map_err(|error| broken(format!("{place}: {error}")))?;
        let cells = Cells(Faults { file, place });
        each(place, cells.record(row)?)?;
    }
    Ok(())
}

/// How many bytes the pages of all columns unpack to, as each says itself.
fn unpacked(bytes: &[u8], table: &impl FileReader) -> std::io::Result<u64> {
    let mut sum = 0_u64;
    for column in table
        .metadata()
        .row_groups()
        .iter()
        .flat_map(|g| g.columns())
    {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let data = count(column.data_page_offset());
        let start = column.dictionary_page_offset().map_or(data, count);
        let length = count(column.compressed_size());
        sum = sum.saturating_add(unpacked_pages(Cursor::new(bytes), start, length)?);
    }
    Ok(sum)
}

/// Compares what the file says of itself with what is allowed.
fn check(file: &Path, table: &impl FileReader) -> Result<()> {
    let said = table.metadata();
    let columns = said.file_metadata().schema().get_fields();
    // Data frames write what numbers their rows, and call it so.
    let unknown = |name: &&str| !FIELDS.contains(name) && !name.starts_with("__");
    if let Some(column) = columns.iter().map(|c| c.name()).find(unknown) {
        return Err(LabelError::Column {
            file: file.to_owned(),
            expected: FIELDS.join(", "),
            found: column.to_owned(),
        });
    }
    let count = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
    let groups = said.row_groups().iter();
    let bytes = groups.clone().map(|group| count(group.total_byte_size()));
    let bytes = bytes.fold(0, u64::saturating_add);
    LABEL_BYTES
        .admit(bytes)
        .map_err(LabelError::beyond(file, "its columns"))?;
    for column in groups.flat_map(|group| group.columns()) {
        LABEL_VALUES
            .admit(count(column.num_values()))
            .map_err(LabelError::beyond(file, "a column"))?;
    }
    Ok(())
}

/// Reads the cells of a row.
struct Cells<'a>(Faults<'a>);

impl Cells<'_> {
    fn record(&self, row: Row) -> Result<Record> {
        let mut record = Record::default();
        for (name, cell) in row.into_columns() {
            if matches!(cell, Field::Null) {
                continue;
            }
            let name = name.as_str();
            match name {
                "id" => record.id = Some(self.text(name, cell)?),
                "kind" => record.kind = Some(self.text(name, cell)?),
                "image" => record.image = Some(self.text(name, cell)?),
                "region" => record.region = Some(self.numbers(name, &cell)?),
                "text" => record.text = Some(self.text(name, cell)?),
                "boxes" => record.boxes = Some(self.list(name, &cell, Self::scored_box)?),
                "believed" => record.believed = Some(self.number(name, &cell)?),
                "answer" => record.answer = Some(self.text(name, cell)?),
                "confidence" => record.confidence = Some(self.number(name, &cell)?),
                "answers" => record.answers = Some(self.list(name, &cell, Self::weighed_answer)?),
                "probability" => record.probability = Some(self.number(name, &cell)?),
                "detections" => record.detections = Some(self.list(name, &cell, Self::thing)?),
                _ => {}
            }
        }
        Ok(record)
    }

    fn scored_box(&self, name: &str, cell: &Field) -> Result<ScoredBox> {
        let (mut edges, mut score) = (None, None);
        for (part, cell) in self.parts(name, cell)? {
            let name = format!("{name}.{part}");
            match part.as_str() {
                "box" => edges = Some(self.numbers(&name, cell)?),
                "score" => score = self.score(&name, cell)?,
                _ => return Err(self.wrong(name, "box and score only", "something else")),
            }
        }
        Ok(ScoredBox {
            r#box: self.there(name, "box", edges)?,
            score,
        })
    }

    fn thing(&self, name: &str, cell: &Field) -> Result<Thing> {
        let (mut label, mut edges, mut score) = (None, None, None);
        for (part, cell) in self.parts(name, cell)? {
            let name = format!("{name}.{part}");
            match part.as_str() {
                "label" => label = Some(self.text(&name, cell.clone())?),
                "box" => edges = Some(self.numbers(&name, cell)?),
                "score" => score = self.score(&name, cell)?,
                _ => return Err(self.wrong(name, "label, box and score only", "something else")),
            }
        }
        Ok(Thing {
            label: self.there(name, "label", label)?,
            r#box: self.there(name, "box", edges)?,
            score,
        })
    }

    fn weighed_answer(&self, name: &str, cell: &Field) -> Result<WeighedAnswer> {
        let (mut answer, mut probability) = (None, None);
        for (part, cell) in self.parts(name, cell)? {
            let name = format!("{name}.{part}");
            match part.as_str() {
                "answer" => answer = Some(self.text(&name, cell.clone())?),
                "probability" => probability = Some(self.number(&name, cell)?),
                _ => return Err(self.wrong(name, "answer and probability only", "something else")),
            }
        }
        Ok(WeighedAnswer {
            answer: self.there(name, "answer", answer)?,
            probability: self.there(name, "probability", probability)?,
        })
    }

    fn there<T>(&self, name: &str, part: &str, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| self.wrong(format!("{name}.{part}"), part, "nothing"))
    }

    fn score(&self, name: &str, cell: &Field) -> Result<Option<f64>> {
        match cell {
            Field::Null => Ok(None),
            cell => self.number(name, cell).map(Some),
        }
    }

    fn parts<'a>(
        &self,
        name: &str,
        cell: &'a Field,
    ) -> Result<impl Iterator<Item = (&'a String, &'a Field)>> {
        match cell {
            Field::Group(row) => Ok(row.get_column_iter()),
            other => Err(self.wrong(name, "a struct", brief(other))),
        }
    }

    fn list<T>(
        &self,
        name: &str,
        cell: &Field,
        each: impl Fn(&Self, &str, &Field) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Field::ListInternal(list) = cell else {
            return Err(self.wrong(name, "a list", brief(cell)));
        };
        let cells = list.elements().iter().enumerate();
        cells
            .map(|(at, cell)| each(self, &format!("{name}[{at}]"), cell))
            .collect()
    }

    fn numbers(&self, name: &str, cell: &Field) -> Result<Vec<f64>> {
        self.list(name, cell, Self::number)
    }

    fn number(&self, name: &str, cell: &Field) -> Result<f64> {
        Ok(match cell {
            Field::Byte(number) => f64::from(*number),
            Field::Short(number) => f64::from(*number),
            Field::Int(number) => f64::from(*number),
            Field::Long(number) => *number as f64,
            Field::UByte(number) => f64::from(*number),
            Field::UShort(number) => f64::from(*number),
            Field::UInt(number) => f64::from(*number),
            Field::ULong(number) => *number as f64,
            Field::Float16(number) => number.to_f64(),
            Field::Float(number) => f64::from(*number),
            Field::Double(number) => *number,
            other => return Err(self.wrong(name, "a number", brief(other))),
        })
    }

    fn text(&self, name: &str, cell: Field) -> Result<String> {
        match cell {
            Field::Str(text) => Ok(text),
            other => Err(self.wrong(name, "text", brief(&other))),
        }
    }

    fn wrong(
        &self,
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> LabelError {
        self.0.field(field, expected, found.into())
    }
}

/// What a cell holds, in few words.
fn brief(cell: &Field) -> String {
    match cell {
        Field::Null => "nothing".to_owned(),
        Field::Group(_) => "a struct".to_owned(),
        Field::ListInternal(list) => format!("a list of {}", list.len()),
        Field::MapInternal(_) => "a map".to_owned(),
        Field::Bytes(_) => "bytes".to_owned(),
        other => other.to_string().chars().take(60).collect(),
    }
}

//! Tables in Parquet files.

use super::record::read_row;
use super::{Columns, Row};
use crate::DatasetError;
use crate::limits::TABLE_BYTES;
use crate::stream::Next;
use parquet::basic::Compression;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row as ParquetRow};
use parquet::schema::types::Type;
use sdvp_core::{Exceeded, admit_table, unpacked_pages};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

pub(super) fn each_row(
    path: &Path,
    columns: &Columns,
    mut each: impl FnMut(Result<Row, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    let broken = |line: u64, reason: String| DatasetError::Table {
        path: path.to_owned(),
        line,
        reason,
    };
    // The reader's author meant some damaged files to end the process.
    let unwound = |_| {
        broken(
            1,
            "expected Parquet, found what breaks the reader".to_owned(),
        )
    };
    let file = File::open(path).map_err(|source| DatasetError::read(path, source))?;
    let refused = |source: std::io::Error| match Exceeded::of(&source) {
        Some(exceeded) => DatasetError::beyond(path, "the table")(exceeded.clone()),
        None => broken(1, format!("expected Parquet: {source}")),
    };
    admit_table(&file).map_err(refused)?;
    let pages = file
        .try_clone()
        .map_err(|source| DatasetError::read(path, source))?;
    let table = catch_unwind(AssertUnwindSafe(|| SerializedFileReader::new(file)))
        .map_err(unwound)?
        .map_err(|error| broken(1, format!("expected Parquet: {error}")))?;
    let (wanted, names) = wanted(&table, columns).map_err(|reason| broken(1, reason))?;
    admit_codecs(&table, &names).map_err(|reason| broken(1, reason))?;
    admit_groups(&pages, &table, &names, TABLE_BYTES.value()).map_err(refused)?;
    let mut rows = catch_unwind(AssertUnwindSafe(|| table.get_row_iter(Some(wanted))))
        .map_err(unwound)?
        .map_err(|error| broken(1, error.to_string()))?;
    for number in 1_usize.. {
        let row = catch_unwind(AssertUnwindSafe(|| rows.next())).map_err(unwound)?;
        let Some(row) = row else {
            break;
        };
        // After a page that cannot be read, the next ones would be misplaced.
        let row = row.map_err(|error| broken(number as u64, error.to_string()))?;
        let record = Value::Object(object(&row));
        if each(read_row(path, number, number, columns, &record)).is_break() {
            break;
        }
    }
    Ok(())
}

/// The columns that a question is made of, and their names; no other is read, however large.
fn wanted(table: &impl FileReader, columns: &Columns) -> Result<(Type, Vec<String>), String> {
    let said = table.metadata();
    let schema = said.file_metadata().schema();
    let there: Vec<&str> = schema.get_fields().iter().map(|c| c.name()).collect();
    // One column may hold the list of a question's pictures.
    let listed = there.contains(&"images") && columns.images.is_empty();
    let columns = match listed {
        true => Columns {
            images: vec!["images".to_owned()],
            ..columns.clone()
        },
        false => columns.clone(),
    };
    let found = columns.find(&there)?;
    let others = [found.answer, found.id, found.kind].into_iter().flatten();
    let mut names: Vec<String> = found.images;
    names.push(found.question);
    names.extend(others);
    let fields = schema.get_fields().iter();
    let fields = fields.filter(|field| names.iter().any(|name| name == field.name()));
    let wanted = Type::group_type_builder(schema.name())
        .with_fields(fields.map(Arc::clone).collect())
        .build()
        .map_err(|error| error.to_string())?;
    Ok((wanted, names))
}

/// Refuses a table if one of these columns is packed otherwise than those that can be read. The readers of
/// the other ways do not keep to the size that a page says it has, so that no limit would hold.
fn admit_codecs(table: &impl FileReader, names: &[String]) -> Result<(), String> {
    let groups = table.metadata().row_groups().iter();
    for column in groups.flat_map(|group| group.columns()) {
        let parts = column.column_path().parts();
        let is_read = parts.first().is_some_and(|name| names.contains(name));
        let is_known = matches!(
            column.compression(),
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_)
        );
        if is_read && !is_known {
            return Err(format!(
                "expected columns that SNAPPY, ZSTD or nothing compressed, found {:?} in {}",
                column.compression_codec(),
                parts.join("."),
            ));
        }
    }
    Ok(())
}

/// Refuses a table if these columns of a group of rows have more than `most` bytes once unpacked: as the
/// footer says, and as the pages say themselves.
fn admit_groups(
    mut file: &File,
    table: &impl FileReader,
    names: &[String],
    most: u64,
) -> std::io::Result<()> {
    for group in table.metadata().row_groups() {
        let (mut said, mut pages) = (0_u64, 0_u64);
        for column in group.columns() {
            let parts = column.column_path().parts();
            if !parts.first().is_some_and(|name| names.contains(name)) {
                continue;
            }
            let bytes = |count: i64| u64::try_from(count).unwrap_or(0);
            said = said.saturating_add(bytes(column.uncompressed_size()));
            TABLE_BYTES.admit_within(most, said)?;
            let data = bytes(column.data_page_offset());
            let start = column.dictionary_page_offset().map_or(data, bytes);
            let length = bytes(column.compressed_size());
            pages = pages.saturating_add(unpacked_pages(&mut file, start, length)?);
            TABLE_BYTES.admit_within(most, pages)?;
        }
    }
    Ok(())
}

/// A row as a JSON record has it.
fn object(row: &ParquetRow) -> Map<String, Value> {
    row.get_column_iter()
        .map(|(name, cell)| (name.clone(), value(cell)))
        .collect()
}

fn value(cell: &Field) -> Value {
    match cell {
        Field::Null => Value::Null,
        Field::Bool(truth) => Value::from(*truth),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float(number) => Value::from(*number),
        Field::Double(number) => Value::from(*number),
        Field::Str(text) => Value::from(text.as_str()),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::Group(row) => Value::Object(object(row)),
        // No cell that is read can be bytes; a message says how many there were.
        Field::Bytes(bytes) => json!({ "bytes": bytes.len() }),
        other => Value::from(other.to_string()),
    }
}

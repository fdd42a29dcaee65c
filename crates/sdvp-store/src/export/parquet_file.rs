//! Tables as Parquet.

use super::Sink;
use super::rows::{Cell, Column, Holds};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::sync::Arc;

/// Rows that are held before they are written together.
const MOST_ROWS: usize = 1 << 16;
/// Bytes of text that are held before, about.
const MOST_BYTES: usize = 64 << 20;

pub(super) struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: &'static [Column],
    rows: Vec<Vec<Cell>>,
    bytes: usize,
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(file: W, columns: &'static [Column]) -> Result<Self, String> {
        let begun = || {
            let fields: Vec<String> = columns.iter().map(field).collect();
            let schema = parse_message_type(&format!("message run {{ {} }}", fields.concat()))?;
            let compression = Compression::ZSTD(ZstdLevel::try_new(3)?);
            let properties = WriterProperties::builder().set_compression(compression);
            let properties = Arc::new(properties.build());
            SerializedFileWriter::new(file, Arc::new(schema), properties)
        };
        Ok(Self {
            writer: begun().map_err(|error: ParquetError| error.to_string())?,
            columns,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            let cells = || self.rows.iter().filter_map(|row| row.get(at));
            let writer = &mut column;
            match self.columns.get(at).map(|column| column.holds) {
                Some(Holds::Text) => put::<ByteArrayType>(writer, cells(), |cell| match cell {
                    Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                    _ => None,
                }),
                Some(Holds::Whole) => put::<Int64Type>(writer, cells(), |cell| match cell {
                    Cell::Whole(number) => Some(*number),
                    _ => None,
                }),
                Some(Holds::Real) => put::<DoubleType>(writer, cells(), |cell| match cell {
                    Cell::Real(number) => Some(*number),
                    _ => None,
                }),
                Some(Holds::Truth) => put::<BoolType>(writer, cells(), |cell| match cell {
                    Cell::Truth(truth) => Some(*truth),
                    _ => None,
                }),
                None => Ok(()),
            }?;
            column.close()?;
            at += 1;
        }
        group.close()?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn field(column: &Column) -> String {
    let (kind, meaning) = match column.holds {
        Holds::Text => ("BYTE_ARRAY", " (UTF8)"),
        Holds::Whole => ("INT64", ""),
        Holds::Real => ("DOUBLE", ""),
        Holds::Truth => ("BOOLEAN", ""),
    };
    format!("OPTIONAL {kind} {}{meaning}; ", column.name)
}

/// Writes a column: its values, and where there are any.
fn put<'a, T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = &'a Cell>,
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = cells.map(value).collect();
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    writer
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)?;
    Ok(())
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn row(&mut self, row: Vec<Cell>) -> Result<(), String> {
        let texts = row.iter().filter_map(|cell| match cell {
            Cell::Text(text) => Some(text.len()),
            _ => None,
        });
        self.bytes += texts.sum::<usize>();
        self.rows.push(row);
        if self.rows.len() < MOST_ROWS && self.bytes < MOST_BYTES {
            return Ok(());
        }
        self.write().map_err(|error| error.to_string())
    }

    fn finish(mut self: Box<Self>) -> Result<(), String> {
        if !self.rows.is_empty() {
            self.write().map_err(|error| error.to_string())?;
        }
        let closed = self.writer.close();
        closed.map(|_| ()).map_err(|error| error.to_string())
    }
}

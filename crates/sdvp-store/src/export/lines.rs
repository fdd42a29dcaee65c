//! Tables as text: JSON lines and CSV.

use super::Sink;
use super::rows::{Cell, Column};
use serde_json::{Map, Value};
use std::io::Write;

pub(super) struct JsonLines<W> {
    file: W,
    columns: &'static [Column],
}

impl<W: Write> JsonLines<W> {
    pub(super) fn new(file: W, columns: &'static [Column]) -> Self {
        Self { file, columns }
    }
}

impl<W: Write> Sink for JsonLines<W> {
    fn row(&mut self, row: Vec<Cell>) -> Result<(), String> {
        let named = self.columns.iter().zip(row);
        let fields = named.map(|(column, cell)| {
            let value = match cell {
                Cell::Nothing => Value::Null,
                Cell::Text(text) => text.into(),
                Cell::Whole(number) => number.into(),
                Cell::Real(number) => number.into(),
                Cell::Truth(truth) => truth.into(),
            };
            (column.name.to_owned(), value)
        });
        let line = Value::Object(fields.collect::<Map<_, _>>());
        writeln!(self.file, "{line}").map_err(|error| error.to_string())
    }

    fn finish(mut self: Box<Self>) -> Result<(), String> {
        self.file.flush().map_err(|error| error.to_string())
    }
}

pub(super) struct Csv<W: Write>(csv::Writer<W>);

impl<W: Write> Csv<W> {
    pub(super) fn new(file: W, columns: &'static [Column]) -> Result<Self, String> {
        let mut writer = csv::Writer::from_writer(file);
        let names = columns.iter().map(|column| column.name);
        let begun = writer.write_record(names);
        begun
            .map(|()| Self(writer))
            .map_err(|error| error.to_string())
    }
}

impl<W: Write> Sink for Csv<W> {
    fn row(&mut self, row: Vec<Cell>) -> Result<(), String> {
        let fields = row.into_iter().map(|cell| match cell {
            Cell::Nothing => String::new(),
            Cell::Text(text) => text,
            Cell::Whole(number) => number.to_string(),
            Cell::Real(number) => number.to_string(),
            Cell::Truth(truth) => truth.to_string(),
        });
        let written = self.0.write_record(fields);
        written.map_err(|error| error.to_string())
    }

    fn finish(mut self: Box<Self>) -> Result<(), String> {
        self.0.flush().map_err(|error| error.to_string())
    }
}

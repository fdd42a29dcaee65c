//! A run as a table for other programs: JSON lines, CSV or Parquet.

mod lines;
mod parquet_file;
mod rows;

use crate::error::{Result, StoreError};
use crate::reader::RunReader;
use rows::Cell;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How a table is written. In all of them columns have the same names and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A JSON object a line; what is missing is `null`.
    JsonLines,
    /// Comma-separated, with a line of names; what is missing is empty.
    Csv,
    /// Parquet, compressed with Zstandard; what is missing is null.
    Parquet,
}

/// What a table has a row of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    /// Every question.
    Questions,
    /// Every sub-task.
    SubTasks,
}

/// Takes the rows of a table.
trait Sink {
    fn row(&mut self, row: Vec<Cell>) -> std::result::Result<(), String>;
    /// Writes what is left, and the end.
    fn finish(self: Box<Self>) -> std::result::Result<(), String>;
}

/// Writes a table of a run, in the order of the questions' numbers, into a file that appears when it is
/// complete. Returns the number of rows.
///
/// # Errors
/// If the run is damaged or the file cannot be written; a file of that name stays as it was then.
pub fn export(
    reader: &RunReader,
    what: Exported,
    format: ExportFormat,
    path: &Path,
) -> Result<u64> {
    let cannot = |reason: String| StoreError::Export {
        path: path.to_owned(),
        reason,
    };
    let partial = Partial::create(path).map_err(|error| cannot(error.to_string()))?;
    let file = partial.file.try_clone();
    let file = BufWriter::new(file.map_err(|error| cannot(error.to_string()))?);
    let columns = rows::columns(what);
    let mut sink: Box<dyn Sink> = match format {
        ExportFormat::JsonLines => Box::new(lines::JsonLines::new(file, columns)),
        ExportFormat::Csv => Box::new(lines::Csv::new(file, columns).map_err(cannot)?),
        ExportFormat::Parquet => {
            Box::new(parquet_file::Parquet::new(file, columns).map_err(cannot)?)
        }
    };
    let mut written = 0;
    let mut take = |row| {
        written += 1;
        sink.row(row).map_err(cannot)
    };
    match what {
        Exported::Questions => reader.each_question(|row| take(rows::of_question(row)))?,
        Exported::SubTasks => rows::each_of_sub_tasks(reader, &mut take)?,
    }
    sink.finish().map_err(cannot)?;
    partial.keep().map_err(|error| cannot(error.to_string()))?;
    Ok(written)
}

/// A file beside the one that is to be, removed unless it is kept. What links lead to is replaced, and
/// devices and pipes are written to as they are.
struct Partial {
    file: File,
    /// Where it is, and where it is to be; none where it is written to directly.
    moved: Option<(PathBuf, PathBuf)>,
}

impl Partial {
    fn create(path: &Path) -> std::io::Result<Self> {
        if std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
            let file = File::options().write(true).open(path)?;
            return Ok(Self { file, moved: None });
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = std::ffi::OsString::from(".");
        name.push(
            path.file_name()
                .ok_or_else(|| std::io::Error::other("expected the path of a file, found none"))?,
        );
        name.push(format!(".partial-{}", std::process::id()));
        let partial = path.with_file_name(name);
        let file = File::create(&partial)?;
        Ok(Self {
            file,
            moved: Some((partial, path)),
        })
    }

    fn keep(mut self) -> std::io::Result<()> {
        let Some((partial, path)) = self.moved.clone() else {
            return self.file.flush();
        };
        // A full disk may only show now.
        self.file.sync_all()?;
        std::fs::rename(partial, path)?;
        self.moved = None;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.moved {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(partial);
        }
    }
}

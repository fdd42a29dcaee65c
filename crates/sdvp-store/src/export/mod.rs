//! A run as a table for other programs: JSON lines, CSV or Parquet.

mod lines;
mod parquet_file;
mod rows;

use crate::error::{Result, StoreError};
use crate::images;
use crate::lock::LOCK;
use crate::reader::RunReader;
use crate::writer::files_of;
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
    /// Every loss of every training, curve by curve.
    Curves,
    /// Every state of weights that a training kept.
    Checkpoints,
}

/// Takes the rows of a table.
trait Sink {
    fn row(&mut self, row: Vec<Cell>) -> std::result::Result<(), String>;
    /// Writes what is left, and the end.
    fn finish(self: Box<Self>) -> std::result::Result<(), String>;
}

/// Writes a table of a run, in the order of the questions' numbers where it is about them, into a file
/// that appears when it is complete. Returns the number of rows.
///
/// # Errors
/// If the run is damaged or the file cannot be written, or is the run's own; a file of that name stays as
/// it was then.
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
    if is_of_run(reader.folder(), path) {
        return Err(cannot(
            "it is a file of the run itself; choose another".to_owned(),
        ));
    }
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
        Exported::Curves => {
            reader.each_loss(|curve, step, loss| take(rows::of_loss(curve, step, loss)))?;
        }
        Exported::Checkpoints => {
            for row in reader.checkpoints()? {
                take(rows::of_checkpoint(row))?;
            }
        }
    }
    sink.finish().map_err(cannot)?;
    partial.keep().map_err(|error| cannot(error.to_string()))?;
    Ok(written)
}

/// Whether a path leads to what a run needs: its database, who writes it, or its pictures.
fn is_of_run(folder: &Path, path: &Path) -> bool {
    let Some(path) = resolved(path) else {
        return false;
    };
    let files = files_of(folder).into_iter().chain([folder.join(LOCK)]);
    let mut files = files.filter_map(|file| resolved(&file));
    let images = std::fs::canonicalize(folder.join(images::FOLDER));
    files.any(|file| file == path) || images.is_ok_and(|images| path.starts_with(images))
}

/// Where a file is, or would be, without links.
fn resolved(path: &Path) -> Option<PathBuf> {
    if let Ok(path) = std::fs::canonicalize(path) {
        return Some(path);
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let folder = std::fs::canonicalize(folder).ok()?;
    Some(folder.join(path.file_name()?))
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
        if let Some(file) = sdvp_core::open_special(path)? {
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

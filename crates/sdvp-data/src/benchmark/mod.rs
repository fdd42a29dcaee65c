//! Benchmarks as they are published, or a user's own table: what a folder or a file holds.
//!
//! Nothing has to be configured: files are looked for where the published archives put them, and each
//! is recognised by the shape of its first record.

mod discover;
mod pictures;
mod records;
mod shape;

pub use pictures::Pictures;
pub use records::{GoldSource, programs_of};

use crate::table::Columns;
use crate::{DatasetError, Task};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// What records look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// GQA's questions.
    Gqa,
    /// NLVR2's statements about two pictures.
    Nlvr2,
    /// NLVR's statements about three boxes.
    Nlvr,
    /// A table of one's own.
    Table,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Gqa => "GQA",
            Layout::Nlvr2 => "NLVR2",
            Layout::Nlvr => "NLVR",
            Layout::Table => "table",
        })
    }
}

/// Questions that belong together: one file, or the pieces of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `val_balanced`, `dev`, `test1` …: the file's name without what all have in common.
    pub name: String,
    /// What its records look like.
    pub layout: Layout,
    /// Its files, in order.
    pub files: Vec<PathBuf>,
}

/// A file whose name says which split it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitFile {
    /// `train`, `val`; empty where the name has none.
    pub split: String,
    /// The file.
    pub path: PathBuf,
}

/// How to look for what is not said by the files themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Where the pictures are, if not where published archives have them.
    pub pictures: Option<PathBuf>,
    /// What the columns of tables are called.
    pub columns: Columns,
}

/// What a folder or a file holds.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// The folder or file.
    pub path: PathBuf,
    /// Its questions, by name.
    pub parts: Vec<Part>,
    /// Scene graphs.
    pub graphs: Vec<SplitFile>,
    /// Answers that questions allow.
    pub choices: Vec<SplitFile>,
    /// Attention maps.
    pub attentions: Vec<SplitFile>,
    /// Programs.
    pub programs: Vec<PathBuf>,
    /// Files in the places of records that are none.
    pub unread: Vec<PathBuf>,
    /// Why files in the places of records cannot be read, from their first record on.
    pub broken: Vec<String>,
    /// The task of the built-in world whose files these are.
    pub task: Option<Task>,
    /// Where pictures are looked for.
    pub pictures: Pictures,
    /// What the columns of tables are called.
    pub columns: Columns,
}

impl Benchmark {
    /// The part with this name; or the only one, where none is named.
    ///
    /// # Errors
    /// If there is no such part, or several and none is named; the error lists them.
    pub fn part(&self, name: Option<&str>) -> Result<&Part, DatasetError> {
        let found = match (name, self.parts.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(name), parts) => parts.iter().find(|part| part.name == name),
        };
        found.ok_or_else(|| DatasetError::Missing {
            path: self.path.clone(),
            expected: format!(
                "the name of one of its parts ({}), found {}{}",
                self.parts
                    .iter()
                    .map(|part| part.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                name.map_or_else(|| "none".to_owned(), |name| format!("{name:?}")),
                match self.broken.first() {
                    Some(why) => format!("; a file is left out, as it cannot be read: {why}"),
                    None => String::new(),
                },
            ),
        })
    }
}

impl Benchmark {
    /// The part with this name, or the only one; all of them in the built-in world's files, where they
    /// are one set of questions.
    ///
    /// # Errors
    /// As [`Benchmark::part`].
    pub fn parts_named(&self, name: Option<&str>) -> Result<Vec<&Part>, DatasetError> {
        if self.task.is_some() && name.is_none() {
            return Ok(self.parts.iter().collect());
        }
        Ok(vec![self.part(name)?])
    }
}

/// The split of a part or file: what comes before the first `_`, or after the last where a name starts
/// with what it is balanced by (`balanced_dev`).
pub fn split_of_part(name: &str) -> &str {
    // Parts of one name in several folders have the folder's before it.
    let name = name.rsplit('/').next().unwrap_or(name);
    match name.split_once('_') {
        Some(("balanced" | "unbalanced", split)) => split,
        Some((split, _)) => split,
        None => name,
    }
}

#[cfg(test)]
pub(crate) mod tests;

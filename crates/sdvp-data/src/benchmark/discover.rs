//! Looking for files where published archives put them.

use super::shape::{Shape, shape_of};
use super::{Benchmark, Layout, OpenOptions, Part, Pictures, SplitFile};
use crate::table::{extension, is_table};
use crate::{DatasetError, dataset};
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::path::{Path, PathBuf};

/// Folders, below the one that is asked for, in which records are: GQA's, NLVR2's, NLVR's.
const FOLDERS: [&str; 13] = [
    "",
    "questions",
    "questions1.2",
    "sceneGraphs",
    "choices",
    "eval",
    "data",
    "data/balanced",
    "data/unbalanced",
    "train",
    "dev",
    "test",
    "hidden",
];

impl Benchmark {
    /// Looks at a folder, or at a single file of records.
    ///
    /// # Errors
    /// If it cannot be read or holds no records that are known.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, DatasetError> {
        let root = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(Path::new(""))
        };
        let mut roots = vec![root];
        if !path.is_dir() {
            roots.extend(above(root));
        }
        let mut found = Self {
            path: path.to_owned(),
            parts: Vec::new(),
            graphs: Vec::new(),
            choices: Vec::new(),
            attentions: Vec::new(),
            programs: Vec::new(),
            unread: Vec::new(),
            broken: Vec::new(),
            task: None,
            pictures: Pictures::below(&roots, options.pictures.as_deref()),
            columns: options.columns.clone(),
        };
        if path.is_dir() {
            for folder in FOLDERS {
                found.look_into(&root.join(folder))?;
            }
            if root.join(dataset::ABOUT).is_file() {
                found.task = Some(dataset::task_of(root)?);
            }
        } else {
            found.take(&stem(path), path)?;
        }
        if found.parts.is_empty() {
            return Err(DatasetError::Missing {
                path: path.to_owned(),
                expected: format!(
                    "questions of GQA, NLVR2 or NLVR, or a table; found {}",
                    match (found.broken.as_slice(), found.unread.as_slice()) {
                        ([first, ..], _) => format!("a file that cannot be read: {first}"),
                        ([], [first, ..]) => format!("{}, which is none of them", first.display()),
                        ([], []) => "no file of records".to_owned(),
                    }
                ),
            });
        }
        Ok(found)
    }

    fn look_into(&mut self, folder: &Path) -> Result<(), DatasetError> {
        let mut entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<PathBuf>>>()
                .map_err(|source| DatasetError::read(folder, source))?,
            // Most of the folders are not there.
            Err(source) if matches!(source.kind(), NotFound | NotADirectory) => return Ok(()),
            Err(source) => return Err(DatasetError::read(folder, source)),
        };
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name.ends_with("_questions") || name.ends_with("_sceneGraphs") {
                    for piece in pieces(&path, &name)? {
                        self.take(&name, &piece)?;
                    }
                }
            } else if is_records(&path) && *name != *dataset::ABOUT {
                self.take(&stem(&path), &path)?;
            }
        }
        Ok(())
    }

    /// Takes a file, or one piece of a larger one, in.
    fn take(&mut self, name: &str, path: &Path) -> Result<(), DatasetError> {
        let split_file = || SplitFile {
            split: split_in(name),
            path: path.to_owned(),
        };
        match shape_of(path)? {
            Shape::Questions(layout) => self.add(part_name(name), layout, path),
            Shape::Graphs => self.graphs.push(split_file()),
            Shape::Choices => self.choices.push(split_file()),
            Shape::Attentions => self.attentions.push(split_file()),
            Shape::Programs => self.programs.push(path.to_owned()),
            Shape::Other => self.unread.push(path.to_owned()),
            // Of the only file it is the reason why there is nothing.
            Shape::Broken(error) if path == self.path => return Err(error),
            Shape::Broken(error) => self.broken.push(error.to_string()),
        }
        Ok(())
    }

    fn add(&mut self, name: String, layout: Layout, path: &Path) {
        let same = |part: &&mut Part| part.name == name && part.layout == layout;
        let folder = path.parent();
        match self.parts.iter_mut().find(same) {
            // Pieces of one file are in one folder of their own.
            Some(part) if part.files.iter().all(|file| file.parent() == folder) => {
                part.files.push(path.to_owned());
            }
            Some(_) => {
                let parent = folder.and_then(Path::file_name).unwrap_or_default();
                self.parts.push(Part {
                    name: format!("{}/{name}", parent.to_string_lossy()),
                    layout,
                    files: vec![path.to_owned()],
                });
            }
            None => self.parts.push(Part {
                name,
                layout,
                files: vec![path.to_owned()],
            }),
        }
    }
}

/// The folders above one in which published archives have only questions: pictures are beside that.
fn above(folder: &Path) -> Vec<&Path> {
    let holds_questions = |folder: &&Path| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        [
            "questions",
            "questions1.2",
            "data",
            "balanced",
            "unbalanced",
        ]
        .contains(&&*name)
            || name.ends_with("_questions")
    };
    let folders = folder.ancestors().take_while(holds_questions);
    folders.filter_map(Path::parent).collect()
}

fn is_records(path: &Path) -> bool {
    is_table(path) || extension(path) == "json"
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// `val_balanced_questions` is called `val_balanced`; `questions` stays.
fn part_name(stem: &str) -> String {
    stem.strip_suffix("_questions").unwrap_or(stem).to_owned()
}

fn split_in(stem: &str) -> String {
    match stem.split_once('_') {
        Some((split, _)) => split.to_owned(),
        None => String::new(),
    }
}

/// The pieces `NAME_0.json`, `NAME_1.json` … of a file that was cut up, in the order of their numbers.
fn pieces(folder: &Path, name: &str) -> Result<Vec<PathBuf>, DatasetError> {
    let entries = std::fs::read_dir(folder).map_err(|source| DatasetError::read(folder, source))?;
    let mut pieces = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|source| DatasetError::read(folder, source))?
            .path();
        let number = stem(&path)
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('_')?.parse::<u32>().ok());
        if let Some(number) = number.filter(|_| is_records(&path)) {
            pieces.push((number, path));
        }
    }
    pieces.sort();
    Ok(pieces.into_iter().map(|(_, path)| path).collect())
}

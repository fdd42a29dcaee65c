//! What is there, what is missing and what is inconsistent in a benchmark.

mod companions;
mod gqa;
mod ids;
mod images;
mod nlvr;
mod remarks;
mod table;

pub use remarks::Remark;

use crate::benchmark::{Benchmark, Layout};
use crate::{DatasetError, stream::Next};
use ids::IdSet;
use images::ImageCheck;
use remarks::Remarks;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// What was found in a benchmark.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// The folder or file.
    pub path: PathBuf,
    /// Its questions, part by part.
    pub parts: Vec<PartReport>,
    /// Pictures that the scene graphs describe, by split.
    pub graphs: BTreeMap<String, usize>,
    /// Pictures that were decoded; none if that was not asked for.
    pub decoded: Option<usize>,
    /// Files in the places of records that are none.
    pub unread: Vec<PathBuf>,
    /// What is named but not there, and what could not be compared for want of a file.
    pub missing: Vec<Remark>,
    /// What cannot be right.
    pub inconsistent: Vec<Remark>,
}

/// A part's questions.
#[derive(Clone, Debug, Serialize)]
pub struct PartReport {
    /// The part.
    pub name: String,
    /// What its records look like.
    pub layout: Layout,
    /// In how many files it is.
    pub files: usize,
    /// Records that could be read.
    pub records: usize,
    /// Records whose answer is kept back.
    pub unanswered: usize,
    /// Different pictures that they name.
    pub pictures: usize,
    /// Records by type; of statements, by whether they are true.
    pub types: BTreeMap<String, usize>,
}

impl CheckReport {
    /// Whether nothing was found that cannot be right.
    pub fn is_consistent(&self) -> bool {
        self.inconsistent.is_empty()
    }
}

/// Reads all of a benchmark, record by record. With `decode`, every picture is decoded, too.
///
/// # Errors
/// If a file cannot be read at all; what is wrong within one is in the report.
pub fn check(benchmark: &Benchmark, decode: bool) -> Result<CheckReport, DatasetError> {
    let mut checking = Checking {
        benchmark,
        missing: Remarks::default(),
        inconsistent: Remarks::default(),
        images: ImageCheck::new(decode),
        asked: Vec::new(),
    };
    for why in &benchmark.broken {
        let what = "files whose first record cannot be read";
        checking.inconsistent.add(what, why.clone());
    }
    let graphs = checking.graphs()?;
    let mut parts = Vec::new();
    for part in &benchmark.parts {
        parts.push(match part.layout {
            Layout::Gqa => checking.gqa(part, &graphs)?,
            Layout::Nlvr2 => checking.nlvr2(part)?,
            Layout::Nlvr => checking.nlvr(part)?,
            Layout::Table => checking.table(part)?,
        });
    }
    let with = checking.choice_files()?;
    checking.choices(&with);
    checking.attentions()?;
    checking.programs()?;
    let decoded = checking.images.decoded();
    Ok(CheckReport {
        path: benchmark.path.clone(),
        parts,
        graphs: graphs
            .iter()
            .map(|(split, pictures)| (split.clone(), pictures.len()))
            .collect(),
        decoded,
        unread: benchmark.unread.clone(),
        missing: checking.missing.finish(),
        inconsistent: checking.inconsistent.finish(),
    })
}

/// A check under way.
struct Checking<'a> {
    benchmark: &'a Benchmark,
    missing: Remarks,
    inconsistent: Remarks,
    images: ImageCheck,
    /// The ids of every part, where other files have something to say of them.
    asked: Vec<IdSet>,
}

/// What is counted of a part.
struct Count {
    report: PartReport,
    ids: IdSet,
    pictures: HashSet<PathBuf>,
}

impl Count {
    fn of(part: &crate::benchmark::Part) -> Self {
        Self {
            report: PartReport {
                name: part.name.clone(),
                layout: part.layout,
                files: part.files.len(),
                records: 0,
                unanswered: 0,
                pictures: 0,
                types: BTreeMap::new(),
            },
            ids: IdSet::default(),
            pictures: HashSet::new(),
        }
    }

    fn add(&mut self, kind: &str, answered: bool) {
        self.report.records += 1;
        self.report.unanswered += usize::from(!answered);
        match self.report.types.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.report.types.insert(kind.to_owned(), 1);
            }
        }
    }
}

impl Checking<'_> {
    /// What a file's reader ended with: an error within the file is a finding, not the end.
    fn file_end(&mut self, end: Result<(), DatasetError>) -> Result<(), DatasetError> {
        match end {
            Err(error @ DatasetError::Read { .. }) => Err(error),
            Err(error) => {
                self.inconsistent
                    .add("files that cannot be read to their end", error.to_string());
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// A record; or a finding, and on to the next.
    fn record<T>(&mut self, record: Result<T, DatasetError>) -> Result<T, Next> {
        record.map_err(|error| {
            self.inconsistent
                .add("records that cannot be read", error.to_string());
            Next::Continue(())
        })
    }

    /// A part was read to its end.
    fn done(&mut self, count: Count) -> PartReport {
        let of = self.benchmark;
        if !(of.choices.is_empty() && of.attentions.is_empty() && of.programs.is_empty()) {
            self.asked.push(count.ids);
        }
        count.report
    }

    /// Counts an id.
    fn id(&mut self, count: &mut Count, id: &str) {
        if !count.ids.insert(id) {
            let what = format!("ids that occur twice in {}", count.report.name);
            self.inconsistent.add(&what, id.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;

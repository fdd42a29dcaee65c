//! What lies beside questions and names them: choices, attention maps, programs.

use super::{Checking, IdSet, Next};
use crate::DatasetError;
use crate::gqa::{each_attention, each_choices};
use crate::programs::each_program;
use sdvp_core::Digest;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

impl Checking<'_> {
    /// Reads every file of choices; the questions that have some, by split.
    pub(super) fn choice_files(&mut self) -> Result<BTreeMap<String, IdSet>, DatasetError> {
        let mut with: BTreeMap<String, IdSet> = BTreeMap::new();
        for file in &self.benchmark.choices {
            let ids = with.entry(file.split.clone()).or_default();
            let end = each_choices(&file.path, |choices| {
                let choices = match self.record(choices) {
                    Ok(choices) => choices,
                    Err(next) => return next,
                };
                self.named(&file.path, ids, &choices.question);
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        Ok(with)
    }

    /// Reads every file of attention maps.
    pub(super) fn attentions(&mut self) -> Result<(), DatasetError> {
        for file in &self.benchmark.attentions {
            let mut ids = IdSet::default();
            let end = each_attention(&file.path, |attention| {
                let attention = match self.record(attention) {
                    Ok(attention) => attention,
                    Err(next) => return next,
                };
                self.named(&file.path, &mut ids, &attention.question);
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        Ok(())
    }

    /// Reads every file of programs. Those that are found by a question's words are of any that has them.
    pub(super) fn programs(&mut self) -> Result<(), DatasetError> {
        for path in &self.benchmark.programs {
            let mut known: HashMap<String, Digest> = HashMap::new();
            let end = each_program(path, |line| {
                let line = match self.record(line) {
                    Ok(line) => line,
                    Err(next) => return next,
                };
                let Some(id) = line.id else {
                    return Next::Continue(());
                };
                self.note_unasked(path, &id);
                let program = Digest::of(line.program.as_bytes());
                if known
                    .insert(id.clone(), program)
                    .is_some_and(|known| known != program)
                {
                    let what = format!("ids that have two programs in {}", name(path));
                    self.inconsistent.add(&what, id);
                }
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        Ok(())
    }

    /// Counts an id that a file has something to say of, once.
    fn named(&mut self, file: &Path, ids: &mut IdSet, id: &str) {
        if !ids.insert(id) {
            let what = format!("ids that occur twice in {}", name(file));
            self.inconsistent.add(&what, id.to_owned());
        }
        self.note_unasked(file, id);
    }

    /// Notes an id that no question has. In a selection of questions that is no fault.
    fn note_unasked(&mut self, file: &Path, id: &str) {
        let is_known = |id: &str| self.asked.iter().any(|ids| ids.contains(id));
        // Statements of NLVR are numbered once for every order of their boxes.
        let statement = id.rsplit_once('-').map(|(statement, _)| statement);
        let is_asked = is_known(id) || statement.is_some_and(is_known);
        if !is_asked {
            let what = format!("ids in {} that no question has", name(file));
            self.missing.add(&what, id.to_owned());
        }
    }
}

/// A file as findings name it.
fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

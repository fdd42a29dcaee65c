//! Imports: of what may be imported, of what the interpreter's modules lack, and of all the rest.

use super::Rewriter;
use crate::viper::api::api_name;
use crate::viper::prelude::missing;
use ruff_python_ast::{StmtImport, StmtImportFrom};
use ruff_text_size::TextRange;

impl<'a> Rewriter<'a> {
    /// Whether a module may be imported.
    fn allowed(&self, module: &str) -> bool {
        let top = module.split('.').next().unwrap_or(module);
        self.modules.iter().any(|allowed| allowed == top)
    }

    pub(super) fn import_module(&mut self, import: &'a StmtImport) -> bool {
        for alias in &import.names {
            let module = alias.name.as_str();
            let top = module.split('.').next().unwrap_or(module);
            let bound = alias.asname.as_ref().map_or(top, |name| name.as_str());
            if !self.allowed(module) {
                // One statement is left out or raises as a whole.
                self.refuse_unless_harmless(import.range, module, std::iter::once(bound));
                break;
            }
        }
        true
    }

    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom) -> bool {
        let module = import.module.as_ref().map_or("", |name| name.as_str());
        if self.allowed(module) {
            self.import_missing(import, module);
        } else {
            let names = import
                .names
                .iter()
                .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str());
            self.refuse_unless_harmless(import.range, module, names);
        }
        true
    }

    /// Names that the interpreter's module lacks are ours.
    fn import_missing(&mut self, import: &'a StmtImportFrom, module: &str) {
        let (mut kept, mut ours) = (Vec::new(), Vec::new());
        for alias in &import.names {
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            match missing(module, alias.name.as_str()) {
                Some(helper) => {
                    self.helpers.insert(helper);
                    ours.push(format!("{} = {}", bound.as_str(), helper.name()));
                }
                None => kept.push(format!("{} as {}", alias.name.as_str(), bound.as_str())),
            }
        }
        if ours.is_empty() {
            return;
        }
        if !kept.is_empty() {
            ours.push(format!("from {module} import {}", kept.join(", ")));
        }
        let breaks = self.breaks(import.range);
        self.edits.replace(import.range, breaks + &ours.join("; "));
    }

    /// The line breaks of a range, as those within a statement.
    fn breaks(&self, range: TextRange) -> String {
        "\\\n".repeat(self.slice(range).matches('\n').count())
    }

    /// An import of what cannot be imported raises as in Python, unless nothing comes of it: what
    /// is imported is the API, or is never used.
    fn refuse_unless_harmless<'n>(
        &mut self,
        range: TextRange,
        module: &str,
        mut names: impl Iterator<Item = &'n str>,
    ) {
        let harmless = names.all(|name| {
            name == "*" || api_name(name).is_some() || !self.names.read.contains_key(name)
        });
        let breaks = self.breaks(range);
        let instead = if harmless {
            format!("{breaks}pass")
        } else {
            format!("raise {breaks}ModuleNotFoundError(\"No module named '{module}'\")")
        };
        self.edits.replace(range, instead);
    }
}

//! Imports: of what may be imported, of what the interpreter's modules lack, and of all the rest.

use super::Rewriter;
use crate::viper::api::api_name;
use crate::viper::prelude::missing;
use ruff_python_ast::{Alias, StmtImport, StmtImportFrom};
use ruff_text_size::TextRange;

/// The name that an import of this binds: of a module in a package the package's.
pub(in crate::viper) fn bound_by(alias: &Alias) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None => package(alias.name.as_str()),
    }
}

fn package(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// Whether a module is one of those that may be imported.
pub(super) fn is_allowed(modules: &[String], module: &str) -> bool {
    modules.iter().any(|allowed| allowed == package(module))
}

impl<'a> Rewriter<'a> {
    pub(super) fn import_module(&mut self, import: &'a StmtImport) -> bool {
        for alias in &import.names {
            let module = alias.name.as_str();
            if !is_allowed(self.modules, module) {
                // One statement is left out or raises as a whole.
                let bound = std::iter::once(bound_by(alias));
                self.refuse_unless_harmless(import.range, module, bound);
                break;
            }
        }
        true
    }

    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom) -> bool {
        let module = import.module.as_ref().map_or("", |name| name.as_str());
        if is_allowed(self.modules, module) {
            self.import_missing(import, module);
        } else {
            let names = import.names.iter().map(bound_by);
            self.refuse_unless_harmless(import.range, module, names);
        }
        true
    }

    /// Names that the interpreter's module lacks are ours.
    fn import_missing(&mut self, import: &'a StmtImportFrom, module: &str) {
        let (mut kept, mut ours) = (Vec::new(), Vec::new());
        for alias in &import.names {
            let bound = bound_by(alias);
            match missing(module, alias.name.as_str()) {
                Some(helper) => {
                    self.helpers.insert(helper);
                    ours.push(format!("{bound} = {}", helper.name()));
                }
                None => kept.push(format!("{} as {bound}", alias.name.as_str())),
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

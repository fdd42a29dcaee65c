//! Which statements of a module show how its function is used. That is our part, so that they are
//! left out; what prepares variables for the function stays.

use super::imports::{bound_by, is_allowed};
use crate::viper::api::api_name;
use crate::viper::entry::Given;
use crate::viper::names::Names;
use monty_types::{BuiltinsFunctions, ExcType};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Stmt};
use std::collections::HashSet;

/// Names of Python's own besides the interpreter's functions and exceptions.
const BUILT_IN: [&str; 24] = [
    "bool",
    "bytes",
    "callable",
    "complex",
    "dict",
    "dir",
    "float",
    "format",
    "frozenset",
    "int",
    "issubclass",
    "iter",
    "list",
    "object",
    "property",
    "range",
    "set",
    "slice",
    "str",
    "super",
    "tuple",
    "type",
    "vars",
    "Ellipsis",
];
/// Functions whose calls show something.
const SHOWING: [&str; 3] = ["print", "input", "open"];

/// How often statements are looked through: what only uses read is a use itself.
const ROUNDS: usize = 3;

/// For every statement of a module, whether it is such a use.
pub(super) fn of(body: &[Stmt], entry: &str, modules: &[String]) -> Vec<bool> {
    let mut found = vec![false; body.len()];
    for _ in 0..ROUNDS {
        let marked = body.iter().zip(&found);
        let kept = marked.filter(|(_, is_use)| !**is_use).map(|(stmt, _)| stmt);
        let names = Names::of(kept);
        let mut uses = Uses {
            names: &names,
            entry,
            modules,
            kept: HashSet::new(),
            left_out: HashSet::new(),
        };
        for (stmt, is_use) in body.iter().zip(&mut found) {
            *is_use |= uses.is_use(stmt);
        }
    }
    found
}

struct Uses<'a, 'n> {
    names: &'n Names<'a>,
    entry: &'n str,
    modules: &'n [String],
    /// Variables and modules of the statements so far that stay.
    kept: HashSet<&'a str>,
    /// Variables that only statements have which do not.
    left_out: HashSet<&'a str>,
}

impl<'a> Uses<'a, '_> {
    fn is_use(&mut self, stmt: &'a Stmt) -> bool {
        let mut seen = Seen::default();
        seen.visit_stmt(stmt);
        let is_use = match stmt {
            Stmt::With(_) => true,
            Stmt::Expr(expr) => !(expr.value.is_call_expr() && self.prepares(&seen)),
            Stmt::If(_) | Stmt::For(_) | Stmt::Try(_) => !self.prepares(&seen),
            Stmt::Assign(assign) => self.is_use_assigned(&assign.targets, &seen),
            _ => false,
        };
        match stmt {
            // Whether they use the function is not looked into.
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Import(import) => {
                let mut modules = import.names.iter().map(|alias| alias.name.as_str());
                if modules.all(|module| is_allowed(self.modules, module)) {
                    self.kept.extend(seen.bound);
                }
            }
            Stmt::ImportFrom(import) => {
                if import
                    .module
                    .as_ref()
                    .is_some_and(|m| is_allowed(self.modules, m.as_str()))
                {
                    self.kept.extend(seen.bound);
                }
            }
            _ if is_use => {
                let lost = seen
                    .bound
                    .into_iter()
                    .filter(|name| !self.kept.contains(name));
                self.left_out.extend(lost);
            }
            _ => {
                for name in seen.bound {
                    self.left_out.remove(name);
                    self.kept.insert(name);
                }
            }
        }
        is_use
    }

    /// Whether a statement has no names but those of variables that stay, and of Python's own.
    fn prepares(&self, seen: &Seen<'a>) -> bool {
        let known = |name: &&'a str| {
            let own = self.kept.contains(name) || seen.bound.contains(name);
            own || is_built_in(name)
                && !SHOWING.contains(name)
                && !self.names.callables.contains(name)
        };
        let given = |name: &&'a str| Given::of(name).is_some();
        !seen.ends && seen.read.iter().all(known) && !seen.bound.iter().any(given)
    }

    fn is_use_assigned(&self, targets: &[Expr], seen: &Seen<'a>) -> bool {
        let nowhere = |name: &&'a str| {
            self.left_out.contains(name)
                || !self.names.defined.contains(name)
                    && !self.names.imported.contains_key(name)
                    && !is_built_in(name)
                    && api_name(name).is_none()
                    && Given::of(name).is_none()
        };
        let read = |target: &Expr| match target {
            Expr::Name(name) => self.names.read.contains_key(name.id.as_str()),
            _ => true,
        };
        seen.read.contains(self.entry)
            || is_given(targets)
            || !targets.iter().any(read)
            || seen.read.iter().any(nowhere)
    }
}

fn is_built_in(name: &str) -> bool {
    name.parse::<BuiltinsFunctions>().is_ok()
        || name.parse::<ExcType>().is_ok()
        || BUILT_IN.contains(&name)
}

fn is_given(targets: &[Expr]) -> bool {
    targets.iter().any(|target| {
        matches!(target, Expr::Name(name) if matches!(name.id.as_str(), "image" | "video" | "image_dict"))
    })
}

/// The names of a statement.
#[derive(Default)]
struct Seen<'a> {
    read: HashSet<&'a str>,
    bound: HashSet<&'a str>,
    /// Whether it may end the module, or is not what prepares a variable.
    ends: bool,
}

impl<'a> Visitor<'a> for Seen<'a> {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                self.bound.extend(import.names.iter().map(bound_by));
            }
            Stmt::ImportFrom(import) => {
                self.bound.extend(import.names.iter().map(bound_by));
            }
            Stmt::FunctionDef(_)
            | Stmt::ClassDef(_)
            | Stmt::Raise(_)
            | Stmt::Assert(_)
            | Stmt::Delete(_)
            | Stmt::Match(_)
            | Stmt::With(_)
            | Stmt::While(_)
            | Stmt::Return(_) => self.ends = true,
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                let id = name.id.as_str();
                match name.ctx {
                    ExprContext::Load => self.read.insert(id),
                    _ => self.bound.insert(id),
                };
            }
            // Its parameters are not looked for.
            Expr::Lambda(_) => self.ends = true,
            _ => {}
        }
        walk_expr(self, expr);
    }
}

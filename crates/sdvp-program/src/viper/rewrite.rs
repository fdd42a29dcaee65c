//! Changes to a program, so that the interpreter runs it as CPython would: it knows no functions
//! that ask modules inside `sort` and its kind, makes all elements of a generator at once, does not
//! add truth values, and lacks some statements and functions. And every call that asks modules is
//! told its line.

mod calls;
mod imports;
mod statements;
mod truths;
mod uses;
mod values;

pub(super) use imports::bound_by;

use super::names::Names;
use super::prelude::Helper;
use super::source::Source;
use crate::python::Edits;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::collections::BTreeSet;

/// Attributes that a sort key may read without asking anyone.
pub(super) const PLAIN: [&str; 9] = [
    "left",
    "lower",
    "right",
    "upper",
    "width",
    "height",
    "horizontal_center",
    "vertical_center",
    "num_frames",
];
/// Between a call's name and its line.
const AT: &str = "__at";

/// The name, and the line it is called in if that was told.
pub(super) fn line_of(name: &str) -> (&str, Option<usize>) {
    match name.rsplit_once(AT) {
        Some((plain, line)) => match line.parse() {
            Ok(line) => (plain, Some(line)),
            Err(_) => (name, None),
        },
        None => (name, None),
    }
}

/// A message of Python's without the lines in its names.
pub(super) fn without_lines(message: &str) -> String {
    let mut parts = message.split(AT);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out
}

/// A program as the interpreter gets it.
pub(super) struct Rewritten {
    /// Code with the lines of the source.
    pub(super) code: String,
    /// What it uses of the prelude.
    pub(super) helpers: BTreeSet<Helper>,
}

/// Changes a program. `entry` is the function that answers; what calls it is left out.
pub(super) fn rewrite(source: &Source, entry: &str, modules: &[String]) -> Rewritten {
    let body = &source.module.syntax().body;
    let uses = uses::of(body, entry, modules);
    let marked = body.iter().zip(&uses);
    let kept = marked.filter(|(_, is_use)| !**is_use).map(|(stmt, _)| stmt);
    let mut rewriter = Rewriter {
        names: Names::of(kept),
        starts: line_starts(&source.code),
        code: &source.code,
        modules,
        edits: Edits::default(),
        helpers: BTreeSet::new(),
        folded: Vec::new(),
    };
    for (stmt, is_use) in body.iter().zip(&uses) {
        if *is_use {
            rewriter.blank(stmt.range());
        } else {
            rewriter.visit_stmt(stmt);
        }
    }
    let Rewriter { edits, helpers, .. } = rewriter;
    Rewritten {
        code: edits.apply(&source.code),
        helpers,
    }
}

fn line_starts(code: &str) -> Vec<usize> {
    let ends = code.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

struct Rewriter<'a> {
    names: Names<'a>,
    starts: Vec<usize>,
    code: &'a str,
    modules: &'a [String],
    edits: Edits,
    helpers: BTreeSet<Helper>,
    /// Calls of `map` and `filter` that became part of the call around them.
    folded: Vec<TextRange>,
}

impl<'a> Rewriter<'a> {
    /// Leaves a range out, but not its line breaks.
    fn blank(&mut self, range: TextRange) {
        let breaks = "\n".repeat(self.slice(range).matches('\n').count());
        self.edits.replace(range, breaks);
    }

    fn slice(&self, range: TextRange) -> &'a str {
        self.code
            .get(range.start().to_usize()..range.end().to_usize())
            .unwrap_or_default()
    }

    /// The line of the code, from 1.
    fn line(&self, at: TextSize) -> usize {
        self.starts.partition_point(|&start| start <= at.to_usize())
    }

    fn is_own(&self, name: &str) -> bool {
        self.names.defined.contains(name)
    }

    /// Puts a helper's name in the place of a range.
    fn instead(&mut self, range: TextRange, helper: Helper) {
        self.helpers.insert(helper);
        self.edits.replace(range, helper.name());
    }

    /// Where a character first stands in a range that has no comment.
    fn place_of(&self, wanted: char, range: TextRange) -> Option<TextRange> {
        let text = self.slice(range);
        if text.contains('#') {
            return None;
        }
        let at = TextSize::try_from(text.find(wanted)?).ok()?;
        Some(TextRange::at(range.start() + at, TextSize::from(1)))
    }
}

/// The range of an expression without the parentheses that belong to a generator.
fn inner(expr: &Expr) -> TextRange {
    match expr {
        Expr::Generator(generator) if generator.parenthesized => {
            let one = TextSize::from(1);
            TextRange::new(generator.range.start() + one, generator.range.end() - one)
        }
        other => other.range(),
    }
}

impl<'a> Visitor<'a> for Rewriter<'a> {
    // The interpreter does not evaluate them.
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let done = match stmt {
            Stmt::Import(import) => self.import_module(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::AugAssign(assign) => {
                self.augment(assign);
                false
            }
            Stmt::Assign(assign) => self.assign(assign),
            Stmt::Delete(delete) => self.delete(delete),
            _ => false,
        };
        if !done {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let done = match expr {
            Expr::Call(call) => {
                self.call(call);
                true
            }
            Expr::Attribute(attribute) if matches!(attribute.ctx, ExprContext::Load) => {
                self.attribute(attribute)
            }
            Expr::Name(name) if matches!(name.ctx, ExprContext::Load) => {
                self.name(name);
                true
            }
            Expr::BinOp(op) => {
                self.operation(op);
                false
            }
            _ => false,
        };
        if !done {
            walk_expr(self, expr);
        }
    }
}

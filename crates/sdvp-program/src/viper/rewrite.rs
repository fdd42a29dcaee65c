//! Changes to a program, so that the interpreter runs it as CPython would: it knows no functions
//! that ask modules inside `sort` and its kind, makes all elements of a generator at once, and does
//! not add truth values. And every call that asks modules is told its line.

use super::api::api_name;
use super::names::Names;
use super::prelude::Helper;
use super::source::Source;
use crate::python::Edits;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, ExprContext, ModModule, Operator, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::collections::BTreeSet;

/// Methods that ask modules, except `find`, which texts have, too.
const ASKING_METHODS: [&str; 7] = [
    "exists",
    "verify_property",
    "best_text_match",
    "simple_query",
    "compute_depth",
    "llm_query",
    "select_answer",
];
/// Functions that ask modules and give no thing back.
const ASKING_FUNCTIONS: [&str; 2] = ["llm_query", "process_guesses"];
/// Attributes that a sort key may read without asking anyone.
const PLAIN: [&str; 9] = [
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
    /// What it needs of the prelude.
    pub(super) helpers: BTreeSet<Helper>,
}

/// Changes a program. `entry` is the function that answers; what calls it is left out.
pub(super) fn rewrite(source: &Source, entry: &str, modules: &[String]) -> Rewritten {
    let module = source.module.syntax();
    let mut rewriter = Rewriter {
        names: Names::of(module),
        starts: line_starts(&source.code),
        code: &source.code,
        modules,
        edits: Edits::default(),
        helpers: BTreeSet::new(),
    };
    rewriter.module(module, entry);
    let Rewriter { edits, helpers, .. } = rewriter;
    let mut all = BTreeSet::new();
    for helper in helpers {
        all.insert(helper);
        all.extend(helper.needs());
    }
    Rewritten {
        code: edits.apply(&source.code),
        helpers: all,
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
}

impl<'a> Rewriter<'a> {
    fn module(&mut self, module: &'a ModModule, entry: &str) {
        for stmt in &module.body {
            if self.is_use(stmt, entry) {
                self.blank(stmt.range());
            } else {
                self.visit_stmt(stmt);
            }
        }
    }

    /// Whether a statement of the module shows how the function is used, which is our part.
    fn is_use(&self, stmt: &Stmt, entry: &str) -> bool {
        match stmt {
            Stmt::Expr(_) | Stmt::If(_) | Stmt::For(_) | Stmt::With(_) | Stmt::Try(_) => true,
            Stmt::Assign(assign) => {
                let mut calls = Mentions(entry, false);
                calls.visit_expr(&assign.value);
                let read = |target: &Expr| match target {
                    Expr::Name(name) => self.names.read.contains(name.id.as_str()),
                    _ => true,
                };
                calls.1 || is_given(&assign.targets) || !assign.targets.iter().any(read)
            }
            _ => false,
        }
    }

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

    /// Puts a helper's name in front of a method's receiver, which becomes its first argument.
    fn receiver_first(&mut self, helper: Helper, call: &ExprCall, method: TextRange, then: &str) {
        self.helpers.insert(helper);
        let length = i64::from(call.range().len().to_u32());
        self.edits
            .open(call.range().start(), length, format!("{}(", helper.name()));
        let before = TextRange::up_to(method.start());
        let dot = self
            .slice(before)
            .rfind('.')
            .unwrap_or(method.start().to_usize());
        let inside = call.arguments.range.start() + TextSize::from(1);
        let arguments = !call.arguments.args.is_empty() || !call.arguments.keywords.is_empty();
        let comma = if arguments { ", " } else { "" };
        let range = TextRange::new(TextSize::try_from(dot).unwrap_or(method.start()), inside);
        // Line breaks between the receiver and its arguments stay.
        let breaks = "\n".repeat(self.slice(range).matches('\n').count());
        self.edits.replace(range, format!("{then}{comma}{breaks}"));
    }

    fn method_call(&mut self, call: &'a ExprCall, name: &str, method: TextRange) {
        if self.names.methods.contains(name) {
            return;
        }
        let line = self.line(call.range().start());
        match name {
            "sort" if has_asking_key(call) => self.receiver_first(Helper::Sort, call, method, ""),
            "find" if !is_generator_alone(call) => {
                self.receiver_first(Helper::Find, call, method, &format!(", {line}"));
            }
            _ if ASKING_METHODS.contains(&name) => {
                self.edits.insert(method.end(), format!("{AT}{line}"));
            }
            _ => {}
        }
    }

    fn function_call(&mut self, call: &'a ExprCall, name: &str, range: TextRange) {
        if self.is_own(name) {
            return;
        }
        let line = self.line(call.range().start());
        match name {
            "best_image_match" if !is_generator_alone(call) => {
                self.helpers.insert(Helper::ImageMatch);
                let inside = call.arguments.range.start() + TextSize::from(1);
                self.edits.replace(
                    TextRange::new(range.start(), inside),
                    format!("{}({line}, ", Helper::ImageMatch.name()),
                );
            }
            "sorted" | "min" | "max" if !has_asking_key(call) => {}
            "any" | "all" | "next" => self.elements(call, name, range),
            "sum" => {
                if let Some(values) = call.arguments.args.first()
                    && self.may_hold_truths(values)
                {
                    self.edits
                        .surround(inner(values), "(1*_n for _n in (", "))");
                }
            }
            _ if ASKING_FUNCTIONS.contains(&name) => {
                self.edits.insert(range.end(), format!("{AT}{line}"));
            }
            _ => {
                if let Some(helper) = Helper::instead_of(name) {
                    self.helpers.insert(helper);
                    self.edits.replace(range, helper.name());
                }
            }
        }
    }

    /// `any(E for x in xs)` makes elements one by one: `_any(lambda give: [give(E) for x in xs])`.
    fn elements(&mut self, call: &'a ExprCall, name: &str, range: TextRange) {
        let (Some(Expr::Generator(generator)), Some(helper)) =
            (call.arguments.args.first(), Helper::instead_of(name))
        else {
            return;
        };
        let Some(first) = generator.generators.first() else {
            return;
        };
        self.helpers.insert(helper);
        self.edits.replace(range, helper.name());
        let inside = inner(&Expr::Generator(generator.clone()));
        self.edits.surround(inside, "lambda _give: [_give(", "]");
        self.edits.insert(first.range.start(), ") ");
    }

    fn may_hold_truths(&self, values: &Expr) -> bool {
        match values {
            Expr::Generator(generator) => self.names.may_be_truth(&generator.elt),
            Expr::ListComp(list) => self.names.may_be_truth(&list.elt),
            Expr::List(list) => list.elts.iter().any(|value| self.names.may_be_truth(value)),
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .any(|value| self.names.may_be_truth(value)),
            _ => true,
        }
    }

    fn add(&mut self, operand: &'a Expr) {
        if self.names.may_be_truth(operand) {
            self.edits.surround(operand.range(), "(1*(", "))");
        }
    }

    /// Whether a module may be imported.
    fn allowed(&self, module: &str) -> bool {
        let top = module.split('.').next().unwrap_or(module);
        self.modules.iter().any(|allowed| allowed == top)
    }

    fn refuse(&mut self, range: TextRange, module: &str) {
        let breaks = "\\\n".repeat(self.slice(range).matches('\n').count());
        self.edits.replace(
            range,
            format!("raise {breaks}ModuleNotFoundError(\"No module named '{module}'\")"),
        );
    }

    /// An import of what cannot be imported raises as in Python, unless nothing comes of it: what
    /// is imported is the API, or is never used.
    fn import<'n>(
        &mut self,
        range: TextRange,
        module: &str,
        mut names: impl Iterator<Item = &'n str>,
    ) {
        if self.allowed(module) {
            return;
        }
        let harmless = names
            .all(|name| name == "*" || api_name(name).is_some() || !self.names.read.contains(name));
        if harmless {
            let breaks = "\\\n".repeat(self.slice(range).matches('\n').count());
            self.edits.replace(range, format!("{breaks}pass"));
        } else {
            self.refuse(range, module);
        }
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

fn is_given(targets: &[Expr]) -> bool {
    targets.iter().any(|target| {
        matches!(target, Expr::Name(name) if matches!(name.id.as_str(), "image" | "video" | "image_dict"))
    })
}

fn is_generator_alone(call: &ExprCall) -> bool {
    matches!(&*call.arguments.args, [Expr::Generator(generator)] if !generator.parenthesized)
}

/// Whether a call has a key that may call something.
fn has_asking_key(call: &ExprCall) -> bool {
    let Some(key) = call.arguments.find_keyword("key") else {
        return false;
    };
    match &key.value {
        Expr::NoneLiteral(_) => false,
        // Python's own functions ask nobody.
        Expr::Name(name) if matches!(name.id.as_str(), "len" | "str" | "int" | "float" | "abs") => {
            false
        }
        Expr::Lambda(lambda) => {
            let mut asks = Asks(false);
            asks.visit_expr(&lambda.body);
            asks.0
        }
        _ => true,
    }
}

/// Whether an expression calls something, or reads what may have to be asked for.
struct Asks(bool);

impl<'a> Visitor<'a> for Asks {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(_) => self.0 = true,
            Expr::Attribute(attribute) if !PLAIN.contains(&attribute.attr.as_str()) => {
                self.0 = true
            }
            _ => walk_expr(self, expr),
        }
    }
}

/// Whether an expression has a name.
struct Mentions<'n>(&'n str, bool);

impl<'a> Visitor<'a> for Mentions<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if matches!(expr, Expr::Name(name) if name.id.as_str() == self.0) {
            self.1 = true;
        }
        walk_expr(self, expr);
    }
}

impl<'a> Visitor<'a> for Rewriter<'a> {
    // The interpreter does not evaluate them.
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.as_str();
                    let bound = alias
                        .asname
                        .as_ref()
                        .map_or(module.split('.').next().unwrap_or(module), |name| {
                            name.as_str()
                        });
                    if !self.allowed(module) {
                        // One statement is left out or raises as a whole.
                        return self.import(import.range, module, std::iter::once(bound));
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |name| name.as_str());
                let names = import
                    .names
                    .iter()
                    .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str());
                self.import(import.range, module, names);
            }
            Stmt::AugAssign(assign) => {
                if matches!(assign.op, Operator::Add | Operator::Sub) {
                    self.add(&assign.value);
                }
                walk_stmt(self, stmt);
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method) => {
                    self.method_call(call, method.attr.as_str(), method.attr.range);
                }
                Expr::Name(name) if matches!(name.ctx, ExprContext::Load) => {
                    self.function_call(call, name.id.as_str(), name.range);
                }
                _ => {}
            },
            Expr::BinOp(op) if matches!(op.op, Operator::Add | Operator::Sub) => {
                self.add(&op.left);
                self.add(&op.right);
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

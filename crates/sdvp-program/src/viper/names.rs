//! The names that a program makes its own, and those of its values that may be truth values.

use super::rewrite::{PLAIN, bound_by};
use ruff_python_ast::visitor::{Visitor, walk_comprehension, walk_expr, walk_parameter, walk_stmt};
use ruff_python_ast::{Comprehension, Expr, ExprContext, Operator, Parameter, Stmt, UnaryOp};
use ruff_text_size::{TextRange, TextSize};
use std::collections::{HashMap, HashSet};

/// Methods that give a truth value.
const TELLING: [&str; 10] = [
    "exists",
    "verify_property",
    "overlaps_with",
    "startswith",
    "endswith",
    "isdigit",
    "isalpha",
    "isnumeric",
    "issubset",
    "issuperset",
];
/// Methods that never give one, of those that programs call most.
const OTHER: [&str; 22] = [
    "find",
    "crop",
    "simple_query",
    "best_text_match",
    "compute_depth",
    "llm_query",
    "select_answer",
    "lower",
    "upper",
    "strip",
    "split",
    "join",
    "replace",
    "format",
    "title",
    "capitalize",
    "count",
    "index",
    "keys",
    "items",
    "sqrt",
    "copy",
];

/// Whether an expression has a truth value, as far as its form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    No,
    Maybe,
    Surely,
}

impl Truth {
    /// That of a value which is one of two.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Truth::Maybe }
    }
}

/// What is known of a program's names before it is changed.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// Functions, classes, variables and parameters of its own.
    pub(super) defined: HashSet<&'a str>,
    /// Its own functions and classes alone.
    pub(super) callables: HashSet<&'a str>,
    /// What imports bind, and of which module that is all.
    pub(super) imported: HashMap<&'a str, Option<&'a str>>,
    /// Methods of its own classes.
    pub(super) methods: HashSet<&'a str>,
    /// Attributes that it sets itself, of objects and in classes.
    pub(super) attributes: HashSet<&'a str>,
    /// Variables that may have a truth value somewhere.
    truths: HashSet<&'a str>,
    /// Names that are read, other than in annotations, and where.
    pub(super) read: HashMap<&'a str, Vec<TextSize>>,
    /// Variables that `next` is called on.
    pub(super) advanced: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    /// The names of these statements.
    pub(super) fn of(body: impl Iterator<Item = &'a Stmt> + Clone) -> Self {
        let mut names = Self::default();
        // Twice: a truth may be copied before the line it comes from.
        for _ in 0..2 {
            for stmt in body.clone() {
                names.visit_stmt(stmt);
            }
        }
        names
    }

    /// Whether a name is read anywhere but in this range.
    pub(super) fn is_read_outside(&self, name: &str, range: TextRange) -> bool {
        let places = self.read.get(name);
        places.is_some_and(|places| places.iter().any(|&at| !range.contains(at)))
    }

    /// Whether an expression has a truth value.
    pub(super) fn truth(&self, expr: &Expr) -> Truth {
        let maybe = |may: bool| if may { Truth::Maybe } else { Truth::No };
        match expr {
            Expr::Compare(_) | Expr::BooleanLiteral(_) => Truth::Surely,
            Expr::UnaryOp(op) if op.op == UnaryOp::Not => Truth::Surely,
            Expr::BoolOp(op) => {
                let mut values = op.values.iter().map(|value| self.truth(value));
                let first = values.next().unwrap_or(Truth::No);
                values.fold(first, Truth::or)
            }
            Expr::If(either) => self.truth(&either.body).or(self.truth(&either.orelse)),
            Expr::Named(named) => self.truth(&named.value),
            Expr::Name(name) => maybe(self.truths.contains(name.id.as_str())),
            Expr::BinOp(op) => maybe(
                matches!(op.op, Operator::BitAnd | Operator::BitOr | Operator::BitXor)
                    && (self.truth(&op.left) != Truth::No || self.truth(&op.right) != Truth::No),
            ),
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method) => self.told_by(method.attr.as_str()),
                Expr::Name(function) => self.given_by(function.id.as_str()),
                Expr::Lambda(lambda) => self.truth(&lambda.body),
                _ => Truth::Maybe,
            },
            Expr::Attribute(attribute) => maybe(!PLAIN.contains(&attribute.attr.as_str())),
            Expr::Subscript(_) => Truth::Maybe,
            _ => Truth::No,
        }
    }

    /// What a method gives.
    fn told_by(&self, method: &str) -> Truth {
        if self.methods.contains(method) {
            Truth::Maybe
        } else if TELLING.contains(&method) {
            Truth::Surely
        } else if OTHER.contains(&method) {
            Truth::No
        } else {
            Truth::Maybe
        }
    }

    /// What a function gives.
    fn given_by(&self, function: &str) -> Truth {
        if self.defined.contains(function) {
            return Truth::Maybe;
        }
        match function {
            "any" | "all" | "bool" | "isinstance" | "hasattr" => Truth::Surely,
            "next" | "reduce" | "getattr" => Truth::Maybe,
            _ => Truth::No,
        }
    }

    /// Notes the names of a target that may be given a truth.
    fn may_be_truth(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => {
                self.truths.insert(name.id.as_str());
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|part| self.may_be_truth(part)),
            Expr::List(list) => list.elts.iter().for_each(|part| self.may_be_truth(part)),
            _ => {}
        }
    }

    /// Notes what a target is given.
    fn given(&mut self, target: &'a Expr, value: &Expr) {
        if let (Expr::Tuple(target), Expr::Tuple(value)) = (target, value)
            && target.elts.len() == value.elts.len()
        {
            for (target, value) in target.elts.iter().zip(&value.elts) {
                self.given(target, value);
            }
        } else if self.truth(value) != Truth::No {
            self.may_be_truth(target);
        }
    }

    /// Notes the target of a loop. Truths in a list are not looked for: its elements may be.
    fn each(&mut self, target: &'a Expr, iter: &Expr) {
        let function = match iter {
            Expr::Call(call) => match &*call.func {
                Expr::Name(name) => name.id.as_str(),
                _ => "",
            },
            _ => "",
        };
        match (function, target) {
            ("range", _) => {}
            ("enumerate", Expr::Tuple(tuple)) => {
                let values = tuple.elts.iter().skip(1);
                values.for_each(|part| self.may_be_truth(part));
            }
            _ => self.may_be_truth(target),
        }
    }

    fn class(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            match stmt {
                Stmt::FunctionDef(method) => {
                    self.methods.insert(method.name.as_str());
                }
                Stmt::Assign(assign) => assign.targets.iter().for_each(|t| self.attribute(t)),
                Stmt::AnnAssign(assign) => self.attribute(&assign.target),
                _ => {}
            }
        }
    }

    fn attribute(&mut self, target: &'a Expr) {
        if let Expr::Name(name) = target {
            self.attributes.insert(name.id.as_str());
        }
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.defined.insert(parameter.name.as_str());
        self.truths.insert(parameter.name.as_str());
        walk_parameter(self, parameter);
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.each(&comprehension.target, &comprehension.iter);
        walk_comprehension(self, comprehension);
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.defined.insert(function.name.as_str());
                self.callables.insert(function.name.as_str());
            }
            Stmt::ClassDef(class) => {
                self.defined.insert(class.name.as_str());
                self.callables.insert(class.name.as_str());
                self.class(&class.body);
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.imported
                        .insert(bound_by(alias), Some(alias.name.as_str()));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.imported.insert(bound_by(alias), None);
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    self.given(target, &assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.given(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => {
                if matches!(
                    assign.op,
                    Operator::BitAnd | Operator::BitOr | Operator::BitXor
                ) {
                    self.given(&assign.target, &assign.value);
                }
            }
            Stmt::For(each) => self.each(&each.target, &each.iter),
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                let id = name.id.as_str();
                match name.ctx {
                    ExprContext::Load => self.read.entry(id).or_default().push(name.range.start()),
                    _ => {
                        self.defined.insert(id);
                    }
                }
            }
            Expr::Attribute(attribute) if !matches!(attribute.ctx, ExprContext::Load) => {
                self.attributes.insert(attribute.attr.as_str());
            }
            Expr::Named(named) => self.given(&named.target, &named.value),
            Expr::Call(call) => {
                if let (Expr::Name(function), Some(Expr::Name(iterator))) =
                    (&*call.func, call.arguments.args.first())
                    && function.id.as_str() == "next"
                {
                    self.advanced.insert(iterator.id.as_str());
                }
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

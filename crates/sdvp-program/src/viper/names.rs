//! The names that a program makes its own, and those of its values that may be truth values.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_parameter, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, ModModule, Parameter, Stmt};
use std::collections::HashSet;

/// What is known of a program's names before it is changed.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// Functions, classes, variables and parameters of its own.
    pub(super) defined: HashSet<&'a str>,
    /// Methods of its own classes.
    pub(super) methods: HashSet<&'a str>,
    /// Variables that were set to a truth value somewhere.
    pub(super) truths: HashSet<&'a str>,
    /// Names that are read, other than in annotations.
    pub(super) read: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(module: &'a ModModule) -> Self {
        let mut names = Self::default();
        // Twice: a truth may be copied before the line it comes from.
        for _ in 0..2 {
            names.visit_body(&module.body);
        }
        names
    }

    /// Whether an expression may have a truth value, as far as its form tells.
    pub(super) fn may_be_truth(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Compare(_) | Expr::BooleanLiteral(_) => true,
            Expr::UnaryOp(op) => op.op == ruff_python_ast::UnaryOp::Not,
            Expr::BoolOp(op) => op.values.iter().any(|value| self.may_be_truth(value)),
            Expr::If(either) => {
                self.may_be_truth(&either.body) || self.may_be_truth(&either.orelse)
            }
            Expr::Named(named) => self.may_be_truth(&named.value),
            Expr::Name(name) => self.truths.contains(name.id.as_str()),
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method) => matches!(
                    method.attr.as_str(),
                    "exists" | "verify_property" | "overlaps_with" | "startswith" | "endswith"
                ),
                Expr::Name(function) => {
                    matches!(
                        function.id.as_str(),
                        "any" | "all" | "bool" | "isinstance" | "hasattr"
                    ) || self.defined.contains(function.id.as_str())
                }
                _ => false,
            },
            Expr::Subscript(_) => true,
            _ => false,
        }
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.defined.insert(parameter.name.as_str());
        walk_parameter(self, parameter);
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.defined.insert(function.name.as_str());
            }
            Stmt::ClassDef(class) => {
                self.defined.insert(class.name.as_str());
                self.methods
                    .extend(class.body.iter().filter_map(|stmt| match stmt {
                        Stmt::FunctionDef(method) => Some(method.name.as_str()),
                        _ => None,
                    }));
            }
            Stmt::Assign(assign) if self.may_be_truth(&assign.value) => {
                self.truths
                    .extend(assign.targets.iter().filter_map(|target| match target {
                        Expr::Name(name) => Some(name.id.as_str()),
                        _ => None,
                    }));
            }
            Stmt::For(each) => {
                // Truths in a list are not looked for: its elements may be.
                if let Expr::Name(name) = &*each.target {
                    self.truths.insert(name.id.as_str());
                }
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            match name.ctx {
                ExprContext::Load => self.read.insert(name.id.as_str()),
                _ => self.defined.insert(name.id.as_str()),
            };
        }
        walk_expr(self, expr);
    }
}

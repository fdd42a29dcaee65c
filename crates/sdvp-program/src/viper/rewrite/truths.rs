//! Arithmetic of truth values, which the interpreter refuses for `+`, `-`, `%` and `sum`.

use super::{Rewriter, inner};
use crate::viper::names::Truth;
use crate::viper::prelude::Helper;
use ruff_python_ast::{Expr, ExprBinOp, Operator, StmtAugAssign};
use ruff_text_size::{Ranged, TextRange};

impl<'a> Rewriter<'a> {
    /// Makes the operands of what the interpreter does not do with truths numbers.
    pub(super) fn operation(&mut self, op: &'a ExprBinOp) {
        match op.op {
            Operator::Mod if matches!(&*op.left, Expr::StringLiteral(_)) => self.percent(op),
            Operator::Add | Operator::Sub | Operator::Mod => {
                self.number(&op.left);
                self.number(&op.right);
            }
            _ => {}
        }
    }

    /// The same for `x += y`. The target is made a number before, if it may be none: what is added
    /// to a list must go into that list.
    pub(super) fn augment(&mut self, assign: &'a StmtAugAssign) {
        if !matches!(assign.op, Operator::Add | Operator::Sub | Operator::Mod) {
            return;
        }
        self.number(&assign.value);
        if let Expr::Name(name) = &*assign.target
            && self.names.truth(&assign.target) != Truth::No
        {
            let helper = Helper::Num;
            self.helpers.insert(helper);
            let (name, length) = (name.id.as_str(), i64::from(assign.range.len().to_u32()));
            let number = format!("{name} = {}({name}); ", helper.name());
            self.edits.open(assign.range.start(), length, number);
        }
    }

    fn number(&mut self, operand: &'a Expr) {
        match self.names.truth(operand) {
            Truth::Surely => self.edits.surround(operand.range(), "(1*(", "))"),
            Truth::Maybe => {
                self.helpers.insert(Helper::Num);
                let open = format!("{}(", Helper::Num.name());
                self.edits.surround(operand.range(), open, ")");
            }
            Truth::No => {}
        }
    }

    /// `sum(values)` counts truths.
    pub(super) fn sum(&mut self, values: &'a Expr) {
        let number = match self.elements_truth(values) {
            Truth::Surely => "1*_n",
            // A call for every element would cost more than this.
            Truth::Maybe => "1 if _n is True else 0 if _n is False else _n",
            Truth::No => return,
        };
        let open = format!("({number} for _n in (");
        self.edits.surround(inner(values), open, "))");
    }

    fn elements_truth(&self, values: &Expr) -> Truth {
        let of_all = |values: &[Expr]| {
            if values.iter().any(|v| self.names.truth(v) != Truth::No) {
                Truth::Maybe
            } else {
                Truth::No
            }
        };
        match values {
            Expr::Generator(generator) => self.names.truth(&generator.elt),
            Expr::ListComp(list) => self.names.truth(&list.elt),
            Expr::List(list) => of_all(&list.elts),
            Expr::Tuple(tuple) => of_all(&tuple.elts),
            _ => Truth::Maybe,
        }
    }

    /// `"%s" % x`, which the interpreter lacks.
    fn percent(&mut self, op: &'a ExprBinOp) {
        let between = TextRange::new(op.left.end(), op.right.start());
        let Some(sign) = self.place_of('%', between) else {
            return;
        };
        let helper = Helper::Percent;
        self.helpers.insert(helper);
        let open = format!("{}(", helper.name());
        self.edits.surround(op.range, open, ")");
        self.edits.replace(sign, ",");
    }
}

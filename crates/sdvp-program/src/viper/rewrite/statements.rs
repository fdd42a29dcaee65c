//! Statements that the interpreter does not know: `del`, and several targets of which some are parts
//! of things. And generators that are kept.

use super::{Rewriter, inner};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, StmtAssign, StmtDelete};
use ruff_text_size::{Ranged, TextRange, TextSize};

impl<'a> Rewriter<'a> {
    /// Changes an assignment. Whether its parts were seen to.
    pub(super) fn assign(&mut self, assign: &'a StmtAssign) -> bool {
        let [target] = assign.targets.as_slice() else {
            return false;
        };
        match (target, &*assign.value) {
            // The interpreter makes a list of it, which `next` does not take.
            (Expr::Name(name), Expr::Generator(_))
                if self.names.advanced.contains(name.id.as_str()) =>
            {
                self.edits.surround(inner(&assign.value), "iter([", "])");
                false
            }
            (Expr::Tuple(tuple), _) => self.unpack(&tuple.elts, assign),
            (Expr::List(list), _) => self.unpack(&list.elts, assign),
            _ => false,
        }
    }

    /// `a[0], b.c = x`: names get the values, and then the targets theirs.
    fn unpack(&mut self, targets: &'a [Expr], assign: &'a StmtAssign) -> bool {
        let part = |target: &Expr| matches!(target, Expr::Subscript(_) | Expr::Attribute(_));
        let simple = |target: &'a Expr| {
            let mut copied = Copied(true);
            copied.visit_expr(target);
            let known = part(target) || matches!(target, Expr::Name(_));
            known && copied.0 && !self.slice(target.range()).contains(['\n', '#'])
        };
        if !targets.iter().any(part) || !targets.iter().all(simple) {
            return false;
        }
        let mut after = String::new();
        for (index, target) in targets.iter().enumerate() {
            after += &format!("; {} = _put{index}", self.slice(target.range()));
            self.edits.replace(target.range(), format!("_put{index}"));
        }
        self.visit_expr(&assign.value);
        self.edits.insert(assign.range.end(), after);
        true
    }

    /// `del x, d[k]` as `x = None; d.pop((k))`. Whether that was done.
    pub(super) fn delete(&mut self, delete: &'a StmtDelete) -> bool {
        if self.names.methods.contains("__delitem__") {
            return false;
        }
        let simple = |target: &Expr| match target {
            Expr::Name(_) => true,
            Expr::Subscript(subscript) => {
                !matches!(&*subscript.slice, Expr::Slice(_) | Expr::Starred(_))
            }
            _ => false,
        };
        // What stands between the targets; the first is the word itself.
        let mut gaps = Vec::new();
        let mut end = delete.range.start();
        for target in &delete.targets {
            gaps.push(TextRange::new(end, target.start()));
            end = target.end();
        }
        let plain = |(index, gap): (usize, &TextRange)| {
            let word = if index == 0 { "del" } else { "," };
            self.slice(*gap).trim_matches(' ') == word
        };
        let brackets: Option<Vec<TextRange>> = delete
            .targets
            .iter()
            .map(|target| match target {
                Expr::Subscript(subscript) => self.place_of(
                    '[',
                    TextRange::new(subscript.value.end(), subscript.slice.start()),
                ),
                other => Some(other.range()),
            })
            .collect();
        let Some(brackets) = brackets else {
            return false;
        };
        if !delete.targets.iter().all(simple)
            || !gaps.iter().enumerate().all(plain)
            || end != delete.range.end()
        {
            return false;
        }
        for (target, bracket) in delete.targets.iter().zip(brackets) {
            match target {
                Expr::Subscript(subscript) => {
                    self.visit_expr(&subscript.value);
                    self.visit_expr(&subscript.slice);
                    let one = TextSize::from(1);
                    let last = TextRange::new(subscript.range.end() - one, subscript.range.end());
                    self.edits.replace(bracket, ".pop((");
                    self.edits.replace(last, "))");
                }
                target => {
                    self.edits.insert(target.end(), " = None");
                }
            }
        }
        // After those, since what is put where a gap begins comes before it.
        for (index, gap) in gaps.iter().enumerate() {
            self.edits.replace(*gap, if index == 0 { "" } else { "; " });
        }
        true
    }
}

/// Whether an expression is the same where it is written again: it calls nothing.
struct Copied(bool);

impl<'a> Visitor<'a> for Copied {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(_)
            | Expr::Attribute(_)
            | Expr::Subscript(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::UnaryOp(_)
            | Expr::BinOp(_) => walk_expr(self, expr),
            _ => self.0 = false,
        }
    }
}

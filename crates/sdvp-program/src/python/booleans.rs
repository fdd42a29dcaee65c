//! Arithmetic of truth values.
//!
//! In Python a truth value is a whole number, so `(a == 3) + (b == 3) == 2` counts. The interpreter
//! knows that for `*` and `/`, but refuses `+`, `-`, `%` and `sum` of truth values. So their operands
//! are multiplied by 1 first, which makes truth values numbers and changes nothing else.

use super::SyntaxFault;
use super::edits::Edits;
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, Operator};
use ruff_python_parser::{Mode, ParseOptions, parse};
use ruff_text_size::Ranged;

/// The expression with its arithmetic made fit for truth values.
///
/// # Errors
/// If it is not one Python expression.
pub(super) fn with_numbers(code: &str) -> Result<String, SyntaxFault> {
    let parsed =
        parse(code, ParseOptions::from(Mode::ParenthesizedExpression)).map_err(|error| {
            let before = &code[..error.location.start().to_usize().min(code.len())];
            SyntaxFault::new(
                before.chars().count(),
                format!("SyntaxError: {}", error.error),
            )
        })?;
    let Some(expression) = parsed.syntax().as_expression() else {
        return Err(SyntaxFault::new(0, "expected an expression"));
    };
    let mut pending = Pending(vec![&expression.body]);
    let mut edits = Edits::default();
    while let Some(expr) = pending.0.pop() {
        match expr {
            Expr::BinOp(op) if matches!(op.op, Operator::Add | Operator::Sub | Operator::Mod) => {
                for operand in [&op.left, &op.right] {
                    if may_be_truth(operand) {
                        edits.surround(operand.range(), "(1*(", "))");
                    }
                }
            }
            Expr::Call(call) if matches!(&*call.func, Expr::Name(name) if name.id == "sum") => {
                if let Some(values) = call.arguments.args.first() {
                    edits.surround(values.range(), "(1*_n for _n in (", "))");
                }
            }
            _ => {}
        }
        // Collects the children instead of recursing: chains such as `1+1+1+…` are deep trees.
        walk_expr(&mut pending, expr);
    }
    Ok(edits.apply(code))
}

struct Pending<'a>(Vec<&'a Expr>);

impl<'a> Visitor<'a> for Pending<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0.push(expr);
    }
}

/// Whether the operand may be a truth value, as far as its form tells.
fn may_be_truth(expr: &Expr) -> bool {
    match expr {
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::FString(_)
        | Expr::NoneLiteral(_)
        | Expr::List(_)
        | Expr::Tuple(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::ListComp(_)
        | Expr::DictComp(_)
        | Expr::SetComp(_)
        | Expr::Generator(_) => false,
        Expr::BinOp(op) => matches!(op.op, Operator::BitAnd | Operator::BitOr | Operator::BitXor),
        // `-True` is a number; `not` cannot stand here without parentheses.
        Expr::UnaryOp(op) => op.op == ruff_python_ast::UnaryOp::Not,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_operands_that_may_be_truths_are_multiplied() {
        for (code, expected) in [
            ("(a == 1) + b", "((1*(a == 1))) + (1*(b))"),
            ("a + b - c % 2", "(1*(a)) + (1*(b)) - (1*(c)) % 2"),
            ("a + 1 == 2", "(1*(a)) + 1 == 2"),
            ("'x' + a", "'x' + (1*(a))"),
            ("-a + (not b)", "-a + ((1*(not b)))"),
            ("a * b / c", "a * b / c"),
            ("a.b[c + d](e)", "a.b[(1*(c)) + (1*(d))](e)"),
            ("sum([a, b])", "sum((1*_n for _n in ([a, b])))"),
            ("sum(a for a in b)", "sum((1*_n for _n in (a for a in b)))"),
            ("a & b | c", "a & b | c"),
            ("(a & b) + (c)", "((1*(a & b))) + ((1*(c)))"),
            (" a +b ", " (1*(a)) +(1*(b)) "),
            ("é + ü", "(1*(é)) + (1*(ü))"),
            ("(a + b)(c) + d", "(1*(((1*(a)) + (1*(b)))(c))) + (1*(d))"),
        ] {
            assert_eq!(with_numbers(code).as_deref(), Ok(expected), "{code}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_where_it_goes_wrong() {
        for (code, at) in [("a = 1", 2), ("é + ", 4), ("1 +* 2", 3), ("a b", 2)] {
            assert_eq!(with_numbers(code).unwrap_err().at, Some(at), "{code}");
        }
    }
}

//! How deeply a whole program nests, found without recursion, before anything recurses over it.

use crate::ProgramError;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Refuses a program that nests deeper than `depth` (brackets in brackets, blocks in blocks), or
/// has a statement of more than `operations` operations, which chain just as deeply. The error's
/// line is where the statement begins.
pub(crate) fn check_depth(code: &str, depth: usize, operations: usize) -> Result<(), ProgramError> {
    let mut lexer = lexer::lex(code, Mode::Module);
    let (mut brackets, mut blocks, mut chained) = (0usize, 0usize, 0usize);
    let (mut line, mut began) = (1, 1);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Newline => {
                line += 1;
                (began, chained) = (line, 0);
            }
            // Lines before a statement, such as empty ones, are not its own.
            TokenKind::NonLogicalNewline if brackets == 0 => {
                line += 1;
                began = line;
            }
            TokenKind::NonLogicalNewline => line += 1,
            TokenKind::Semi => chained = 0,
            TokenKind::Indent => blocks += 1,
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                brackets += 1;
                // `f()()…` and `a[0][0]…` chain, too.
                chained += 1;
            }
            TokenKind::FStringStart | TokenKind::TStringStart => brackets += 1,
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => brackets = brackets.saturating_sub(1),
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::Comma
            | TokenKind::Colon => {}
            _ => chained += 1,
        }
        let fault = |message: String| Err(ProgramError::new(began, 1, message));
        if brackets > depth || blocks > depth {
            return fault(format!(
                "a program may nest {depth} deep (limit python-depth, raised by --allow python-depth=…)"
            ));
        }
        if chained > operations {
            return fault(format!(
                "a statement may hold {operations} operations (limit python-operations, raised by --allow python-operations=…)"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &str) -> Option<usize> {
        check_depth(code, 5, 20).err().map(|error| error.line)
    }

    #[test]
    fn deep_and_long_code_is_refused_where_it_is_too_deep() {
        assert_eq!(fault("x = (((((1)))))\ny = f(1)(2)(3)\n"), None);
        assert_eq!(fault("x = (\n1)\ny = ((((((1))))))\n"), Some(3));
        assert_eq!(fault(&"1+".repeat(30)), Some(1));
        assert_eq!(fault(&"a = 1 + 1\n".repeat(30)), None);
        assert_eq!(fault(&"f()".repeat(30)), Some(1));
        assert_eq!(fault(&format!("\n{}1", "not ".repeat(30))), Some(2));
        let blocks: String = (0..7)
            .map(|n| format!("{}if x:\n", " ".repeat(n)))
            .collect();
        assert_eq!(fault(&blocks), Some(7));
        let nested = "f\"{".repeat(7) + "1" + &"}\"".repeat(7);
        assert_eq!(fault(&nested), Some(1));
        assert_eq!(fault(&format!("x = [{}]", "1, ".repeat(500))), None);
    }
}

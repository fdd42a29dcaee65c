//! How deeply an expression nests, found without recursion.

use super::SyntaxFault;

/// Operations that may follow one another for every level of nesting: `1 + 1 + …` and `f()()…`
/// nest to the left, which costs a parser stack just as well, but less.
const OPERATIONS_PER_LEVEL: usize = 4;

/// Refuses code that nests deeper than `limit`, chains too many operations, has unbalanced brackets or an unclosed text, or
/// holds a comment or `;`.
///
/// Counted are open brackets, prefix operators (`not`, `-`, `+`, `~`) waiting for their operand,
/// and operators that associate to the right (`**`, `else`, `lambda`), until their bracket closes.
pub(super) fn check(code: &str, limit: usize) -> Result<(), SyntaxFault> {
    let chars: Vec<char> = code.chars().collect();
    let mut scan = Scan {
        levels: vec![Level::open(' ', 0)],
        depth: 0,
        operations: 0,
        expects_operand: true,
    };
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let c = chars[at];
        at += 1;
        match c {
            _ if c.is_whitespace() => {}
            '\'' | '"' => {
                at = end_of_text(&chars, start)?;
                scan.operand();
            }
            '(' | '[' | '{' => {
                scan.operations += usize::from(!scan.expects_operand);
                scan.open(c, start);
            }
            ')' | ']' | '}' => scan.close(c, start)?,
            '#' | ';' => {
                return Err(SyntaxFault::new(
                    start,
                    format!("expected an expression, found `{c}`"),
                ));
            }
            '*' if chars.get(at) == Some(&'*') => {
                at += 1;
                scan.binds_right();
            }
            '-' | '+' | '~' if scan.expects_operand => scan.prefix(),
            _ if is_word(c) => {
                while chars.get(at).copied().is_some_and(is_word) {
                    at += 1;
                }
                let word: String = chars[start..at].iter().collect();
                match word.as_str() {
                    "not" if scan.expects_operand => scan.prefix(),
                    "else" | "lambda" => scan.binds_right(),
                    "await" | "yield" => scan.prefix(),
                    "and" | "or" | "in" | "is" | "if" | "for" => scan.operation(),
                    _ => scan.operand(),
                }
            }
            '.' => scan.operations += 1,
            ',' | ':' => scan.expects_operand = true,
            _ => scan.operation(),
        }
        let most = limit * OPERATIONS_PER_LEVEL;
        if scan.operations > most {
            return Err(SyntaxFault::new(
                start,
                format!(
                    "an expression may hold {most} operations, {OPERATIONS_PER_LEVEL} times expression-depth, raised by --allow expression-depth=…"
                ),
            ));
        }
        if scan.depth > limit {
            return Err(SyntaxFault::new(
                start,
                format!(
                    "an expression may nest {limit} deep (limit expression-depth, raised by --allow expression-depth=…)"
                ),
            ));
        }
    }
    match scan.levels.last() {
        Some(level) if level.bracket != ' ' => Err(SyntaxFault::new(
            level.at,
            format!(
                "expected a closing bracket for `{}`, found the end of the expression",
                level.bracket
            ),
        )),
        _ => Ok(()),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// One open bracket, with what waits inside it.
struct Level {
    bracket: char,
    at: usize,
    prefixes: usize,
    right: usize,
}

impl Level {
    fn open(bracket: char, at: usize) -> Self {
        Self {
            bracket,
            at,
            prefixes: 0,
            right: 0,
        }
    }
}

struct Scan {
    /// Open brackets; the first is the expression itself.
    levels: Vec<Level>,
    depth: usize,
    operations: usize,
    expects_operand: bool,
}

impl Scan {
    fn operation(&mut self) {
        self.operations += 1;
        self.expects_operand = true;
    }

    fn open(&mut self, bracket: char, at: usize) {
        self.levels.push(Level::open(bracket, at));
        self.depth += 1;
        self.expects_operand = true;
    }

    fn close(&mut self, bracket: char, at: usize) -> Result<(), SyntaxFault> {
        let open = match bracket {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        match self.levels.pop() {
            Some(level) if level.bracket == open => {
                self.depth -= 1 + level.prefixes + level.right;
                self.operand();
                Ok(())
            }
            Some(level) if level.bracket != ' ' => Err(SyntaxFault::new(
                at,
                format!(
                    "`{bracket}` does not close the `{}` before it",
                    level.bracket
                ),
            )),
            _ => Err(SyntaxFault::new(
                at,
                format!("`{bracket}` closes nothing: there is no `{open}` before it"),
            )),
        }
    }

    fn prefix(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.prefixes += 1;
            self.depth += 1;
        }
        self.expects_operand = true;
    }

    fn binds_right(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.right += 1;
            self.depth += 1;
        }
        self.expects_operand = true;
    }

    fn operand(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            self.depth -= level.prefixes;
            level.prefixes = 0;
        }
        self.expects_operand = false;
    }
}

/// Index after the text that starts at `start`.
fn end_of_text(chars: &[char], start: usize) -> Result<usize, SyntaxFault> {
    let quote = chars[start];
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        at += 1;
        if c == '\\' {
            at += 1;
        } else if c == quote {
            return Ok(at);
        }
    }
    Err(SyntaxFault::new(
        start,
        format!("expected a closing {quote}, found the end of the expression"),
    ))
}

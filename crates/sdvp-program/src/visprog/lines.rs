//! Which lines of what a language model wrote are statements.

use super::VisProgSettings;
use crate::ProgramError;

/// The text of one statement, without what surrounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatementLine<'a> {
    /// Line, from 1.
    pub(super) number: usize,
    /// Column of the text's first character, from 1.
    pub(super) column: usize,
    /// The text.
    pub(super) text: &'a str,
}

/// The statements of a source: everything but blank lines, comments, `Program:` headings, list
/// marks and code fences. If there are at least two fences, only what stands between the first two
/// is the program. Lines over the limit go into `errors`.
///
/// # Errors
/// If there are too many lines.
pub(super) fn statement_lines<'a>(
    source: &'a str,
    settings: &VisProgSettings,
    errors: &mut Vec<ProgramError>,
) -> Result<Vec<StatementLine<'a>>, ProgramError> {
    let count = source.lines().count();
    if count > settings.max_lines {
        return Err(ProgramError::new(
            settings.max_lines + 1,
            1,
            format!(
                "a program may have {} lines (limit program-lines, raised by --allow program-lines=…), found {count}",
                settings.max_lines
            ),
        ));
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let fences: Vec<usize> = source
        .lines()
        .enumerate()
        .filter(|(_, line)| is_fence(line))
        .map(|(index, _)| index)
        .collect();
    let body = match fences[..] {
        [first, second, ..] => first..second,
        _ => 0..count,
    };
    let mut statements = Vec::new();
    for (index, line) in source.lines().enumerate() {
        if !body.contains(&index) || is_fence(line) {
            continue;
        }
        let number = index + 1;
        let length = line.chars().count();
        if length > settings.max_line_length {
            errors.push(ProgramError::new(
                number,
                settings.max_line_length + 1,
                format!(
                    "a line may have {} characters (limit program-line-length, raised by --allow program-line-length=…), found {length}",
                    settings.max_line_length
                ),
            ));
            continue;
        }
        let text = without_heading(line).trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        // `text` is a part of `line`, so the difference of the tails is what precedes it.
        let tail = line.trim_end();
        let before = tail.chars().count() - text.chars().count();
        statements.push(StatementLine {
            number,
            column: before + 1,
            text,
        });
    }
    Ok(statements)
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// The line without `Program:` and a list mark (`3.`, `3)`, `-`, `*`).
fn without_heading(line: &str) -> &str {
    const HEADING: &str = "program:";
    let mut rest = line.trim();
    if let Some(start) = rest.get(..HEADING.len())
        && start.eq_ignore_ascii_case(HEADING)
    {
        rest = rest[HEADING.len()..].trim_start();
    }
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let marked = if digits.len() < rest.len() {
        digits.strip_prefix(['.', ')'])
    } else {
        rest.strip_prefix(['-', '*'])
    };
    match marked {
        Some(after) if after.starts_with(char::is_whitespace) => after.trim_start(),
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<(usize, usize, &str)> {
        let mut errors = Vec::new();
        let lines = statement_lines(source, &VisProgSettings::default(), &mut errors).unwrap();
        assert_eq!(errors, []);
        lines
            .iter()
            .map(|line| (line.number, line.column, line.text))
            .collect()
    }

    #[test]
    fn surroundings_are_left_out() {
        assert_eq!(
            texts("Program:\r\n\r\n  A=B()  \r\n# note\r\n\tC=D()\r\n"),
            [(3, 3, "A=B()"), (5, 2, "C=D()")]
        );
        assert_eq!(texts("program: A=B()"), [(1, 10, "A=B()")]);
        assert_eq!(
            texts("1. A=B()\n 2) C=D()\n- E=F()\n* G=H()"),
            [
                (1, 4, "A=B()"),
                (2, 5, "C=D()"),
                (3, 3, "E=F()"),
                (4, 3, "G=H()")
            ]
        );
        assert_eq!(texts("\u{feff}A=B()"), [(1, 1, "A=B()")]);
    }

    #[test]
    fn only_the_first_fenced_block_counts() {
        assert_eq!(
            texts("Here you are:\n```python\nA=B()\n```\nHope it helps."),
            [(3, 1, "A=B()")]
        );
        assert_eq!(texts("A=B()\n```"), [(1, 1, "A=B()")]);
    }

    #[test]
    fn limits_name_their_setting() {
        let settings = VisProgSettings {
            max_lines: 3,
            max_line_length: 5,
            ..VisProgSettings::default()
        };
        let mut errors = Vec::new();
        let error = statement_lines("a\nb\nc\nd", &settings, &mut errors).unwrap_err();
        assert_eq!((error.line, error.column), (4, 1));
        assert!(
            error.message.contains("--allow program-lines=") && error.message.contains("found 4")
        );
        let kept = statement_lines("abcdef\nabcde", &settings, &mut errors).unwrap();
        assert_eq!(kept.len(), 1);
        assert!(errors[0].message.contains("--allow program-line-length="));
    }
}

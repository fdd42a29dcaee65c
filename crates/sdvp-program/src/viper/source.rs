//! From what a language model wrote to a Python module: fences and prose around the code, a missing
//! header, odd indentation. Every line keeps its number in the text.

use super::settings::ViperSettings;
use crate::python::check_depth;
use crate::{ProgramError, ProgramErrors};
use ruff_python_ast::{Expr, ModModule, Stmt};
use ruff_python_parser::{Mode, ParseError, ParseOptions, Parsed, parse};
use std::panic::catch_unwind;

/// The name of the function that answers.
pub(super) const ENTRY: &str = "execute_command";
/// What a level of indentation is, where one is made.
const LEVEL: &str = "    ";

/// A program's code, read.
pub(super) struct Source {
    /// Python, every line of which stands for one of the text.
    pub(super) code: String,
    /// Which; 0 for those that were added.
    pub(super) numbers: Vec<usize>,
    pub(super) module: Parsed<ModModule>,
}

/// A line of the text with its number, from 1.
type Line = (usize, String);

impl Source {
    /// Reads what a language model wrote.
    ///
    /// # Errors
    /// If no Python can be made of it: what is wrong with the text as it was written.
    pub(super) fn read(text: &str, settings: &ViperSettings) -> Result<Self, ProgramErrors> {
        let length = text.chars().count();
        let one = |error| ProgramErrors(vec![error]);
        if text.trim().is_empty() {
            let message = "expected a program, found nothing";
            return Err(one(ProgramError::new(1, 1, message)));
        }
        if length > settings.max_length {
            let message = format!(
                "a program may have {} characters (limit python-length, raised by --allow python-length=…), found {length}",
                settings.max_length
            );
            return Err(one(ProgramError::new(1, 1, message)));
        }
        let lines: Vec<Line> = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.to_owned()))
            .collect();
        // Fences may be part of a docstring, tabs of a text.
        if let Ok(source) = Self::parsed(&lines, settings)
            && source.has_function()
        {
            return Ok(source);
        }
        let lines = lines.into_iter();
        let lines = unfenced(
            lines
                .map(|(number, line)| (number, spaced(&line)))
                .collect(),
        );
        let first = match Self::parsed(&lines, settings) {
            Ok(source) if source.has_function() => return Ok(source),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        let all = straight_quotes(&lines);
        let plain = without_prose(&all);
        for candidate in [
            indented(&all),
            indented(&plain),
            plain,
            with_header(&all),
            with_header(&indented(&all)),
            all,
        ] {
            if let Ok(source) = Self::parsed(&candidate, settings)
                && source.has_function()
            {
                return Ok(source);
            }
        }
        let nothing = ProgramError::new(1, 1, format!("expected a function {ENTRY}, found none"));
        Err(one(first.unwrap_or(nothing)))
    }

    fn parsed(lines: &[Line], settings: &ViperSettings) -> Result<Self, ProgramError> {
        let numbers: Vec<usize> = lines.iter().map(|(number, _)| *number).collect();
        let mut code = String::with_capacity(lines.iter().map(|(_, line)| line.len() + 1).sum());
        for (_, line) in lines {
            code.push_str(line);
            code.push('\n');
        }
        let number = |line: usize| {
            let known = numbers.get(line.saturating_sub(1)).or(numbers.last());
            known.copied().unwrap_or(1).max(1)
        };
        check_depth(&code, settings.max_depth, settings.max_operations)
            .map_err(|error| ProgramError::new(number(error.line), error.column, error.message))?;
        let unreadable = || ProgramError::new(1, 1, "the Python parser cannot read it");
        let parsed = catch_unwind(|| parse(&code, ParseOptions::from(Mode::Module)))
            .map_err(|_| unreadable())?;
        let module = match parsed {
            Ok(parsed) => parsed.try_into_module().ok_or_else(unreadable)?,
            Err(error) => {
                let (line, column) = place(&code, &error);
                let message = format!("SyntaxError: {}", error.error);
                return Err(ProgramError::new(number(line), column, message));
            }
        };
        Ok(Self {
            code,
            numbers,
            module,
        })
    }

    fn has_function(&self) -> bool {
        let body = &self.module.syntax().body;
        body.iter().any(|stmt| matches!(stmt, Stmt::FunctionDef(_)))
    }
}

/// Line and column, both from 1, where a fault begins.
fn place(code: &str, error: &ParseError) -> (usize, usize) {
    // The end is that of the last line.
    let at = error.location.start().to_usize().min(code.trim_end().len());
    let before = code.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    (line, column)
}

/// A line with the tabs of its indentation made blanks.
fn spaced(line: &str) -> String {
    let code = line.trim_start_matches([' ', '\t']);
    let indentation = line.get(..line.len() - code.len()).unwrap_or_default();
    indentation.replace('\t', LEVEL) + code
}

/// The code between Markdown fences: the last block that has the function, else the last that has
/// any, else all blocks. Everything where there are no fences.
fn unfenced(lines: Vec<Line>) -> Vec<Line> {
    let is_fence = |line: &str| line.trim_start().starts_with("```");
    let fences: Vec<usize> = (0..lines.len())
        .filter(|&at| lines.get(at).is_some_and(|(_, line)| is_fence(line)))
        .collect();
    let (Some(&first), Some(&last)) = (fences.first(), fences.last()) else {
        return lines;
    };
    // A single fence closes code whose opening was part of the prompt, unless it stands before it.
    if first == last {
        let opens = lines.iter().skip(first).any(|(_, line)| is_header(line));
        let kept = if opens {
            first + 1..lines.len()
        } else {
            0..first
        };
        return lines.get(kept).unwrap_or_default().to_vec();
    }
    let blocks: Vec<&[Line]> = fences
        .chunks(2)
        .filter_map(|pair| match *pair {
            [open, close] => lines.get(open + 1..close),
            [open] => lines.get(open + 1..),
            _ => None,
        })
        .collect();
    let entry = format!("def {ENTRY}");
    let holds = |block: &&&[Line], what: &dyn Fn(&str) -> bool| block.iter().any(|(_, l)| what(l));
    let chosen = blocks
        .iter()
        .rfind(|block| holds(block, &|line| line.contains(&entry)))
        .or_else(|| blocks.iter().rfind(|block| holds(block, &is_header)));
    match chosen {
        Some(block) => block.to_vec(),
        None => blocks.concat(),
    }
}

fn is_header(line: &str) -> bool {
    line.trim_start().starts_with("def ")
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Whether a line begins code that stands by itself.
fn begins_code(line: &str) -> bool {
    let line = line.trim_start();
    let import =
        line.starts_with("import ") || line.starts_with("from ") && line.contains(" import ");
    import
        || ["def ", "class ", "@"]
            .iter()
            .any(|word| line.starts_with(word))
}

/// The definitions and imports of a text, with everything else at their level left out.
fn without_prose(lines: &[Line]) -> Vec<Line> {
    let Some(base) = lines
        .iter()
        .find(|(_, line)| is_header(line))
        .map(|(_, line)| indentation(line))
    else {
        return lines.to_vec();
    };
    let mut kept = Vec::new();
    let mut inside = false;
    for (number, line) in lines {
        let at_level = indentation(line) <= base && !is_blank(line);
        if at_level {
            // A bracket that closes at the level of its statement belongs to it.
            let closes = line.trim_start().starts_with([')', ']', '}']);
            inside = begins_code(line) || inside && closes;
        }
        if inside {
            kept.push((
                *number,
                line.get(base.min(indentation(line))..)
                    .unwrap_or(line)
                    .to_owned(),
            ));
        }
    }
    kept
}

/// The lines with quotation marks of prose made those of code, if there are any.
fn straight_quotes(lines: &[Line]) -> Vec<Line> {
    let straight = |line: &str| {
        line.replace(['\u{201c}', '\u{201d}'], "\"")
            .replace(['\u{2018}', '\u{2019}'], "'")
    };
    lines
        .iter()
        .map(|(number, line)| (*number, straight(line)))
        .collect()
}

/// The lines with every indentation made one that Python takes: deeper after a colon, else that of
/// a line before. A function's body that stands at the level of its header goes below it.
fn indented(lines: &[Line]) -> Vec<Line> {
    let mut levels: Vec<usize> = vec![0];
    let mut opened = false;
    let mut brackets = 0usize;
    let mut below_header = false;
    let mut out: Vec<Line> = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let code = line.trim();
        if is_blank(line) {
            out.push((*number, line.clone()));
            continue;
        }
        if brackets == 0 {
            let mut indent = indentation(line);
            if is_header(line) && indent == 0 {
                below_header = false;
            }
            if below_header {
                indent += LEVEL.len();
            }
            let current = levels.last().copied().unwrap_or(0);
            if opened && indent <= current && current == 0 && !below_header {
                // The body of the function before was not indented.
                below_header = true;
                indent += LEVEL.len();
            }
            if opened {
                levels.push(indent.max(current + 1));
            } else {
                while levels.len() > 1 && levels.last().is_some_and(|&level| level > indent) {
                    levels.pop();
                }
            }
        }
        out.push((*number, LEVEL.repeat(levels.len() - 1) + code));
        for c in without_text(code).chars() {
            match c {
                '(' | '[' | '{' => brackets += 1,
                ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
        }
        opened = brackets == 0 && without_text(code).trim_end().ends_with(':');
    }
    out
}

/// A line of code without its texts and its comment.
fn without_text(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut quote = None;
    let mut escaped = false;
    for c in code.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '#' => break,
            None => out.push(c),
        }
    }
    out
}

/// A function around lines that have none. Without a `return`, its value is that of the last line.
fn with_header(lines: &[Line]) -> Vec<Line> {
    let mut lines = lines.to_vec();
    let code = |(_, line): &&mut Line| !is_blank(line);
    // What goes on after a prompt that ended inside the function: its first line has no indentation.
    let mut code_lines = lines.iter_mut().filter(code);
    if let (Some(first), Some(second)) = (code_lines.next(), code_lines.next())
        && indentation(&first.1) == 0
        && !first.1.trim_end().ends_with(':')
    {
        let indent = " ".repeat(indentation(&second.1));
        first.1.insert_str(0, &indent);
    }
    let least = lines
        .iter()
        .filter(|(_, line)| !is_blank(line))
        .map(|(_, line)| indentation(line))
        .min()
        .unwrap_or(0);
    for (_, line) in &mut lines {
        *line = line
            .get(least.min(indentation(line))..)
            .unwrap_or(line)
            .to_owned();
    }
    if !lines
        .iter()
        .any(|(_, line)| line.trim_start().starts_with("return"))
    {
        returned(&mut lines);
    }
    let body = lines
        .into_iter()
        .map(|(number, line)| (number, format!("{LEVEL}{line}")));
    std::iter::once((0, format!("def {ENTRY}():")))
        .chain(body)
        .collect()
}

/// Makes the value of the last statement the function's.
fn returned(lines: &mut Vec<Line>) {
    let code: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
    let parsed = catch_unwind(|| parse(&code, ParseOptions::from(Mode::Module)));
    let Some(module) = parsed
        .ok()
        .and_then(Result::ok)
        .and_then(Parsed::try_into_module)
    else {
        return;
    };
    match module.syntax().body.last() {
        Some(Stmt::Expr(last)) => {
            let at = last.range.start().to_usize();
            let line = code.get(..at).unwrap_or_default().matches('\n').count();
            let begins = code
                .get(..at)
                .is_none_or(|before| before.is_empty() || before.ends_with('\n'));
            if let (true, Some((_, line))) = (begins, lines.get_mut(line)) {
                line.insert_str(0, "return ");
            }
        }
        Some(Stmt::Assign(last)) => {
            if let [Expr::Name(name)] = last.targets.as_slice() {
                lines.push((0, format!("return {}", name.id)));
            }
        }
        _ => {}
    }
}

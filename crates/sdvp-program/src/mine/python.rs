//! The sandbox for Python that programs contain: no files, no network, no imports of anything that
//! reaches outside, limits on time and recursion (the interpreter `monty`).

use crate::Value;
use monty::MontyRun;
use monty_types::{CompileOptions, MontyObject, PrintWriter, ResourceLimits, ResourceTracker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Limits on one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PythonLimits {
    /// Longest time, milliseconds.
    pub max_millis: u64,
    /// Deepest recursion.
    pub max_depth: usize,
    /// Longest expression, characters.
    pub max_length: usize,
    /// Deepest nesting of brackets, which the parser recurses into.
    pub max_nesting: usize,
}

impl Default for PythonLimits {
    fn default() -> Self {
        Self { max_millis: 200, max_depth: 50, max_length: 10_000, max_nesting: 40 }
    }
}

/// Evaluates one expression.
///
/// # Errors
/// The interpreter's reason, or the limit that was reached.
pub fn evaluate(expression: &str, limits: &PythonLimits) -> Result<Value, String> {
    let run = compile(expression, limits)?;
    let allowed = ResourceLimits {
        max_duration: Some(Duration::from_millis(limits.max_millis)),
        max_recursion_depth: limits.max_depth,
        ..ResourceLimits::default()
    };
    // The interpreter is written not to panic; a bug in it must still not take the run down.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        run.run(Vec::new(), ResourceTracker::new(allowed), PrintWriter::Disabled)
    }));
    match outcome {
        Ok(Ok(object)) => value(object),
        Ok(Err(error)) => Err(error.summary()),
        Err(_) => Err("the interpreter panicked".to_owned()),
    }
}

/// Checks that an expression can be read.
///
/// # Errors
/// The interpreter's reason, or the limit that was reached.
pub fn check(expression: &str, limits: &PythonLimits) -> Result<(), String> {
    compile(expression, limits).map(|_| ())
}

fn compile(expression: &str, limits: &PythonLimits) -> Result<MontyRun, String> {
    let length = expression.chars().count();
    if length > limits.max_length {
        return Err(format!("it has {length} characters, the limit is {} (setting max_length)", limits.max_length));
    }
    let deepest = nesting(expression);
    if deepest > limits.max_nesting {
        return Err(format!("its brackets nest {deepest} deep, the limit is {} (setting max_nesting)", limits.max_nesting));
    }
    if expression.contains(['\n', '\r']) {
        return Err("expected one expression on one line".to_owned());
    }
    // In brackets, so that statements are no expressions.
    let code = format!("({expression}\n)");
    let compiled = catch_unwind(AssertUnwindSafe(|| {
        MontyRun::new(code, "EVAL", Vec::new(), CompileOptions::default())
    }));
    match compiled {
        Ok(Ok(run)) => Ok(run),
        Ok(Err(error)) => Err(error.summary()),
        Err(_) => Err("the interpreter panicked".to_owned()),
    }
}

/// Deepest nesting: of brackets, or of prefix operators, which nest just as well.
fn nesting(expression: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for c in expression.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let mut prefixes = 0usize;
    let mut run = 0usize;
    for word in expression.split([' ', '(', ')']) {
        let signs = word.chars().filter(|c| matches!(c, '-' | '+' | '~')).count();
        run = if word == "not" || word == "lambda:" || (signs > 0 && signs == word.len()) {
            run + signs.max(1)
        } else if word.is_empty() {
            run
        } else {
            prefixes = prefixes.max(signs);
            0
        };
        prefixes = prefixes.max(run);
    }
    deepest.max(prefixes)
}

fn value(object: MontyObject) -> Result<Value, String> {
    Ok(match object {
        MontyObject::None => Value::None,
        MontyObject::Bool(truth) => Value::Bool(truth),
        MontyObject::Int(number) => Value::Int(number),
        MontyObject::Float(number) => Value::Float(number),
        MontyObject::String(text) => Value::Text(text),
        MontyObject::List(items) | MontyObject::Tuple(items) => {
            Value::List(items.into_iter().map(value).collect::<Result<_, _>>()?)
        }
        other => return Err(format!("expected text, a number, a truth value or a list, found {other:?}")),
    })
}

/// A text as a Python literal.
pub fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(expression: &str) -> String {
        match evaluate(expression, &PythonLimits::default()) {
            Ok(value) => value.to_string(),
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn expressions_of_programs() {
        assert_eq!(text("'yes' if 2 > 0 else 'no'"), "yes");
        assert_eq!(text("True + True == 2"), "True");
        assert_eq!(text("(3 == 3) + (1 == 3) == 2"), "False");
        assert_eq!(text("True != False"), "True");
        assert_eq!(text("'a' 'b'"), "ab");
        assert_eq!(text("7 / 2"), "3.5");
        assert_eq!(text("[1, 'x']"), "[1, x]");
    }

    #[test]
    fn faults_are_reported_as_python_does() {
        assert!(text("'red' > 3").contains("TypeError"));
        assert!(text("1 / 0").contains("ZeroDivisionError"));
        assert!(text("1 > 0 and else 2").contains("SyntaxError"));
        assert!(text("x = 3").contains("error"));
        assert!(text("unknown").contains("NameError"));
    }

    #[test]
    fn hostile_expressions_end() {
        for hostile in [
            "__import__('os').system('true')".to_owned(),
            "open('/etc/passwd').read()".to_owned(),
            "sum(i for i in range(10**12))".to_owned(),
            format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
            format!("{}True", "not ".repeat(3000)),
            format!("{}1", "-".repeat(5000)),
            "1\nimport os".to_owned(),
            "'".to_owned(),
        ] {
            let end = hostile.chars().take(30).collect::<String>();
            assert!(text(&hostile).starts_with("error"), "{end}");
        }
    }

    #[test]
    fn quoting_round_trips() {
        for original in ["it's", "a\\b", "say \"x\"", "two\nlines", "ü"] {
            assert_eq!(text(&quoted(original)), original);
        }
    }
}

//! `EVAL`'s expressions: Python with variables in braces.
//!
//! A variable in braces becomes an input of the compiled expression, never text pasted into it:
//! so an expression is compiled once, and no answer of a module can be read as code.

use super::quoted::Quoted;
use super::scan::{Fault, Part, scan};
use crate::Value;
use crate::python::{Expression, PythonLimits};
use std::fmt::Write as _;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct EvalExpression {
    pub(super) text: String,
    parts: Vec<Part>,
    inputs: Vec<Input>,
    compiled: Expression,
}

impl PartialEq for EvalExpression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A variable of the expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Input {
    /// The variable.
    pub(super) name: String,
    /// Inside quotes it is always text; elsewhere `yes`, `no` and digits have their own types.
    quoted: bool,
}

impl EvalExpression {
    /// Compiles the text of an `expr` argument.
    ///
    /// # Errors
    /// The column in the line and the message.
    pub(super) fn compile(quoted: &Quoted, limits: PythonLimits) -> Result<Self, (usize, String)> {
        let place = |fault: Fault| (quoted.column(fault.at), fault.message);
        // Before anything that costs more than reading it.
        if let Some((at, _)) = quoted.text.char_indices().nth(limits.length) {
            let found = limits.length + quoted.text[at..].chars().count();
            return Err(place(Fault::new(
                limits.length,
                format!(
                    "an expression may have {} characters (limit expression-length, raised by --allow expression-length=…), found {found}",
                    limits.length
                ),
            )));
        }
        let parts = scan(&quoted.text).map_err(place)?;
        let mut code = Code::default();
        for part in &parts {
            code.add(part);
        }
        // Names of inputs are longer than what they stand for.
        let limits = PythonLimits {
            length: limits.length.saturating_mul(8),
            ..limits
        };
        let names = (0..code.inputs.len()).map(input_name).collect();
        let compiled = Expression::compile(&code.text, names, limits).map_err(|fault| {
            let at = fault.at.map_or(0, |at| {
                code.origins
                    .get(at)
                    .copied()
                    .unwrap_or(quoted.text.chars().count())
            });
            let message = format!("faulty expression: {}", fault.message);
            (quoted.column(at), message)
        })?;
        Ok(Self {
            text: quoted.text.clone(),
            parts,
            inputs: code.inputs,
            compiled,
        })
    }

    /// The variables in braces with the index of their brace in the text; repetitions included.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, usize)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, at, .. } => Some((name.as_str(), *at)),
            _ => None,
        })
    }

    /// The words outside quotes and braces, with their index in the text.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, usize)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Word { text, at } => Some((text.as_str(), *at)),
            _ => None,
        })
    }

    /// The different variables it needs, in the order in which [`evaluate`](Self::evaluate) wants
    /// their values.
    pub(super) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The text with the values filled in, and the value or the interpreter's reason.
    pub(super) fn evaluate(&self, values: &[Value]) -> (String, Result<Value, String>) {
        let filled = self.filled(values);
        let given: Vec<Value> = self
            .inputs
            .iter()
            .zip(values)
            .map(|(input, value)| input.given(value))
            .collect();
        (filled, self.compiled.evaluate(&given))
    }

    fn filled(&self, values: &[Value]) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Code { text: code, .. } | Part::Inside { text: code, .. } => {
                    text.push_str(code);
                }
                Part::Word { text: word, .. } => text.push_str(in_python(word)),
                Part::Open { quote, .. } | Part::Close { quote, .. } => text.push(*quote),
                Part::Variable { name, quote, .. } => {
                    let input = Input {
                        name: name.clone(),
                        quoted: quote.is_some(),
                    };
                    let index = self.inputs.iter().position(|known| *known == input);
                    match index.and_then(|index| values.get(index)) {
                        Some(value) => write_python(&mut text, &input.given(value), *quote),
                        None => text.push_str(name),
                    }
                }
            }
        }
        text
    }
}

impl Input {
    /// The value as the expression sees it.
    fn given(&self, value: &Value) -> Value {
        match value {
            _ if self.quoted => Value::Text(value.to_string()),
            Value::Text(text) => match text.as_str() {
                "yes" => Value::Bool(true),
                "no" => Value::Bool(false),
                digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                    // Digits beyond 64 bits stay the text they are.
                    digits.parse().map_or_else(|_| value.clone(), Value::Int)
                }
                _ => value.clone(),
            },
            _ => value.clone(),
        }
    }
}

/// Python's word for a word of the dialect.
fn in_python(word: &str) -> &str {
    if word == "xor" { "!=" } else { word }
}

fn input_name(index: usize) -> String {
    format!("_{index}")
}

/// Appends a value as Python source; inside a quoted text if `inside` is its quote.
fn write_python(out: &mut String, value: &Value, inside: Option<char>) {
    match value {
        Value::Text(text) => {
            let quote = inside.unwrap_or('\'');
            if inside.is_none() {
                out.push(quote);
            }
            for c in text.chars() {
                match c {
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\\' => out.push_str("\\\\"),
                    _ if c == quote => {
                        out.push('\\');
                        out.push(c);
                    }
                    _ => out.push(c),
                }
            }
            if inside.is_none() {
                out.push(quote);
            }
        }
        Value::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_python(out, value, None);
            }
            out.push(']');
        }
        // Writing to a string cannot fail.
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// The Python source being written, and where in the expression's text each character is from.
#[derive(Default)]
struct Code {
    text: String,
    origins: Vec<usize>,
    inputs: Vec<Input>,
}

impl Code {
    fn add(&mut self, part: &Part) {
        match part {
            Part::Code { text, at } | Part::Inside { text, at } => self.copy(text, *at),
            Part::Word { text, at } => self.write(in_python(text), *at),
            // A text with variables in it is a sum of texts.
            Part::Open { quote, at, filled } => {
                if *filled {
                    self.write("(", *at);
                }
                self.write(quote.encode_utf8(&mut [0; 4]), *at);
            }
            Part::Close { quote, at, filled } => {
                self.write(quote.encode_utf8(&mut [0; 4]), *at);
                if *filled {
                    self.write(")", *at);
                }
            }
            Part::Variable { name, quote, at } => {
                let input = Input {
                    name: name.clone(),
                    quoted: quote.is_some(),
                };
                let known = self.inputs.iter().position(|known| *known == input);
                let index = known.unwrap_or_else(|| {
                    self.inputs.push(input);
                    self.inputs.len() - 1
                });
                let name = input_name(index);
                match quote {
                    Some(quote) => self.write(&format!("{quote} + {name} + {quote}"), *at),
                    // Blanks keep it from growing together with what it touches.
                    None => self.write(&format!(" {name} "), *at),
                }
            }
        }
    }

    /// Writes what is all from one place.
    fn write(&mut self, text: &str, at: usize) {
        self.origins.extend(text.chars().map(|_| at));
        self.text.push_str(text);
    }

    /// Copies from the expression's text.
    fn copy(&mut self, text: &str, at: usize) {
        self.origins.extend(at..at + text.chars().count());
        self.text.push_str(text);
    }
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;

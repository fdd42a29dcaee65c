//! Which variables are known at a line, and what they hold.

use super::steps::{Takes, Type, nearest};
use super::syntax::abridged;
use std::collections::HashMap;

/// Errors list no more names than this.
const MAX_LISTED: usize = 12;

/// The variables of a program, as of the line being read.
pub(super) struct Scope {
    defined: HashMap<String, (Type, Option<usize>)>,
    /// The defined names in order, for errors.
    order: Vec<String>,
    /// The first line that sets each variable.
    announced: HashMap<String, usize>,
}

impl Scope {
    pub(super) fn new(inputs: &[String]) -> Self {
        Self {
            defined: inputs
                .iter()
                .map(|name| (name.clone(), (Type::Image, None)))
                .collect(),
            order: inputs.to_vec(),
            announced: HashMap::new(),
        }
    }

    /// Notes that a line will set a variable.
    pub(super) fn announce(&mut self, variable: &str, line: usize) {
        self.announced.entry(variable.to_owned()).or_insert(line);
    }

    /// From now on the variable holds this.
    pub(super) fn define(&mut self, variable: &str, holds: Type, line: usize) {
        let before = self
            .defined
            .insert(variable.to_owned(), (holds, Some(line)));
        if before.is_none() {
            self.order.push(variable.to_owned());
        }
    }

    pub(super) fn is_defined(&self, variable: &str) -> bool {
        self.defined.contains_key(variable)
    }

    /// Whether an argument may be given the variable.
    ///
    /// # Errors
    /// A message if it is not defined or holds something else.
    pub(super) fn check(&self, variable: &str, takes: Takes) -> Result<(), String> {
        let (holds, line) = self.look_up(variable)?;
        let wanted = match takes {
            Takes::Image => Type::Image,
            Takes::Boxes => Type::Boxes,
            Takes::Variable | Takes::Text => return Ok(()),
        };
        if holds == wanted || holds == Type::Unknown {
            return Ok(());
        }
        Err(format!(
            "expected {}, found {variable}, which holds {}{}",
            wanted.name(),
            holds.name(),
            origin(line)
        ))
    }

    /// Whether an expression can use the variable.
    ///
    /// # Errors
    /// A message if it is not defined or holds an image or boxes.
    pub(super) fn check_scalar(&self, variable: &str) -> Result<(), String> {
        let (holds, line) = self.look_up(variable)?;
        let hint = match holds {
            Type::Image => "ask it something with VQA first",
            Type::Boxes => "COUNT them first",
            _ => return Ok(()),
        };
        Err(format!(
            "an expression can use text, numbers and truth values, found {variable}, which holds {}{}; {hint}",
            holds.name(),
            origin(line)
        ))
    }

    fn look_up(&self, variable: &str) -> Result<(Type, Option<usize>), String> {
        if let Some(&found) = self.defined.get(variable) {
            return Ok(found);
        }
        let shown = abridged(variable);
        if let Some(line) = self.announced.get(variable) {
            return Err(format!(
                "variable {shown} is not defined yet; line {line} defines it"
            ));
        }
        let listed: Vec<&str> = self
            .order
            .iter()
            .rev()
            .take(MAX_LISTED)
            .rev()
            .map(|name| name.as_str())
            .collect();
        let more = if self.order.len() > MAX_LISTED {
            "…, "
        } else {
            ""
        };
        let hint = nearest(&shown, listed.iter().copied())
            .map_or(String::new(), |near| format!("; did you mean {near}?"));
        Err(format!(
            "variable {shown} is not defined; defined so far: {more}{}{hint}",
            listed.join(", ")
        ))
    }
}

fn origin(line: Option<usize>) -> String {
    line.map_or(" (an input)".to_owned(), |line| format!(" (line {line})"))
}

//! VisProg programs in a form in which names of variables do not matter.

use std::collections::HashMap;

/// A program as `VisProgProgram` writes it, its variables renamed in the order in which they are set.
pub(super) fn canonical(program: &str) -> String {
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut lines = Vec::new();
    for (number, line) in program.lines().enumerate() {
        let Some((variable, step)) = line.split_once('=') else {
            lines.push(line.to_owned());
            continue;
        };
        let renamed = renamed(step, &names);
        let name = format!("V{number}");
        lines.push(format!("{name}={renamed}"));
        names.insert(variable, name);
    }
    lines.join("\n")
}

/// A step with the variables it uses renamed: values outside of quotation marks, and names in braces.
fn renamed(step: &str, names: &HashMap<&str, String>) -> String {
    let mut out = String::with_capacity(step.len());
    let mut word = String::new();
    let mut quote = None;
    let mut before = None;
    let mut escaped = false;
    for c in step.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            escaped = false;
            continue;
        }
        if !word.is_empty() {
            let is_variable = match quote {
                None => before == Some('=') && c != '(',
                Some(_) => before == Some('{') && c == '}',
            };
            match names.get(word.as_str()).filter(|_| is_variable) {
                Some(name) => out.push_str(name),
                None => out.push_str(&word),
            }
            word.clear();
        }
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        before = Some(c);
        if c != '\n' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_do_not_matter() {
        let program = |b: &str, a: &str| {
            canonical(&format!(
                "{b}=LOC(image=IMAGE,object='BOX0 and {a}')\n{a}=COUNT(box={b})\nX=EVAL(expr=\"'{a}' if {{{a}}} > 0 else 'no'\")\nF=RESULT(var=X)"
            ))
        };
        let first = program("BOX0", "ANSWER0");
        assert_eq!(
            first,
            "V0=LOC(image=IMAGE,object='BOX0 and ANSWER0')\nV1=COUNT(box=V0)\nV2=EVAL(expr=\"'ANSWER0' if {V1} > 0 else 'no'\")\nV3=RESULT(var=V2)"
        );
        assert_eq!(canonical("A=COUNT(box=B)"), "V0=COUNT(box=B)");
        // Texts are what they are.
        assert_ne!(first, program("BOX1", "N"));
        let plain = |name: &str| {
            canonical(&format!(
                "{name}=LOC(image=IMAGE,object='a')\nF=RESULT(var={name})"
            ))
        };
        assert_eq!(plain("BOX0"), plain("FOUND"));
    }
}

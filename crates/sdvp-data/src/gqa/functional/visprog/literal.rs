//! Texts inside expressions.

use std::fmt::Write;

/// A text as an expression says it. Braces would be variables, quotes the end.
pub(super) fn python(text: &str) -> String {
    let mut code = String::from('\'');
    for c in text.chars() {
        match c {
            '\'' | '"' | '\\' | '{' | '}' => {
                let _ = write!(code, "\\x{:02x}", u32::from(c));
            }
            _ => code.push(c),
        }
    }
    code.push('\'');
    code
}

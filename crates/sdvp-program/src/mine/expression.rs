//! `EVAL`: values filled into an expression.

use crate::Value;
use crate::python::quoted;

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Python, as it stands.
    Python(String),
    /// `{VARIABLE}`.
    Variable(String),
}

/// Splits an expression at its `{VARIABLE}`s, and reads the word `xor` as `!=`.
///
/// # Errors
/// With the offset in characters, for braces that hold no variable.
pub(crate) fn pieces(expression: &str) -> Result<Vec<Piece>, (usize, String)> {
    let mut pieces = Vec::new();
    let mut python = String::new();
    let mut rest = expression;
    let offset = |rest: &str| expression.chars().count() - rest.chars().count();
    while let Some(open) = rest.find('{') {
        python.push_str(&rest[..open]);
        let inner = &rest[open + 1..];
        let Some(close) = inner.find('}') else {
            return Err((offset(&rest[open..]), "expected '}' after '{', found the end".to_owned()));
        };
        let name = inner[..close].trim();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err((offset(&rest[open..]), format!("expected a variable in braces, found {name:?}")));
        }
        pieces.push(Piece::Python(std::mem::take(&mut python)));
        pieces.push(Piece::Variable(name.to_owned()));
        rest = &inner[close + 1..];
    }
    python.push_str(rest);
    pieces.push(Piece::Python(python));
    Ok(without_xor(pieces))
}

/// `xor` as a word outside of quotes becomes `!=`.
fn without_xor(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut quote: Option<char> = None;
    pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Python(text) => Piece::Python(replace_word(&text, &mut quote)),
            variable => variable,
        })
        .collect()
}

fn replace_word(text: &str, quote: &mut Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        out.push_str(if word == "xor" { "!=" } else { word });
        word.clear();
    };
    for c in text.chars() {
        if quote.is_none() && (c.is_alphanumeric() || c == '_') {
            word.push(c);
            continue;
        }
        flush(&mut word, &mut out);
        match *quote {
            None if c == '\'' || c == '"' => *quote = Some(c),
            Some(open) if open == c => *quote = None,
            _ => {}
        }
        out.push(c);
    }
    flush(&mut word, &mut out);
    out
}

/// A value as the reference writes it into an expression: yes and no are truths, digits a number,
/// other text a string.
///
/// # Errors
/// The type's name, for images and boxes.
pub(crate) fn literal(value: &Value) -> Result<String, &'static str> {
    Ok(match value {
        Value::Text(text) if text == "yes" => "True".to_owned(),
        Value::Text(text) if text == "no" => "False".to_owned(),
        Value::Text(text) if !text.is_empty() && text.len() < 18 && text.bytes().all(|b| b.is_ascii_digit()) => {
            // Python refuses leading zeros.
            text.trim_start_matches('0').to_owned() + if text.bytes().all(|b| b == b'0') { "0" } else { "" }
        }
        Value::Text(text) => quoted(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(literal).collect::<Result<_, _>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::View(_) | Value::Boxes(_) => return Err(value.type_name()),
        plain => plain.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(text: &str) -> String {
        pieces(text)
            .unwrap()
            .into_iter()
            .map(|p| match p {
                Piece::Python(t) => t,
                Piece::Variable(v) => format!("<{v}>"),
            })
            .collect()
    }

    #[test]
    fn variables_and_xor() {
        assert_eq!(python("{A0} xor {B}"), "<A0> != <B>");
        assert_eq!(python("'xor' if {A} else \"a xor b\""), "'xor' if <A> else \"a xor b\"");
        assert_eq!(python("xorA + taxor"), "xorA + taxor");
        assert_eq!(pieces("{A"), Err((0, "expected '}' after '{', found the end".to_owned())));
        assert_eq!(pieces("1 + {}").unwrap_err().0, 4);
    }

    #[test]
    fn literals() {
        let text = |t: &str| literal(&Value::Text(t.to_owned())).unwrap();
        assert_eq!((text("yes"), text("no"), text("3"), text("007"), text("00")), ("True".into(), "False".into(), "3".into(), "7".into(), "0".into()));
        assert_eq!(text("it's"), "'it\\'s'");
        assert_eq!(literal(&Value::Bool(true)).unwrap(), "True");
        assert_eq!(literal(&Value::Int(-4)).unwrap(), "-4");
    }
}

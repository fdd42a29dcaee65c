//! The arguments of steps: texts with objects of the scene graph in brackets, negations, options,
//! relations.

use super::relation::{Link, Role};

/// Greatest length of an argument, characters; published ones stay below half of it.
pub(super) const MAX_ARGUMENT: usize = 120;

/// A value that objects have or, negated, lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// `color`, `material` …; empty where the step does not say.
    pub(super) attribute: String,
    pub(super) value: String,
    pub(super) negated: bool,
}

/// An argument that is not what its operation needs: what was expected.
pub(super) type Expected = String;

/// An argument and, apart, the ids of objects that follow in brackets: `dog (1,2)`, `dog (-)`.
pub(super) fn split_objects(argument: &str) -> (&str, Vec<&str>) {
    let argument = argument.trim();
    let bracketed = argument.strip_suffix(')').and_then(|inner| {
        let (text, ids) = inner.rsplit_once('(')?;
        let is_id = |c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | ' ');
        ids.chars().all(is_id).then_some((text.trim_end(), ids))
    });
    match bracketed {
        Some((text, ids)) => {
            let ids = ids.split(',').map(str::trim);
            (text, ids.filter(|id| !matches!(*id, "" | "-")).collect())
        }
        None => (argument, Vec::new()),
    }
}

/// The words of a text, one blank between them.
///
/// # Errors
/// If there is none, or a control character.
pub(super) fn words(text: &str, what: &str) -> Result<String, Expected> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.is_empty() {
        return Err(format!("{what}, no empty text"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{what} without control characters"));
    }
    Ok(text)
}

/// A name, or `None` for `_`, anything.
pub(super) fn name(text: &str) -> Result<Option<String>, Expected> {
    let name = words(text, "a name, or _ for anything")?;
    Ok((name != "_").then_some(name))
}

/// A value, as it is or in `not(…)`.
pub(super) fn property(attribute: &str, argument: &str) -> Result<Property, Expected> {
    let argument = argument.trim();
    let inner = argument
        .strip_prefix("not(")
        .and_then(|rest| rest.strip_suffix(')'));
    Ok(Property {
        attribute: attribute.to_owned(),
        value: words(inner.unwrap_or(argument), "a value")?,
        negated: inner.is_some(),
    })
}

/// Options with `|` between them.
pub(super) fn options(argument: &str) -> Result<Vec<String>, Expected> {
    let options: Vec<String> = argument
        .split('|')
        .map(|option| words(option, "options with | between them"))
        .collect::<Result<_, _>>()?;
    if options.len() < 2 {
        return Err("at least two options with | between them".to_owned());
    }
    Ok(options)
}

/// `NAME,RELATION,s` or `o`: the name and the texts of the relations, with `|` between them.
pub(super) fn related(argument: &str) -> Result<(Option<String>, Vec<Link>), Expected> {
    let expected = || "a name, a relation and s or o, with commas between them".to_owned();
    let (text, _) = split_objects(argument);
    let mut parts = text.rsplitn(3, ',').map(str::trim);
    let (Some(role), Some(relations), Some(name)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(expected());
    };
    let role = match role {
        "s" => Role::Subject,
        "o" => Role::Object,
        "_" => Role::Either,
        _ => return Err(expected()),
    };
    let links = relations
        .split('|')
        .map(|text| Ok(Link::new(words(text, "a relation")?, role)))
        .collect::<Result<_, Expected>>()?;
    Ok((self::name(name)?, links))
}

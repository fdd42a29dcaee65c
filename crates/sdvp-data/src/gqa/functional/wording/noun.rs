//! Names of one thing and of several.

/// Whether a name is one of several things.
pub(super) fn is_plural(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or(name);
    matches!(last, "people" | "men" | "women" | "children")
        || last.ends_with('s') && !["ss", "us", "is"].iter().any(|end| last.ends_with(end))
}

/// A name of several things.
pub(in crate::gqa::functional) fn plural(name: &str) -> String {
    if is_plural(name) {
        return name.to_owned();
    }
    let (before, last) = name.rsplit_once(' ').unwrap_or(("", name));
    let many = match last {
        "man" => "men".to_owned(),
        "woman" => "women".to_owned(),
        "child" => "children".to_owned(),
        "person" => "people".to_owned(),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| last.ends_with(end)) => format!("{last}es"),
        _ => match last.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
            _ => format!("{last}s"),
        },
    };
    format!("{before} {many}").trim_start().to_owned()
}

/// "a dog", "an apple", "flowers".
pub(super) fn a(name: &str) -> String {
    match article(name) {
        "" => name.to_owned(),
        article => format!("{article} {name}"),
    }
}

pub(super) fn article(name: &str) -> &'static str {
    if is_plural(name) {
        ""
    } else if name.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']) {
        "an"
    } else {
        "a"
    }
}

pub(super) fn be(name: &str) -> &'static str {
    if is_plural(name) { "are" } else { "is" }
}

pub(super) fn be_first(name: &str) -> &'static str {
    if is_plural(name) { "Are" } else { "Is" }
}

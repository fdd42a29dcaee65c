//! Names of layers and parameters chosen by pattern.

/// Whether a name contains the pattern; one with `*` must match the whole name, `*` standing for
/// anything, and one after `=` must be the whole name.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if let Some(whole) = pattern.strip_prefix('=') {
        return whole == name;
    }
    let Some((first, rest)) = pattern.split_once('*') else {
        return name.contains(pattern);
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        match name.split_once(part) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn plain_patterns_are_parts_of_names_and_stars_match_whole_names() {
        assert!(matches("mlp", "layers.0.mlp.fc1"));
        assert!(!matches("mlp", "layers.0.attention"));
        assert!(matches("layers.*.fc1", "layers.0.mlp.fc1"));
        assert!(!matches("layers.*.fc1", "text.layers.0.mlp.fc1"));
        assert!(!matches("layers.*.fc1", "layers.0.mlp.fc1.weight"));
        assert!(matches("*.q_proj*", "a.q_proj.weight"));
        assert!(matches("=a.b", "a.b") && !matches("=a.b", "a.b.c") && !matches("=a.b", "x.a.b"));
        assert!(matches("*", "anything") && matches("a*b*c", "abc") && !matches("a*a", "a"));
    }
}

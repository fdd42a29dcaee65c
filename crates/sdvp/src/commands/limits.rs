//! `sdvp limits`, and how limits are set: `--allow NAME=VALUE`.

use crate::output;
use anyhow::Result;
use sdvp_core::{Limit, LimitError, LimitSetting};
use std::collections::BTreeMap;

/// A list of results (`results.jsonl`) that is read as a whole.
pub(crate) static RESULTS_FILE: Limit = Limit::new(
    "results-file",
    sdvp_core::Unit::Bytes,
    2 << 30,
    "the results.jsonl of a run",
);

/// All limits, of the crates in the order in which they build on each other.
fn all() -> Vec<&'static Limit> {
    let crates: [&[&'static Limit]; 8] = [
        sdvp_core::limits::LIMITS,
        sdvp_program::limits::LIMITS,
        sdvp_models::limits::LIMITS,
        sdvp_modules::limits::LIMITS,
        sdvp_data::limits::LIMITS,
        sdvp_hub::limits::LIMITS,
        sdvp_language::limits::LIMITS,
        &[&RESULTS_FILE],
    ];
    crates.concat()
}

/// Reads `NAME=VALUE` and sets that limit. It is set while the command line is read and not after: of an
/// option that is given both before and behind a command, only the latter values are handed on.
pub(crate) fn allow(text: &str) -> Result<LimitSetting, LimitError> {
    let setting = LimitSetting::read(text, &all())?;
    setting.apply()?;
    Ok(setting)
}

/// The limits that have another value than usual, as they are written, by name.
pub(crate) fn changed() -> BTreeMap<&'static str, String> {
    let limits = all().into_iter();
    limits
        .filter(|limit| limit.value() != limit.usual())
        .map(|limit| (limit.name(), limit.unit().written(limit.value())))
        .collect()
}

#[derive(clap::Args)]
pub(crate) struct Limits {}

impl Limits {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let limits = all();
        if json {
            let listed: Vec<_> = limits
                .iter()
                .map(|limit| {
                    serde_json::json!({
                        "name": limit.name(),
                        "value": limit.value(),
                        "default": limit.usual(),
                        "greatest": limit.greatest(),
                        "unit": limit.unit().name(),
                        "guards": limit.guards(),
                    })
                })
                .collect();
            output::json(&listed)?;
            return Ok(true);
        }
        for limit in limits {
            output::text(&line(limit))?;
        }
        Ok(true)
    }
}

/// A limit with its value, what it guards, and its default where the value is another.
fn line(limit: &Limit) -> String {
    let unit = limit.unit();
    let value = match unit {
        sdvp_core::Unit::Bytes => unit.written(limit.value()),
        _ => format!("{} {}", limit.value(), unit.name()),
    };
    let usual = match limit.value() == limit.usual() {
        true => String::new(),
        false => format!(" (default {})", unit.written(limit.usual())),
    };
    format!("{:<20} {value:<22} {}{usual}", limit.name(), limit.guards())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn limits_have_names_of_their_own_and_can_be_set_to_their_defaults() {
        let limits = all();
        let names: BTreeSet<&str> = limits.iter().map(|limit| limit.name()).collect();
        assert_eq!(names.len(), limits.len());
        for limit in limits {
            assert!(limit.usual() >= 1 && limit.usual() <= limit.greatest());
            assert!(!limit.guards().is_empty());
            let name = limit.name();
            let plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(name.chars().all(plain), "{name}");
            let written = limit.unit().written(limit.usual());
            assert_eq!(limit.unit().read(&written), Some(limit.usual()), "{name}");
        }
    }
}

//! Choosing questions.

use super::Manifest;
use super::manifest::Source;
use crate::benchmark::{Benchmark, Part};
use crate::stream::Next;
use crate::{DatasetError, Gold, benchmark::GoldSource};
use sdvp_core::{Digest, Hasher};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::str::FromStr;

/// How many questions are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Rule {
    /// So many of all.
    Of(usize),
    /// So many of each type, or as many as there are; statements are of two types, true and false.
    PerType(usize),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Of(count) => write!(f, "{count}"),
            Rule::PerType(count) => write!(f, "per-type:{count}"),
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, rule): (&str, fn(usize) -> Rule) = match text.strip_prefix("per-type:") {
            Some(number) => (number, Rule::PerType),
            None => (text, Rule::Of),
        };
        match number.parse() {
            Ok(count) if count > 0 => Ok(rule(count)),
            _ => Err(format!(
                "expected a number of questions, or per-type:NUMBER, found {text:?}"
            )),
        }
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The questions chosen so far of one type: those of lowest rank, the highest of which goes first.
type Lowest = BinaryHeap<(Digest, String)>;

/// Statements without a type are of two: true ones and false ones, as far as that is published.
fn type_of(kind: String, gold: Option<&Gold>) -> String {
    match gold {
        Some(Gold::Bool(label)) if kind.is_empty() => label.to_string(),
        _ => kind,
    }
}

/// Chooses questions of some parts (one, or all of the built-in world's files). A question's rank is a
/// digest of the seed and its id, and those of lowest rank are chosen: the choice depends neither on
/// the order of the file nor on what else is chosen, and is part of every larger one with this seed.
///
/// # Errors
/// If a file cannot be read, a record is wrong, or an id occurs twice among the chosen.
pub fn choose(
    benchmark: &Benchmark,
    parts: &[&Part],
    rule: Rule,
    seed: u64,
) -> Result<Manifest, DatasetError> {
    let mut lowest: BTreeMap<String, Lowest> = BTreeMap::new();
    let mut records = 0;
    let mut wrong = None;
    for part in parts {
        benchmark.each_record(part, |record| {
            let GoldSource { record, gold } = match record {
                Ok(record) => record,
                Err(error) => {
                    wrong = Some(error);
                    return Next::Break(());
                }
            };
            records += 1;
            let (kind, count) = match rule {
                Rule::Of(count) => (String::new(), count),
                Rule::PerType(count) => (type_of(record.kind, gold.as_ref()), count),
            };
            let chosen = lowest.entry(kind).or_default();
            let rank = Hasher::new("sdvp subset")
                .part(&seed.to_le_bytes())
                .part(record.id.as_bytes())
                .finish();
            if chosen.len() < count || chosen.peek().is_some_and(|(last, _)| rank < *last) {
                chosen.push((rank, record.id));
                if chosen.len() > count {
                    chosen.pop();
                }
            }
            Next::Continue(())
        })?;
        if let Some(error) = wrong.take() {
            return Err(error);
        }
    }
    let mut ids = BTreeSet::new();
    for (_, id) in lowest.into_values().flatten() {
        if let Some(twice) = ids.replace(id) {
            return Err(DatasetError::Subset {
                source_name: benchmark.path.display().to_string(),
                reason: format!("expected ids that occur once, found {twice:?} twice"),
            });
        }
    }
    Ok(Manifest::new(
        Source::of(benchmark, parts, records)?,
        rule,
        seed,
        ids.into_iter().collect(),
    ))
}

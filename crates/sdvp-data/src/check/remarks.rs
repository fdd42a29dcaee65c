//! Findings, counted, with the first few named.

use serde::Serialize;

/// How many examples of a finding are kept.
const EXAMPLES: usize = 5;

/// One kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// What was found: "pictures that are not there".
    pub what: String,
    /// How often.
    pub count: usize,
    /// The first few.
    pub examples: Vec<String>,
}

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Remarks(Vec<Remark>);

impl Remarks {
    /// Counts a finding.
    pub(super) fn add(&mut self, what: &str, example: String) {
        self.add_many(what, 1, [example]);
    }

    /// Counts several findings, the first of which are named.
    pub(super) fn add_many(
        &mut self,
        what: &str,
        count: usize,
        examples: impl IntoIterator<Item = String>,
    ) {
        if count == 0 {
            return;
        }
        let at = match self.0.iter().position(|remark| remark.what == what) {
            Some(at) => at,
            None => {
                self.0.push(Remark {
                    what: what.to_owned(),
                    count: 0,
                    examples: Vec::new(),
                });
                self.0.len() - 1
            }
        };
        if let Some(remark) = self.0.get_mut(at) {
            remark.count += count;
            for example in examples {
                if remark.examples.len() >= EXAMPLES {
                    break;
                }
                // Several parts may find the same.
                if !remark.examples.contains(&example) {
                    remark.examples.push(example);
                }
            }
        }
    }

    pub(super) fn finish(self) -> Vec<Remark> {
        self.0
    }
}

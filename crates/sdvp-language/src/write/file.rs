//! What was written, as JSON lines that others can run: `{"id", "query", "program", …}`.

use super::Written;
use crate::prompt::Question;
use serde_json::{Value, json};

/// One line of a file of programs, without its end; none where there is no program. Readers of
/// programs need `id`, `query` and `program`; the rest says how it came about.
pub fn program_line(question: &Question, written: &Written, model: &str) -> Option<String> {
    let program = written.program.as_ref().ok()?;
    let samples: Vec<Value> = written
        .samples
        .iter()
        .map(|sample| {
            let unwritten = sample.program.as_ref().err().map(ToString::to_string);
            json!({
                "program": sample.program.as_ref().ok().map(|found| &found.program),
                "error": unwritten.or_else(|| sample.failure.clone()),
                "repairs": sample.repairs(),
            })
        })
        .collect();
    let line = json!({
        "id": question.id,
        "query": question.text,
        "program": program,
        "model": model,
        "vote": written.vote.name(),
        "votes": written.votes,
        "samples": samples,
    });
    Some(line.to_string())
}

//! Two runs beside each other, for people.

use sdvp_eval::McNemar;
use sdvp_store::{Comparison, StepDifference, SubTaskRow};

/// What a comparison comes to, in lines.
pub(super) fn compared(comparison: &Comparison, test: McNemar) -> String {
    let mut lines = vec![
        format!(
            "{} common questions: {:.1} % and {:.1} %",
            comparison.common,
            100.0 * comparison.first_score,
            100.0 * comparison.second_score,
        ),
        format!(
            "  both right {}, both wrong {}, newly right {}, newly wrong {} (McNemar's test: p = {:.4})",
            comparison.both_right, comparison.both_wrong, test.gained, test.lost, test.p,
        ),
        format!(
            "  {} only in the first, {} only in the second, {} reworded, {} with other programs, {} with other steps",
            comparison.only_first,
            comparison.only_second,
            comparison.reworded,
            comparison.other_programs,
            comparison.other_traces,
        ),
    ];
    for difference in &comparison.configuration {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let (first, second) = (side(&difference.first), side(&difference.second));
        lines.push(format!("  {}: {first} and {second}", difference.key));
    }
    for (name, ids) in [
        ("newly right", &comparison.newly_right),
        ("newly wrong", &comparison.newly_wrong),
    ] {
        let first: Vec<&str> = ids.iter().take(10).map(String::as_str).collect();
        if !first.is_empty() {
            let more = match ids.len() - first.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!("{name}: {}{more}", first.join(", ")));
        }
    }
    lines.extend(comparison.steps.iter().map(step));
    lines.join("\n")
}

fn step(difference: &StepDifference) -> String {
    let side = |sub_task: &Option<SubTaskRow>| match sub_task {
        None => "nothing more".to_owned(),
        Some(asked) => format!(
            "line {}: {} {:?} in {} -> {}",
            asked.line,
            asked.kind,
            asked.text,
            asked.region,
            asked.outcome.as_deref().unwrap_or("no outcome"),
        ),
    };
    format!(
        "{}, sub-task {}: other {}\n    first  {}\n    second {}",
        difference.id,
        difference.place + 1,
        difference.what.join(", "),
        side(&difference.first),
        side(&difference.second),
    )
}

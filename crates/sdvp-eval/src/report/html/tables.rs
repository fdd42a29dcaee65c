//! The tables of the report.

use crate::CallQuality;
use crate::report::text::{percent, percent_range, points, points_range};
use crate::report::{ModelSize, Report, UnseenRow};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Seconds, or minutes and seconds.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// A whole number with thin spaces between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn measured(mean: f64, ci95: [f64; 2]) -> Markup {
    html! { td { (percent(mean)) small.interval { (percent_range(ci95)) } } }
}

fn change(mean: f64, ci95: [f64; 2], below: Option<String>) -> Markup {
    html! {
        td.change.right[ci95[0] > 0.0].wrong[ci95[1] < 0.0] {
            (points(mean))
            small { (points_range(ci95)) }
            @if let Some(below) = below { small { (below) } }
        }
    }
}

fn head(names: &[&str]) -> Markup {
    html! { thead { tr { @for name in names { th scope="col" { (name) } } } } }
}

pub(super) fn targets(report: &Report) -> Markup {
    html! {
        table {
            caption { "Mean score in per cent with its 95 % interval; the gain is paired by question." }
            (head(&["Task", "Before", "After", "Gain", "Teachers instead"]))
            tbody {
                @for row in &report.targets {
                    tr {
                        th scope="row" {
                            (row.task)
                            small { (row.split) ", " (row.n) " questions" }
                        }
                        @for (index, side) in [&row.before, &row.after].into_iter().enumerate() {
                            td {
                                (percent(side.mean))
                                small.interval { (percent_range(side.ci95)) }
                                @if side.failure_rate > 0.0 || index > 0 {
                                    small { (percent(side.failure_rate)) " % failed" }
                                }
                            }
                        }
                        (change(row.paired_gain, row.paired_ci95, row.gap_closed.map(|gap| {
                            format!("{:.0} % of the gap", 100.0 * gap)
                        })))
                        td {
                            (percent(row.teacher_replaced.mean))
                            small.interval { (percent_range(row.teacher_replaced.ci95)) }
                            small { (percent(row.teacher_replaced.failure_rate)) " % failed" }
                        }
                    }
                }
            }
        }
    }
}

const COMPARED: [&str; 5] = ["Task", "Before", "After", "Change", "Teachers instead"];

/// A task by three mean scores; `what` says how its questions were put or scored.
fn compared(row: &UnseenRow, what: &str) -> Markup {
    html! {
        tr {
            th scope="row" {
                (row.task)
                small { (what) ", " (row.n) " questions" }
            }
            (measured(row.before, row.before_ci95))
            (measured(row.after, row.after_ci95))
            (change(row.paired_change, row.paired_ci95, None))
            (measured(row.teacher_replaced, row.teacher_replaced_ci95))
        }
    }
}

/// Means before, after, and with teachers, over some tasks.
fn mean_of(name: &str, [before, after, teachers]: [f64; 3]) -> Markup {
    html! {
        tr.mean {
            th scope="row" { (name) }
            td { (percent(before)) }
            td { (percent(after)) }
            td { (points(after - before)) }
            td { (percent(teachers)) }
        }
    }
}

/// What the same student does in programs that it was not taught with.
pub(super) fn across(report: &Report) -> Markup {
    html! {
        table {
            caption {
                "The student was taught with calls of " (report.framework) " programs only; \
                 these ask the same questions in another language."
            }
            (head(&COMPARED))
            tbody {
                @for row in &report.across { (compared(&row.measured, &row.framework)) }
            }
        }
    }
}

pub(super) fn unseen(report: &Report) -> Markup {
    html! {
        table {
            caption {
                "What the student is expected to keep. The teachers only know their own task."
            }
            (head(&COMPARED))
            tbody {
                @for row in &report.unseen { (compared(row, &row.metric)) }
                @if let (Some(means), true) = (report.unseen_means(), report.unseen.len() > 1)
                {
                    (mean_of("Mean", means))
                }
            }
        }
    }
}

/// The unseen tasks over pictures that look like the targets'.
pub(super) fn look_alikes(report: &Report) -> Markup {
    html! {
        table {
            caption {
                "The tasks never seen, over pictures that look like a target's: there what was learned of \
                 the target answers, and shows whether it is good for more than that."
            }
            (head(&COMPARED))
            tbody {
                @for row in &report.look_alikes {
                    (compared(&row.measured, &format!("as {}", row.target)))
                }
                @for target in &report.targets {
                    @if let Some(means) = report.look_alike_means(&target.task) {
                        (mean_of(&format!("Mean as {}", target.task), means))
                    }
                }
            }
        }
    }
}

/// Who answers for which pictures.
pub(super) fn experts(report: &Report) -> Markup {
    html! {
        table.narrow {
            caption {
                "What was learned of these tasks answers only for pictures that look like theirs, so that \
                 tasks over others keep their level by construction. The last column is what those would \
                 score if it answered for all pictures."
            }
            (head(&["Learned", "Parameters of its own", "Own pictures told", "General ones told", "Unseen tasks, if for all"]))
            tbody {
                @for row in &report.experts {
                    tr {
                        th scope="row" { (row.tasks.join(", ")) }
                        td { (grouped(row.parameters)) }
                        td { (percent(row.told_own)) " %" }
                        td { (percent(row.told_general)) " %" }
                        td { @if let Some(score) = row.unseen_everywhere { (percent(score)) } }
                    }
                }
            }
        }
        @for task in report.learned_for_all() {
            p.quiet { (task) " was learned for all other pictures, from which its own cannot be told." }
        }
    }
}

pub(super) fn by_type(report: &Report) -> Markup {
    html! {
        @for target in report.targets.iter().filter(|row| !row.by_type.is_empty()) {
            details {
                summary { (target.task) ": " (target.by_type.len()) " types" }
                table.narrow {
                    (head(&["Type", "Questions", "Before", "After", "Teachers"]))
                    tbody {
                        @for row in &target.by_type {
                            tr {
                                th scope="row" { (row.name) }
                                td { (row.n) }
                                td { (percent(row.before)) }
                                td { (percent(row.after)) }
                                td { (percent(row.teacher_replaced)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Tasks by stages: what each is worth after every task that was learned.
pub(super) fn forgetting(report: &Report) -> Markup {
    let stages = report
        .targets
        .iter()
        .map(|target| format!("After {}", target.task));
    let mut names = vec!["Task".to_owned(), "Before".to_owned()];
    names.extend(stages);
    names.push("Gain kept".to_owned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    html! {
        table.narrow {
            caption { "Mean score in per cent after each task that was learned, in order." }
            (head(&names))
            tbody {
                @for row in &report.forgetting {
                    tr {
                        th scope="row" { (row.task) }
                        @for score in &row.scores { td { (percent(*score)) } }
                        td { @if let Some(kept) = row.kept { (percent(kept)) " %" } }
                    }
                }
            }
        }
    }
}

/// Which kind of step parted the questions that became right or wrong.
pub(super) fn divergence(report: &Report) -> Markup {
    let rows = || report.divergence.iter().filter(|row| row.n > 0);
    let kinds: BTreeSet<&str> = rows()
        .flat_map(|row| row.first.keys().map(String::as_str))
        .collect();
    let mut names = vec!["Questions", "Number"];
    names.extend(&kinds);
    html! {
        table.narrow {
            caption {
                "The first step that came out differently before and after, by what it asked, of "
                "the questions whose steps were kept. The programs below show such questions."
            }
            (head(&names))
            tbody {
                @for row in rows() {
                    tr {
                        th scope="row" { (row.task) small { (row.change) } }
                        td { (row.n) }
                        @for kind in &kinds { td { (row.first.get(*kind).copied().unwrap_or(0)) } }
                    }
                }
            }
        }
    }
}

pub(super) fn calls(report: &Report) -> Markup {
    let cell =
        |measure: Option<f64>| html! { td { @if let Some(part) = measure { (percent(part)) } } };
    html! {
        table.narrow {
            caption {
                "The calls that the programs of the untouched student make, answered by each. "
                "Boxes: COCO's average precision and recall at an IoU of 0.5. Answers: how many are "
                "right, and the expected calibration error of the confidence."
            }
            (head(&["Calls", "Measure", "Before", "After", "Teachers"]))
            tbody {
                @for row in &report.calls {
                    @for (name, measure) in MEASURES {
                        @if measure(&row.before).is_some() {
                            tr {
                                th scope="row" {
                                    (row.task) ": " (row.kind)
                                    small { (row.n) " calls" }
                                }
                                td { (name) }
                                (cell(measure(&row.before)))
                                (cell(measure(&row.after)))
                                (cell(measure(&row.teachers)))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A measure of calls.
type Measure = fn(&CallQuality) -> Option<f64>;

const MEASURES: [(&str, Measure); 4] = [
    ("average precision", |calls| calls.average_precision),
    ("recall", |calls| calls.recall),
    ("right", |calls| calls.accuracy),
    ("calibration error", |calls| calls.calibration_error),
];

pub(super) fn costs(report: &Report) -> Markup {
    let run = &report.runtime;
    let counts = &run.statistics;
    html! {
        table.narrow {
            caption { "Networks" }
            (head(&["", "Answers", "Knows", "Parameters"]))
            tbody {
                @for model in &report.students { (network("student", model)) }
                @for model in &report.teachers { (network("teacher", model)) }
            }
        }
        @if run.questions_per_s > 0.0 || counts.sub_tasks > 0 {
            p {
                "Running programs: " (grouped(counts.sub_tasks)) " sub-tasks asked for, "
                (grouped(counts.sub_tasks_executed)) " computed; the others were answered together ("
                (grouped(counts.deduplicated)) ") or remembered (" (grouped(counts.cache_hits)) "). "
                (format!("{:.1}", run.questions_per_s)) " questions a second"
                @if run.questions_per_s_one_at_a_time > 0.0 {
                    ", against " (format!("{:.1}", run.questions_per_s_one_at_a_time))
                    " one at a time: "
                    (format!("{:.1}", run.questions_per_s / run.questions_per_s_one_at_a_time))
                    " times as fast"
                }
                "."
            }
        }
        @if !report.timings.is_empty() {
            table.narrow {
                caption { "Time" }
                (head(&["Phase", "Wall-clock"]))
                tbody {
                    @for timing in &report.timings {
                        tr { th scope="row" { (timing.phase) } td { (seconds(timing.seconds)) } }
                    }
                    tr.mean { th scope="row" { "Everything" } td { (seconds(report.wall_s)) } }
                }
            }
        }
        @if !report.settings.is_null() {
            details {
                summary { "Settings" }
                pre { (format!("{:#}", report.settings)) }
            }
        }
    }
}

fn network(role: &str, model: &ModelSize) -> Markup {
    html! {
        tr {
            th scope="row" { (role) }
            td { (model.kind) }
            td { (model.task.as_deref().unwrap_or("everything")) }
            td { (grouped(model.parameters)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(seconds(12.34), "12.3 s");
        assert_eq!(seconds(359.7), "6 min 00 s");
    }
}

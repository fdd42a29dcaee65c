//! The result as a table for a terminal, at most 80 columns.

use super::{ExpertRow, Report, TargetRow, UnseenRow};

type Cells = [String; 5];

/// A score as people read it.
pub(super) fn percent(part: f64) -> String {
    format!("{:.1}", 100.0 * part)
}

/// A difference of scores, in points, with its sign.
pub(super) fn points(part: f64) -> String {
    let text = format!("{:+.1}", 100.0 * part);
    match text.as_str() {
        "-0.0" => "+0.0".to_owned(),
        _ => text.replace('-', "−"),
    }
}

/// An interval of scores.
pub(super) fn percent_range([low, high]: [f64; 2]) -> String {
    format!("{}–{}", percent(low), percent(high))
}

/// An interval of differences.
pub(super) fn points_range([low, high]: [f64; 2]) -> String {
    format!("{} to {}", points(low), points(high))
}

/// The measured tasks, per cent with 95 % intervals, in plain aligned text. Ends with a newline.
pub fn text_table(report: &Report) -> String {
    let words = |cells: [&str; 5]| cells.map(str::to_owned);
    let mut lines: Vec<Cells> = Vec::new();
    if !report.targets.is_empty() {
        lines.push(words([
            "distilled on",
            "before",
            "after",
            "teachers",
            "gain",
        ]));
        lines.extend(report.targets.iter().flat_map(target));
    }
    if !report.unseen.is_empty() {
        lines.push(words([
            "never seen",
            "before",
            "after",
            "teachers",
            "change",
        ]));
        lines.extend(report.unseen.iter().flat_map(unseen));
    }
    if let (Some([before, after, teachers]), true) =
        (report.unseen_means(), report.unseen.len() > 1)
    {
        let change = points(after - before);
        let [before, after, teachers] = [before, after, teachers].map(percent);
        lines.push(["mean".to_owned(), before, after, teachers, change]);
    }
    for target in &report.targets {
        if let Some([before, after, teachers]) = report.look_alike_means(&target.task) {
            let name = format!("as {}", target.task);
            let change = points(after - before);
            let [before, after, teachers] = [before, after, teachers].map(percent);
            lines.push([name, before, after, teachers, change]);
        }
    }
    if !report.experts.is_empty() {
        let told = "others told";
        lines.push(words([
            "answers only for",
            "its own told",
            told,
            "if for all",
            "",
        ]));
        lines.extend(report.experts.iter().map(expert));
    }
    for rows in report.across.chunk_by(|a, b| a.framework == b.framework) {
        let name = rows.first().map_or("", |row| row.framework.as_str());
        let name = format!("in {name}");
        lines.push(words([&name, "before", "after", "teachers", "change"]));
        lines.extend(rows.iter().flat_map(|row| unseen(&row.measured)));
    }
    let width = lines
        .iter()
        .map(|line| line[0].chars().count())
        .max()
        .unwrap_or(0)
        .max(16);
    let row = |[name, cells @ ..]: &Cells| {
        let cells: String = cells.iter().map(|cell| format!("  {cell:<13}")).collect();
        format!("{name:<width$}{cells}").trim_end().to_owned() + "\n"
    };
    let table: String = lines.iter().map(row).collect();
    if report.experts.is_empty() {
        return table;
    }
    let for_all = report.learned_for_all();
    let for_all = for_all.map(|task| format!("{task} was learned for all other pictures.\n"));
    table + "\n" + ABOUT_EXPERTS + &for_all.collect::<String>()
}

/// What people should know of who answers.
const ABOUT_EXPERTS: &str = "\
What an expert learned answers only for pictures that look like its task's,
so that tasks over others keep their level by construction: \"told\" says
how many held-out pictures of either side are told rightly, \"if for all\"
what the tasks never seen would score if it answered for all. \"As\" a
task are these tasks over pictures that look like its: there what was
learned does answer.
";

fn target(row: &TargetRow) -> [Cells; 3] {
    let sides = [&row.before, &row.after, &row.teacher_replaced];
    let [before, after, teachers] = sides.map(|side| percent(side.mean));
    let means = [
        row.task.clone(),
        before,
        after,
        teachers,
        points(row.paired_gain),
    ];
    let [before, after, teachers] = sides.map(|side| percent_range(side.ci95));
    let about = format!("  {} questions", row.n);
    let intervals = [
        about,
        before,
        after,
        teachers,
        points_range(row.paired_ci95),
    ];
    let [before, after, teachers] = sides.map(|side| percent(side.failure_rate));
    let gap = row
        .gap_closed
        .map(|gap| format!("{:.0} % of gap", 100.0 * gap));
    let failures = [
        "  failed".to_owned(),
        before,
        after,
        teachers,
        gap.unwrap_or_default(),
    ];
    [means, intervals, failures]
}

fn expert(row: &ExpertRow) -> Cells {
    let everywhere = row.unseen_everywhere.map(percent);
    [
        row.tasks.join(", "),
        percent(row.told_own),
        percent(row.told_general),
        everywhere.unwrap_or_default(),
        String::new(),
    ]
}

fn unseen(row: &UnseenRow) -> [Cells; 2] {
    let means = [row.before, row.after, row.teacher_replaced].map(percent);
    let [before, after, teachers] = means;
    let means = [
        row.task.clone(),
        before,
        after,
        teachers,
        points(row.paired_change),
    ];
    let intervals = [row.before_ci95, row.after_ci95, row.teacher_replaced_ci95];
    let [before, after, teachers] = intervals.map(percent_range);
    let about = format!("  {}, {}", row.metric, row.n);
    let change = points_range(row.paired_ci95);
    [means, [about, before, after, teachers, change]]
}

#[cfg(test)]
mod tests {
    use super::super::html::fabricated;
    use super::*;

    #[test]
    fn columns_stand_under_each_other_within_80() {
        let table = text_table(&fabricated::report());
        let (table, notes) = table.split_once("\n\n").unwrap();
        assert!(
            notes.lines().all(|line| line.chars().count() <= 80),
            "{notes}"
        );
        assert!(
            notes.ends_with("picto-nlvr2 was learned for all other pictures.\n"),
            "{notes}"
        );
        assert!(!notes.contains("picto-gqa was learned"), "{notes}");
        assert!(table.contains("answers only for  its own told   others told    if for all"));
        assert!(
            table.contains("as picto-gqa      40.0           61.0           33.0           +21.0"),
            "{table}"
        );
        let lines: Vec<Vec<char>> = table.lines().map(|line| line.chars().collect()).collect();
        assert!(lines.iter().all(|line| line.len() <= 80), "{table}");
        // Two spaces before every column, a character at its start.
        for column in [18, 33, 48, 63] {
            for line in &lines {
                if let Some(cell) = line.get(column) {
                    assert!(
                        *cell != ' ' && line[column - 2..column] == [' '; 2],
                        "{table}"
                    );
                }
            }
        }
        assert!(table.contains("picto-gqa         61.2"), "{table}");
        assert!(table.contains("57.0–65.4"), "{table}");
        assert!(
            table.contains("+8.9")
                && table.contains("+6.1 to +11.6")
                && table.contains("64 % of gap"),
            "{table}"
        );
        assert!(table.contains("mean"), "{table}");
    }

    #[test]
    fn differences_have_signs_and_no_negative_zero() {
        assert_eq!(points(0.0312), "+3.1");
        assert_eq!(points(-0.0312), "−3.1");
        assert_eq!(points(-0.0001), "+0.0");
        assert_eq!(text_table(&Report::default()), "");
    }
}

//! A grid as a table for a terminal.

use super::grid::{Grid, GridRow};
use super::text::{percent, points};
use crate::AcrossSeeds;

/// A number in points, with half the width of its interval over seeds if there is one.
pub(super) fn give_or_take(number: &AcrossSeeds) -> String {
    let mean = points(number.mean);
    match number.ci95 {
        Some([low, high]) => format!("{mean} ±{}", percent((high - low) / 2.0)),
        None => mean,
    }
}

/// A probability as people read it.
pub(super) fn chance(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {p:.3}")
    }
}

/// One line a run: the mean score of each target, its gain and the part of the gap closed; the
/// change on unseen tasks, and on those over pictures that look like a target's if they were measured.
/// Ends with a newline.
pub fn grid_table(grid: &Grid) -> String {
    let rows = grid.rows();
    let mut head = vec![String::new()];
    for target in &grid.targets {
        head.extend([target.clone(), "gain".to_owned(), "gap".to_owned()]);
    }
    head.push("unseen".to_owned());
    if !grid.look_alikes.is_empty() {
        head.push("in targets' looks".to_owned());
    }
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().map(line)).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells.map(|(cell, w)| format!("{cell:<w$}")).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    for row in rows.iter().filter(|row| !row.notes.is_empty()) {
        text += &format!("{}: {}\n", row.name, row.notes.join("; "));
    }
    text
}

fn line(row: &GridRow) -> Vec<String> {
    let mut cells = vec![row.name.clone()];
    for target in &row.targets {
        cells.push(percent(target.after.mean));
        cells.push(give_or_take(&target.gain));
        let closed = target.gap_closed.as_ref();
        cells.push(closed.map_or_else(String::new, |gap| format!("{:.0} %", 100.0 * gap.mean)));
    }
    cells.push(give_or_take(&row.unseen));
    cells.extend(row.look_alikes.as_ref().map(give_or_take));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_line() {
        let table = grid_table(&super::super::grid::tests::grid());
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        assert!(lines[0].contains("first") && lines[0].ends_with("unseen"));
        assert!(
            lines[3].starts_with("half") && lines[3].contains("75.0"),
            "{table}"
        );
        assert!(
            lines[3].contains("60 %") && lines[3].contains('±'),
            "{table}"
        );
        assert!(!lines[4].contains('±'), "{table}");
        assert_eq!(chance(0.0123), "p = 0.012");
        assert_eq!(chance(1e-9), "p < 0.001");
    }
}

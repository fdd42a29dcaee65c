//! A grid's page: a table of all runs, and a curve where they are points of one.

use super::plot::{drawn, framed, themed};
use super::{page, picture::Pictures};
use crate::AcrossSeeds;
use crate::report::grid::{Grid, GridRow, TargetSummary};
use crate::report::grid_text::{chance, give_or_take};
use crate::report::grid_types::TypeScores;
use crate::report::text::{percent, points};
use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;

/// Colours that stand for those of the style sheet.
const FIRST: RGBColor = RGBColor(1, 2, 5);
const SECOND: RGBColor = RGBColor(1, 2, 6);
const UNSEEN: RGBColor = RGBColor(1, 2, 4);
const WIDTH: i32 = 470;
const HEIGHT: i32 = 300;

/// The grid as a page.
pub fn grid_html(grid: &Grid) -> String {
    let rows = grid.rows();
    let title = format!("Distillation in comparison: {}", grid.name);
    let body = html! {
        h1 { (title) }
        p.quiet {
            (grid.before.len()) " seeds. Scores in per cent; ± is half of the 95 % interval over "
            "seeds (Student's), p is McNemar's exact test of all seeds' questions together."
        }
        @for (place, target) in grid.targets.iter().enumerate() {
            h2 { (target) }
            (target_table(&rows, place))
            (type_table(&rows, &grid.by_type(target)))
        }
        h2 { "Never distilled on" }
        (unseen_table(&rows, |row| Some(&row.unseen)))
        @if !grid.look_alikes.is_empty() {
            h2 { "Never distilled on, in the targets' looks" }
            (unseen_table(&rows, |row| row.look_alikes.as_ref()))
        }
        @if let Some(plot) = plot(grid, &rows) { h2 { "Curve" } (plot) }
        @for row in rows.iter().filter(|row| !row.notes.is_empty()) {
            p.quiet { (row.name) ": " (row.notes.join("; ")) }
        }
    };
    page(&title, body, &Pictures::default())
}

fn target_table(rows: &[GridRow], place: usize) -> Markup {
    let cells = |target: &TargetSummary| {
        html! {
            td { (percent(target.after.mean)) }
            td { (give_or_take(&target.gain)) small { (chance(target.mcnemar.p)) } }
            td {
                @if let Some(gap) = &target.gap_closed { (percent(gap.mean)) " %" }
            }
        }
    };
    html! {
        table {
            thead { tr {
                @for name in ["Run", "Score", "Gain", "Gap closed", "Kept to the end"] {
                    th scope="col" { (name) }
                }
            } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.name) }
                        @if let Some(target) = row.targets.get(place) { (cells(target)) }
                        td {
                            @if let Some(Some(kept)) = row.kept.get(place) { (percent(*kept)) " %" }
                        }
                    }
                }
            }
        }
    }
}

/// Runs across, types down.
fn type_table(rows: &[GridRow], types: &[TypeScores]) -> Markup {
    html! {
        @if !types.is_empty() {
            details {
                summary { "By type of question: " (types.len()) " types" }
                .wide {
                    table {
                        thead { tr {
                            th scope="col" { "Type" }
                            @for row in rows { th scope="col" { (row.name) } }
                        } }
                        tbody {
                            @for kind in types {
                                tr {
                                    th scope="row" {
                                        (kind.name) small { (kind.n) " questions" }
                                    }
                                    @for score in &kind.scores {
                                        td { @if let Some(score) = score { (percent(*score)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How one number changed, run by run.
fn unseen_table(rows: &[GridRow], of: impl Fn(&GridRow) -> Option<&AcrossSeeds>) -> Markup {
    let changes = rows.iter().filter_map(|row| Some((row, of(row)?)));
    html! {
        table {
            thead { tr {
                @for name in ["Run", "Change of the mean", "Seed by seed"] {
                    th scope="col" { (name) }
                }
            } }
            tbody {
                @for (row, change) in changes {
                    tr {
                        th scope="row" { (row.name) }
                        td { (give_or_take(change)) }
                        td {
                            (change.values.iter().map(|v| points(*v)).collect::<Vec<_>>().join(" "))
                        }
                    }
                }
            }
        }
    }
}

type Line = (String, RGBColor, Vec<(f64, f64)>);

/// Scores of the targets, and the change on unseen tasks, over the runs that have a place.
fn plot(grid: &Grid, rows: &[GridRow]) -> Option<Markup> {
    let mut placed: Vec<(f64, &GridRow)> =
        rows.iter().filter_map(|row| Some((row.x?, row))).collect();
    if placed.len() < 2 {
        return None;
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let color = |place: usize| {
        if place.is_multiple_of(2) {
            FIRST
        } else {
            SECOND
        }
    };
    let mut lines: Vec<Line> = Vec::new();
    for (place, task) in grid.targets.iter().enumerate() {
        let point =
            |&(x, row): &(f64, &GridRow)| Some((x, 100.0 * row.targets.get(place)?.gain.mean));
        let points = placed.iter().filter_map(point).collect();
        lines.push((task.clone(), color(place), points));
    }
    let points = placed.iter().map(|&(x, row)| (x, 100.0 * row.unseen.mean));
    lines.push(("unseen".to_owned(), UNSEEN, points.collect()));
    let svg = drawn(WIDTH, HEIGHT, |root| draw(root, &lines))?;
    let colors = [(FIRST, "after"), (SECOND, "teacher"), (UNSEEN, "before")];
    let svg = themed(&svg, "Gains over the runs' places", &colors);
    Some(html! {
        figure {
            (PreEscaped(svg))
            figcaption.legend {
                @for (place, task) in grid.targets.iter().enumerate() {
                    @if place.is_multiple_of(2) { span { i.i-after {} (task) } }
                    @else { span { i.i-teacher {} (task) } }
                }
                span { i.i-before {} "unseen tasks" }
                "Gain in points over the untouched student."
            }
        }
    })
}

fn draw(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(_, _, points)| points);
    let least = |value: fn(&(f64, f64)) -> f64| points().map(value).fold(f64::MAX, f64::min);
    let most = |value: fn(&(f64, f64)) -> f64| points().map(value).fold(f64::MIN, f64::max);
    let (left, right) = (least(|p| p.0), most(|p| p.0));
    let (low, high) = (least(|p| p.1).min(0.0), most(|p| p.1).max(1.0));
    // A plot needs extent, even of runs that all stand at one place.
    let right = if right > left { right } else { left + 1.0 };
    let mut chart = framed(root, left..right, low * 1.1..high * 1.1)?;
    for (_, color, points) in lines {
        chart.draw_series(LineSeries::new(
            points.iter().copied(),
            color.stroke_width(2),
        ))?;
        let dots = points.iter().map(|&at| Circle::new(at, 3, color.filled()));
        chart.draw_series(dots)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::grid::tests::grid;

    #[test]
    fn the_page_has_every_run_and_a_curve_of_those_with_a_place() {
        let html = grid_html(&grid());
        for part in [
            "no distillation",
            "teachers instead",
            "half",
            "75.0 %",
            "<svg",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let mut flat = grid();
        flat.runs.iter_mut().for_each(|run| run.x = None);
        flat.runs[0].name = "<script>".to_owned();
        let html = grid_html(&flat);
        assert!(!html.contains("<figure") && !html.contains("<script>"));
    }
}

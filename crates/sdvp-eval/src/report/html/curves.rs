//! How the losses fell.

use super::tables::seconds;
use crate::report::{CurvePoint, Report, Stage};
use maud::{Escaper, Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::fmt::Write;

/// Colours that stand for those of the style sheet, see [`themed`].
pub(super) const INK: RGBColor = RGBColor(1, 2, 3);
pub(super) const QUIET: RGBColor = RGBColor(1, 2, 7);
const LOSS: RGBColor = RGBColor(1, 2, 5);
const REHEARSAL: RGBColor = RGBColor(1, 2, 6);
const VALIDATION: RGBColor = RGBColor(1, 2, 4);

const WIDTH: i32 = 360;
const HEIGHT: i32 = 220;

/// A drawing as SVG text; none if it cannot be drawn.
pub(super) fn drawn<F>(width: i32, height: i32, draw: F) -> Option<String>
where
    F: FnOnce(&DrawingArea<SVGBackend, Shift>) -> Result<(), Box<dyn std::error::Error>>,
{
    let mut svg = String::new();
    let size = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    draw(&root).ok()?;
    root.present().ok()?;
    drop(root);
    Some(svg)
}

/// A drawing for a page: named for those who do not see it, without a size of its own, and with
/// the style sheet's colours, which follow light and dark, in place of those drawn with.
pub(super) fn themed(svg: &str, label: &str, colors: &[(RGBColor, &str)]) -> String {
    let mut named = String::new();
    let _ = Escaper::new(&mut named).write_str(label);
    let shape = svg.find("viewBox").unwrap_or(0);
    let mut themed = format!("<svg role=\"img\" aria-label=\"{named}\" {}", &svg[shape..]);
    for (color, name) in colors.iter().chain(&[(INK, "ink"), (QUIET, "quiet")]) {
        let hex = format!("\"#{:02X}{:02X}{:02X}\"", color.0, color.1, color.2);
        themed = themed.replace(&hex, &format!("\"var(--{name})\""));
    }
    themed
}

/// A plot for every step that has a curve.
pub(super) fn plots(report: &Report) -> Markup {
    html! {
        .curves {
            @for stage in report.stages.iter().filter(|stage| !stage.curve.is_empty()) {
                figure {
                    h3 { (stage.task) ": " (stage.kind) }
                    @if let Some(svg) = plot(stage) { (svg) }
                    figcaption {
                        (stage.labelled) " examples of " (stage.harvested) " calls, "
                        (stage.rehearsed) " rehearsed, " (seconds(stage.seconds))
                    }
                }
            }
        }
        p.legend.quiet {
            span { i.i-after {} "loss on labelled calls" }
            @if any(report, |point| point.rehearsal.is_some()) {
                span { i.i-teacher {} "divergence from the former self on rehearsed calls" }
            }
            @if any(report, |point| point.validation.is_some()) {
                span { i.i-before {} "loss on calls held out" }
            }
        }
    }
}

fn any(report: &Report, has: fn(&CurvePoint) -> bool) -> bool {
    report.stages.iter().flat_map(|stage| &stage.curve).any(has)
}

type Line = Vec<(f64, f64)>;

fn plot(stage: &Stage) -> Option<Markup> {
    let line = |value: fn(&CurvePoint) -> Option<f64>| -> Line {
        let pair = |point: &CurvePoint| Some((point.step as f64, value(point)?));
        let pairs = stage.curve.iter().filter_map(pair);
        pairs.filter(|(_, loss)| loss.is_finite()).collect()
    };
    let lines = [
        (line(|point| point.validation), VALIDATION),
        (line(|point| point.rehearsal), REHEARSAL),
        (line(|point| Some(point.loss)), LOSS),
    ];
    let svg = drawn(WIDTH, HEIGHT, |root| draw(root, &lines))?;
    let label = format!("Losses of learning to {} {}", stage.kind, stage.task);
    let colors = [
        (LOSS, "after"),
        (REHEARSAL, "teacher"),
        (VALIDATION, "before"),
    ];
    Some(PreEscaped(themed(&svg, &label, &colors)))
}

fn draw(
    root: &DrawingArea<SVGBackend, Shift>,
    lines: &[(Line, RGBColor)],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(line, _)| line);
    let highest = points().map(|p| p.1).fold(0.0, f64::max);
    let last = points().map(|p| p.0).fold(0.0, f64::max);
    // A plot needs extent, even of a loss that is zero throughout.
    let highest = if highest > 0.0 { 1.08 * highest } else { 1.0 };
    let mut chart = ChartBuilder::on(root)
        .margin(6)
        .margin_right(14)
        .x_label_area_size(30)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..last.max(1.0), 0.0..highest)?;
    let label = ("sans-serif", 13).into_font().color(&QUIET);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(QUIET.mix(0.3))
        .axis_style(QUIET)
        .x_labels(5)
        .y_labels(5)
        .label_style(label.clone())
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|loss| {
            if highest < 1.0 {
                format!("{loss:.2}")
            } else {
                format!("{loss:.1}")
            }
        })
        .draw()?;
    for (line, color) in lines {
        chart.draw_series(LineSeries::new(line.iter().copied(), color.stroke_width(2)))?;
    }
    Ok(())
}

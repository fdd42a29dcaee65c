//! How the losses fell.

use super::plot::{drawn, framed, themed};
use super::tables::seconds;
use crate::report::{CurvePoint, Report, Stage};
use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::*;

const LOSS: RGBColor = RGBColor(1, 2, 5);
const REHEARSAL: RGBColor = RGBColor(1, 2, 6);
const VALIDATION: RGBColor = RGBColor(1, 2, 4);

const WIDTH: i32 = 360;
const HEIGHT: i32 = 220;

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
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    lines: &[(Line, RGBColor)],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(line, _)| line);
    let highest = points().map(|p| p.1).fold(0.0, f64::max);
    let last = points().map(|p| p.0).fold(0.0, f64::max);
    // A plot needs extent, even of a loss that is zero throughout.
    let highest = if highest > 0.0 { 1.08 * highest } else { 1.0 };
    let mut chart = framed(root, 0.0..last.max(1.0), 0.0..highest)?;
    for (line, color) in lines {
        chart.draw_series(LineSeries::new(line.iter().copied(), color.stroke_width(2)))?;
    }
    Ok(())
}

//! Line plots for the pages: drawn as SVG, in the style sheet's colours.

use maud::Escaper;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::error::Error;
use std::fmt::Write;
use std::ops::Range;

/// Colours that stand for those of the style sheet, see [`themed`].
pub(super) const INK: RGBColor = RGBColor(1, 2, 3);
pub(super) const QUIET: RGBColor = RGBColor(1, 2, 7);

/// A chart with both axes.
pub(super) type Chart<'a> =
    ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A drawing as SVG text; none if it cannot be drawn.
pub(super) fn drawn<F>(width: i32, height: i32, draw: F) -> Option<String>
where
    F: FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>>,
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

/// Axes and quiet lines across, ready for the lines themselves. Small numbers get more places.
pub(super) fn framed<'a>(
    root: &DrawingArea<SVGBackend<'a>, Shift>,
    x: Range<f64>,
    y: Range<f64>,
) -> Result<Chart<'a>, Box<dyn Error>> {
    let extent = y.end - y.start;
    let places = match extent {
        extent if extent < 1.0 => 2,
        extent if extent < 10.0 => 1,
        _ => 0,
    };
    let mut chart = ChartBuilder::on(root)
        .margin(6)
        .margin_right(14)
        .x_label_area_size(30)
        .y_label_area_size(44)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(QUIET.mix(0.3))
        .axis_style(QUIET)
        .x_labels(5)
        .y_labels(5)
        .label_style(("sans-serif", 13).into_font().color(&QUIET))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.places$}"))
        .draw()?;
    Ok(chart)
}

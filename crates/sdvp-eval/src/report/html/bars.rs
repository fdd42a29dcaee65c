//! The main result as a picture: a bar for each measured mean, with its interval.

use super::plot::{INK, QUIET, drawn, themed};
use crate::report::Report;
use crate::report::text::percent;
use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Colours that stand for those of the style sheet, see [`themed`].
const BEFORE: RGBColor = RGBColor(1, 2, 4);
const AFTER: RGBColor = RGBColor(1, 2, 5);
const TEACHER: RGBColor = RGBColor(1, 2, 6);

const WIDTH: i32 = 470;
const LEFT: i32 = 100;
/// Room for a value beside a bar of 100.
const RIGHT: i32 = WIDTH - 44;
const TOP: i32 = 22;
const BAR: i32 = 15;
const GROUP: i32 = 3 * BAR + 16;

/// One task: its name, and mean and interval before, after, and of the teachers.
struct Group<'a> {
    task: &'a str,
    bars: [(f64, [f64; 2]); 3],
}

/// The plot of all measured tasks; none without tasks.
pub(super) fn plot(report: &Report) -> Option<Markup> {
    let targets = report.targets.iter().map(|row| Group {
        task: &row.task,
        bars: [&row.before, &row.after, &row.teacher_replaced].map(|side| (side.mean, side.ci95)),
    });
    let unseen = report.unseen.iter().map(|row| Group {
        task: &row.task,
        bars: [
            (row.before, row.before_ci95),
            (row.after, row.after_ci95),
            (row.teacher_replaced, row.teacher_replaced_ci95),
        ],
    });
    let groups: Vec<Group> = targets.chain(unseen).collect();
    if groups.is_empty() {
        return None;
    }
    let height = TOP + GROUP * groups.len() as i32 + 8;
    let svg = drawn(WIDTH, height, |root| draw(root, &groups, height))?;
    let label = "Bars of the mean scores in the tables above, with their 95 % intervals";
    let svg = themed(
        &svg,
        label,
        &[(BEFORE, "before"), (AFTER, "after"), (TEACHER, "teacher")],
    );
    Some(html! {
        figure {
            (PreEscaped(svg))
            figcaption.legend {
                span { i.i-before {} "before" }
                span { i.i-after {} "after" }
                span { i.i-teacher {} "teachers instead" }
                "Mean score in per cent; whiskers: 95 % intervals."
            }
        }
    })
}

fn draw(
    root: &DrawingArea<SVGBackend, plotters::coord::Shift>,
    groups: &[Group],
    height: i32,
) -> Result<(), Box<dyn std::error::Error>> {
    let at = |part: f64| LEFT + (part.clamp(0.0, 1.0) * f64::from(RIGHT - LEFT)).round() as i32;
    let text = |size: i32, color: &RGBColor, pos: Pos| {
        ("sans-serif", size).into_font().color(color).pos(pos)
    };
    for tick in (0..=100).step_by(20) {
        let x = at(f64::from(tick) / 100.0);
        root.draw(&PathElement::new(
            [(x, TOP - 4), (x, height - 6)],
            QUIET.mix(0.3),
        ))?;
        let style = text(13, &QUIET, Pos::new(HPos::Center, VPos::Bottom));
        root.draw(&Text::new(tick.to_string(), (x, TOP - 6), style))?;
    }
    for (group, top) in groups.iter().zip((TOP + 8..).step_by(GROUP as usize)) {
        let style = text(14, &INK, Pos::new(HPos::Right, VPos::Center));
        let middle = (LEFT - 8, top + 3 * BAR / 2);
        root.draw(&Text::new(group.task.to_owned(), middle, style))?;
        let colors = [BEFORE, AFTER, TEACHER];
        for (((mean, [low, high]), color), y) in group
            .bars
            .iter()
            .zip(colors)
            .zip((top..).step_by(BAR as usize))
        {
            let middle = y + (BAR - 2) / 2;
            let bar = [(LEFT, y), (at(*mean), y + BAR - 2)];
            root.draw(&Rectangle::new(bar, color.filled()))?;
            let whisker = INK.stroke_width(1);
            root.draw(&PathElement::new(
                [(at(*low), middle), (at(*high), middle)],
                whisker,
            ))?;
            for end in [at(*low), at(*high)] {
                root.draw(&PathElement::new(
                    [(end, middle - 3), (end, middle + 3)],
                    whisker,
                ))?;
            }
            let x = at(high.max(*mean)) + 5;
            let style = text(12, &INK, Pos::new(HPos::Left, VPos::Center));
            root.draw(&Text::new(percent(*mean), (x, middle), style))?;
        }
    }
    Ok(())
}

//! Executed programs, step by step.

use super::picture::{Pictures, color};
use crate::report::{ExampleRun, ExampleSide, ExampleStep};
use maud::{Markup, html};
use sdvp_program::Inputs;

/// Boxes listed under a picture.
const LISTED: usize = 4;

/// One question's program before and after, side by side.
pub(super) fn card(number: usize, run: &ExampleRun, pictures: &mut Pictures) -> Markup {
    let first = run.first_difference();
    let rows = run.before.steps.len().max(run.after.steps.len());
    html! {
        section.example aria-label={ "Example " (number) } {
            h3 { (number) ". " (run.question) }
            (facts(&[("right answer", &run.gold)], &[("before", &run.before), ("after", &run.after)], &run.task))
            (originals(&run.images, pictures))
            ol.steps {
                @for index in 0..rows {
                    @let before = run.before.steps.get(index);
                    @let after = run.after.steps.get(index);
                    li.first[first == Some(index)] {
                        (heading(before, after))
                        @if first == Some(index) { " " span.badge { "first difference" } }
                        .sides {
                            (side("before", before, &run.before, pictures))
                            (side("after", after, &run.after, pictures))
                        }
                    }
                }
            }
        }
    }
}

/// One program, executed once.
pub(super) fn single(images: &Inputs, run: &ExampleSide, pictures: &mut Pictures) -> Markup {
    html! {
        section.example {
            (facts(&[], &[("answer", run)], ""))
            (originals(images, pictures))
            ol.steps {
                @for step in &run.steps {
                    li {
                        (heading(Some(step), None))
                        .sides.one { (side("", Some(step), run, pictures)) }
                    }
                }
            }
        }
    }
}

fn facts(given: &[(&str, &String)], runs: &[(&str, &ExampleSide)], task: &str) -> Markup {
    html! {
        dl.facts {
            @if !task.is_empty() { div { dt { "task" } " " dd { (task) } } }
            @for (name, value) in given { div { dt { (name) } " " dd { (value) } } }
            @for (name, run) in runs {
                div {
                    dt { (name) } " "
                    dd.right[run.correct == Some(true)].wrong[run.correct == Some(false)] {
                        @match &run.answer {
                            Ok(answer) => (answer),
                            Err(reason) => { "failed: " (reason) },
                        }
                        @match run.correct {
                            Some(true) => " ✓ right",
                            Some(false) => " ✗ wrong",
                            None => "",
                        }
                    }
                }
            }
        }
    }
}

fn originals(images: &Inputs, pictures: &mut Pictures) -> Markup {
    html! {
        .pictures {
            @for (name, image) in images {
                figure {
                    (pictures.view(&image.view(), &[], &format!("The image {name}")))
                    figcaption { (name) }
                }
            }
        }
    }
}

/// The line of the program; both, where the executions went different ways.
fn heading(before: Option<&ExampleStep>, after: Option<&ExampleStep>) -> Markup {
    let line = |step: &ExampleStep| {
        html! { span.quiet { (step.line) } " " code { (step.source) } }
    };
    match (before, after) {
        (Some(b), Some(a)) if (b.line, &b.source) != (a.line, &a.source) => {
            html! { (line(b)) " / " (line(a)) }
        }
        (Some(step), _) | (None, Some(step)) => line(step),
        (None, None) => html! {},
    }
}

fn side(
    who: &str,
    step: Option<&ExampleStep>,
    run: &ExampleSide,
    pictures: &mut Pictures,
) -> Markup {
    html! {
        .side {
            @if !who.is_empty() { span.who { (who) } }
            @match (step, &run.answer) {
                (Some(step), _) => (outcome(who, step, pictures)),
                (None, Err(_)) => span.wrong { "not reached" },
                (None, Ok(_)) => span.quiet { "not executed" },
            }
        }
    }
}

fn outcome(who: &str, step: &ExampleStep, pictures: &mut Pictures) -> Markup {
    let description = format!(
        "What line {} looked at {who}: {}, {}",
        step.line, step.variable, step.text
    );
    html! {
        .found {
            @if let Some(view) = &step.view {
                (pictures.view(view, &step.boxes, &description))
            }
            .words { (words(step)) }
        }
    }
}

/// What came of a step.
fn words(step: &ExampleStep) -> Markup {
    html! {
        div.said { (step.text) }
        @if let Some(confidence) = step.confidence {
            div.quiet { "sure to " (format!("{:.0} %", 100.0 * confidence)) }
        }
        @if !step.boxes.is_empty() {
            ul.boxes {
                @for (rank, shown) in step.boxes.iter().enumerate().take(LISTED) {
                    li {
                        i class=(color(rank)) {}
                        @match shown.score {
                            Some(score) => { (format!("{score:.2}")) },
                            None => { "box " (rank + 1) },
                        }
                    }
                }
                @if step.boxes.len() > LISTED { li { "and " (step.boxes.len() - LISTED) " more" } }
            }
        }
        @if !step.note.is_empty() {
            div.quiet {
                @if step.confidence.is_some() { "or " (step.note) } @else { (step.note) }
            }
        }
    }
}

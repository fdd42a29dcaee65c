//! Self-contained pages: no script, nothing from elsewhere, light and dark, for phone and paper.

mod bars;
mod curves;
#[cfg(test)]
pub(super) mod fabricated;
mod grid;
mod picture;
mod plot;
mod program;
mod tables;

pub use grid::grid_html;

use super::{ExampleRun, ExampleSide, Report};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use picture::Pictures;
use sdvp_program::Inputs;

/// `report.html`: what improved and what was kept, with the given questions' programs step by
/// step. Everything that is not markup of our own is escaped.
pub fn report_html(report: &Report, examples: &[ExampleRun]) -> String {
    let mut pictures = Pictures::default();
    let cards: Vec<Markup> = examples
        .iter()
        .enumerate()
        .map(|(index, example)| program::card(index + 1, example, &mut pictures))
        .collect();
    let body = html! {
        h1 { "Stepwise distillation of visual programs" }
        p.quiet {
            (report.framework) " programs, seed " (report.seed) ", "
            (tables::seconds(report.wall_s)) " in all. "
            "A reimplementation from the abstract and public summaries of arXiv 2309.09809; "
            "scores in per cent, intervals of 95 % by bootstrap over questions."
        }
        @if !report.targets.is_empty() {
            h2 { "Tasks that were distilled on" }
            (tables::targets(report))
        }
        @if !report.unseen.is_empty() {
            h2 { "Tasks never seen" }
            (tables::unseen(report))
        }
        @if let Some(plot) = bars::plot(report) { (plot) }
        @if !report.experts.is_empty() {
            h2 { "Who answers for which pictures" }
            (tables::experts(report))
        }
        @if !report.look_alikes.is_empty() {
            h2 { "Tasks never seen, in the targets' looks" }
            (tables::look_alikes(report))
        }
        @if !report.across.is_empty() {
            h2 { "In the programs of another framework" }
            (tables::across(report))
        }
        @if report.targets.iter().any(|row| !row.by_type.is_empty()) {
            h2 { "By type of question" }
            (tables::by_type(report))
        }
        @if !report.forgetting.is_empty() {
            h2 { "Task after task" }
            (tables::forgetting(report))
        }
        @if report.divergence.iter().any(|row| row.n > 0) {
            h2 { "Where it turned" }
            (tables::divergence(report))
        }
        @if !report.calls.is_empty() {
            h2 { "The calls themselves" }
            (tables::calls(report))
        }
        @if !cards.is_empty() {
            h2 { "Programs step by step" }
            p.quiet {
                "Each step of the program, with what its module saw and said before and after "
                "distillation. The first step that came out differently is marked."
            }
            @for card in &cards { (card) }
        }
        @if report.stages.iter().any(|stage| !stage.curve.is_empty()) {
            h2 { "Training" }
            (curves::plots(report))
        }
        h2 { "What it took" }
        (tables::costs(report))
    };
    page("Stepwise distillation of visual programs", body, &pictures)
}

/// A page with one program's execution, step by step.
pub fn trace_html(question: &str, images: &Inputs, run: &ExampleSide) -> String {
    let mut pictures = Pictures::default();
    let card = program::single(images, run, &mut pictures);
    page(question, html! { h1 { (question) } (card) }, &pictures)
}

fn page(title: &str, body: Markup, pictures: &Pictures) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (pictures.store())
                main { (body) }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests;

//! The questions of the built-in world, whose functional programs have GQA's layout: compiled from
//! it, and answered from the scene graphs, all are answered rightly.

use super::{programs, run};
use crate::gqa::functional::Functional;
use crate::picto::{Scene, Split, judge};
use crate::{Gold, Question, Task, questions};
use image::{Rgb, RgbImage};
use rayon::prelude::*;
use sdvp_core::{Image, SubTask};
use sdvp_program::{Inputs, Value};
use std::sync::Arc;

/// Pictures that stand for the scenes: who answers from scene graphs needs none drawn.
fn blanks(question: &Question) -> Inputs {
    let names = question.input_names().iter();
    let drawn = names.zip(&question.scenes).zip(0u8..);
    drawn
        .map(|((name, scene), n)| {
            let blank = RgbImage::from_pixel(scene.side, scene.side, Rgb([n, n, n]));
            ((*name).to_owned(), Image::new(blank).unwrap())
        })
        .collect()
}

fn scene<'a>(question: &'a Question, inputs: &Inputs, task: &SubTask) -> &'a Arc<Scene> {
    let asked = task.view.image().digest();
    let at = inputs.iter().position(|(_, image)| image.digest() == asked);
    &question.scenes[at.unwrap()]
}

/// A returned patch answers where something is.
fn is_right(gold: &Gold, result: &Value) -> bool {
    match (gold, result) {
        (Gold::Box(right), Value::View(view)) => {
            right.iou(&view.region().into()) >= crate::RIGHT_IOU as f32
        }
        _ => gold.matches(result),
    }
}

/// What is wrong with the answers that a question's programs give.
fn faults(question: &Question) -> Vec<String> {
    let functional = Functional::read(&question.id, &question.semantic).unwrap();
    assert_eq!(functional.is_pair(), question.scenes.len() == 2);
    let inputs = blanks(question);
    let mut faults = Vec::new();
    for program in programs(&functional) {
        let result = run(program.as_ref(), &inputs, |task| {
            judge(scene(question, &inputs, task), task).map(|judged| judged.outcome)
        });
        if !result
            .as_ref()
            .is_ok_and(|result| is_right(&question.gold, result))
        {
            let (id, text, gold) = (&question.id, &question.text, &question.gold);
            let source = program.source();
            faults.push(format!("{id} {text}\n{gold:?} {result:?}\n{source}\n"));
        }
    }
    faults
}

#[test]
fn with_perfect_modules_every_question_is_answered_rightly() {
    for task in Task::ALL {
        for seed in [1, 2, 3] {
            let asked = questions(task, Split::Val, seed, 300);
            let faults: Vec<String> = asked.par_iter().flat_map_iter(faults).collect();
            assert!(
                faults.is_empty(),
                "{task}, seed {seed}: {} faults\n{}",
                faults.len(),
                faults.join("\n")
            );
        }
    }
}

use crate::Task;
use crate::gold::Gold;
use crate::picto::{Oracle, Question, Split, questions};
use sdvp_core::Module;
use sdvp_program::viper::{ViperProgram, ViperSettings};
use sdvp_program::{Program, Step, Value};
use std::sync::Arc;

/// Runs a question's program on its rendered pictures, with the oracle.
fn ask_oracle(question: &Question) -> Value {
    let settings = ViperSettings {
        crop_margin: 0,
        ..ViperSettings::default()
    };
    let oracle = Oracle::of_questions(&[Arc::new(question.clone())]);
    let source = question.viper_program();
    let program =
        ViperProgram::parse(&source, &settings).unwrap_or_else(|e| panic!("{e}\n{source}"));
    let mut execution = program.start(&question.inputs());
    let mut step = execution.start();
    loop {
        match step.unwrap_or_else(|e| panic!("{e}\n{source}")) {
            Step::Done(result) => return result,
            Step::Needs(task) => {
                let answer = oracle.run(std::slice::from_ref(&task)).remove(0);
                step = execution.resume(answer);
            }
        }
    }
}

/// A returned patch answers where something is.
fn score(gold: &Gold, result: &Value) -> f64 {
    match (gold, result) {
        (Gold::Box(right), Value::View(view)) => f64::from(right.iou(&view.region().into())),
        _ => gold.score(result),
    }
}

#[test]
fn with_perfect_modules_programs_answer_rightly() {
    for task in Task::ALL {
        let asked = questions(task, Split::Val, 1, 300);
        let mut total = 0.0;
        for question in &asked {
            total += score(&question.gold, &ask_oracle(question));
        }
        let mean = total / asked.len() as f64;
        assert!(mean > 0.95, "{task}: {mean}");
    }
}

#[test]
fn the_same_question_has_the_same_program() {
    let asked = |count| questions(Task::named("picto-gqa").unwrap(), Split::Val, 3, count);
    let (few, many) = (asked(20), asked(200));
    for (a, b) in few.iter().zip(&many) {
        assert_eq!(a.viper_program(), b.viper_program());
    }
    let programs: String = many.iter().map(Question::viper_program).collect();
    for piece in [
        ".find('",
        ".simple_query('",
        ".exists('",
        ".verify_property('",
        ".best_text_match([",
        "for ",
        "bool_to_yesno(",
    ] {
        assert!(programs.contains(piece), "{piece}");
    }
}

//! The proof that questions, programs and answers belong together.

use crate::Task;
use crate::picto::{Oracle, Question, Split, questions};
use sdvp_core::Module;
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};
use sdvp_program::{Program, Step, Value};
use std::sync::Arc;

/// Runs a question's program on its rendered pictures, with the public oracle.
fn ask_oracle(question: &Question) -> Value {
    let inputs = question.inputs();
    let oracle = Oracle::of_questions(&[Arc::new(question.clone())]);
    let program = VisProgProgram::parse(&question.program, &VisProgSettings::default()).unwrap();
    let mut execution = program.start(&inputs);
    let mut step = execution.start().unwrap();
    loop {
        match step {
            Step::Done(result) => return result,
            Step::Needs(task) => {
                let answer = oracle.run(std::slice::from_ref(&task)).remove(0);
                step = execution.resume(answer).unwrap();
            }
        }
    }
}

#[test]
fn with_perfect_modules_every_program_gives_the_right_answer() {
    for task in Task::ALL {
        let mut total = 0.0;
        for question in questions(task, Split::Val, 1, 300) {
            let result = ask_oracle(&question);
            total += question.gold.score(&result);
            assert!(
                question.gold.matches(&result),
                "{}: {}\n{}\nexpected {:?}, found {result}",
                question.id,
                question.text,
                question.program,
                question.gold
            );
        }
        // Boxes of things that a crop cuts are cut, too; all else scores in full.
        assert!(total / 300.0 > 0.97, "{task}: {total}");
    }
}

//! Programs run with answers that nobody looked for.

use sdvp_core::{AnswerOutcome, BBox, Detection, Image, Outcome, SubTask, SubTaskKind};
use sdvp_program::{Inputs, Program, Step};

const NAMES: [&str; 3] = ["IMAGE", "LEFT", "RIGHT"];

/// Runs a program over small pictures to its end, which may be an error.
pub fn run(program: &impl Program) {
    let picture = Image::new(image::RgbImage::new(9, 7)).expect("a picture");
    let inputs: Inputs = NAMES.map(|name| (name.to_owned(), picture.clone())).into();
    let mut execution = program.start(&inputs);
    let mut step = execution.start();
    let mut asked = 0;
    while let Ok(Step::Needs(task)) = step {
        step = execution.resume(Ok(answer(&task, asked)));
        asked += 1;
    }
}

/// Something else every time, also what no module should say.
fn answer(task: &SubTask, asked: usize) -> Outcome {
    let (width, height) = (task.view.width() as f32, task.view.height() as f32);
    match task.kind {
        SubTaskKind::Locate => {
            let boxes = (0..asked % 3).map(|number| Detection {
                bbox: BBox::new(0.0, 0.0, width / (1 + number) as f32, height),
                score: 0.9,
            });
            Outcome::Boxes(boxes.collect())
        }
        SubTaskKind::Answer => {
            let answers = ["yes", "no", "3", "", "it's \"red\" {x}\\", "-1e999"];
            Outcome::Answer(AnswerOutcome::certain(answers[asked % answers.len()]))
        }
        SubTaskKind::Match => Outcome::Score([0.0, 1.0, f32::NAN][asked % 3]),
        SubTaskKind::Depth => Outcome::Depth([0.0, 1.0, f32::INFINITY][asked % 3]),
        _ => Outcome::Text("it's a 'text'\n".to_owned()),
    }
}

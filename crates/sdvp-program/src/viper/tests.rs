//! Programs as language models write them, run with modules that answer from a few rules.

use super::*;
use crate::{RunError, Step, Value};
use image::RgbImage;
use sdvp_core::{
    AnswerOutcome, BBox, Detection, Image, ModuleError, Outcome, SubTask, SubTaskKind,
};

/// Two boxes for everything but "unicorn", `yes` to questions that begin with "Is", and scores by
/// the length of the text.
pub(super) fn stand_in(task: &SubTask) -> Outcome {
    let (w, h) = (task.view.width() as f32, task.view.height() as f32);
    match task.kind {
        SubTaskKind::Locate if task.text == "unicorn" => Outcome::Boxes(Vec::new()),
        SubTaskKind::Locate => Outcome::Boxes(
            [(0.5, 0.0, 1.0, 0.5, 0.9), (0.0, 0.5, 0.25, 1.0, 0.8)]
                .map(|(x0, y0, x1, y1, score)| Detection {
                    bbox: BBox::new(x0 * w, y0 * h, x1 * w, y1 * h),
                    score,
                })
                .into(),
        ),
        SubTaskKind::Answer if task.text.starts_with("Is") => {
            Outcome::Answer(AnswerOutcome::certain("yes"))
        }
        SubTaskKind::Answer => {
            Outcome::Answer(AnswerOutcome::certain(format!("{}", task.view.width())))
        }
        SubTaskKind::Match => Outcome::Score((task.text.len() as f32 / 20.0).min(1.0)),
        SubTaskKind::Depth => Outcome::Depth(w * h),
        _ => Outcome::Text(task.text.to_uppercase()),
    }
}

fn picture(width: u32, height: u32) -> Image {
    Image::new(RgbImage::new(width, height)).unwrap()
}

/// The result with the calls that were made.
pub(super) fn run_on(code: &str, inputs: &Inputs) -> (Result<Value, RunError>, Vec<String>) {
    run_with(code, inputs, &ViperSettings::default())
}

fn run_with(
    code: &str,
    inputs: &Inputs,
    settings: &ViperSettings,
) -> (Result<Value, RunError>, Vec<String>) {
    let program = ViperProgram::parse(code, settings).unwrap_or_else(|e| panic!("{e}\n{code}"));
    let program = program.asking("What?", &["a".to_owned(), "b".to_owned()]);
    let mut execution = program.start(inputs);
    let mut calls = Vec::new();
    let mut step = execution.start();
    loop {
        match step {
            Ok(Step::Needs(task)) => {
                calls.push(format!(
                    "{} {} {}",
                    task.kind,
                    task.view.region(),
                    task.text
                ));
                step = execution.resume(Ok(stand_in(&task)));
            }
            Ok(Step::Done(value)) => return (Ok(value), calls),
            Err(error) => return (Err(error), calls),
        }
    }
}

fn run(code: &str) -> Result<String, String> {
    let inputs = vec![("IMAGE".to_owned(), picture(100, 80))];
    let (result, _) = run_on(code, &inputs);
    result.map(|v| v.to_string()).map_err(|e| e.to_string())
}

fn calls(code: &str) -> Vec<String> {
    let inputs = vec![("IMAGE".to_owned(), picture(100, 80))];
    let (result, calls) = run_on(code, &inputs);
    result.unwrap_or_else(|error| panic!("{error}\n{code}"));
    calls
}

/// A program whose body is this.
fn body(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("def execute_command(image):\n    image_patch = ImagePatch(image)\n{lines}")
}

#[test]
fn every_method_asks_for_its_sub_tasks() {
    for (code, expected) in [
        (
            "return image_patch.find('dog')",
            vec!["locate [0, 0, 100, 80] dog"],
        ),
        (
            "return image_patch.exists('dog')",
            vec![
                "locate [0, 0, 100, 80] dog",
                "answer [40, 0, 100, 50] Is this a dog?",
                "answer [0, 30, 35, 80] Is this a dog?",
            ],
        ),
        (
            "return image_patch.exists('unicorn')",
            vec!["locate [0, 0, 100, 80] unicorn"],
        ),
        (
            "return image_patch.exists('number 7')",
            vec!["answer [0, 0, 100, 80] What number is written in the image (in digits)?"],
        ),
        (
            "return image_patch.verify_property('dog', 'red')",
            vec!["match [0, 0, 100, 80] red dog"],
        ),
        (
            "return image_patch.best_text_match(['cat', 'dog'], prefix='a')",
            vec!["match [0, 0, 100, 80] a cat", "match [0, 0, 100, 80] a dog"],
        ),
        (
            "return image_patch.simple_query()",
            vec!["answer [0, 0, 100, 80] What is this?"],
        ),
        (
            "return image_patch.crop(0, 0, 20, 20).compute_depth()",
            vec!["depth [0, 50, 30, 80] "],
        ),
        (
            "return best_image_match(image_patch.find('dog'), ['red', 'old']).left",
            vec![
                "locate [0, 0, 100, 80] dog",
                "match [40, 0, 100, 50] red",
                "match [0, 30, 35, 80] red",
                "match [40, 0, 100, 50] old",
                "match [0, 30, 35, 80] old",
            ],
        ),
        (
            "return llm_query('why?')",
            vec!["prompt [0, 0, 100, 80] why?"],
        ),
        (
            "return image_patch.llm_query('why?')",
            vec!["prompt [0, 0, 100, 80] why?"],
        ),
        (
            "return process_guesses('Who?', 'a', 'b')",
            vec!["prompt [0, 0, 100, 80] Who?\nGuess 1: a\nGuess 2: b"],
        ),
    ] {
        assert_eq!(calls(&body(code)), expected, "{code}");
    }
}

#[test]
fn what_needs_no_module_is_computed() {
    for (code, value) in [
        (
            "return bool_to_yesno(image_patch.overlaps_with(90, 70, 120, 90))",
            "yes",
        ),
        ("return bool_to_yesno(False)", "no"),
        (
            "a, b = image_patch.find('dog')\nreturn distance(a, b)",
            "5.0",
        ),
        ("return distance(3, 5.5)", "2.5"),
        ("return coerce_to_numeric('about 12 dogs')", "12"),
        ("return coerce_to_numeric('dogs')", "dogs"),
        (
            "p = image_patch.find('dog')[1]\nreturn [p.left, p.lower, p.right, p.upper]",
            "[0, 0, 35, 50]",
        ),
        (
            "p = image_patch.find('dog')[0]\nreturn [p.width, p.height, p.vertical_center]",
            "[60, 50, 55.0]",
        ),
        (
            "return ImagePatch(image, 10, 10, 20, 20).cropped_image.size",
            "[10, 10]",
        ),
        (
            "return ImagePatch(image_patch.find('dog')[0].cropped_image).left",
            "0",
        ),
        ("return image.width", "100"),
        ("return image_patch.print_image()", "None"),
        ("return image_patch", "image [0, 0, 100, 80]"),
        ("return 'abc'.find('c')", "2"),
    ] {
        assert_eq!(run(&body(code)), Ok(value.to_owned()), "{code}");
    }
}

#[test]
fn python_runs_as_it_does_elsewhere() {
    for (code, value) in [
        // Keys that call modules, of every kind of sorting; sorting is stable either way.
        (
            "p = image_patch.find('dog')\np.sort(key=lambda x: x.compute_depth())\nreturn [x.left for x in p]",
            "[0, 40]",
        ),
        (
            "p = image_patch.find('dog')\n(p or []).sort(key=lambda x: x.compute_depth(), reverse=True)\nreturn p[0].left",
            "40",
        ),
        (
            "return sorted(image_patch.find('dog'), key=ImagePatch.compute_depth)[0].left",
            "0",
        ),
        (
            "return min(image_patch.find('dog'), key=lambda x: distance(x, image_patch)).left",
            "40",
        ),
        (
            "return max([], key=lambda x: x.compute_depth(), default='none')",
            "none",
        ),
        ("return max(3, -5, key=lambda x: abs(x))", "-5"),
        (
            "def depth(p):\n    return p.compute_depth()\nreturn sorted(image_patch.find('dog'), key=depth)[1].left",
            "40",
        ),
        (
            "p = image_patch.find('dog')\np.sort(key=lambda x: x.left)\nreturn p[0].left",
            "0",
        ),
        (
            "return list(map(image_patch.simple_query, ['Is it?', 'How?']))",
            "[yes, 100]",
        ),
        (
            "return [p.left for p in filter(lambda p: p.verify_property('dog', 'xxxxxxxxxx'), image_patch.find('dog'))]",
            "[40, 0]",
        ),
        ("return next(p.left for p in image_patch.find('dog'))", "40"),
        (
            "return next((p for p in image_patch.find('unicorn')), None)",
            "None",
        ),
        (
            "ask = image_patch.simple_query\nreturn ask('Is it?')",
            "yes",
        ),
        (
            "return getattr(image_patch, 'simple_query')('Is it?')",
            "yes",
        ),
        (
            "return hasattr(image_patch, 'find') and not hasattr(image_patch, 'count')",
            "True",
        ),
        (
            "p = image_patch.find('dog')\nbest = best_image_match(p, 'x')\nreturn p.index(best), best is p[0], p[0] != p[1], image_patch in p",
            "[0, True, True, False]",
        ),
        (
            "p = image_patch.find('dog')[0]\np.seen = 3\nreturn p.seen",
            "3",
        ),
        // Truth values are numbers.
        ("a = image_patch.exists('dog')\nb = True\nreturn a + b", "2"),
        (
            "n = 0\nfor p in image_patch.find('dog'):\n    n += p.left > 3\nreturn n",
            "1",
        ),
        (
            "return sum(p.left > 3 for p in image_patch.find('dog'))",
            "1",
        ),
        (
            "return sum([p.width for p in image_patch.find('dog')])",
            "95",
        ),
        (
            "import math\nfrom typing import List\nreturn math.floor(2.5)",
            "2",
        ),
        (
            "return f\"{image_patch.simple_query('Is it?')} and {len(image_patch.find('dog'))}\"",
            "yes and 2",
        ),
        (
            "try:\n    return image_patch.nonsense\nexcept AttributeError:\n    return 'caught'",
            "caught",
        ),
        ("return {'a': 1}", "{'a': 1}"),
        ("return", "None"),
    ] {
        assert_eq!(run(&body(code)), Ok(value.to_owned()), "{code}");
    }
}

#[test]
fn generators_ask_no_more_than_they_must() {
    let any = body(
        "return any('5' in p.simple_query('How?') or p.exists('cat') for p in image_patch.find('dog'))",
    );
    // The first is 60 pixels wide, so that it is asked for its cats; they end it.
    assert_eq!(calls(&any).len(), 5);
    let all = body(
        "return all(p.verify_property('dog', 'x') for p in image_patch.find('dog') if p.left < 90)",
    );
    assert_eq!(calls(&all).len(), 2);
    assert_eq!(run(&any), Ok("True".into()));
    assert_eq!(run(&all), Ok("False".into()));
    let nested = body(
        "return any(any(q.left > 90 for q in p.find('ear')) for p in image_patch.find('dog'))",
    );
    assert_eq!(run(&nested), Ok("False".into()));
    assert_eq!(calls(&nested).len(), 3);
}

#[test]
fn parameters_are_given_what_their_names_say() {
    let single = vec![("IMAGE".to_owned(), picture(100, 80))];
    let pair = vec![
        ("LEFT".to_owned(), picture(30, 20)),
        ("RIGHT".to_owned(), picture(50, 20)),
    ];
    for (code, inputs, value) in [
        (
            "def execute_command(image, possible_answers, query, ImagePatch):\n  return query, possible_answers, ImagePatch(image).width",
            &single,
            "[What?, [a, b], 100]",
        ),
        (
            "def execute_command(image_dict):\n  return [ImagePatch(image_dict[k]).width for k in ('left', 'right')]",
            &pair,
            "[30, 50]",
        ),
        (
            "def execute_command(image):\n  return ImagePatch(image['right']).width",
            &pair,
            "50",
        ),
        (
            "def execute_command(left_image, right_image):\n  return left_image.width, right_image.width",
            &pair,
            "[30, 50]",
        ),
        (
            "def execute_command(first, second):\n  return first.width, second.width",
            &pair,
            "[30, 50]",
        ),
        (
            "def execute_command(image, margin=5, *rest, **more):\n  return margin",
            &single,
            "5",
        ),
        (
            "def execute_command(video):\n  v = VideoSegment(video)\n  return [p.width for p in v.frame_iterator()], v.trim(1, None).frame_from_index(7).width, v.num_frames",
            &pair,
            "[[30, 50], 50, 2]",
        ),
    ] {
        let (result, _) = run_on(code, inputs);
        assert_eq!(
            result.map(|v| v.to_string()),
            Ok(value.to_owned()),
            "{code}"
        );
    }
    let (result, _) = run_on(
        "def execute_command(left_image, right_image):\n  return 1",
        &single,
    );
    let message = "the program wants an image for right_image; given are IMAGE";
    assert_eq!(result.unwrap_err().to_string(), message);
    let settings = ViperSettings::default();
    let error = ViperProgram::parse(
        "\ndef execute_command(image, model):\n  return 1",
        &settings,
    );
    let error = error.err().unwrap().to_string();
    assert_eq!(
        error,
        "line 2, column 1: execute_command has a parameter model, which nothing is known to be given to"
    );
}

#[test]
fn errors_are_pythons_with_the_programs_lines() {
    let code = "Here it is:\n```python\ndef look(p):\n    return p.simple_query(1, 2)\n\ndef execute_command(image):\n    return look(ImagePatch(image))\n```";
    assert_eq!(
        run(code).unwrap_err(),
        "Traceback (most recent call last):
  line 7, in execute_command
    return look(ImagePatch(image))
  line 4, in look
    return p.simple_query(1, 2)
TypeError: ImagePatch.simple_query() takes from 1 to 2 positional arguments but 3 were given"
    );
    for (code, last) in [
        (
            "return image_patch.colour",
            "AttributeError: 'ImagePatch' object has no attribute 'colour'",
        ),
        (
            "return image_patch.count('x')",
            "AttributeError: 'ImagePatch' object has no attribute 'count'",
        ),
        (
            "return image_patch.find('dog').simple_query('x')",
            "AttributeError: 'list' object has no attribute 'simple_query'",
        ),
        (
            "return image_patch.find('unicorn')[0]",
            "IndexError: list index out of range",
        ),
        ("return nothing", "NameError: name 'nothing' is not defined"),
        (
            "return image_patch.crop(10, 70, 20, 10)",
            "Exception: ImagePatch has no area",
        ),
        (
            "return ImagePatch(image, 1.5, 2, 3, 4)",
            "TypeError: slice indices must be integers, found float",
        ),
        (
            "import os\nreturn os.listdir('.')",
            "ModuleNotFoundError: No module named 'os'",
        ),
        ("return open('/etc/passwd').read()", "PermissionError"),
        (
            "return __import__('os')",
            "NameError: name '__import__' is not defined",
        ),
    ] {
        let error = run(&body(code)).unwrap_err();
        assert!(
            error.lines().last().unwrap().contains(last),
            "{code}: {error}"
        );
        assert!(
            error.starts_with("Traceback (most recent call last):\n  line "),
            "{error}"
        );
    }
}

#[test]
fn modules_that_fail_end_the_run_where_they_were_asked() {
    let program = body(
        "try:\n    return image_patch.simple_query('x')\nexcept Exception:\n    return 'hidden'",
    );
    let program = ViperProgram::parse(&program, &ViperSettings::default()).unwrap();
    let inputs = vec![("IMAGE".to_owned(), picture(10, 10))];
    let answers: [(Result<Outcome, ModuleError>, &str); 3] = [
        (
            Err(ModuleError::NoModule {
                kind: SubTaskKind::Answer,
            }),
            "line 4: no module answers answer sub-tasks",
        ),
        (
            Ok(Outcome::Score(0.5)),
            "line 4: expected an answer to a answer sub-task, found one to match",
        ),
        (Ok(Outcome::Boxes(Vec::new())), "found one to locate"),
    ];
    for (answer, message) in answers {
        let mut execution = program.start(&inputs);
        assert!(matches!(execution.start(), Ok(Step::Needs(_))));
        let error = execution.resume(answer).unwrap_err().to_string();
        assert!(error.ends_with(message), "{error}");
        assert_eq!(
            execution.resume(Ok(Outcome::Score(1.0))).unwrap_err(),
            RunError::NotWaiting
        );
    }
}

#[test]
fn traces_tell_the_line_of_every_sub_task() {
    let code = body(
        "dogs = image_patch.find(\n    'dog')\nred = best_image_match(dogs, 'red')\nreturn red.simple_query('What?')",
    );
    let program = ViperProgram::parse(&code, &ViperSettings::default()).unwrap();
    let mut execution = program.start(&vec![("IMAGE".to_owned(), picture(100, 80))]);
    let mut step = execution.start();
    while let Ok(Step::Needs(task)) = step {
        step = execution.resume(Ok(stand_in(&task)));
    }
    step.unwrap();
    let steps: Vec<(usize, &str)> = execution
        .trace()
        .steps
        .iter()
        .map(|s| (s.line, s.source.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (3, "dogs = image_patch.find("),
            (5, "red = best_image_match(dogs, 'red')"),
            (5, "red = best_image_match(dogs, 'red')"),
            (6, "return red.simple_query('What?')"),
        ]
    );
}

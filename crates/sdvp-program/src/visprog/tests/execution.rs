use super::*;
use crate::{Execution, TraceStep};

const FOUND: [f32; 4] = [20.0, 30.0, 40.0, 50.0];

/// The region of the view that a crop step gives, in a 100×80 image.
fn cropped(step: &str, found: Outcome, reference_side_crops: bool) -> [u32; 4] {
    let source = format!(
        "BOX0=LOC(image=IMAGE,object='cat')\nIMAGE0={step}(image=IMAGE,box=BOX0)\nF=RESULT(var=IMAGE0)"
    );
    let settings = VisProgSettings {
        reference_side_crops,
        ..VisProgSettings::default()
    };
    let program = VisProgProgram::parse(&source, &settings).unwrap();
    let (value, _) = scripted(&program, &[("IMAGE", image(100, 80))], vec![found]);
    match value {
        Ok(Value::View(view)) => view.region().to_array(),
        other => panic!("{step}: {other:?}"),
    }
}

#[test]
fn every_crop_step() {
    for step in [
        "CROP",
        "CROP_FRONTOF",
        "CROP_INFRONT",
        "CROP_INFRONTOF",
        "CROP_BEHIND",
        "CROP_AHEAD",
    ] {
        assert_eq!(
            cropped(step, boxes(&[(FOUND, 0.9)]), false),
            [15, 25, 45, 55],
            "{step}"
        );
        assert_eq!(cropped(step, boxes(&[]), false), [0, 0, 100, 80], "{step}");
    }
    let found = || boxes(&[([60.0, 0.0, 70.0, 9.0], 0.3), (FOUND, 0.9)]);
    assert_eq!(cropped("CROP_RIGHTOF", found(), false), [30, 0, 99, 79]);
    assert_eq!(cropped("CROP_LEFTOF", found(), false), [0, 0, 30, 79]);
    assert_eq!(cropped("CROP_ABOVE", found(), false), [0, 0, 99, 40]);
    assert_eq!(cropped("CROP_BELOW", found(), false), [0, 40, 99, 79]);
}

#[test]
fn side_crops_without_boxes_take_a_half() {
    let weak = || boxes(&[(FOUND, 0.1)]);
    for (step, meant, reference) in [
        ("CROP_RIGHTOF", [50, 0, 99, 79], [50, 0, 99, 79]),
        ("CROP_LEFTOF", [0, 0, 50, 79], [0, 0, 50, 79]),
        ("CROP_ABOVE", [0, 0, 99, 40], [0, 0, 50, 79]),
        ("CROP_BELOW", [0, 40, 99, 79], [0, 0, 50, 79]),
    ] {
        assert_eq!(cropped(step, weak(), false), meant, "{step}");
        assert_eq!(cropped(step, weak(), true), reference, "{step}");
    }
}

#[test]
fn halves_need_no_module_and_nest() {
    let program = parse(
        "BOX0=LOC(image=IMAGE,object='RIGHT')\nIMAGE0=CROP_RIGHTOF(image=IMAGE,box=BOX0)\n\
         BOX1=LOC(image=IMAGE0,object='cat')\nIMAGE1=CROP(image=IMAGE0,box=BOX1)\nF=RESULT(var=IMAGE1)",
    );
    let (value, trace) = scripted(
        &program,
        &[("IMAGE", image(100, 80))],
        vec![boxes(&[([4.9, 10.0, 14.2, 20.0], 0.5)])],
    );
    let Ok(Value::View(view)) = value else {
        panic!("{value:?}")
    };
    // RIGHT is [50, 99); its centre 74; the box [4, 14) enlarged by 7 about 9; 74 + 2 = 76.
    assert_eq!(view.region().to_array(), [76, 8, 90, 22]);
    assert_eq!(trace.sub_tasks().count(), 1);
    assert_eq!(
        trace.sub_tasks().next().unwrap().view.region().to_array(),
        [74, 0, 99, 79]
    );
}

#[test]
fn boxes_of_another_view_keep_their_numbers() {
    let program = parse(
        "BOX0=LOC(image=LEFT,object='cat')\nIMAGE0=CROP(image=RIGHT,box=BOX0)\nF=RESULT(var=IMAGE0)",
    );
    let inputs = [("LEFT", image(100, 80)), ("RIGHT", image(42, 80))];
    let (value, _) = scripted(&program, &inputs, vec![boxes(&[(FOUND, 0.9)])]);
    assert!(matches!(value, Ok(Value::View(view)) if view.region().to_array() == [15, 25, 42, 55]));
}

#[test]
fn a_whole_question_with_its_trace() {
    let source = "BOX0=LOC(image=IMAGE,object='dog')\n\nANSWER0=COUNT(box=BOX0) # how many\n\
                  ANSWER1=VQA(image=IMAGE,question='Is it day?')\n\
                  ANSWER2=EVAL(expr=\"'yes' if {ANSWER0} == 2 and {ANSWER1} else 'no'\")\nFINAL=RESULT(var=ANSWER2)";
    let program = parse(source);
    assert_eq!((program.steps(), program.source()), (5, source));
    let outcomes = vec![
        boxes(&[
            ([0.0, 0.0, 30.0, 30.0], 0.4),
            ([50.0, 50.0, 70.0, 70.0], 0.8),
            ([51.0, 50.0, 70.0, 70.0], 0.7),
            ([5.0, 60.0, 9.0, 69.0], 0.1),
        ]),
        answer("yes"),
    ];
    let (value, trace) = scripted(&program, &[("IMAGE", image(100, 80))], outcomes.clone());
    assert!(matches!(value, Ok(Value::Text(text)) if text == "yes"));
    let steps: Vec<String> = trace
        .steps
        .iter()
        .map(|step| format!("{} {}={}", step.line, step.variable, step.value))
        .collect();
    assert_eq!(
        steps,
        [
            "1 BOX0=[[50, 50, 70, 70], [0, 0, 30, 30]]",
            "3 ANSWER0=2",
            "4 ANSWER1=yes",
            "5 ANSWER2=yes",
            "6 FINAL=yes"
        ]
    );
    let TraceStep {
        source,
        sub_task: Some(asked),
        outcome,
        ..
    } = &trace.steps[0]
    else {
        panic!("{trace:?}")
    };
    assert_eq!(
        (asked.kind, asked.text.as_str()),
        (SubTaskKind::Locate, "dog")
    );
    assert_eq!(source, "BOX0=LOC(image=IMAGE,object='dog')");
    assert_eq!(outcome.as_ref(), outcomes.first());
    assert_eq!(
        trace.steps[3].expression.as_deref(),
        Some("'yes' if 2 == 2 and True else 'no'")
    );
}

#[test]
fn variables_can_be_set_again() {
    let program = parse(
        "IMAGE=CROP(image=IMAGE,box=B)\nF=RESULT(var=IMAGE)"
            .replace("box=B", "box=B0")
            .replacen("IMAGE=", "B0=LOC(image=IMAGE,object='TOP')\nIMAGE=", 1)
            .as_str(),
    );
    let (value, _) = scripted(&program, &[("IMAGE", image(100, 80))], vec![]);
    assert!(matches!(value, Ok(Value::View(view)) if view.region().height() == 50));
}

fn failing(source: &str, outcome: Result<Outcome, ModuleError>) -> RunError {
    let program = parse(source);
    let (value, _) = run(&program, &[("IMAGE", image(100, 80))], |_| outcome.clone());
    value.unwrap_err()
}

const ASK: &str =
    "\nA=VQA(image=IMAGE,question='How many?')\nB=EVAL(expr='{A} > 3')\nF=RESULT(var=B)";
const FIND: &str = "A=LOC(image=IMAGE,object='cat')\nF=RESULT(var=A)";

#[test]
fn failures_say_where() {
    assert_eq!(
        failing(ASK, Ok(answer("many"))),
        RunError::Expression {
            line: 3,
            expression: "'many' > 3".into(),
            reason: "TypeError: '>' not supported between instances of 'str' and 'int'".into(),
        }
    );
    assert_eq!(
        failing(ASK, Ok(boxes(&[]))),
        RunError::WrongOutcome {
            line: 2,
            expected: SubTaskKind::Answer,
            found: SubTaskKind::Locate
        }
    );
    assert!(matches!(
        failing(FIND, Ok(answer("x"))),
        RunError::WrongOutcome { line: 1, .. }
    ));
    let no_module = ModuleError::NoModule {
        kind: SubTaskKind::Answer,
    };
    assert_eq!(
        failing(ASK, Err(no_module.clone())),
        RunError::Module {
            line: 2,
            source: no_module
        }
    );
    let error = failing(FIND, Ok(boxes(&[([0.0, f32::NAN, 1.0, 1.0], 0.9)])));
    assert!(
        error.to_string().contains("line 1") && error.to_string().contains("finite"),
        "{error}"
    );
}

#[test]
fn missing_inputs_are_named() {
    let program = parse("A=VQA(image=MIDDLE,question='Why?')\nF=RESULT(var=A)");
    let (value, trace) = run(
        &program,
        &[("LEFT", image(4, 4)), ("IMAGE", image(4, 4))],
        |_| Ok(answer("x")),
    );
    assert_eq!(
        value.unwrap_err(),
        RunError::UndefinedVariable {
            line: 1,
            name: "MIDDLE".into(),
            defined: "IMAGE, LEFT".into()
        }
    );
    assert!(trace.steps.is_empty());
}

#[test]
fn the_number_of_sub_tasks_is_limited() {
    let settings = VisProgSettings {
        max_sub_tasks: 1,
        ..VisProgSettings::default()
    };
    let source =
        "A=VQA(image=IMAGE,question='1?')\nB=VQA(image=IMAGE,question='2?')\nF=RESULT(var=B)";
    let program = VisProgProgram::parse(source, &settings).unwrap();
    let (value, _) = run(&program, &[("IMAGE", image(4, 4))], |_| Ok(answer("x")));
    assert!(matches!(
        value.unwrap_err(),
        RunError::Limit {
            line: 2,
            limit: 1,
            setting: "program-sub-tasks",
            ..
        }
    ));
}

#[test]
fn driving_out_of_turn_is_an_error() {
    let inputs = vec![("IMAGE".to_owned(), image(4, 4))];
    let mut run = parse(FIND).start(&inputs);
    assert_eq!(
        run.resume(Ok(boxes(&[]))).unwrap_err(),
        RunError::NotWaiting
    );
    let mut run = parse(FIND).start(&inputs);
    assert!(matches!(run.start(), Ok(Step::Needs(_))));
    assert!(matches!(run.resume(Ok(boxes(&[]))), Ok(Step::Done(_))));
    assert_eq!(
        run.resume(Ok(boxes(&[]))).unwrap_err(),
        RunError::NotWaiting
    );
    assert_eq!(run.start().unwrap_err(), RunError::NotWaiting);
}

/// Programs and executions cross threads, in any number.
#[test]
fn runs_are_independent() {
    fn crosses<T: Send + ?Sized>(_: &T) {}
    let program = parse(ASK);
    let inputs = vec![("IMAGE".to_owned(), image(4, 4))];
    let mut first = program.start(&inputs);
    let mut second = program.start(&inputs);
    crosses::<dyn Execution>(first.as_ref());
    assert!(matches!(first.start(), Ok(Step::Needs(_))));
    assert!(matches!(second.start(), Ok(Step::Needs(_))));
    let last = second.resume(Ok(answer("5")));
    assert!(matches!(last, Ok(Step::Done(Value::Bool(true)))));
    let last = first.resume(Ok(answer("3")));
    assert!(matches!(last, Ok(Step::Done(Value::Bool(false)))));
}

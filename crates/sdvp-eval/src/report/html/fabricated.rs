//! Invented numbers and programs, for the tests of the pages only.

use crate::Measured;
use crate::report::{
    AcrossRow, CurvePoint, ExampleRun, ExampleSide, ExpertRow, ForgettingRow, LookAlikeRow,
    ModelSize, Report, RuntimeReport, Stage, TargetRow, Timing, TypeRow, UnseenRow,
};
use image::{Rgb, RgbImage};
use sdvp_core::{AnswerOutcome, BBox, Detection, Image, Outcome, Region, SubTask, View};
use sdvp_program::{LocatedBoxes, Trace, TraceStep, Value};
use sdvp_runtime::Statistics;

fn measured(mean: f64, failure_rate: f64) -> Measured {
    Measured {
        n: 500,
        mean,
        ci95: [mean - 0.042, mean + 0.042],
        failure_rate,
    }
}

fn target(task: &str, [before, after, teacher]: [f64; 3]) -> TargetRow {
    TargetRow {
        task: task.to_owned(),
        split: "test".to_owned(),
        n: 500,
        before: measured(before, 0.004),
        after: measured(after, 0.0),
        teacher_replaced: measured(teacher, 0.0),
        paired_gain: after - before,
        paired_ci95: [after - before - 0.028, after - before + 0.027],
        mcnemar: crate::McNemar::from_counts(61, 17),
        gap_closed: Some((after - before) / (teacher - before)),
        by_type: ["chooseAttr", "existRel", "query"]
            .map(|name| TypeRow {
                name: name.to_owned(),
                n: 120,
                before,
                after,
                teacher_replaced: teacher,
            })
            .to_vec(),
    }
}

fn unseen(task: &str, metric: &str, [before, after, teacher]: [f64; 3]) -> UnseenRow {
    let around = |mean: f64| [mean - 0.04, mean + 0.04];
    UnseenRow {
        task: task.to_owned(),
        metric: metric.to_owned(),
        n: 500,
        before,
        after,
        teacher_replaced: teacher,
        before_ci95: around(before),
        after_ci95: around(after),
        teacher_replaced_ci95: around(teacher),
        paired_change: after - before,
        paired_ci95: [after - before - 0.011, after - before + 0.012],
        failure_rate: 0.0,
    }
}

fn stage(task: &str, kind: &str, scale: f64) -> Stage {
    let point = |i: usize| {
        let step = 10 * (i + 1);
        let wave = 0.05 * (i as f64 * 1.7).sin();
        CurvePoint {
            step,
            loss: scale * (0.3 + wave + (-(step as f64) / 90.0).exp()),
            rehearsal: Some(scale * (0.08 + 0.02 * (i as f64).cos())),
            validation: None,
        }
    };
    Stage {
        task: task.to_owned(),
        kind: kind.to_owned(),
        harvested: 5210,
        labelled: 4870,
        rehearsed: 1600,
        seconds: 48.3,
        curve: (0..30).map(point).collect(),
    }
}

/// A report with every part filled.
pub(crate) fn report() -> Report {
    let model = |kind: &str, task: Option<&str>, parameters| ModelSize {
        kind: kind.to_owned(),
        task: task.map(str::to_owned),
        parameters,
    };
    let timing = |phase: &str, seconds| Timing {
        phase: phase.to_owned(),
        seconds,
    };
    Report {
        seed: 0,
        framework: "visprog".to_owned(),
        wall_s: 341.7,
        targets: vec![
            target("picto-gqa", [0.612, 0.701, 0.751]),
            target("picto-nlvr2", [0.583, 0.698, 0.742]),
        ],
        unseen: vec![
            unseen("picto-count", "accuracy", [0.842, 0.836, 0.324]),
            unseen("picto-spatial", "accuracy", [0.774, 0.781, 0.553]),
            unseen("picto-tag", "f1", [0.908, 0.901, 0.412]),
            unseen("picto-ref", "iou", [0.713, 0.694, 0.298]),
        ],
        look_alikes: vec![LookAlikeRow {
            target: "picto-gqa".to_owned(),
            measured: unseen("picto-count", "accuracy", [0.4, 0.61, 0.33]),
        }],
        experts: vec![ExpertRow {
            tasks: vec!["picto-gqa".to_owned()],
            parameters: 2_790_000,
            told_own: 0.982,
            told_general: 0.999,
            unseen_everywhere: Some(0.694),
        }],
        across: vec![AcrossRow {
            framework: "viper".to_owned(),
            measured: unseen("picto-gqa", "accuracy", [0.571, 0.653, 0.748]),
        }],
        calls: vec![crate::CallRow {
            task: "picto-gqa".to_owned(),
            kind: "locate".to_owned(),
            n: 312,
            before: crate::CallQuality {
                average_precision: Some(0.513),
                recall: Some(0.702),
                ..crate::CallQuality::default()
            },
            ..crate::CallRow::default()
        }],
        divergence: crate::report::DivergenceRow::of("picto-gqa", [example()]).to_vec(),
        forgetting: vec![
            ForgettingRow::new("picto-gqa", vec![0.612, 0.710, 0.701], Some(1)),
            ForgettingRow::new("picto-tag", vec![0.908, 0.905, 0.901], None),
        ],
        students: vec![
            model("locate", None, 1_843_210),
            model("answer", None, 1_410_004),
        ],
        teachers: vec![
            model("locate", Some("picto-gqa"), 291_044),
            model("answer", Some("picto-gqa"), 291_044),
        ],
        runtime: RuntimeReport {
            questions_per_s: 412.4,
            questions_per_s_one_at_a_time: 96.1,
            statistics: Statistics {
                sub_tasks: 41_220,
                sub_tasks_executed: 30_118,
                cache_hits: 9_002,
                deduplicated: 2_100,
                ..Statistics::default()
            },
        },
        stages: vec![
            stage("picto-gqa", "locate", 2.1),
            stage("picto-gqa", "answer", 1.3),
            stage("picto-nlvr2", "locate", 0.4),
        ],
        timings: vec![
            timing("measuring before", 21.4),
            timing("distilling picto-gqa", 121.0),
        ],
        settings: serde_json::json!({"locate": {"steps": 300, "learning_rate": 4e-4}}),
    }
}

fn scene() -> RgbImage {
    let inside =
        |x: u32, y: u32, [x0, y0, x1, y1]: [u32; 4]| (x0..x1).contains(&x) && (y0..y1).contains(&y);
    RgbImage::from_fn(96, 96, |x, y| {
        if inside(x, y, [12, 20, 40, 52]) {
            Rgb([200, 40, 40])
        } else if inside(x, y, [58, 48, 86, 80]) {
            Rgb([40, 80, 200])
        } else {
            Rgb([(150 + x) as u8, (180 + y / 2) as u8, 170])
        }
    })
}

fn step(line: usize, source: &str, value: Value) -> TraceStep {
    TraceStep {
        line,
        source: source.to_owned(),
        variable: source.split('=').next().unwrap_or_default().to_owned(),
        sub_task: None,
        outcome: None,
        expression: None,
        value,
    }
}

/// `LOC`, `CROP`, `VQA`, `EVAL`, `RESULT` on one picture; `moved` shifts the boxes.
fn trace(view: &View, moved: u32, answer: &str) -> Trace {
    let region = |[x0, y0, x1, y1]: [u32; 4]| Region::new(x0, y0, x1, y1).unwrap();
    let boxes = [[12, 20, 40, 52], [58, 48, 86, 80]]
        .map(|[x0, y0, x1, y1]| region([x0 + moved, y0, x1 + moved, y1]));
    let detection = |region: Region, score| Detection {
        bbox: BBox::from(region).shifted(0.4, -0.3),
        score,
    };
    let crop = view.crop(region([5 + moved, 12, 47 + moved, 60])).unwrap();
    let mut locate = step(
        1,
        "BOX0=LOC(image=IMAGE,object='umbrella')",
        Value::Boxes(LocatedBoxes {
            view: view.clone(),
            boxes: boxes.to_vec(),
        }),
    );
    locate.sub_task = Some(SubTask::locate(view.clone(), "umbrella"));
    let [first, second] = boxes;
    locate.outcome = Some(Outcome::Boxes(vec![
        detection(first, 0.8),
        detection(second, 0.3),
    ]));
    let mut ask = step(
        3,
        "ANSWER0=VQA(image=IMAGE0,question='What color is the umbrella?')",
        Value::Text(answer.to_owned()),
    );
    ask.sub_task = Some(SubTask::answer(crop.clone(), "What color is the umbrella?"));
    let others = ["red", "blue", "green"]
        .into_iter()
        .filter(|other| *other != answer);
    let top = std::iter::once(answer).chain(others).zip([0.55, 0.3, 0.15]);
    ask.outcome = Some(Outcome::Answer(AnswerOutcome {
        text: answer.to_owned(),
        confidence: 0.55,
        top: top.map(|(text, p)| (text.to_owned(), p)).collect(),
    }));
    let right = answer == "blue";
    let yes = if right { "yes" } else { "no" };
    let mut eval = step(
        4,
        "ANSWER1=EVAL(expr=\"'yes' if {ANSWER0} == 'blue' else 'no'\")",
        Value::Text(yes.to_owned()),
    );
    eval.expression = Some(format!("'yes' if '{answer}' == 'blue' else 'no'"));
    Trace {
        steps: vec![
            locate,
            step(2, "IMAGE0=CROP(image=IMAGE,box=BOX0)", Value::View(crop)),
            ask,
            eval,
            step(
                5,
                "FINAL_RESULT=RESULT(var=ANSWER1)",
                Value::Text(yes.to_owned()),
            ),
        ],
    }
}

/// A question that was answered wrongly before and rightly after.
pub(crate) fn example() -> ExampleRun {
    let image = Image::new(scene()).unwrap();
    let view = image.view();
    ExampleRun {
        task: "picto-gqa".to_owned(),
        question: "Is the umbrella that is to the left of the guitar blue?".to_owned(),
        gold: "yes".to_owned(),
        images: vec![("IMAGE".to_owned(), image)],
        before: ExampleSide::new(&trace(&view, 3, "red"), Ok("no".to_owned()), Some(false)),
        after: ExampleSide::new(&trace(&view, 0, "blue"), Ok("yes".to_owned()), Some(true)),
    }
}

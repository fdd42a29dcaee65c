//! A student's experts answer for the pictures that they learned, and its trunk for all others.

#![allow(clippy::unwrap_used, clippy::panic)]

use sdvp_core::{Digest, Image, Outcome, SubTask, SubTaskKind};
use sdvp_modules::{AnswerModel, Appearance, Domain, Student, StudentPart, TrainMethod};
use std::sync::Arc;

/// Pictures with more red than green, or the reverse.
fn reddish(sign: f32) -> Domain {
    let mut linear = vec![0.0; Appearance::LENGTH];
    linear[6] = sign;
    Domain {
        linear,
        bias: -0.1,
        ..Domain::empty()
    }
}

/// Who learned on red pictures to see and to answer, and on green ones to see.
fn apart(base: &Student, red: &Student, green: &Student) -> Student {
    let mut apart = base.clone();
    let part = apart.add_expert("red", reddish(1.0));
    apart.take(part, SubTaskKind::Locate, red);
    apart.take(part, SubTaskKind::Answer, red);
    let part = apart.add_expert("green", reddish(-1.0));
    apart.take(part, SubTaskKind::Locate, green);
    apart
}

/// A student whose weights have moved.
fn moved(student: &Student, by: f64) -> Student {
    let locate = student.locate.duplicate(None).unwrap();
    let answer = student.answer.vilt().unwrap().duplicate(None).unwrap();
    for params in [&locate.params, &answer.params] {
        for name in params.names().filter(|name| name.ends_with("bias")) {
            let var = params.get(name).unwrap();
            var.set(&(var.as_tensor() + by).unwrap()).unwrap();
        }
    }
    let mut learned = student.clone();
    learned.locate = Arc::new(locate);
    learned.answer = AnswerModel::Vilt(Arc::new(answer));
    for kind in [SubTaskKind::Locate, SubTaskKind::Answer] {
        let adapter = learned.trained_adapter(kind, TrainMethod::Full).unwrap();
        learned.manifest.modules.insert(kind, adapter);
    }
    learned
}

/// The colours of the pictures.
const COLOURS: [&str; 5] = ["red", "grey", "green", "grey", "red"];

fn picture(colour: &str) -> Image {
    let pixel = |x: u32, y: u32| {
        let [x, y] = [3 * x, 2 * y].map(|value| value as u8);
        match colour {
            "red" => image::Rgb([200, x, y]),
            "green" => image::Rgb([x, 200, y]),
            _ => image::Rgb([x, x, y]),
        }
    };
    Image::new(image::RgbImage::from_fn(60, 50, pixel)).unwrap()
}

fn calls() -> Vec<SubTask> {
    let mut calls = Vec::new();
    for colour in COLOURS {
        let view = picture(colour).view();
        calls.push(SubTask::locate(view.clone(), "dog"));
        calls.push(SubTask::answer(view.clone(), "Is there a dog?"));
        calls.push(SubTask::matching(view, "red car"));
    }
    calls
}

/// One call at a time: beside others, networks round otherwise.
fn outcomes(student: &Student) -> Vec<Outcome> {
    let modules = student.modules().unwrap();
    let calls = calls().into_iter();
    calls
        .map(|call| {
            let module = modules.iter().find(|m| m.answers().contains(&call.kind));
            module.unwrap().run(&[call]).remove(0).unwrap()
        })
        .collect()
}

/// How sure the student is of its answers, to all questions together.
fn confidences(student: &Student) -> Vec<f32> {
    let questions: Vec<SubTask> = calls()
        .into_iter()
        .filter(|call| call.kind == SubTaskKind::Answer)
        .collect();
    let outcomes = student.modules().unwrap()[1].run(&questions);
    let confidence = |outcome: Outcome| match outcome {
        Outcome::Answer(answer) => answer.confidence,
        other => panic!("{other:?}"),
    };
    let outcomes = outcomes.into_iter();
    outcomes
        .map(|outcome| confidence(outcome.unwrap()))
        .collect()
}

fn fingerprints(student: &Student) -> Vec<Digest> {
    let modules = student.modules().unwrap();
    modules.iter().map(|module| module.fingerprint()).collect()
}

#[test]
fn every_picture_is_answered_by_who_it_is_for() {
    let base = Student::builtin().unwrap();
    let [red, green] = [0.02, -0.03].map(|by| moved(&base, by));
    let apart = apart(&base, &red, &green);
    let [before, of_red, of_green, now] = [&base, &red, &green, &apart].map(outcomes);
    for (place, call) in calls().iter().enumerate() {
        let expected = match (COLOURS[place / 3], call.kind) {
            ("red", SubTaskKind::Locate | SubTaskKind::Answer) => &of_red,
            ("green", SubTaskKind::Locate) => &of_green,
            _ => &before,
        };
        assert_eq!(now[place], expected[place], "{place}");
        if call.kind == SubTaskKind::Answer {
            assert_ne!(before[place], of_red[place], "{place}");
        }
    }
    let [without, with, now] = [&base, &red, &apart].map(confidences);
    for (place, colour) in COLOURS.into_iter().enumerate() {
        let expected = match colour {
            "red" => with[place],
            _ => without[place],
        };
        assert!((now[place] - expected).abs() < 1e-4, "{place}");
    }
    let [of_base, of_learned, of_apart] = [&base, &red, &apart].map(fingerprints);
    assert!(of_apart[0] != of_base[0] && of_apart[0] != of_learned[0]);
    // Nobody learned anything of matching.
    assert_eq!(of_apart[2], of_base[2]);
}

#[test]
fn a_part_is_a_student_of_its_own() {
    let base = Student::builtin().unwrap();
    let [red, green] = [0.02, -0.03].map(|by| moved(&base, by));
    let apart = apart(&base, &red, &green);
    let at = |part: StudentPart| outcomes(&apart.at(part));
    assert_eq!(at(StudentPart::Trunk), outcomes(&base));
    assert_eq!(at(apart.part_of("red")), outcomes(&red));
    assert_eq!(apart.part_of("green"), StudentPart::Expert(1));
    assert_eq!(apart.part_of("blue"), StudentPart::Trunk);
    // What the green one did not learn, the trunk answers: as it is then.
    let mut later = apart.clone();
    later.take(StudentPart::Trunk, SubTaskKind::Answer, &red);
    let of_red = outcomes(&red);
    let of_green = outcomes(&later.at(StudentPart::Expert(1)));
    assert_eq!(of_green[1], of_red[1]);
    assert_eq!(of_green[0], outcomes(&green)[0]);
}

#[test]
fn experts_survive_the_disk_and_faulty_ones_are_refused() {
    let base = Student::builtin().unwrap();
    let [red, green] = [0.02, -0.03].map(|by| moved(&base, by));
    let mut student = apart(&base, &red, &green);
    student.widen_expert(0, "pink", reddish(0.9));
    assert_eq!(student.part_of("pink"), student.part_of("red"));
    let folder = tempfile::tempdir().unwrap();
    student.save(folder.path()).unwrap();
    let read = Student::load(folder.path()).unwrap();
    assert_eq!(read.manifest, student.manifest);
    assert_eq!(outcomes(&read), outcomes(&student));
    assert_eq!(fingerprints(&read), fingerprints(&student));

    // Who is left when the first one is taken out by hand keeps its files, and the next has others.
    let mut left = read.manifest.clone();
    left.experts.remove(0);
    let text = serde_json::to_string(&left).unwrap();
    std::fs::write(folder.path().join("student.json"), text).unwrap();
    let mut left = Student::load(folder.path()).unwrap();
    let next = left.add_expert("next", reddish(1.0));
    left.take(next, SubTaskKind::Locate, &red);
    let names = left
        .manifest
        .experts
        .iter()
        .flat_map(|expert| expert.modules.values());
    let names: Vec<&str> = names
        .filter_map(|adapter| adapter.weights.as_deref())
        .collect();
    assert_eq!(
        names,
        ["expert-2-locate.safetensors", "expert-3-locate.safetensors"]
    );

    student.manifest.experts[0].domain.mean.pop();
    student.save(folder.path()).unwrap();
    let error = Student::load(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("the domain of red, pink: expected 22 numbers of mean, found 21"),
        "{error}"
    );
    student.manifest.experts[0].domain.mean.push(0.0);
    let kept = student.manifest.clone();
    for elsewhere in [
        "../x.safetensors",
        "/x.safetensors",
        "a/x.safetensors",
        "..",
    ] {
        let written = serde_json::to_string(&kept).unwrap();
        let written = written.replace("expert-2-locate.safetensors", elsewhere);
        std::fs::write(folder.path().join("student.json"), written).unwrap();
        let error = Student::load(folder.path()).err().unwrap().to_string();
        assert!(error.contains("expected a file beside it"), "{error}");
    }
    let written = serde_json::to_string(&kept).unwrap();
    let twice = written.replace("expert-2-locate.safetensors", "expert-1-locate.safetensors");
    std::fs::write(folder.path().join("student.json"), twice).unwrap();
    let error = Student::load(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("found \"expert-1-locate.safetensors\" twice"),
        "{error}"
    );
    for (name, other, wrong) in [
        (
            "expert-2-locate",
            "locate",
            "files of their own for what learned green",
        ),
        (
            "\"green\"",
            "\"red\"",
            "each task once, found \"red\" twice",
        ),
        ("\"experts\"", "\"domains\"", "unknown field `domains`"),
    ] {
        let other = written.replacen(name, other, 1);
        std::fs::write(folder.path().join("student.json"), other).unwrap();
        let error = Student::load(folder.path()).err().unwrap().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    // Who learns a task again keeps its place.
    student.widen_expert(0, "red", reddish(0.9));
    assert_eq!(student.manifest.experts[0].tasks, ["red", "pink"]);
    student.manifest.format = 3;
    student.save(folder.path()).unwrap();
    let error = Student::load(folder.path()).err().unwrap().to_string();
    assert!(error.contains("expected format 1 to 2, found 3"), "{error}");
}

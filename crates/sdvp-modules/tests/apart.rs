//! A student with domains answers by what it learned for their pictures, and as it was for others.

#![allow(clippy::unwrap_used, clippy::panic)]

use sdvp_core::{Digest, Image, Outcome, SubTask, SubTaskKind};
use sdvp_modules::{Appearance, Domain, Student, TrainMethod};
use std::sync::Arc;

/// Pictures with more red than green.
fn red() -> Domain {
    let mut linear = vec![0.0; Appearance::LENGTH];
    linear[6] = 1.0;
    Domain {
        linear,
        bias: -0.1,
        ..Domain::empty("red")
    }
}

/// A student whose weights have moved.
fn moved(student: &Student) -> Student {
    let locate = student.locate.duplicate(None).unwrap();
    let answer = student.answer.duplicate(None).unwrap();
    for params in [&locate.params, &answer.params] {
        for name in params.names().filter(|name| name.ends_with("bias")) {
            let var = params.get(name).unwrap();
            var.set(&(var.as_tensor() + 0.02).unwrap()).unwrap();
        }
    }
    let mut learned = student.clone();
    learned.locate = Arc::new(locate);
    learned.answer = Arc::new(answer);
    for kind in [SubTaskKind::Locate, SubTaskKind::Answer] {
        let adapter = learned.trained_adapter(kind, TrainMethod::Full).unwrap();
        learned.manifest.modules.insert(kind, adapter);
    }
    learned
}

fn picture(red: bool) -> Image {
    let pixel = |x: u32, y: u32| match red {
        true => image::Rgb([200, (3 * x) as u8, (2 * y) as u8]),
        false => image::Rgb([(3 * x) as u8, 200, (2 * y) as u8]),
    };
    Image::new(image::RgbImage::from_fn(60, 50, pixel)).unwrap()
}

fn calls() -> Vec<SubTask> {
    let mut calls = Vec::new();
    for red in [true, false, false, true] {
        let view = picture(red).view();
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
    let learned = moved(&base);
    let mut apart = learned.clone();
    apart.manifest.domains.push(red());
    let (before, everywhere, now) = (outcomes(&base), outcomes(&learned), outcomes(&apart));
    for (place, call) in calls().iter().enumerate() {
        let is_red = call.view.image().digest() == picture(true).digest();
        let expected = if is_red { &everywhere } else { &before };
        assert_eq!(now[place], expected[place], "{place}");
        if call.kind == SubTaskKind::Answer {
            assert_ne!(before[place], everywhere[place], "{place}");
        }
    }
    let together = [&base, &learned, &apart].map(confidences);
    for (place, red) in [true, false, false, true].into_iter().enumerate() {
        let expected = if red {
            together[1][place]
        } else {
            together[0][place]
        };
        assert!((together[2][place] - expected).abs() < 1e-4, "{together:?}");
    }
    assert_eq!(outcomes(&apart.everywhere()), everywhere);
    assert_eq!(outcomes(&apart.as_it_was()), before);
    let [of_base, of_learned, of_apart] = [&base, &learned, &apart].map(fingerprints);
    assert!(of_apart[0] != of_base[0] && of_apart[0] != of_learned[0]);
    // It learned nothing of matching.
    assert_eq!(of_apart[2], of_base[2]);
}

#[test]
fn domains_survive_the_disk_and_faulty_ones_are_refused() {
    let base = Student::builtin().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut student = moved(&base);
    student.save(folder.path()).unwrap();
    // What answers everywhere cannot be told apart afterwards.
    let read = Student::load(folder.path()).unwrap();
    assert!(base.can_tell_apart() && !read.can_tell_apart());

    student.manifest.domains.push(red());
    student.save(folder.path()).unwrap();
    let read = Student::load(folder.path()).unwrap();
    assert_eq!(read.manifest, student.manifest);
    assert!(read.can_tell_apart());
    assert_eq!(outcomes(&read), outcomes(&student));
    assert_eq!(fingerprints(&read), fingerprints(&student));

    student.manifest.domains[0].mean.pop();
    student.save(folder.path()).unwrap();
    let error = Student::load(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("the domain of red: expected 22 numbers of mean, found 21"),
        "{error}"
    );
}

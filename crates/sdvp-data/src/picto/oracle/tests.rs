use super::*;
use crate::picto::{Color, SIDE, Style, Thing};
use image::RgbImage;
use sdvp_core::{Image, Region};

fn object(name: &str, color: Color, bbox: [f32; 4]) -> SceneObject {
    let [x0, y0, x1, y1] = bbox;
    SceneObject {
        thing: Thing::named(name).unwrap(),
        color,
        bbox: BBox::new(x0, y0, x1, y1),
        size: x1 - x0,
        rotation: 0.0,
        mirrored: false,
    }
}

/// A great red dog on the left, a small blue one and a red car on the right.
fn world() -> (Image, Oracle) {
    let scene = Scene {
        seed: 0,
        style: Style::General,
        side: SIDE,
        objects: vec![
            object("dog", Color::Red, [4.0, 40.0, 54.0, 90.0]),
            object("dog", Color::Blue, [80.0, 10.0, 110.0, 40.0]),
            object("car", Color::Red, [80.0, 80.0, 120.0, 120.0]),
        ],
    };
    let image = Image::new(RgbImage::new(SIDE, SIDE)).unwrap();
    let oracle = Oracle::new([(image.digest(), Arc::new(scene))]);
    (image, oracle)
}

fn answer(task: SubTask, oracle: &Oracle) -> String {
    match oracle.run(&[task]).remove(0).unwrap() {
        Outcome::Answer(answer) => answer.text,
        Outcome::Boxes(_) => panic!("boxes"),
        other => panic!("{other:?}"),
    }
}

fn boxes(task: SubTask, oracle: &Oracle) -> Vec<BBox> {
    match oracle.run(&[task]).remove(0).unwrap() {
        Outcome::Boxes(found) => found.iter().map(|d| d.bbox).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn questions_about_the_whole_picture() {
    let (image, oracle) = world();
    for (question, right) in [
        ("What color is the dog?", "red"),
        ("What color is the car?", "red"),
        ("Is the car blue?", "no"),
        ("Is there a blue car in the picture?", "no"),
        ("Are there any animals in the picture?", "yes"),
        ("How many dogs are in the picture?", "2"),
        ("How many vehicles are in the picture?", "1"),
        ("What vehicle is in the picture?", "car"),
        ("What blue animal is in the picture?", "dog"),
        ("What is this?", "dog"),
    ] {
        let task = SubTask::answer(image.view(), question);
        assert_eq!(answer(task, &oracle), right, "{question}");
    }
}

#[test]
fn only_what_is_inside_the_view_counts_and_boxes_are_clipped_to_it() {
    let (image, oracle) = world();
    let view = image
        .view()
        .crop(Region::new(90, 0, 128, 128).unwrap())
        .unwrap();
    // Two thirds of the small dog and three quarters of the car are inside.
    let found = boxes(SubTask::locate(view.clone(), "dog"), &oracle);
    assert_eq!(found, [BBox::new(0.0, 10.0, 20.0, 40.0)]);
    let task = SubTask::answer(view, "What color is the dog?");
    assert_eq!(answer(task, &oracle), "blue");
    let narrow = image
        .view()
        .crop(Region::new(98, 0, 128, 128).unwrap())
        .unwrap();
    assert!(boxes(SubTask::locate(narrow, "dog"), &oracle).is_empty());
}

#[test]
fn the_greatest_box_comes_first() {
    let (image, oracle) = world();
    let found = boxes(SubTask::locate(image.view(), "animals"), &oracle);
    assert_eq!(found.len(), 2);
    assert!(found[0].area() > found[1].area());
    assert_eq!(
        boxes(SubTask::locate(image.view(), "red car"), &oracle).len(),
        1
    );
}

#[test]
fn what_it_cannot_know_is_an_error_that_says_so() {
    let (image, oracle) = world();
    let other = Image::new(RgbImage::new(3, 3)).unwrap();
    let unknown = SubTask::locate(other.view(), "dog");
    let nonsense = SubTask::answer(image.view(), "Who is holding the umbrella?");
    let results = oracle.run(&[unknown, nonsense, SubTask::locate(image.view(), "dog")]);
    assert!(matches!(&results[0], Err(ModuleError::Failed { .. })));
    assert!(matches!(&results[1], Err(ModuleError::BadText { text, .. }) if text.contains("Who")));
    assert!(results[2].is_ok());
}

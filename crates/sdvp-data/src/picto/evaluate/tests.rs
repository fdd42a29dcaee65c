use super::*;
use crate::picto::functional::Comparison;
use crate::picto::{Color, Noun, Relation, SIDE, SceneObject, Style, Thing};
use std::sync::Arc;

fn scene(objects: &[(&str, Color, f32, f32)]) -> Arc<Scene> {
    let objects = objects.iter().map(|(name, color, x, y)| SceneObject {
        thing: Thing::named(name).unwrap(),
        color: *color,
        bbox: BBox::new(*x, *y, x + 30.0, y + 30.0),
        size: 30.0,
        rotation: 0.0,
        mirrored: false,
    });
    Arc::new(Scene {
        seed: 0,
        style: Style::General,
        side: SIDE,
        objects: objects.collect(),
    })
}

fn noun(name: &str) -> Noun {
    Noun::parse(name).unwrap()
}

fn anywhere(name: &str) -> Set {
    Set {
        image: 0,
        noun: noun(name),
        place: Place::Anywhere,
    }
}

fn ask(scene: &Arc<Scene>, set: &Set, operation: Operation) -> Result<Meaning, Unclear> {
    let mut functional = Functional::default();
    let selected = functional.select(set, false);
    functional.push(operation, &[selected]);
    functional.evaluate(std::slice::from_ref(scene))
}

fn beside(name: &str, relation: Relation, anchor: &str) -> Set {
    Set {
        place: Place::By(relation, Box::new(anywhere(anchor))),
        ..anywhere(name)
    }
}

#[test]
fn attributes_counts_and_names() {
    let scene = scene(&[
        ("dog", Color::Red, 2.0, 2.0),
        ("dog", Color::Blue, 90.0, 2.0),
        ("car", Color::Red, 50.0, 90.0),
    ]);
    let word = |text: &str| Ok(Meaning::Word(text.to_owned()));
    let color = Operation::Query(Attribute::Color);
    assert_eq!(ask(&scene, &anywhere("car"), color.clone()), word("red"));
    assert_eq!(
        ask(&scene, &anywhere("dog"), color.clone()),
        Err(Unclear::NotOne)
    );
    assert_eq!(ask(&scene, &anywhere("cat"), color), Err(Unclear::NotOne));
    let name = Operation::Query(Attribute::Name);
    assert_eq!(ask(&scene, &anywhere("blue animal"), name), word("dog"));
    assert_eq!(
        ask(&scene, &anywhere("animals"), Operation::Count),
        Ok(Meaning::Number(2))
    );
    assert_eq!(
        ask(&scene, &anywhere("red car"), Operation::Exist),
        Ok(Meaning::Truth(true))
    );
}

#[test]
fn relations_hold_clearly_or_are_refused() {
    let scene = scene(&[
        ("car", Color::Red, 50.0, 50.0),
        ("dog", Color::Red, 2.0, 50.0),
        ("cat", Color::Red, 49.0, 2.0),
    ]);
    let is = |name, relation| ask(&scene, &beside(name, relation, "car"), Operation::Exist);
    assert_eq!(is("dog", Relation::LeftOf), Ok(Meaning::Truth(true)));
    assert_eq!(is("dog", Relation::RightOf), Ok(Meaning::Truth(false)));
    assert_eq!(is("dog", Relation::Above), Err(Unclear::Straddling));
    assert_eq!(is("cat", Relation::Above), Ok(Meaning::Truth(true)));
    assert_eq!(is("cat", Relation::LeftOf), Err(Unclear::Straddling));
    assert_eq!(is("bus", Relation::LeftOf), Ok(Meaning::Truth(false)));
}

#[test]
fn sides_are_clear_of_the_middle() {
    let scene = scene(&[
        ("dog", Color::Red, 2.0, 50.0),
        ("cat", Color::Red, 60.0, 95.0),
    ]);
    let side = |name, attribute| ask(&scene, &anywhere(name), Operation::Query(attribute));
    let word = |text: &str| Ok(Meaning::Word(text.to_owned()));
    assert_eq!(side("dog", Attribute::Horizontal), word("left"));
    assert_eq!(side("dog", Attribute::Vertical), Err(Unclear::Straddling));
    assert_eq!(side("cat", Attribute::Vertical), word("bottom"));
    assert_eq!(side("cat", Attribute::Horizontal), Err(Unclear::Straddling));
}

#[test]
fn pairs_are_counted_together() {
    let left = scene(&[
        ("dog", Color::Red, 2.0, 2.0),
        ("dog", Color::Blue, 60.0, 2.0),
    ]);
    let right = scene(&[("dog", Color::Red, 2.0, 2.0)]);
    let mut functional = Functional::default();
    let counts = [0, 1].map(|image| {
        let dogs = Set {
            image,
            ..anywhere("dog")
        };
        let selected = functional.select(&dogs, true);
        functional.push(Operation::Count, &[selected])
    });
    let more = functional.clone();
    let sum = functional.push(Operation::Plus, &counts);
    functional.push(Operation::CompareTo(Comparison::Equal, 3), &[sum]);
    let scenes = [left, right];
    assert_eq!(functional.evaluate(&scenes), Ok(Meaning::Truth(true)));
    let mut functional = more;
    functional.push(
        Operation::Compare(Comparison::More),
        &[counts[1], counts[0]],
    );
    assert_eq!(functional.evaluate(&scenes), Ok(Meaning::Truth(false)));
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    let scenes = [scene(&[])];
    assert_eq!(
        Functional::default().evaluate(&scenes),
        Err(Unclear::Malformed)
    );
    let mut unfit = Functional::default();
    unfit.push(Operation::Exist, &[7]);
    assert_eq!(unfit.evaluate(&scenes), Err(Unclear::Malformed));
}

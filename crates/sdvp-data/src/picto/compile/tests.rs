use super::*;
use crate::picto::functional::{Attribute, Comparison, Operation, Place, Set};
use crate::picto::{Color, Noun, Relation, Side, Thing};
use rand::SeedableRng;
use std::collections::BTreeSet;

fn noun(name: &str) -> Noun {
    Noun::thing(Thing::named(name).unwrap())
}

fn set(noun: Noun, place: Place) -> Set {
    Set {
        image: 0,
        noun,
        place,
    }
}

/// Every form that is written for a program.
fn forms(functional: &Functional, dialect: Dialect) -> BTreeSet<String> {
    (0..200)
        .map(|seed| compile(functional, dialect, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap())
        .collect()
}

fn about(set: &Set, operation: Operation) -> Functional {
    let mut functional = Functional::default();
    let selected = functional.select(set, false);
    functional.push(operation, &[selected]);
    functional
}

fn lines(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn exist_is_counted_or_asked() {
    let red_car = set(noun("car").colored(Color::Red), Place::Anywhere);
    let found = forms(&about(&red_car, Operation::Exist), Dialect::Gqa);
    let expected = [
        "BOX0=LOC(image=IMAGE,object='red car')
         ANSWER0=COUNT(box=BOX0)
         ANSWER1=EVAL(expr=\"'yes' if {ANSWER0} > 0 else 'no'\")
         FINAL_RESULT=RESULT(var=ANSWER1)",
        "ANSWER0=VQA(image=IMAGE,question='Is there a red car in the picture?')
         FINAL_RESULT=RESULT(var=ANSWER0)",
    ];
    assert_eq!(found, expected.map(lines).into());
}

#[test]
fn statements_end_in_a_truth_value() {
    let dog = set(noun("dog"), Place::Anywhere);
    let found = forms(&about(&dog, Operation::Exist), Dialect::Nlvr);
    let expected = [
        "BOX0=LOC(image=LEFT,object='dog')
         ANSWER0=COUNT(box=BOX0)
         ANSWER1=EVAL(expr='{ANSWER0} > 0')
         FINAL_ANSWER=RESULT(var=ANSWER1)",
        "ANSWER0=VQA(image=LEFT,question='Is there a dog in the picture?')
         ANSWER1=EVAL(expr='{ANSWER0}')
         FINAL_ANSWER=RESULT(var=ANSWER1)",
    ];
    assert_eq!(found, expected.map(lines).into());
}

#[test]
fn relations_are_crops_at_the_anchor() {
    let anchor = set(noun("car"), Place::Anywhere);
    let beside = Place::By(Relation::LeftOf, Box::new(anchor));
    let animal = set(Noun::category(crate::picto::Category::Animal), beside);
    let found = forms(
        &about(&animal, Operation::Query(Attribute::Name)),
        Dialect::Gqa,
    );
    let start = "BOX0=LOC(image=IMAGE,object='car')\nIMAGE0=CROP_LEFTOF(image=IMAGE,box=BOX0)\n";
    assert!(found.iter().all(|program| program.starts_with(start)));
    let ends: BTreeSet<&str> = found.iter().map(|p| &p[start.len()..]).collect();
    let crop = "BOX1=LOC(image=IMAGE0,object='animal')\nIMAGE1=CROP(image=IMAGE0,box=BOX1)\n";
    let result = "\nFINAL_RESULT=RESULT(var=ANSWER0)";
    let expected = [
        format!("ANSWER0=VQA(image=IMAGE0,question='What animal is in the picture?'){result}"),
        format!("{crop}ANSWER0=VQA(image=IMAGE1,question='What animal is this?'){result}"),
        format!("{crop}ANSWER0=VQA(image=IMAGE1,question='What is this?'){result}"),
    ];
    assert_eq!(ends, expected.iter().map(String::as_str).collect());
}

#[test]
fn sides_are_crops_of_a_half() {
    let dog = set(noun("dog"), Place::Anywhere);
    let asked = about(&dog, Operation::ChooseSide(Side::Top));
    let found = forms(&asked, Dialect::Gqa);
    let counted = "BOX0=LOC(image=IMAGE,object='BOTTOM')
         IMAGE0=CROP(image=IMAGE,box=BOX0)
         BOX1=LOC(image=IMAGE0,object='dog')
         ANSWER0=COUNT(box=BOX1)
         ANSWER1=EVAL(expr=\"'bottom' if {ANSWER0} > 0 else 'top'\")
         FINAL_RESULT=RESULT(var=ANSWER1)";
    assert!(found.contains(&lines(counted)), "{found:?}");
    assert_eq!(found.len(), 4);
}

#[test]
fn combined_conditions_get_lines_of_their_own() {
    let mut functional = Functional::default();
    let mut exist = |name| {
        let selected = functional.select(&set(noun(name), Place::Anywhere), true);
        functional.push(Operation::Exist, &[selected])
    };
    let (dog, cat, car) = (exist("dog"), exist("cat"), exist("car"));
    let both = functional.push(Operation::And, &[dog, cat]);
    functional.push(Operation::Xor, &[both, car]);
    let found = forms(&functional, Dialect::Nlvr);
    for program in &found {
        let evaluated: Vec<&str> = program.lines().filter(|l| l.contains("EVAL")).collect();
        assert_eq!(evaluated.len(), 2, "{program}");
        assert!(evaluated[0].contains(" and ") && evaluated[1].contains(" xor "));
        // A count is compared before it is combined: `1 xor 1 > 0` would mean something else.
        assert!(!evaluated[1].contains("> 0") || evaluated[1].contains("> 0)"));
    }
    assert_eq!(found.len(), 8);
}

#[test]
fn numbers_are_summed_and_compared() {
    let mut functional = Functional::default();
    let counts = [0, 1].map(|image| {
        let dogs = Set {
            image,
            ..set(noun("dog"), Place::Anywhere)
        };
        let selected = functional.select(&dogs, true);
        functional.push(Operation::Count, &[selected])
    });
    let sum = functional.push(Operation::Plus, &counts);
    functional.push(Operation::CompareTo(Comparison::AtLeast, 2), &[sum]);
    let found = forms(&functional, Dialect::Nlvr);
    assert_eq!(found.len(), 4);
    assert!(found.contains(&lines(
        "ANSWER0=VQA(image=LEFT,question='How many dogs are in the picture?')
         BOX0=LOC(image=RIGHT,object='dog')
         ANSWER1=COUNT(box=BOX0)
         ANSWER2=EVAL(expr='{ANSWER0} + {ANSWER1} >= 2')
         FINAL_ANSWER=RESULT(var=ANSWER2)"
    )));
}

#[test]
fn steps_that_do_not_fit_have_no_program() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    assert_eq!(
        compile(&Functional::default(), Dialect::Gqa, &mut rng),
        None
    );
    let mut unfit = Functional::default();
    unfit.push(Operation::And, &[3, 4]);
    assert_eq!(compile(&unfit, Dialect::Gqa, &mut rng), None);
}

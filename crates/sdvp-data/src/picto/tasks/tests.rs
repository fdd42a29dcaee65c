use super::*;
use crate::Gold;
use crate::picto::{Color, input_names};
use std::collections::BTreeMap;

#[test]
fn programs_mean_what_questions_do() {
    for task in Task::ALL {
        let plan = Plan::new(task);
        let mut tally = Tally::default();
        for index in 0..300 {
            plan.question(Split::Train, 2, index, &mut tally);
        }
        println!("{task}: {tally:?}");
        let clear = tally.proposed - tally.unclear;
        assert!(tally.wrong * 100 < clear, "{task}: {tally:?}");
        assert!(tally.replaced * 20 < 300, "{task}: {tally:?}");
    }
}

#[test]
fn a_question_depends_on_its_number_only() {
    for task in [Task::Gqa, Task::Nlvr2, Task::Ref] {
        let many = questions(task, Split::Test, 4, 30);
        let few = questions(task, Split::Test, 4, 10);
        assert_eq!(many[..10], few);
        let alone = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap()
            .install(|| questions(task, Split::Test, 4, 30));
        assert_eq!(many, alone);
        for (split, seed) in [(Split::Val, 4), (Split::Test, 5)] {
            let others = questions(task, split, seed, 30);
            assert!(many.iter().zip(&others).all(|(a, b)| a.scenes != b.scenes));
        }
    }
}

#[test]
fn ids_are_unique_and_inputs_fit_the_task() {
    for task in Task::ALL {
        let asked = questions(task, Split::Train, 0, 120);
        let ids: std::collections::BTreeSet<&String> = asked.iter().map(|q| &q.id).collect();
        assert_eq!(ids.len(), asked.len());
        for question in &asked {
            let names = input_names(question.scenes.len());
            let used = names.iter().any(|name| {
                let argument = format!("(image={name},");
                question.program.contains(&argument)
            });
            assert!(used, "{}", question.program);
            for scene in &question.scenes {
                assert_eq!(scene.style, task.style());
                let fits =
                    |o: &crate::picto::SceneObject| task.categories().contains(&o.thing.category());
                assert!(scene.objects.iter().all(fits));
                assert_eq!(crate::picto::split_of(scene), Split::Train);
            }
        }
    }
}

/// How often each answer is given, by question type.
fn answers(asked: &[Question]) -> BTreeMap<(&str, String), usize> {
    let mut counts = BTreeMap::new();
    for question in asked {
        *counts
            .entry((question.kind.detailed.as_str(), question.gold.text()))
            .or_default() += 1;
    }
    counts
}

#[test]
fn yes_and_no_are_even_in_every_type() {
    for (task, yes, no) in [
        (Task::Gqa, "yes", "no"),
        (Task::Spatial, "yes", "no"),
        (Task::Nlvr2, "True", "False"),
    ] {
        let asked = questions(task, Split::Train, 3, 600);
        let counts = answers(&asked);
        let mut seen = 0;
        for ((kind, answer), &count) in &counts {
            if answer != yes {
                continue;
            }
            let other = counts.get(&(*kind, no.to_owned())).copied().unwrap_or(0);
            assert!(count.abs_diff(other) <= 2, "{task} {kind}: {count} {other}");
            seen += 1;
        }
        assert!(seen >= 3, "{task}: {counts:?}");
    }
}

#[test]
fn colors_and_numbers_are_even() {
    let asked = questions(Task::Gqa, Split::Train, 3, 1320);
    let counts = answers(&asked);
    let of = |kind, answer: &str| counts.get(&(kind, answer.to_owned())).copied().unwrap_or(0);
    let colors = Color::ALL.map(|color| of("directOf", color.name()));
    assert!(colors.iter().all(|n| n.abs_diff(15) <= 3), "{colors:?}");
    let numbers = ["0", "1", "2", "3", "4"].map(|number| of("count", number));
    assert!(numbers.iter().all(|n| n.abs_diff(24) <= 3), "{numbers:?}");

    let asked = questions(Task::Count, Split::Train, 3, 300);
    let counts = answers(&asked);
    for number in 0..=5 {
        let found = counts.get(&("count", number.to_string())).copied();
        assert!(found.unwrap_or(0).abs_diff(50) <= 5, "{counts:?}");
    }
}

#[test]
fn negatives_are_hard() {
    // Where something is asked for that is not there, its thing mostly is, in another colour.
    let asked = questions(Task::Gqa, Split::Train, 6, 1320);
    let no: Vec<&Question> = asked
        .iter()
        .filter(|q| q.kind.detailed == "existAttr" && q.gold == Gold::Text("no".to_owned()))
        .collect();
    let close = no.iter().filter(|q| {
        let selected = &q.semantic[0].argument;
        !selected.ends_with("(-)")
    });
    assert!(close.count() * 2 > no.len());
}

#[test]
fn programs_mix_boxes_and_questions() {
    for (task, least) in [(Task::Gqa, 0.2), (Task::Nlvr2, 0.3)] {
        let asked = questions(task, Split::Train, 7, 400);
        let share = |step: &str| {
            asked.iter().filter(|q| q.program.contains(step)).count() as f64 / asked.len() as f64
        };
        assert!(share("VQA(") > least && share("LOC(") > 0.5, "{task}");
        assert!(share("CROP") > 0.15, "{task}");
    }
}

#[test]
#[ignore = "prints questions for people to look at"]
fn look() {
    for task in Task::ALL {
        for q in questions(task, Split::Train, 0, 44) {
            println!(
                "{} [{}] {} -> {}",
                q.id,
                q.kind.detailed,
                q.text,
                q.gold.text()
            );
            println!("{}", q.program);
        }
    }
}

#[test]
#[ignore = "a measurement: questions a second"]
fn speed() {
    for task in Task::ALL {
        let start = std::time::Instant::now();
        let asked = questions(task, Split::Train, 9, 4000);
        let rate = asked.len() as f64 / start.elapsed().as_secs_f64();
        let crops = asked.iter().filter(|q| q.program.contains("VQA(")).count();
        println!("{task}: {rate:.0} questions/s; with VQA {crops}");
    }
}

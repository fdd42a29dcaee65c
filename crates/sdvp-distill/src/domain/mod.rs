//! Which pictures a task is about: what is learned on them need not answer for others.

mod logistic;

use crate::harvest::Harvest;
use crate::memory::Memory;
use crate::observer::Observer;
use rayon::prelude::*;
use sdvp_core::{Digest, Image};
use sdvp_modules::{Appearance, Domain, Student, ToldApart};
use std::collections::BTreeMap;

/// Pictures of either side that are looked at.
const LOOKED_AT: usize = 2000;
/// With fewer of either side nothing can be said of others.
const NEEDED: usize = 50;
/// One of so many pictures is held out, to see how well others are told apart.
const HELD_OUT: usize = 4;
/// The part of the task's pictures that are within reach, and how much further it reaches than those.
const WITHIN: f64 = 0.99;
const FURTHER: f32 = 1.25;

/// Of held-out pictures of either side, so many must be told rightly.
const ENOUGH: f64 = 0.95;

/// The domain of a task that a student is to learn, from the pictures of its calls and those of general
/// ones in memory: of tasks it did not learn. None if they cannot be told apart; the observer hears why.
pub(crate) fn tell_apart(
    task: &str,
    student: &Student,
    calls: &Harvest,
    memory: &Memory,
    observer: &dyn Observer,
) -> Option<Domain> {
    if !student.can_tell_apart() {
        observer.note(&format!(
            "{task} is learned for all pictures: the student learned something before for all of them"
        ));
        return None;
    }
    let own = calls.calls.values().flatten();
    let own = own.map(|call| call.view.image().clone());
    let history = &student.manifest.history;
    let tasks = memory.tasks().iter();
    let general = tasks.filter(|known| known.task != task && !history.contains(&known.task));
    let general = general.flat_map(|known| known.images().cloned());
    let Some(domain) = domain_of(task, own, general) else {
        observer.note(&format!(
            "{task} is learned for all pictures: it takes {NEEDED} of its own and {NEEDED} general ones \
             to tell them apart"
        ));
        return None;
    };
    let ToldApart { own, general } = domain.held_out;
    let told = format!(
        "of pictures held out, {:.1} % of the task's and {:.1} % of general ones are told rightly",
        100.0 * own,
        100.0 * general
    );
    let enough = own >= ENOUGH && general >= ENOUGH;
    let learned = match enough {
        true => "its own pictures",
        false => "all pictures",
    };
    observer.note(&format!("{task} is learned for {learned}: {told}"));
    enough.then_some(domain)
}

/// The domain of a task, from its pictures and general ones; none if there are too few of either to say.
fn domain_of(
    task: &str,
    own: impl IntoIterator<Item = Image>,
    general: impl IntoIterator<Item = Image>,
) -> Option<Domain> {
    let (own, own_held_out) = looked_at(own)?;
    let (general, general_held_out) = looked_at(general)?;
    let mut domain = usual(task, &own);
    let sides = [&own, &general].map(|side| -> Vec<Vec<f64>> {
        side.iter()
            .map(|appearance| with_squares(&domain, appearance))
            .collect()
    });
    let weights = logistic::fit(&sides[0], &sides[1])?;
    let number = |place: usize| weights.get(place).map_or(0.0, |&weight| weight as f32);
    let length = Appearance::LENGTH;
    domain.linear = (0..length).map(number).collect();
    domain.square = (length..2 * length).map(number).collect();
    domain.bias = number(2 * length);
    let mut strange: Vec<f32> = own.iter().map(|one| domain.strangeness(one)).collect();
    strange.sort_by(f32::total_cmp);
    let place = (WITHIN * strange.len() as f64) as usize;
    domain.reach = FURTHER * *strange.get(place).or(strange.last())?;
    let share = |of: &[Appearance], held: bool| {
        let right = of.iter().filter(|one| domain.holds(one) == held).count();
        right as f64 / of.len().max(1) as f64
    };
    let held_out = ToldApart {
        own: share(&own_held_out, true),
        general: share(&general_held_out, false),
    };
    Some(Domain { held_out, ..domain })
}

/// Appearances of distinct pictures, the last of them held out; none if there are too few. They come in
/// the order of digests, whatever order they are found in.
fn looked_at(
    pictures: impl IntoIterator<Item = Image>,
) -> Option<(Vec<Appearance>, Vec<Appearance>)> {
    let distinct = pictures.into_iter();
    let distinct: BTreeMap<Digest, Image> = distinct
        .map(|picture| (picture.digest(), picture))
        .collect();
    let some: Vec<Image> = distinct.into_values().take(LOOKED_AT).collect();
    if some.len() < NEEDED {
        return None;
    }
    let mut looks: Vec<Appearance> = some
        .par_iter()
        .map(|picture| Appearance::of(picture.rgb()))
        .collect();
    let held_out = looks.split_off(looks.len() - looks.len() / HELD_OUT);
    Some((looks, held_out))
}

/// A domain that knows what is usual among its own pictures, and nothing else yet.
fn usual(task: &str, own: &[Appearance]) -> Domain {
    let count = own.len().max(1) as f64;
    let of_each = |value: &dyn Fn(usize, f64) -> f64| -> Vec<f32> {
        let numbers = 0..Appearance::LENGTH;
        numbers
            .map(|place| {
                let all = own.iter().filter_map(|one| one.numbers().get(place));
                let sum: f64 = all.map(|&number| value(place, f64::from(number))).sum();
                (sum / count) as f32
            })
            .collect()
    };
    let mean = of_each(&|_, number| number);
    let variance = of_each(&|place, number| (number - f64::from(mean[place])).powi(2));
    Domain {
        mean,
        // Pictures may be all alike in something.
        deviation: variance.iter().map(|v| v.sqrt().max(1e-3)).collect(),
        ..Domain::empty(task)
    }
}

fn with_squares(domain: &Domain, appearance: &Appearance) -> Vec<f64> {
    let deviations: Vec<f64> = domain.deviations(appearance).map(f64::from).collect();
    let squares: Vec<f64> = deviations.iter().map(|z| z * z).collect();
    deviations.into_iter().chain(squares).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_data::Task;
    use sdvp_data::picto::{Question, Split, Style, questions};

    fn seen(question: &Question) -> impl Iterator<Item = Image> + use<> {
        question.inputs().into_iter().map(|(_, picture)| picture)
    }

    fn pictures(task: Task, split: Split, count: usize) -> Vec<Image> {
        let questions = questions(task, split, 3, count);
        questions.iter().flat_map(seen).collect()
    }

    #[test]
    fn a_target_is_told_from_everything_else() {
        let general = pictures(Task::General, Split::Train, 300);
        let target = |task: Task| {
            let own = pictures(task, Split::Train, 300);
            domain_of(task.name(), own, general.clone()).unwrap()
        };
        let share = |domain: &Domain, pictures: &[Image]| {
            let held = pictures
                .iter()
                .filter(|p| domain.holds(&Appearance::of(p.rgb())));
            held.count() as f64 / pictures.len() as f64
        };
        for task in Task::targets() {
            let domain = target(task);
            assert!(domain.held_out.own > 0.95, "{domain:?}");
            assert!(domain.held_out.general > 0.98, "{domain:?}");
            let others = Task::targets().into_iter().filter(|other| *other != task);
            for other in Task::unseen().into_iter().chain(others) {
                let held = share(&domain, &pictures(other, Split::Val, 100));
                assert!(held < 0.03, "{task}, {other}: {held}");
            }
            assert!(share(&domain, &pictures(task, Split::Val, 100)) > 0.95);
        }
    }

    #[test]
    fn pictures_like_none_that_were_seen_belong_to_no_domain() {
        let own = pictures(Task::Nlvr2, Split::Train, 200);
        let general = pictures(Task::General, Split::Train, 200);
        let domain = domain_of("t", own, general).unwrap();
        for question in questions(Task::Count, Split::Val, 5, 40) {
            let sketched = question.in_style(Style::Sketch);
            for picture in seen(&sketched) {
                assert!(!domain.holds(&Appearance::of(picture.rgb())));
            }
        }
    }

    #[test]
    fn what_cannot_be_told_apart_says_so() {
        let general = pictures(Task::General, Split::Train, 300);
        let alike = pictures(Task::Spatial, Split::Train, 300);
        let domain = domain_of("t", alike, general.clone()).unwrap();
        let ToldApart { own, general: not } = domain.held_out;
        assert!(own + not < 1.5, "{own} {not}");
        assert_eq!(
            domain_of("t", general.iter().take(20).cloned(), general.clone()),
            None
        );
    }
}

//! Questions about one view with the answers its scene graph gives, balanced over kinds and
//! answers. They are the families of questions that programs over the built-in world ask.

use super::views::SceneView;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use sdvp_core::View;
use sdvp_data::picto::{Category, Color, MAX_COUNT, Noun, SceneObject, SubQuestion, Thing, What};

/// A question and its answer.
pub(crate) struct Asked {
    pub(crate) question: SubQuestion,
    pub(crate) answer: String,
}

/// Tries before a view is given up.
const TRIES: usize = 20;

/// Asks something about a view that has a clear answer.
fn ask(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Asked> {
    (0..TRIES).find_map(|_| match rng.random_range(0..100) {
        0..=19 => color(view, rng),
        20..=28 => is_color(view, rng),
        29..=45 => name(view, rng),
        46..=77 => exists(view, rng),
        _ => count(view, rng),
    })
}

/// Asks something about each view that has something clear to ask about.
pub(crate) fn ask_each<'v>(
    views: &'v [SceneView],
    rng: &mut ChaCha8Rng,
) -> Vec<(&'v SceneView, Asked)> {
    views
        .iter()
        .filter_map(|view| Some((view, ask(view, rng)?)))
        .collect()
}

/// What a student is given of such questions.
pub(crate) fn wording<'v>(asked: &[(&'v SceneView, Asked)]) -> (Vec<&'v View>, Vec<String>) {
    asked
        .iter()
        .map(|(view, asked)| (&view.view, asked.question.text()))
        .unzip()
}

fn asked(question: SubQuestion, answer: impl Into<String>) -> Option<Asked> {
    Some(Asked {
        question,
        answer: answer.into(),
    })
}

fn matching(view: &SceneView, noun: Noun) -> usize {
    view.objects
        .iter()
        .filter(|(object, _)| noun.matches(object))
        .count()
}

/// Whether a part of such an object is seen, so that the answer is a matter of taste.
fn glimpsed(view: &SceneView, noun: Noun) -> bool {
    view.glimpsed.iter().any(|(object, _)| noun.matches(object))
}

fn object<'a>(view: &'a SceneView, rng: &mut ChaCha8Rng) -> Option<&'a SceneObject> {
    view.objects.choose(rng).map(|(object, _)| object)
}

/// The object, if nothing else in the view is of its name.
fn only(view: &SceneView, object: &SceneObject) -> Option<Noun> {
    let noun = Noun::thing(object.thing);
    (matching(view, noun) == 1).then_some(noun)
}

fn color(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Asked> {
    let object = object(view, rng)?;
    let noun = only(view, object)?;
    asked(SubQuestion::Color(noun), object.color.name())
}

fn is_color(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Asked> {
    let object = object(view, rng)?;
    let noun = only(view, object)?;
    let said = if rng.random() {
        object.color
    } else {
        *Color::ALL.choose(rng)?
    };
    asked(
        SubQuestion::IsColor(noun, said),
        yes_no(said == object.color),
    )
}

fn name(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Asked> {
    let object = object(view, rng)?;
    if view.objects.len() == 1 && rng.random_bool(0.4) {
        let of = Noun {
            color: None,
            what: What::Anything,
        };
        return asked(SubQuestion::Name { of, this: true }, object.thing.name());
    }
    let category = object.thing.category();
    let mut noun = Noun::category(category);
    if rng.random_bool(0.3) {
        noun = noun.colored(object.color);
    }
    if matching(view, noun) != 1 {
        return None;
    }
    let this = rng.random_bool(0.3);
    asked(SubQuestion::Name { of: noun, this }, object.thing.name())
}

fn exists(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Asked> {
    // As often yes as no, however full the view is.
    let found: bool = rng.random();
    let noun = (0..TRIES).find_map(|_| {
        let noun = if found {
            present(view, rng)?
        } else {
            absent(view, rng)?
        };
        let clear = found || !glimpsed(view, noun);
        (clear && (matching(view, noun) > 0) == found).then_some(noun)
    })?;
    let plural = rng.random_bool(0.3);
    asked(SubQuestion::Exist { noun, plural }, yes_no(found))
}

fn count(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Asked> {
    let noun = if rng.random_bool(0.8) {
        present(view, rng)?
    } else {
        absent(view, rng)?
    };
    let found = matching(view, noun);
    // Ones are by far the most frequent.
    if glimpsed(view, noun) || found > MAX_COUNT || (found == 1 && rng.random_bool(0.5)) {
        return None;
    }
    asked(SubQuestion::Count(noun), found.to_string())
}

/// A description of something that is there.
fn present(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Noun> {
    let object = object(view, rng)?;
    Some(match rng.random_range(0..10) {
        0..=5 => Noun::thing(object.thing),
        6..=7 => Noun::thing(object.thing).colored(object.color),
        _ => Noun::category(object.thing.category()),
    })
}

/// A description of something that most likely is not there: another thing, preferably of a
/// category that is, or a thing that is there in another colour.
fn absent(view: &SceneView, rng: &mut ChaCha8Rng) -> Option<Noun> {
    let there = object(view, rng);
    Some(match (rng.random_range(0..10), there) {
        (0..=2, Some(there)) => {
            let others: Vec<Thing> = there.thing.category().things().collect();
            Noun::thing(*others.choose(rng)?)
        }
        (3..=5, Some(there)) => Noun::thing(there.thing).colored(*Color::ALL.choose(rng)?),
        (6..=7, _) => Noun::category(*Category::ALL.choose(rng)?),
        _ => Noun::thing(Thing::all().nth(rng.random_range(0..Thing::COUNT))?),
    })
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

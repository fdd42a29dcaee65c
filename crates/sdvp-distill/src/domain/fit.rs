//! A domain from pictures of both sides.

use super::logistic;
use super::looks::Looks;
use sdvp_modules::{Appearance, Domain, ToldApart};

/// The part of the task's pictures that are within reach, and how much further it reaches than those.
const WITHIN: f64 = 0.99;
const FURTHER: f32 = 1.25;

/// The domain of a task, from its pictures and general ones; none if no weights part them.
pub(super) fn fitted(own: &Looks, general: &Looks) -> Option<Domain> {
    let mut domain = usual(&own.seen);
    let sides = [&own.seen, &general.seen].map(|side| -> Vec<Vec<f64>> {
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
    let strangeness = own.seen.iter().map(|one| domain.strangeness(one));
    let mut strange: Vec<f32> = strangeness.collect();
    strange.sort_by(f32::total_cmp);
    let place = (WITHIN * strange.len() as f64) as usize;
    domain.reach = FURTHER * *strange.get(place).or(strange.last())?;
    let held_out = ToldApart {
        own: own.share(|one| domain.holds(one)),
        general: general.share(|one| !domain.holds(one)),
    };
    Some(Domain { held_out, ..domain })
}

/// A domain that knows what is usual among its own pictures, and nothing else yet.
fn usual(own: &[Appearance]) -> Domain {
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
        ..Domain::empty()
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
    use sdvp_core::Image;
    use sdvp_data::Task;
    use sdvp_data::picto::{Question, Split, Style, questions};

    fn seen(question: &Question) -> impl Iterator<Item = Image> + use<> {
        question.inputs().into_iter().map(|(_, picture)| picture)
    }

    fn pictures(task: Task, split: Split, count: usize) -> Vec<Image> {
        let questions = questions(task, split, 3, count);
        questions.iter().flat_map(seen).collect()
    }

    fn looks(pictures: &[Image]) -> Looks {
        Looks::of(pictures).enough().unwrap()
    }

    fn domain(own: &[Image], general: &[Image]) -> Domain {
        fitted(&looks(own), &looks(general)).unwrap()
    }

    #[test]
    fn a_target_is_told_from_everything_else() {
        let general = pictures(Task::General, Split::Train, 300);
        let share = |domain: &Domain, pictures: &[Image]| {
            let held = pictures
                .iter()
                .filter(|p| domain.holds(&Appearance::of(p.rgb())));
            held.count() as f64 / pictures.len() as f64
        };
        for task in Task::targets() {
            let domain = domain(&pictures(task, Split::Train, 300), &general);
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
        let domain = domain(&own, &general);
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
        let ToldApart { own, general: not } = domain(&alike, &general).held_out;
        assert!(own + not < 1.5, "{own} {not}");
        assert!(Looks::of(&general[..20]).enough().is_none());
    }
}

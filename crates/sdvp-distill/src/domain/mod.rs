//! Which pictures a task is about: what is learned on them need not answer for others.

mod logistic;
mod looks;

use crate::harvest::Harvest;
use crate::memory::Memory;
use crate::observer::Observer;
use looks::Looks;
use sdvp_modules::{Appearance, Domain, Student, StudentPart, ToldApart, domain_of};

/// The part of the task's pictures that are within reach, and how much further it reaches than those.
const WITHIN: f64 = 0.99;
const FURTHER: f32 = 1.25;

/// Of held-out pictures of either side, so many must be told rightly.
const ENOUGH: f64 = 0.95;

/// Decides where in a student a task is learned, and makes room for it there.
///
/// Its pictures, which are those of its calls, are told from general ones by how they look: those that
/// are remembered of tasks that the trunk learned. If they cannot be, the trunk learns it, for all
/// pictures that are no expert's. If they look like those of an expert, and both together can be told
/// from general ones, the expert learns it, too; else it gets an expert of its own. What an expert learned
/// before it learns again. The observer hears what is decided, and why.
pub(crate) fn make_room(
    task: &str,
    student: &mut Student,
    calls: &Harvest,
    memory: &Memory,
    observer: &dyn Observer,
) -> StudentPart {
    let known = student.part_of(task);
    if known != StudentPart::Trunk {
        observer.note(&format!(
            "{task} is learned again by the expert that learned it"
        ));
        return known;
    }
    let own = Looks::of(calls.calls.values().flatten().map(|call| call.view.image()));
    let of_part = |part: StudentPart| {
        let tasks = memory.tasks().iter();
        let tasks = tasks.filter(|it| it.task != task && student.part_of(&it.task) == part);
        Looks::of(tasks.flat_map(|it| it.images()))
    };
    let (Some(own), Some(general)) = (own, of_part(StudentPart::Trunk)) else {
        let needed = Looks::NEEDED;
        let why =
            format!("it takes {needed} of its own and {needed} general ones to tell them apart");
        return for_all(task, &why, observer);
    };
    let fit = fitted(&own, &general);
    let why = match &fit {
        Some(domain) => said(domain.held_out),
        None => "no weights part them from general ones".to_owned(),
    };
    let Some(domain) = fit.filter(|domain| is_enough(domain.held_out)) else {
        let experts = || student.manifest.experts.iter().map(|expert| &expert.domain);
        let held = own.share(|one| domain_of(experts(), one).is_some());
        let why = match held > 0.0 {
            true => format!(
                "{why}; for the {:.1} % of them that look like an expert's, that one answers all the same",
                100.0 * held
            ),
            false => why,
        };
        return for_all(task, &why, observer);
    };
    let told = said(domain.held_out);
    let experts = student.manifest.experts.iter().enumerate();
    let alike = experts.filter_map(|(place, expert)| {
        let others = of_part(StudentPart::Expert(place));
        let parted = parted(&own, &domain, others.as_ref(), &expert.domain);
        (parted < ENOUGH).then_some((place, others, parted))
    });
    let Some((place, others, parted)) = alike.min_by(|(.., a), (.., b)| a.total_cmp(b)) else {
        observer.note(&format!("{task} is learned for its own pictures: {told}"));
        return student.add_expert(task, domain);
    };
    let experts = student.manifest.experts.get(place);
    let tasks = experts.map(|it| it.tasks.join(" and ")).unwrap_or_default();
    let alike = format!(
        "of its pictures and those of {tasks}, only {:.1} % can be told from the others",
        100.0 * parted
    );
    let Some(wider) = others.and_then(|others| together(&own, others, &general)) else {
        observer.note(&format!(
            "{task} is learned for its own pictures, although {alike}, because both together cannot be \
             told from general ones: {told}"
        ));
        return student.add_expert(task, domain);
    };
    observer.note(&format!(
        "{task} and {tasks} are learned together: {alike}; {}",
        said(wider.held_out)
    ));
    student.widen_expert(place, task, wider);
    StudentPart::Expert(place)
}

fn for_all(task: &str, why: &str, observer: &dyn Observer) -> StudentPart {
    observer.note(&format!("{task} is learned for all pictures: {why}"));
    StudentPart::Trunk
}

fn is_enough(told: ToldApart) -> bool {
    told.own >= ENOUGH && told.general >= ENOUGH
}

/// The domain of a task's pictures and those of an expert's; none if they cannot be told from general ones,
/// or too few of either are held.
fn together(own: &Looks, others: Looks, general: &Looks) -> Option<Domain> {
    let all = own.clone().with(&others);
    let domain = fitted(&all, general)?;
    let holds = |looks: &Looks| looks.share(|one| domain.holds(one)) >= ENOUGH;
    (is_enough(domain.held_out) && holds(own) && holds(&others)).then_some(domain)
}

fn said(held_out: ToldApart) -> String {
    format!(
        "of pictures held out, {:.1} % of the task's and {:.1} % of general ones are told rightly",
        100.0 * held_out.own,
        100.0 * held_out.general
    )
}

/// Of held-out pictures of a task, and of those of an expert's, the lesser part that does not go to the
/// other if the task gets an expert of its own.
fn parted(own: &Looks, domain: &Domain, others: Option<&Looks>, expert: &Domain) -> f64 {
    let kept_from = |looks: &Looks, other: usize| {
        looks.share(|one| domain_of([expert, domain], one) != Some(other))
    };
    let of_others = others.map_or(1.0, |others| kept_from(others, 1));
    kept_from(own, 0).min(of_others)
}

/// The domain of a task, from its pictures and general ones; none if no weights part them.
fn fitted(own: &Looks, general: &Looks) -> Option<Domain> {
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
    use crate::memory::TaskMemory;
    use crate::observer::Silent;
    use sdvp_core::{Image, SubTask, SubTaskKind};
    use sdvp_data::Task;
    use sdvp_data::picto::{Question, Split, Style, questions};
    use std::collections::BTreeMap;

    fn seen(question: &Question) -> impl Iterator<Item = Image> + use<> {
        question.inputs().into_iter().map(|(_, picture)| picture)
    }

    fn pictures(task: Task, split: Split, count: usize) -> Vec<Image> {
        let questions = questions(task, split, 3, count);
        questions.iter().flat_map(seen).collect()
    }

    fn looks(pictures: &[Image]) -> Looks {
        Looks::of(pictures).unwrap()
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

    fn calls(task: Task, count: usize) -> Vec<SubTask> {
        let pictures = pictures(task, Split::Train, count).into_iter();
        pictures
            .map(|picture| SubTask::answer(picture.view(), "Is there a dog?"))
            .collect()
    }

    /// What is remembered of some calls of a task.
    fn remembered(name: &str, calls: &[SubTask]) -> TaskMemory {
        let answers = calls.iter().map(|call| crate::examples::RememberedAnswer {
            view: call.view.clone(),
            question: call.text.clone(),
            logits: vec![0.0],
        });
        TaskMemory {
            task: name.to_owned(),
            answers: answers.collect(),
            ..TaskMemory::default()
        }
    }

    fn harvested(calls: Vec<SubTask>) -> Harvest {
        Harvest {
            calls: BTreeMap::from([(SubTaskKind::Answer, calls)]),
            ..Harvest::default()
        }
    }

    #[test]
    fn who_looks_alike_learns_together_and_others_apart() {
        let mut student = Student::builtin().unwrap();
        let bound = crate::memory::MemoryBound::default();
        let mut memory =
            Memory::default().with(remembered("general", &calls(Task::General, 300)), &bound, 1);
        let mut learn = |name: &str, calls: Vec<SubTask>| {
            let task = remembered(name, &calls);
            let part = make_room(name, &mut student, &harvested(calls), &memory, &Silent);
            memory = std::mem::take(&mut memory).with(task, &bound, 1);
            (part, student.part_of(name))
        };
        let [first, second] = [0, 1].map(StudentPart::Expert);
        let (gqa, others) = (calls(Task::Gqa, 400), calls(Task::Nlvr2, 150));
        let (some, more) = gqa.split_at(200);
        assert_eq!(learn("gqa", some.to_vec()), (first, first));
        assert_eq!(learn("nlvr2", others), (second, second));
        assert_eq!(learn("more of gqa", more.to_vec()), (first, first));
        assert_eq!(learn("gqa", some.to_vec()), (first, first));
        // Whoever learned a task learns it again, of however few pictures.
        assert_eq!(learn("gqa", some[..20].to_vec()), (first, first));
        // Looks as general pictures do.
        let alike = calls(Task::Spatial, 200);
        let trunk = StudentPart::Trunk;
        assert_eq!(learn("spatial", alike), (trunk, trunk));
        assert_eq!(learn("few", some[..20].to_vec()), (trunk, trunk));
        let tasks = |place: usize| &student.manifest.experts[place].tasks;
        assert_eq!(tasks(0), &["gqa", "more of gqa"]);
        assert_eq!(tasks(1), &["nlvr2"]);
    }

    #[test]
    fn what_cannot_be_told_apart_says_so() {
        let general = pictures(Task::General, Split::Train, 300);
        let alike = pictures(Task::Spatial, Split::Train, 300);
        let ToldApart { own, general: not } = domain(&alike, &general).held_out;
        assert!(own + not < 1.5, "{own} {not}");
        assert!(Looks::of(&general[..20]).is_none());
    }
}

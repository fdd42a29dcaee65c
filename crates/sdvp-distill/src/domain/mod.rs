//! Which pictures a task is about: what is learned on them need not answer for others.

mod earlier;
mod fit;
mod general;
mod logistic;
mod looks;

use crate::harvest::Harvest;
use crate::memory::{Memory, TaskMemory};
use crate::observer::Observer;
use earlier::Earlier;
use general::{ENOUGH, General, said};
use looks::Looks;
use sdvp_modules::{Student, StudentPart, domain_of};

/// Decides where in a student a task is learned, and makes room for it there.
///
/// Its pictures, which are those of its calls, are told from general ones by how they look: those that
/// are remembered of tasks that the trunk learned. If they cannot be, the trunk learns it, for all
/// pictures that are no expert's. If they look like those of an expert, and both together can be told
/// from general ones and from every other expert's, that expert learns it, too; else it gets one of its
/// own. What an expert learned before it learns again. The observer hears what is decided, and why.
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
    let for_all = |why: &str| {
        let held = held_by_experts(student, &own);
        observer.note(&format!("{task} is learned for all pictures: {why}{held}"));
        StudentPart::Trunk
    };
    let general = General::of(&remembered(StudentPart::Trunk, task, student, memory));
    let (Some(enough), Some(general)) = (own.clone().enough(), general) else {
        let needed = Looks::NEEDED;
        return for_all(&format!(
            "it takes {needed} of its own and {needed} general ones to tell them apart"
        ));
    };
    let domain = match general.told_from(&enough) {
        Ok(domain) => domain,
        Err(why) => return for_all(&why.to_string()),
    };
    let earlier = Earlier::all(task, student, memory);
    let mut alike: Vec<(&Earlier, f64)> = earlier
        .iter()
        .map(|expert| (expert, expert.parted(&enough, &domain)))
        .filter(|(_, parted)| *parted < ENOUGH)
        .collect();
    alike.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut apart = Vec::new();
    for (expert, parted) in alike {
        let others = earlier.iter().filter(|other| other.place != expert.place);
        match expert.together(&enough, &general, others) {
            Ok(wider) => {
                observer.note(&format!(
                    "{task} and {} are learned together: {}; {}",
                    expert.tasks,
                    expert.alike(parted),
                    said(wider.held_out)
                ));
                student.widen_expert(expert.place, task, wider);
                return StudentPart::Expert(expert.place);
            }
            Err(why) => apart.push(format!(
                ", although {}, because {why}",
                expert.alike(parted)
            )),
        }
    }
    observer.note(&format!(
        "{task} is learned for its own pictures{}: {}",
        apart.concat(),
        said(domain.held_out)
    ));
    student.add_expert(task, domain)
}

/// What is remembered of the other tasks that a part learned.
fn remembered<'a>(
    part: StudentPart,
    task: &str,
    student: &Student,
    memory: &'a Memory,
) -> Vec<&'a TaskMemory> {
    let tasks = memory.tasks().iter();
    let tasks = tasks.filter(|it| it.task != task && student.part_of(&it.task) == part);
    tasks.collect()
}

/// What to add where the trunk learns a task of whose pictures it is not asked.
fn held_by_experts(student: &Student, own: &Looks) -> String {
    let experts = || student.manifest.experts.iter().map(|expert| &expert.domain);
    let held = own.share_of_all(|one| domain_of(experts(), one).is_some());
    match held > 0.0 {
        true => format!(
            "; for the {:.1} % of them that look like an expert's, that one answers all the same",
            100.0 * held
        ),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::TaskMemory;
    use crate::observer::Silent;
    use sdvp_core::{Image, SubTask, SubTaskKind};
    use sdvp_data::Task;
    use sdvp_data::picto::{Split, questions};
    use std::collections::BTreeMap;

    fn pictures(task: Task, split: Split, count: usize) -> Vec<Image> {
        let questions = questions(task, split, 3, count);
        let inputs = questions.iter().flat_map(|question| question.inputs());
        inputs.map(|(_, picture)| picture).collect()
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
            said: crate::examples::SaidBefore::Chosen(vec![0.0]),
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

    /// Keeps what is noted.
    #[derive(Default)]
    struct Notes(std::sync::Mutex<Vec<String>>);

    impl Observer for Notes {
        fn begin(&self, _: &crate::observer::Phase) {}
        fn advance(&self, _: usize) {}
        fn loss(&self, _: usize, _: f32) {}
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    #[test]
    fn what_decided_is_told() {
        let bound = crate::memory::MemoryBound::default();
        let general = remembered("general", &calls(Task::General, 1200));
        let gqa = calls(Task::Gqa, 300);
        let learn = |student: &mut Student, memory: &Memory, calls: &[SubTask]| {
            let notes = Notes::default();
            let part = make_room("gqa", student, &harvested(calls.to_vec()), memory, &notes);
            (part, notes.0.into_inner().unwrap().concat())
        };
        let memory = Memory::default().with(general, &bound, 1);

        // Among all general pictures those of a small task are few, but it would lose most of its own.
        let mut student = Student::builtin().unwrap();
        let small = remembered("small", &gqa[..60]);
        let with_small = memory.clone().with(small, &bound, 1);
        let (part, told) = learn(&mut student, &with_small, &gqa[60..]);
        assert_eq!(part, StudentPart::Trunk);
        assert!(
            told.contains("of small's pictures held out, only"),
            "{told}"
        );

        // Of an expert nothing is remembered: what looks like its pictures cannot join it.
        let (part, _) = learn(&mut student, &memory, &gqa[..150]);
        assert_eq!(part, StudentPart::Expert(0));
        student.manifest.experts[0].tasks = vec!["older".to_owned()];
        let (part, told) = learn(&mut student.clone(), &memory, &gqa[150..]);
        assert_eq!(part, StudentPart::Expert(1));
        assert!(
            told.contains("too few of the latter are remembered"),
            "{told}"
        );

        // Too few pictures to tell others by; which of them an expert holds is said.
        let (part, told) = learn(&mut student, &memory, &gqa[150..170]);
        assert_eq!(part, StudentPart::Trunk);
        assert!(told.contains("it takes 50 of its own"), "{told}");
        assert!(told.contains("that one answers all the same"), "{told}");
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
}

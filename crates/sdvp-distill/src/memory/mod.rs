//! Memory: calls of general and earlier tasks, with what the student said of them when they were
//! remembered. It goes from task to task with the student.
//!
//! What a part of a student is held to is what it said *then*: a call keeps what was said of it when it
//! was first remembered through all tasks, so that small losses do not add up from task to task
//! (as in dark experience replay, Buzzega et al. 2020, arXiv 2004.07211).

mod bound;
mod folder;
mod numbers;
mod pictures;
mod recombine;

pub use bound::{MemoryBound, MemoryPolicy};

use crate::error::Result;
use crate::examples::{RememberedAnswer, RememberedMatch, RememberedView};
use crate::harvest::{Exercise, Harvest, harvest};
use crate::observer::Observer;
use crate::rehearsal::{remember_answers, remember_matches, remember_views};
use bound::{parts_for_tasks, staying};
use recombine::recombined;
use sdvp_core::{Digest, Image, SubTask, SubTaskKind, View};
use sdvp_modules::{Student, StudentPart};
use std::collections::BTreeSet;

/// Further texts remembered with every rehearsed view.
const REMEMBERED_TEXTS: usize = 14;

/// For every call that a program makes, as many are rehearsed at most: itself, and others recombined
/// of its like.
const OF_ONE: usize = 4;

/// What is remembered of one task.
#[derive(Clone, Debug, Default)]
pub struct TaskMemory {
    /// The task's name.
    pub task: String,
    /// Views that were searched.
    pub views: Vec<RememberedView>,
    /// Views that were compared with texts.
    pub matches: Vec<RememberedMatch>,
    /// Questions that were asked.
    pub answers: Vec<RememberedAnswer>,
}

/// What is remembered of all tasks, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    tasks: Vec<TaskMemory>,
}

impl TaskMemory {
    /// What `student` says of the calls that programs make with it, within the bound.
    ///
    /// # Errors
    /// If the student fails.
    pub fn of(
        task: &str,
        exercises: &[Exercise],
        student: &Student,
        bound: &MemoryBound,
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let name = format!("{task}: calls to remember");
        let calls = harvest(exercises, student.modules()?, &name, observer)?;
        Self::of_calls(task, &calls, student, bound, seed)
    }

    /// As [`TaskMemory::of`], of calls that were harvested already.
    pub(crate) fn of_calls(
        task: &str,
        calls: &Harvest,
        student: &Student,
        bound: &MemoryBound,
        seed: u64,
    ) -> Result<Self> {
        let known = calls.calls.values().flatten().map(picture);
        let known = staying(known, bound.pictures, seed);
        let about = |kind: SubTaskKind| -> Vec<SubTask> {
            let calls = calls.of(kind).iter();
            let calls = calls.filter(|call| known.contains(&picture(call)));
            calls.cloned().collect()
        };
        let more = |calls: Vec<SubTask>, most: usize| {
            let count = most.min(OF_ONE * calls.len());
            recombined(&calls, count, seed)
        };
        let looks = more(about(SubTaskKind::Locate), bound.views);
        let comparisons = more(about(SubTaskKind::Match), bound.views);
        let questions = more(about(SubTaskKind::Answer), bound.answers);
        let student = student.at(student.part_of(task));
        let mut memory = Self {
            task: task.to_owned(),
            views: remember_views(&looks, &student.locate, REMEMBERED_TEXTS, seed)?,
            matches: remember_matches(&comparisons, &student.matching, REMEMBERED_TEXTS, seed)?,
            answers: remember_answers(&questions, &student.answer)?,
        };
        memory.thin(
            [bound.views, bound.views, bound.answers],
            bound.policy,
            seed,
        );
        Ok(memory)
    }

    /// Everything that calls look at.
    fn looked_at(&self) -> impl Iterator<Item = &View> {
        let views = self.views.iter().map(|call| &call.view);
        let matches = self.matches.iter().map(|call| &call.view);
        let views = views.chain(matches);
        views.chain(self.answers.iter().map(|call| &call.view))
    }

    /// The picture of every call.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Image> {
        self.looked_at().map(View::image)
    }

    fn pictures(&self) -> impl Iterator<Item = Digest> {
        self.looked_at().map(|view| view.image().digest())
    }

    /// Lets go what is about other pictures than the first `count`.
    fn keep_pictures(&mut self, count: usize, seed: u64) {
        let staying = staying(self.pictures(), count, seed);
        let stays = |view: &View| staying.contains(&view.image().digest());
        self.views.retain(|call| stays(&call.view));
        self.matches.retain(|call| stays(&call.view));
        self.answers.retain(|call| stays(&call.view));
    }

    /// Keeps so many views, matches and answers.
    fn thin(&mut self, [views, matches, answers]: [usize; 3], policy: MemoryPolicy, seed: u64) {
        bound::thin(
            &mut self.views,
            views,
            policy,
            seed,
            |call| call.view.image().digest(),
            |call| call.surest().map(str::to_owned),
        );
        bound::thin(
            &mut self.matches,
            matches,
            policy,
            seed,
            |call| call.view.image().digest(),
            |call| call.best().map(str::to_owned),
        );
        bound::thin(
            &mut self.answers,
            answers,
            policy,
            seed,
            |call| call.view.image().digest(),
            RememberedAnswer::answer,
        );
    }
}

impl Memory {
    /// Whether calls of a task are remembered.
    pub fn knows(&self, task: &str) -> bool {
        self.tasks.iter().any(|known| known.task == task)
    }

    /// Whether a task is remembered, but nothing of what its programs compare with texts: those of
    /// another framework may not ask that.
    pub fn lacks_matches(&self, task: &str) -> bool {
        let known = self.tasks.iter().find(|known| known.task == task);
        known.is_some_and(|known| known.matches.is_empty())
    }

    /// Adds a task's matches, and thins those of all tasks to the bound.
    #[must_use]
    pub fn with_matches(mut self, of: TaskMemory, bound: &MemoryBound, seed: u64) -> Self {
        if let Some(known) = self.tasks.iter_mut().find(|known| known.task == of.task) {
            known.matches = of.matches;
        }
        self.thin(bound, seed);
        self
    }

    /// What is remembered, task by task.
    pub fn tasks(&self) -> &[TaskMemory] {
        &self.tasks
    }

    /// Adds a task, and thins all of them to the bound: in fair parts, the first one's twice as great.
    #[must_use]
    pub fn with(mut self, task: TaskMemory, bound: &MemoryBound, seed: u64) -> Self {
        self.tasks.retain(|known| known.task != task.task);
        self.tasks.push(task);
        self.thin(bound, seed);
        self
    }

    fn thin(&mut self, bound: &MemoryBound, seed: u64) {
        let pictures = |task: &TaskMemory| task.pictures().collect::<BTreeSet<Digest>>().len();
        let pictures: Vec<usize> = self.tasks.iter().map(pictures).collect();
        let parts = parts_for_tasks(&pictures, bound.pictures);
        for (task, part) in self.tasks.iter_mut().zip(parts) {
            task.keep_pictures(part, seed);
        }
        let sizes = |of: fn(&TaskMemory) -> usize| self.tasks.iter().map(of).collect::<Vec<_>>();
        let views = parts_for_tasks(&sizes(|task| task.views.len()), bound.views);
        let answers = parts_for_tasks(&sizes(|task| task.answers.len()), bound.answers);
        let matches = parts_for_tasks(&sizes(|task| task.matches.len()), bound.views);
        let parts = views.into_iter().zip(matches).zip(answers);
        for (task, ((views, matches), answers)) in self.tasks.iter_mut().zip(parts) {
            task.thin([views, matches, answers], bound.policy, seed);
        }
    }

    /// What a part of a student rehearses when it learns: what it answers for. An expert that learns its
    /// first task has nothing to lose: of other pictures nobody asks it. (Held to general calls it learns
    /// less of the task, and less of everything else about the task's pictures.)
    pub(crate) fn rehearsed_at<'a>(
        &'a self,
        part: StudentPart,
        student: &'a Student,
    ) -> Rehearsed<'a> {
        Rehearsed {
            tasks: &self.tasks,
            part,
            student,
        }
    }
}

/// What is rehearsed.
pub(crate) struct Rehearsed<'a> {
    tasks: &'a [TaskMemory],
    part: StudentPart,
    student: &'a Student,
}

impl<'a> Rehearsed<'a> {
    /// The tasks whose calls of a kind the part answers, or will when it has learned.
    fn tasks(&self, kind: SubTaskKind) -> impl Iterator<Item = &'a TaskMemory> {
        let (part, student) = (self.part, self.student);
        self.tasks.iter().filter(move |task| {
            let of = student.part_of(&task.task);
            // What an expert did not learn, the trunk answers.
            of == part || part == StudentPart::Trunk && !student.has_learned(of, kind)
        })
    }

    /// All views.
    pub(crate) fn views(&self) -> Vec<&'a RememberedView> {
        let tasks = self.tasks(SubTaskKind::Locate);
        tasks.flat_map(|task| &task.views).collect()
    }

    /// All matches.
    pub(crate) fn matches(&self) -> Vec<&'a RememberedMatch> {
        let tasks = self.tasks(SubTaskKind::Match);
        tasks.flat_map(|task| &task.matches).collect()
    }

    /// All answers.
    pub(crate) fn answers(&self) -> Vec<&'a RememberedAnswer> {
        let tasks = self.tasks(SubTaskKind::Answer);
        tasks.flat_map(|task| &task.answers).collect()
    }
}

fn picture(call: &SubTask) -> Digest {
    call.view.image().digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::SaidBefore;
    use sdvp_modules::Domain;

    fn answered(task: &str, count: usize) -> TaskMemory {
        let picture = image::RgbImage::new(16, 16);
        let view = View::whole(Image::new(picture).unwrap());
        let answer = |i: usize| RememberedAnswer {
            view: view.clone(),
            question: format!("{task} {i}"),
            said: SaidBefore::Chosen(vec![0.0, 1.0]),
        };
        TaskMemory {
            task: task.to_owned(),
            views: Vec::new(),
            matches: Vec::new(),
            answers: (0..count).map(answer).collect(),
        }
    }

    #[test]
    fn a_new_task_makes_room_among_the_others_and_replaces_itself() {
        let bound = MemoryBound {
            answers: 90,
            ..MemoryBound::default()
        };
        let sizes = |memory: &Memory| -> Vec<(String, usize)> {
            let of = |task: &TaskMemory| (task.task.clone(), task.answers.len());
            memory.tasks().iter().map(of).collect()
        };
        let memory = Memory::default().with(answered("a", 200), &bound, 1);
        assert_eq!(sizes(&memory), [("a".to_owned(), 90)]);
        let memory = memory.with(answered("b", 20), &bound, 1);
        assert_eq!(sizes(&memory), [("a".to_owned(), 70), ("b".to_owned(), 20)]);
        let memory = memory.with(answered("c", 80), &bound, 1);
        assert_eq!(sizes(&memory)[0].1, 46);
        let memory = memory.with(answered("b", 3), &bound, 1);
        let b = &sizes(&memory)[2];
        assert_eq!((b.0.as_str(), b.1), ("b", 3));
        assert!(memory.knows("c") && !memory.knows("d"));
        let student = Student::builtin().unwrap();
        let rehearsed = memory.rehearsed_at(StudentPart::Trunk, &student);
        assert_eq!(rehearsed.answers().len(), 46 + 24 + 3);
        // An expert's tasks are rehearsed by itself alone, but for what it did not learn.
        let mut student = student;
        let c = student.add_expert("c", Domain::empty());
        let other = student.add_expert("d", Domain::empty());
        let base = student.at(StudentPart::Trunk);
        student.take(c, SubTaskKind::Locate, &base);
        let trunk = StudentPart::Trunk;
        let answers = |part, student: &Student| memory.rehearsed_at(part, student).answers().len();
        assert_eq!(answers(trunk, &student), 46 + 24 + 3);
        student.take(c, SubTaskKind::Answer, &base);
        assert_eq!(answers(trunk, &student), 46 + 3);
        assert_eq!([c, other].map(|part| answers(part, &student)), [24, 0]);
    }
}

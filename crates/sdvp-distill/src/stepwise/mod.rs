//! The method: harvest → label → teach to find → execute again → teach to match and to answer.

mod answer;
mod matching;

use crate::checkpoint::{Checkpoints, KeptTraining, StepName};
use crate::domain::make_room;
use crate::error::{DistillError, Result};
use crate::harvest::{Exercise, Harvest, harvest, harvest_with};
use crate::label::{Labelled, label_views};
use crate::memory::{Memory, Rehearsed, TaskMemory};
use crate::observer::{Observer, Phase};
use crate::settings::{DistillSettings, StepSettings};
use crate::train::{Training, TrainingCurve, planned_demand, train_locate};
use sdvp_core::{SubTask, SubTaskKind};
use sdvp_models::LoraConfig;
use sdvp_modules::{AnswerModel, MatchModel, Student, StudentPart, Teacher};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What one step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistilledStep {
    /// The kind of module that learned.
    pub kind: SubTaskKind,
    /// Distinct calls the programs made.
    pub harvested: usize,
    /// Of these, calls that the teacher labelled.
    #[serde(default)]
    pub known: usize,
    /// Of these, questions with answers only that the student cannot give.
    #[serde(default)]
    pub unsayable: usize,
    /// Examples that came of them: views that were searched or compared, or questions.
    pub labelled: usize,
    /// Calls rehearsed.
    pub rehearsed: usize,
    /// Which part of the student learned.
    #[serde(default)]
    pub part: StudentPart,
    /// How the loss fell.
    pub curve: TrainingCurve,
}

/// A task to learn.
pub struct Lesson<'a> {
    /// Its name.
    pub task: &'a str,
    /// Programs over its training set.
    pub exercises: &'a [Exercise],
    /// Who knows where things are.
    pub locate: &'a dyn Teacher,
    /// Who knows how well texts fit.
    pub matching: &'a dyn Teacher,
    /// Who knows the answers.
    pub answer: &'a dyn Teacher,
    /// What the part of the student that learns is held to.
    pub rehearsal: Rehearsal,
}

/// Which calls the part of a student that learns is held to, by what it said of them before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rehearsal {
    /// Those that are remembered and that it answered before: of general and earlier tasks, or of an
    /// expert's.
    #[default]
    Memory,
    /// The task's own: self-distillation without rehearsal (learning without forgetting, Li & Hoiem
    /// 2016, arXiv 1606.09282).
    Own,
    /// None.
    Nothing,
}

/// A distilled student and how it came about.
pub struct Distillation {
    /// The task.
    task: String,
    /// The student, better on the task.
    pub student: Student,
    /// What became of the student after each step; the last is `student`.
    pub checkpoints: Vec<Student>,
    /// The steps, in order.
    pub steps: Vec<DistilledStep>,
    /// The last calls of the task's programs.
    calls: Arc<Harvest>,
}

impl Distillation {
    /// How many distinct calls the task's programs made in the end.
    pub fn called(&self) -> usize {
        self.calls.calls.values().map(Vec::len).sum()
    }

    /// What a student that learned the task is to rehearse when it learns the next one: what was
    /// remembered before, and the task's calls.
    ///
    /// # Errors
    /// If the student fails.
    pub fn remember(
        &self,
        student: &Student,
        memory: Memory,
        settings: &DistillSettings,
    ) -> Result<Memory> {
        let (bound, seed) = (&settings.memory, settings.seed);
        let learned = TaskMemory::of_calls(&self.task, &self.calls, student, bound, seed)?;
        Ok(memory.with(learned, bound, seed))
    }
}

/// Distils one task into a student. The part of it that learns rehearses meanwhile what is remembered of the
/// calls that it answers; what is remembered of general pictures also tells the task's own from them. The
/// student given is left as it is: it is the frozen former self. What there is of it in `checkpoints` is not
/// done again.
///
/// # Errors
/// If nothing can be learned, a network fails, or checkpoints cannot be read or written.
pub fn distill(
    lesson: &Lesson<'_>,
    student: &Student,
    memory: &Memory,
    settings: &DistillSettings,
    checkpoints: Option<&Checkpoints>,
    observer: &dyn Observer,
) -> Result<Distillation> {
    let mut course = Course {
        lesson,
        memory,
        settings,
        checkpoints,
        observer,
        former: student,
        own: Memory::default(),
        caller: student.clone(),
        calls: None,
        harvests: 0,
        student: student.clone(),
        part: StudentPart::Trunk,
        checkpoint_students: Vec::new(),
        steps: Vec::new(),
    };
    course.student.manifest.history.push(lesson.task.to_owned());
    course.say_demand()?;
    let rounds = settings.rounds.max(1);
    for round in 0..rounds {
        if round > 0 {
            course.execute_again();
        }
        course.teach_to_locate(round, &settings.locate.part(round, rounds))?;
        if settings.rounds > 0 && settings.locate.steps > 0 {
            // Again, so that questions are asked about what the better locator finds.
            course.execute_again();
        }
        course.teach_to_match(round, &settings.matching.part(round, rounds))?;
        course.teach_to_answer(round, &settings.answer.part(round, rounds))?;
    }
    Ok(Distillation {
        task: lesson.task.to_owned(),
        calls: course.calls()?,
        student: course.student,
        checkpoints: course.checkpoint_students,
        steps: course.steps,
    })
}

/// A distillation on its way.
struct Course<'a> {
    lesson: &'a Lesson<'a>,
    memory: &'a Memory,
    settings: &'a DistillSettings,
    checkpoints: Option<&'a Checkpoints>,
    observer: &'a dyn Observer,
    /// Who learns, as it was before.
    former: &'a Student,
    /// The task's own calls, if they are rehearsed; else nothing.
    own: Memory,
    /// Whose calls are learned from.
    caller: Student,
    /// What it called, once that was needed: steps that are finished do not need it.
    calls: Option<Arc<Harvest>>,
    harvests: usize,
    student: Student,
    /// The part of it that learns the task.
    part: StudentPart,
    checkpoint_students: Vec<Student>,
    steps: Vec<DistilledStep>,
}

impl Course<'_> {
    /// Says what memory the step that needs most may take.
    fn say_demand(&self) -> Result<()> {
        let (student, settings, seed) = (self.former, self.settings, self.settings.seed);
        // Which part learns, and so what of its memory it rehearses, turns out later.
        let remembered = match (self.lesson.rehearsal, self.memory.tasks().is_empty()) {
            (Rehearsal::Nothing, _) | (Rehearsal::Memory, true) => 0,
            _ => usize::MAX,
        };
        let (locate, matching, answer) = (&settings.locate, &settings.matching, &settings.answer);
        let steps = [
            (
                "locate",
                planned_demand(&student.locate, locate, (seed, true), remembered)?,
            ),
            (
                "match",
                match &student.matching {
                    MatchModel::Clip(model) => {
                        planned_demand(model, matching, (seed, false), remembered)?
                    }
                    MatchModel::Blip(model) => {
                        planned_demand(model, matching, (seed, false), remembered)?
                    }
                },
            ),
            (
                "answer",
                match &student.answer {
                    AnswerModel::Vilt(model) => {
                        planned_demand(model, answer, (seed, true), remembered)?
                    }
                    AnswerModel::Blip(model) => {
                        planned_demand(model, answer, (seed, true), remembered)?
                    }
                    AnswerModel::Qwen3Vl(model) => {
                        planned_demand(model, answer, (seed, true), remembered)?
                    }
                },
            ),
        ];
        let steps = steps
            .into_iter()
            .filter_map(|(what, demand)| Some((what, demand?)));
        let Some((what, most)) = steps.max_by_key(|(_, demand)| demand.memory()) else {
            return Ok(());
        };
        let gib = most.memory() as f64 / f64::from(1 << 30);
        self.observer.note(&format!(
            "{}: learning to {what} may take most memory, up to about {gib:.2} GiB beside the student",
            self.lesson.task
        ));
        Ok(())
    }

    /// Who is about to learn a step, with its settings; before the first one it turns out which part of
    /// the student learns the task.
    fn learner(&mut self, step: &StepSettings) -> Result<(Student, StepSettings)> {
        // A student that went through a step already is one that was asked.
        if self.settings.apart.is_some() && self.steps.is_empty() {
            let calls = self.calls()?;
            let (task, student) = (self.lesson.task, &mut self.student);
            self.part = make_room(task, student, &calls, self.memory, self.observer);
        }
        if self.lesson.rehearsal == Rehearsal::Own && self.own.tasks().is_empty() {
            self.own = self.own_calls()?;
        }
        let settings = match (self.settings.apart, self.part) {
            (Some(apart), StudentPart::Expert(_)) => apart.step(step),
            _ => step.clone(),
        };
        Ok((self.student.at(self.part), settings))
    }

    /// What the part that learns the task said of its calls before.
    fn own_calls(&mut self) -> Result<Memory> {
        let calls = match self.harvests {
            0 => self.calls()?,
            _ => Arc::new(self.harvest(self.former, "calls to rehearse")?),
        };
        let (bound, seed) = (&self.settings.memory, self.settings.seed);
        let former = self.former.at(self.part);
        let own = TaskMemory::of_calls(self.lesson.task, &calls, &former, bound, seed)?;
        Ok(Memory::default().with(own, bound, seed))
    }

    /// From now on what the student calls as it is now is learned from.
    fn execute_again(&mut self) {
        self.caller = self.student.clone();
        self.calls = None;
        self.harvests += 1;
    }

    fn calls(&mut self) -> Result<Arc<Harvest>> {
        if let Some(calls) = &self.calls {
            return Ok(Arc::clone(calls));
        }
        let what = match self.harvests {
            0 => "calls",
            _ => "calls again",
        };
        let calls = Arc::new(self.harvest(&self.caller, what)?);
        Ok(Arc::clone(self.calls.insert(calls)))
    }

    /// What the task's programs call with a student.
    fn harvest(&self, student: &Student, what: &str) -> Result<Harvest> {
        let name = format!("{}: {what}", self.lesson.task);
        let modules = student.modules()?;
        let exercises = self.lesson.exercises;
        match self.checkpoints.map(Checkpoints::runs) {
            Some(runs) => harvest_with(exercises, modules, runs, &name, self.observer),
            None => harvest(exercises, modules, &name, self.observer),
        }
    }

    /// What the part that learns is held to.
    fn rehearsed(&self) -> Rehearsed<'_> {
        let memory = match self.lesson.rehearsal {
            Rehearsal::Memory => self.memory,
            Rehearsal::Own | Rehearsal::Nothing => &self.own,
        };
        memory.rehearsed_at(self.part, &self.student)
    }

    fn begin(&self, what: &str, steps: usize) {
        self.observer.begin(&Phase {
            name: format!("{}: {what}", self.lesson.task),
            total: steps,
        });
    }

    /// Whether a step was finished before; if so, the student is as it was after it.
    fn is_finished(&mut self, step: &StepName) -> Result<bool> {
        let Some(checkpoints) = self.checkpoints else {
            return Ok(false);
        };
        let Some((student, done)) = checkpoints.finished(step)? else {
            return Ok(false);
        };
        let task = self.lesson.task;
        self.part = student.part_of(task);
        if let StudentPart::Expert(place) = self.part
            && let Some(expert) = student.manifest.experts.get(place)
        {
            let domain = expert.domain.clone();
            match self.student.manifest.experts.get(place) {
                Some(_) => self.student.widen_expert(place, task, domain),
                None => self.part = self.student.add_expert(task, domain),
            }
        }
        // The others are in memory already.
        let learned = student.at(self.part);
        self.student.take(self.part, step.kind, &learned);
        self.checkpoint_students.push(self.student.clone());
        self.steps.push(done);
        Ok(true)
    }

    fn kept(&self, step: &StepName) -> Result<Option<KeptTraining>> {
        let checkpoints = self.checkpoints;
        checkpoints.map(|them| them.training(step)).transpose()
    }

    fn training<'b>(
        &'b self,
        settings: &'b StepSettings,
        kept: Option<&'b KeptTraining>,
    ) -> Training<'b> {
        Training {
            settings,
            seed: self.settings.seed,
            observer: self.observer,
            kept,
        }
    }

    fn teach_to_locate(&mut self, round: usize, settings: &StepSettings) -> Result<()> {
        let kind = SubTaskKind::Locate;
        let step = StepName { round, kind };
        if settings.steps == 0 || self.is_finished(&step)? {
            return Ok(());
        }
        let calls = self.calls()?;
        let calls = calls.of(kind);
        let labelled = label_views(calls, self.lesson.locate, self.settings);
        let counts = Counts::of(calls, &labelled);
        let examples = labelled.examples;
        need(kind, &counts)?;
        let (mut learner, settings) = self.learner(settings)?;
        let settings = &settings.for_calls(examples.len());
        let rehearsed = self.rehearsed();
        let memory = rehearsed.views();
        let adapters = lora(settings, self.settings.seed);
        let mut model = learner.locate.duplicate(adapters)?;
        self.begin("learning to locate", settings.steps);
        let kept = self.kept(&step)?;
        let training = self.training(settings, kept.as_ref());
        let curve = train_locate(&mut model, &examples, &memory, &training)?;
        learner.locate = Arc::new(model);
        self.record(&step, settings, counts, memory.len(), curve, learner)
    }

    /// Takes what a step taught the learner into the student, notes what it did, and keeps it.
    fn record(
        &mut self,
        step: &StepName,
        settings: &StepSettings,
        counts: Counts,
        rehearsed: usize,
        curve: TrainingCurve,
        mut learner: Student,
    ) -> Result<()> {
        let kind = step.kind;
        let method = settings.method.clone();
        if let Some(adapter) = learner.trained_adapter(kind, method) {
            learner.manifest.modules.insert(kind, adapter);
        }
        self.student.take(self.part, kind, &learner);
        let done = DistilledStep {
            kind,
            harvested: counts.harvested,
            known: counts.known,
            unsayable: counts.unsayable,
            labelled: counts.labelled,
            rehearsed,
            part: self.part,
            curve,
        };
        if let Some(checkpoints) = self.checkpoints {
            checkpoints.finish(step, &self.student, &done)?;
        }
        self.checkpoint_students.push(self.student.clone());
        self.steps.push(done);
        Ok(())
    }
}

/// How many calls there were, and what came of them.
struct Counts {
    harvested: usize,
    known: usize,
    unsayable: usize,
    labelled: usize,
}

impl Counts {
    fn of<E>(calls: &[SubTask], labelled: &Labelled<E>) -> Self {
        Self {
            harvested: calls.len(),
            known: labelled.calls,
            unsayable: labelled.unsayable,
            labelled: labelled.examples.len(),
        }
    }
}

fn need(kind: SubTaskKind, counts: &Counts) -> Result<()> {
    if counts.labelled == 0 {
        return Err(DistillError::NothingToLearn {
            kind,
            harvested: counts.harvested,
            labelled: counts.known,
        });
    }
    Ok(())
}

fn lora(settings: &StepSettings, seed: u64) -> Option<(LoraConfig, u64)> {
    settings.method.lora().map(|config| (config.clone(), seed))
}

use super::*;
use crate::control::TruthTeacher;
use crate::harvest::Exercise;
use crate::memory::TaskMemory;
use crate::observer::{Observer, Phase, Silent};
use crate::settings::DistillSettings;
use crate::stepwise::{Distillation, Lesson, Rehearsal, distill};
use sdvp_data::Task;
use sdvp_data::picto::{Oracle, Split, questions};
use sdvp_models::LoraConfig;
use sdvp_modules::{StudentPart, TrainMethod};
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Stops, as a kill would, when it has seen so many optimizer steps.
struct Patience {
    left: AtomicUsize,
    learning: AtomicBool,
}

impl Patience {
    fn of(steps: usize) -> Self {
        Self {
            left: AtomicUsize::new(steps),
            learning: false.into(),
        }
    }
}

impl Observer for Patience {
    fn begin(&self, phase: &Phase) {
        let learning = phase.name.contains("learning");
        self.learning.store(learning, Ordering::Relaxed);
    }

    fn advance(&self, _: usize) {
        if self.learning.load(Ordering::Relaxed) && self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            panic!("out of patience");
        }
    }

    fn loss(&self, _: usize, _: f32) {}
}

/// A small task, with the truth for teachers.
struct Small {
    exercises: Vec<Exercise>,
    teacher: TruthTeacher,
    before: Student,
    memory: Memory,
}

fn exercises(questions: &[Arc<sdvp_data::Question>]) -> Vec<Exercise> {
    let exercise = |question: &Arc<sdvp_data::Question>| {
        let program = VisProgProgram::parse(&question.program, &VisProgSettings::default());
        let question = Arc::clone(question);
        Exercise {
            program: Arc::new(program.unwrap()),
            gold: None,
            inputs: Arc::new(move || Ok(question.inputs())),
        }
    };
    questions.iter().map(exercise).collect()
}

fn asked(task: Task, count: usize) -> Vec<Arc<sdvp_data::Question>> {
    let questions = questions(task, Split::Train, 3, count);
    questions.into_iter().map(Arc::new).collect()
}

impl Small {
    /// Too small for an expert of its own.
    fn new(settings: &DistillSettings) -> Self {
        let questions = asked(Task::Gqa, 12);
        Self::of(&questions, &exercises(&questions[..6]), settings)
    }

    /// Just large enough.
    fn for_an_expert(settings: &DistillSettings) -> Self {
        let general = exercises(&asked(Task::General, 120));
        Self::of(&asked(Task::Gqa, 80), &general, settings)
    }

    fn of(
        questions: &[Arc<sdvp_data::Question>],
        general: &[Exercise],
        settings: &DistillSettings,
    ) -> Self {
        let oracle = Arc::new(Oracle::of_questions(questions));
        let words = ["red", "blue", "dog", "cat"].map(str::to_owned).to_vec();
        let before = Student::builtin().unwrap();
        let (bound, seed) = (&settings.memory, settings.seed);
        let learned = TaskMemory::of("general", general, &before, bound, seed, &Silent);
        Self {
            memory: Memory::default().with(learned.unwrap(), bound, seed),
            exercises: exercises(questions),
            teacher: TruthTeacher::new(oracle, words),
            before,
        }
    }

    fn learn(
        &self,
        settings: &DistillSettings,
        checkpoints: Option<&Checkpoints>,
        observer: &dyn Observer,
    ) -> Result<Distillation> {
        let lesson = Lesson {
            task: "picto-gqa",
            exercises: &self.exercises,
            locate: &self.teacher,
            matching: &self.teacher,
            answer: &self.teacher,
            rehearsal: Rehearsal::Memory,
        };
        let memory = match checkpoints.map(|them| them.memory().unwrap()) {
            Some(Some(memory)) => memory,
            _ => self.memory.clone(),
        };
        if let Some(checkpoints) = checkpoints {
            checkpoints.keep_memory(&memory).unwrap();
        }
        distill(
            &lesson,
            &self.before,
            &memory,
            settings,
            checkpoints,
            observer,
        )
    }
}

fn settings(method: TrainMethod, rounds: usize) -> DistillSettings {
    let mut settings = DistillSettings {
        seed: 7,
        rounds,
        ..DistillSettings::default()
    };
    for step in [&mut settings.locate, &mut settings.answer] {
        step.steps = 2 * rounds.max(1);
        (step.batch, step.rehearsed) = (2, 2);
        step.method = method.clone();
    }
    settings
}

/// What came of it, but for the time it took.
fn outcome(done: &Distillation) -> (Vec<sdvp_core::Digest>, Vec<DistilledStep>, usize) {
    let students = done.checkpoints.iter().chain([&done.student]);
    let modules = students.flat_map(|student| student.modules().unwrap());
    let weights = modules.map(|module| module.fingerprint());
    let mut steps = done.steps.clone();
    for step in &mut steps {
        step.curve.seconds = 0.0;
    }
    (weights.collect(), steps, done.called())
}

fn open(folder: &Path) -> Result<Checkpoints> {
    Checkpoints::open(folder, &json!({ "task": "small" }), Duration::ZERO)
}

#[test]
fn whatever_stops_it_it_ends_with_the_same_weights() {
    let lora = TrainMethod::Lora(LoraConfig {
        rank: 2,
        alpha: 4.0,
        dropout: 0.2,
        patterns: vec!["layers.".to_owned(), "layer.".to_owned()],
    });
    let (vision, full) = (TrainMethod::Vision, TrainMethod::Full);
    for (method, rounds, is_expert) in [
        (vision.clone(), 1, false),
        (full, 0, false),
        (lora, 2, false),
        (vision, 1, true),
    ] {
        let settings = settings(method, rounds);
        if !is_expert {
            ends_the_same(&Small::new(&settings), &settings);
            continue;
        }
        // What an expert learned it learns again.
        let mut small = Small::for_an_expert(&settings);
        for _ in 0..2 {
            let student = ends_the_same(&small, &settings);
            assert_eq!(student.manifest.experts.len(), 1);
            assert_eq!(student.part_of("picto-gqa"), StudentPart::Expert(0));
            small.before = student;
        }
    }
}

/// Learns as a whole, and stopped again and again; what comes of it.
fn ends_the_same(small: &Small, settings: &DistillSettings) -> Student {
    let learned = small.learn(settings, None, &Silent).unwrap();
    let whole = outcome(&learned);
    let folder = tempfile::tempdir().unwrap();
    let mut stops = 0;
    let done = loop {
        let checkpoints = open(folder.path()).unwrap();
        // Enough to get over one step and be stopped in the next, which is then done again.
        let patience = Patience::of(1 + stops % 2);
        let went = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            small.learn(settings, Some(&checkpoints), &patience)
        }));
        match went {
            Ok(done) => break done.unwrap(),
            Err(_) => stops += 1,
        }
        assert!(stops < 40, "it gets no further");
    };
    assert!(stops >= 3, "{stops}");
    assert_eq!(outcome(&done), whole);
    // Once more: nothing is left to learn, and the calls are the same.
    let again = small.learn(
        settings,
        Some(&open(folder.path()).unwrap()),
        &Patience::of(0),
    );
    assert_eq!(outcome(&again.unwrap()), whole);
    open(folder.path()).unwrap().forget().unwrap();
    assert!(!folder.path().exists());
    learned.student
}

#[test]
fn of_states_that_are_damaged_the_one_before_is_used_and_without_any_it_begins_again() {
    let settings = settings(TrainMethod::Vision, 1);
    let small = Small::new(&settings);
    let whole = outcome(&small.learn(&settings, None, &Silent).unwrap());
    for damaged in 1..=2 {
        let folder = tempfile::tempdir().unwrap();
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let checkpoints = open(folder.path()).unwrap();
            // In the last of the four steps, of which the third, the first of its kind, was kept.
            small.learn(&settings, Some(&checkpoints), &Patience::of(3))
        }));
        assert!(stopped.is_err());
        let training = folder.path().join("round-1-answer.training");
        let states = || -> Vec<PathBuf> {
            let entries = std::fs::read_dir(&training).unwrap();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            paths.retain(|path| path.extension().is_some_and(|it| it == "safetensors"));
            paths.sort();
            paths
        };
        assert!(!states().is_empty());
        for path in states().iter().rev().take(damaged) {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }
        std::fs::write(training.join(".x.safetensors.partial-1"), "").unwrap();
        let checkpoints = open(folder.path()).unwrap();
        let done = small.learn(&settings, Some(&checkpoints), &Silent).unwrap();
        assert_eq!(outcome(&done), whole, "{damaged}");
        assert!(!training.exists());
    }
}

#[test]
fn another_distillation_is_refused_by_what_differs_and_damage_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let open = |value| Checkpoints::open(folder.path(), &value, Duration::ZERO);
    let this = json!({ "seed": 1, "settings": { "batch": 4, "rate": 0.1 } });
    open(this.clone()).unwrap();
    open(this.clone()).unwrap();
    let other = json!({ "seed": 1, "settings": { "batch": 5, "rate": 0.1 }, "after": "x" });
    let error = open(other).err().unwrap();
    assert!(
        matches!(&error, DistillError::OtherDistillation { differing, .. } if differing.len() == 2)
    );
    let text = error.to_string();
    for part in [
        "settings.batch is 4, not 5",
        "after is null, not \"x\"",
        "--afresh",
    ] {
        assert!(text.contains(part), "{text}");
    }
    std::fs::write(folder.path().join(WHAT), "{\"format\":").unwrap();
    let text = open(this).err().unwrap().to_string();
    assert!(text.contains(WHAT) && text.contains("EOF"), "{text}");
}

/// Changes a bit in the middle of a file.
fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_finished_step_and_a_memory_that_are_damaged_are_not_used_and_made_again() {
    let settings = settings(TrainMethod::Vision, 1);
    let small = Small::new(&settings);
    let folder = tempfile::tempdir().unwrap();
    let learn = |patience| {
        let checkpoints = open(folder.path()).unwrap();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let done = small.learn(&settings, Some(&checkpoints), &Patience::of(patience));
            outcome(&done.unwrap())
        }))
    };
    let whole = learn(100).unwrap();
    let name = StepName {
        round: 0,
        kind: SubTaskKind::Locate,
    };
    let step = folder.path().join(name.folder());
    for file in ["locate.safetensors", "student.json", kept_step::STEP] {
        let path = step.join(file);
        match file {
            kept_step::STEP => {
                let text = std::fs::read_to_string(&path).unwrap();
                let other = text.replacen("\"harvested\": ", "\"harvested\": 1", 1);
                assert_ne!(other, text);
                std::fs::write(&path, other).unwrap();
            }
            _ => spoil(&path),
        }
        let found = open(folder.path()).unwrap().finished(&name).unwrap();
        assert!(found.is_none(), "{file} is believed");
        // All of its optimizer steps are taken again, and no others.
        assert!(learn(0).is_err(), "{file}");
        assert_eq!(learn(2).unwrap(), whole, "{file}");
    }
    std::fs::remove_file(step.join("locate.safetensors")).unwrap();
    assert_eq!(learn(2).unwrap(), whole);
    for file in ["memory.json", "memory.safetensors"] {
        spoil(&folder.path().join("memory").join(file));
        let checkpoints = open(folder.path()).unwrap();
        assert!(checkpoints.memory().unwrap().is_none(), "{file}");
        assert!(!folder.path().join("memory").exists());
        assert_eq!(learn(0).unwrap(), whole, "{file}");
    }
    spoil(&folder.path().join(REMEMBERED));
    let memory = open(folder.path()).unwrap().memory().unwrap();
    assert!(memory.is_none());
}

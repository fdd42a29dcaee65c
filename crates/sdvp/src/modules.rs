//! Which student and which teachers a command works with.

use anyhow::{Context, Result, bail};
use candle_core::{DType, Device};
use sdvp_core::{Digest, Module, SubTaskKind};
use sdvp_data::Task;
use sdvp_hub::{Cache, ModelId};
use sdvp_models::{Compute, Products, multiply_in};
use sdvp_modules::onnx::OnnxDetector;
use sdvp_modules::{
    AnswerTeacher, Answering, ConvDetector, Detector, LabelFile, LocateTeacher, MatchTeacher,
    Student, Teacher, TeacherModel, builtin_source, placed_module,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What `--device` and `--products` say: one for the whole process.
static COMPUTE: OnceLock<(Compute, Products)> = OnceLock::new();

/// Lets networks compute there, and multiply so, from now on; shipped teachers and ONNX files stay on the
/// processor.
pub(crate) fn compute_on(compute: Compute, products: Products) {
    // Said once, before anything computes.
    let _ = COMPUTE.set((compute, products));
}

/// Where networks compute.
fn device() -> Result<Device> {
    let (compute, products) = COMPUTE.get().copied().unwrap_or_default();
    multiply_in(products, compute)?;
    Ok(compute.open()?)
}

/// The student in a folder, or the shipped one.
pub(crate) fn student(folder: Option<&Path>) -> Result<Student> {
    let student = match folder {
        Some(folder) => Student::load(folder)
            .with_context(|| format!("cannot load the student {}", folder.display())),
        None => Student::builtin().context("cannot load the shipped student"),
    }?;
    Ok(student.on(&device()?)?)
}

/// Published checkpoints, or described ONNX files, in the place of a student's modules.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Checkpoints {
    /// A checkpoint that finds in the student's place: an OWL-ViT or OWLv2, its folder as it is
    /// downloaded or the name by which `sdvp models pull` downloaded it. Or a detector in an ONNX file:
    /// the TOML file that describes it.
    #[arg(long, value_name = "DIR|ID|TOML")]
    locate: Option<PathBuf>,
    /// One that answers in its place: a ViLT or BLIP for question answering, a Qwen3-VL (Instruct), or a
    /// described ONNX file.
    #[arg(long, value_name = "DIR|ID|TOML")]
    answer: Option<PathBuf>,
    /// One that says in its place how well texts fit: a CLIP, a BLIP for image–text retrieval, or a
    /// described ONNX file.
    #[arg(long = "match", value_name = "DIR|ID|TOML")]
    matching: Option<PathBuf>,
    /// One that says how far away things are, which no student does: a Depth Anything.
    #[arg(long, value_name = "DIR")]
    depth: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
}

/// How an --answer's Qwen3-VL or BLIP writes. Other checkpoints refuse these options.
#[derive(clap::Args, Clone, Debug, Default)]
struct Asked {
    /// Said to the --answer's Qwen3-VL after every question, in place of "Answer with a single word or
    /// short phrase."
    #[arg(long, value_name = "TEXT", requires = "answer")]
    instruction: Option<String>,
    /// The most tokens of an answer of a Qwen3-VL (32) or a BLIP (19).
    #[arg(long, value_name = "N", requires = "answer", value_parser = clap::value_parser!(u32).range(1..=1024))]
    answer_tokens: Option<u32>,
    /// Larger pictures are made smaller for a Qwen3-VL, to so many pixels (1310720).
    #[arg(long, value_name = "N", requires = "answer", value_parser = clap::value_parser!(u32).range(1024..=4_194_304))]
    answer_pixels: Option<u32>,
    /// How precise a Qwen3-VL's weights are in memory (as in its files). Computing is in single precision
    /// always.
    #[arg(long, value_enum, requires = "answer")]
    dtype: Option<Precision>,
    /// Candidates between which a BLIP chooses what to write (1: always the likeliest next word).
    #[arg(long, value_name = "N", requires = "answer", value_parser = clap::value_parser!(u8).range(1..=32))]
    answer_beams: Option<u8>,
    /// A candidate's log-probability is divided by its length to this power (1); above 0, longer ones gain.
    #[arg(long, value_name = "P", requires = "answer_beams", allow_negative_numbers = true, value_parser = finite)]
    answer_length_penalty: Option<f32>,
}

/// A number that is one.
fn finite(text: &str) -> std::result::Result<f32, String> {
    match text.parse() {
        Ok(number) if f32::is_finite(number) => Ok(number),
        _ => Err(format!("expected a number, found {text}")),
    }
}

/// A number's precision.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Precision {
    /// Single precision: four bytes.
    F32,
    /// Two bytes, as wide a range.
    Bf16,
    /// Two bytes, more digits.
    F16,
}

impl Asked {
    fn answering(&self) -> Answering {
        Answering {
            instruction: self.instruction.clone(),
            longest: self.answer_tokens.map(|n| n as usize),
            most_pixels: self.answer_pixels.map(u64::from),
            precision: self.dtype.map(|precision| match precision {
                Precision::F32 => DType::F32,
                Precision::Bf16 => DType::BF16,
                Precision::F16 => DType::F16,
            }),
            beams: self.answer_beams.map(usize::from),
            length_penalty: self.answer_length_penalty,
        }
    }
}

impl Checkpoints {
    /// `modules`, with the checkpoints instead of those that answer the same.
    pub(crate) fn instead_of(&self, modules: Vec<Arc<dyn Module>>) -> Result<Vec<Arc<dyn Module>>> {
        let mut modules = modules;
        for (kind, folder) in [
            (SubTaskKind::Locate, &self.locate),
            (SubTaskKind::Answer, &self.answer),
            (SubTaskKind::Match, &self.matching),
            (SubTaskKind::Depth, &self.depth),
        ] {
            if let Some(path) = folder {
                let answering = match kind {
                    SubTaskKind::Answer => self.asked.answering(),
                    _ => Answering::default(),
                };
                let module = asked(kind, &located(path)?, &answering)?;
                modules.retain(|other| !other.answers().contains(&kind));
                modules.push(module);
            }
        }
        Ok(modules)
    }
}

/// Where a checkpoint is: in the folder of this name or, if there is none, in the hub's cache, if what
/// is said can be a name there. Nothing is downloaded.
pub(crate) fn located(said: &Path) -> Result<PathBuf> {
    if said.exists() || is_description(said) {
        return Ok(said.to_owned());
    }
    match said.to_str().map(str::parse::<ModelId>) {
        Some(Ok(id)) => {
            let found = Cache::from_environment()?.find(&id);
            let found = found.with_context(|| format!("there is no folder {}", said.display()))?;
            Ok(found.folder)
        }
        // Whoever writes a revision means no folder.
        Some(Err(error)) if said.to_string_lossy().contains('@') => {
            Err(error).with_context(|| format!("there is no folder {}", said.display()))
        }
        _ => Ok(said.to_owned()),
    }
}

/// A checkpoint's folder, or a described ONNX file, as a module.
pub(crate) fn module(kind: SubTaskKind, path: &Path) -> Result<Arc<dyn Module>> {
    asked(kind, path, &Answering::default())
}

/// The same, with how answers are to be written.
fn asked(kind: SubTaskKind, path: &Path, answering: &Answering) -> Result<Arc<dyn Module>> {
    if !is_description(path) {
        return placed_module(kind, path, answering, &device()?)
            .with_context(|| format!("cannot load the checkpoint {}", path.display()));
    }
    if *answering != Answering::default() {
        bail!(
            "how answers are written can be set of a Qwen3-VL or a BLIP, found {}",
            path.display()
        );
    }
    stand_in(kind, &Arc::new(described(path)?), path)
}

/// A described ONNX file as a module.
pub(crate) fn stand_in(
    kind: SubTaskKind,
    detector: &Arc<OnnxDetector>,
    path: &Path,
) -> Result<Arc<dyn Module>> {
    if !detector.description().teaches().contains(&kind) {
        bail!("{} does not answer {kind} sub-tasks", path.display());
    }
    match teacher(kind, detector.clone()) {
        Some(teacher) => Ok(teacher),
        None => bail!(
            "nothing in {} could answer {kind} sub-tasks",
            path.display()
        ),
    }
}

/// The adapter of a kind before a detector; none if the kind is not taught.
fn teacher(kind: SubTaskKind, detector: Arc<dyn Detector>) -> Option<Arc<dyn Teacher>> {
    Some(match kind {
        SubTaskKind::Locate => Arc::new(LocateTeacher::new(detector)),
        SubTaskKind::Match => Arc::new(MatchTeacher::new(detector)),
        SubTaskKind::Answer => Arc::new(AnswerTeacher::new(detector)),
        _ => return None,
    })
}

/// Whether a path is a description of an ONNX file, and not a checkpoint.
pub(crate) fn is_description(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

/// The detector that a file describes.
pub(crate) fn described(file: &Path) -> Result<OnnxDetector> {
    OnnxDetector::load(file).with_context(|| format!("cannot use the teacher {}", file.display()))
}

/// A teacher of one's own.
pub(crate) enum OwnTeacher {
    /// A described ONNX file.
    Network(Arc<OnnxDetector>),
    /// Labels of harvested calls.
    Labels(Arc<LabelFile>),
}

impl OwnTeacher {
    /// Loads a description or a file of labels, by what the file is called.
    pub(crate) fn load(file: &Path) -> Result<Self> {
        if LabelFile::is_one(file) {
            let labels = LabelFile::load(file).context("cannot use the labels")?;
            return Ok(Self::Labels(Arc::new(labels)));
        }
        if !is_description(file) {
            bail!(
                "cannot use the teacher {}: expected a description (.toml) or labels (.jsonl, .parquet)",
                file.display()
            );
        }
        Ok(Self::Network(Arc::new(described(file)?)))
    }

    /// Identity of the network and its description, or of the labels.
    pub(crate) fn fingerprint(&self) -> Digest {
        match self {
            Self::Network(detector) => detector.fingerprint(),
            Self::Labels(labels) => labels.fingerprint(),
        }
    }

    /// Its teachers, by kind.
    fn teachers(&self) -> Vec<(SubTaskKind, Arc<dyn Teacher>)> {
        let kinds = match self {
            Self::Network(detector) => detector.description().teaches(),
            Self::Labels(labels) => labels.teaches(),
        };
        let of_kind = |kind| match self {
            Self::Network(detector) => teacher(kind, detector.clone()),
            Self::Labels(labels) => labels.teacher(kind),
        };
        let kinds = kinds.into_iter();
        kinds
            .filter_map(|kind| Some((kind, of_kind(kind)?)))
            .collect()
    }
}

/// A target's teacher behind its adapters.
pub(crate) struct Teachers {
    pub(crate) task: Task,
    pub(crate) locate: Arc<dyn Teacher>,
    pub(crate) answer: Arc<dyn Teacher>,
    pub(crate) matching: Arc<dyn Teacher>,
    pub(crate) parameters: usize,
}

impl Teachers {
    /// The shipped teacher of a target.
    pub(crate) fn of(task: Task) -> Result<Self> {
        let source = builtin_source(&format!("teacher-{task}")).with_context(|| {
            format!("{task} has no teacher; targets are picto-gqa and picto-nlvr2")
        })?;
        let detector = Arc::new(ConvDetector::new(TeacherModel::load(&source)?)?);
        Ok(Self {
            task,
            parameters: detector.parameters(),
            locate: Arc::new(LocateTeacher::new(detector.clone())),
            answer: Arc::new(AnswerTeacher::new(detector.clone())),
            matching: Arc::new(MatchTeacher::new(detector)),
        })
    }

    /// With teachers of one's own in the place of those that teach the same; of several files the
    /// last.
    pub(crate) fn or_own(mut self, files: &[PathBuf]) -> Result<Self> {
        for file in files {
            for (kind, teacher) in OwnTeacher::load(file)?.teachers() {
                let place = match kind {
                    SubTaskKind::Locate => &mut self.locate,
                    SubTaskKind::Match => &mut self.matching,
                    _ => &mut self.answer,
                };
                *place = teacher;
            }
        }
        Ok(self)
    }

    /// The teachers in the students' place.
    pub(crate) fn modules(&self) -> Vec<Arc<dyn Module>> {
        vec![
            Arc::clone(&self.locate) as Arc<dyn Module>,
            Arc::clone(&self.answer) as Arc<dyn Module>,
            Arc::clone(&self.matching) as Arc<dyn Module>,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam::{Framework, exercises, questions_of};
    use sdvp_data::picto::Split;
    use sdvp_distill::{Silent, harvest};

    /// A word that teachers take for more than they know would keep them from teaching what they do.
    #[test]
    fn teachers_know_every_word_of_their_tasks_programs() {
        for task in Task::targets() {
            let teachers = Teachers::of(task).unwrap();
            let source = builtin_source(&format!("teacher-{task}")).unwrap();
            let detector = ConvDetector::new(TeacherModel::load(&source).unwrap()).unwrap();
            let words = detector.vocabulary();
            for framework in [Framework::Visprog, Framework::Viper] {
                let questions = questions_of(task, Split::Train, 0, 300);
                let calls = exercises(&questions, framework);
                let calls = harvest(&calls, teachers.modules(), "calls", &Silent).unwrap();
                let mut known = 0;
                for call in SubTaskKind::TAUGHT.iter().flat_map(|kind| calls.of(*kind)) {
                    let named = words.meaning(&call.text).is_known();
                    assert!(!named || words.knows(&call.text), "{task}: {}", call.text);
                    known += usize::from(named);
                }
                assert!(known > 500, "{known}");
            }
        }
    }
}

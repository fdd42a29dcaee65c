//! Memory on disk, beside the student that has it.
//!
//! ```text
//! memory/memory.json          tasks, views and texts, in order
//! memory/memory.safetensors   what was said of them, end to end
//! memory/images/DIGEST.png    every picture once
//! ```

use super::numbers::{Dealt, Numbers};
use super::pictures::{Pictures, forget_other_images, write_image};
use super::{Memory, TaskMemory};
use crate::error::{DistillError, Result};
use crate::examples::{
    RememberedAnswer, RememberedMatch, RememberedView, SaidBefore, WrittenBefore,
};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use sdvp_core::{Digest, Hasher, Image, View};
use sdvp_models::{ModelError, weights};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const FOLDER: &str = "memory";
const LIST: &str = "memory.json";
const NUMBERS: &str = "memory.safetensors";
const IMAGES: &str = "images";
/// The layout of memories in which answers were chosen …
const FORMAT: u32 = 1;
/// … and of those in which some were written, which whoever does not know them must not read.
const WITH_WRITTEN: u32 = 2;

#[derive(Serialize, Deserialize)]
struct List {
    format: u32,
    tasks: Vec<TaskList>,
}

#[derive(Serialize, Deserialize)]
struct TaskList {
    task: String,
    views: Vec<Call<Vec<String>>>,
    /// Missing in memories from before there was a match module.
    #[serde(default)]
    matches: Vec<Call<Vec<String>>>,
    answers: Vec<Call<Asked>>,
}

/// A question: how it was answered is among the numbers.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Asked {
    /// By choosing.
    Chosen(String),
    /// By writing these words.
    Written { question: String, words: Vec<u32> },
}

impl Asked {
    fn of(answer: &RememberedAnswer) -> Self {
        let question = answer.question.clone();
        match &answer.said {
            SaidBefore::Chosen(_) => Asked::Chosen(question),
            SaidBefore::Written(written) => Asked::Written {
                question,
                words: written.words.clone(),
            },
        }
    }
}

/// What was looked at, and what was asked.
#[derive(Serialize, Deserialize)]
struct Call<T> {
    image: Digest,
    /// Left, top, right, bottom, in pixels.
    region: [u32; 4],
    asked: T,
}

impl<T> Call<T> {
    fn of(view: &View, asked: T) -> Self {
        Self {
            image: view.image().digest(),
            region: view.region().to_array(),
            asked,
        }
    }
}

impl List {
    fn pictures(&self) -> impl Iterator<Item = Digest> {
        self.tasks.iter().flat_map(|task| {
            let texts = task.views.iter().chain(&task.matches);
            let views = texts.map(|call| call.image);
            views.chain(task.answers.iter().map(|call| call.image))
        })
    }
}

impl Memory {
    /// Writes the memory into a student's folder. The list comes last.
    ///
    /// # Errors
    /// If anything cannot be written.
    pub fn save(&self, student: &Path) -> Result<()> {
        let folder = student.join(FOLDER);
        let images = folder.join(IMAGES);
        std::fs::create_dir_all(&images).map_err(|source| ModelError::Io {
            path: images.clone(),
            source,
        })?;
        let mut pictures: HashMap<Digest, &Image> = HashMap::new();
        for view in self.tasks.iter().flat_map(TaskMemory::looked_at) {
            pictures.insert(view.image().digest(), view.image());
        }
        pictures
            .par_iter()
            .try_for_each(|(digest, image)| write_image(&images, digest, image))?;
        self.write_numbers(&folder.join(NUMBERS))?;
        let mut answers = self.tasks.iter().flat_map(|task| &task.answers);
        let list = List {
            format: match answers.any(|answer| answer.written().is_ok()) {
                true => WITH_WRITTEN,
                false => FORMAT,
            },
            tasks: self.tasks.iter().map(TaskList::of).collect(),
        };
        let text = serde_json::json!(list).to_string();
        weights::write_whole(&folder.join(LIST), text.as_bytes())?;
        forget_other_images(&images, &pictures);
        Ok(())
    }

    /// Whether a student's folder has a memory.
    pub fn is_in(student: &Path) -> bool {
        student.join(FOLDER).join(LIST).exists()
    }

    /// Identity of what a student's folder has of a memory; `None` if it has none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn digest(student: &Path) -> Result<Option<Digest>> {
        if !Self::is_in(student) {
            return Ok(None);
        }
        let mut hasher = Hasher::new("memory");
        for name in [LIST, NUMBERS] {
            let path = student.join(FOLDER).join(name);
            let file = std::fs::File::open(&path).and_then(Digest::of_reader);
            let digest = file.map_err(|source| ModelError::Io { path, source })?;
            hasher = hasher.part(digest.as_bytes());
        }
        Ok(Some(hasher.finish()))
    }

    /// Where in a student's folder files are written.
    pub fn folders(student: &Path) -> [PathBuf; 2] {
        let folder = student.join(FOLDER);
        [folder.join(IMAGES), folder]
    }

    /// Reads the memory of a student's folder; nothing is remembered where there is none.
    ///
    /// # Errors
    /// If a file is missing or does not fit the others.
    pub fn load(student: &Path) -> Result<Self> {
        let folder = student.join(FOLDER);
        let path = folder.join(LIST);
        let text = match sdvp_core::read_within(&path, &sdvp_core::limits::SETTINGS_FILE) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(ModelError::Io { path, source }.into()),
        };
        let list: List =
            serde_json::from_slice(&text).map_err(|error| broken(&path, error.to_string()))?;
        if ![FORMAT, WITH_WRITTEN].contains(&list.format) {
            let found = list.format;
            let reason = format!("expected format {FORMAT} or {WITH_WRITTEN}, found {found}");
            return Err(broken(&path, reason));
        }
        let pictures = Pictures::open(&folder.join(IMAGES), list.pictures())?;
        let numbers = Numbers::read(&folder.join(NUMBERS))?;
        let tasks = list.tasks.into_iter().enumerate();
        let tasks = tasks
            .map(|(place, task)| task.recall(place, &pictures, &numbers))
            .collect::<Result<_>>()?;
        Ok(Self { tasks })
    }

    fn write_numbers(&self, path: &Path) -> Result<()> {
        let mut tensors = HashMap::new();
        for (place, task) in self.tasks.iter().enumerate() {
            let mut add = |name: &str, values: Vec<f32>| -> Result<()> {
                let count = values.len();
                let tensor =
                    Tensor::from_vec(values, count, &Device::Cpu).map_err(ModelError::from)?;
                tensors.insert(format!("{place}.{name}"), tensor);
                Ok(())
            };
            let views = || task.views.iter();
            add(
                VIEW_LOGITS,
                views().flat_map(|v| v.logits.clone()).collect(),
            )?;
            add(VIEW_BOXES, views().flat_map(|v| v.boxes.clone()).collect())?;
            let matches = task.matches.iter();
            add(
                MATCH_LOGITS,
                matches.flat_map(|m| m.logits.clone()).collect(),
            )?;
            let chosen = task.answers.iter().filter_map(|it| it.chosen().ok());
            add(ANSWER_LOGITS, chosen.flatten().copied().collect())?;
            let written = || task.answers.iter().filter_map(|it| it.written().ok());
            if written().next().is_some() {
                let likely = written().flat_map(|it| &it.likely);
                // Numbers of words are far below 2^24, up to which f32 has every one.
                add(WORDS, likely.map(|&word| word as f32).collect())?;
                let likelihoods = written().flat_map(|it| &it.log_probabilities);
                add(WORD_LIKELIHOODS, likelihoods.copied().collect())?;
            }
        }
        Ok(weights::write_safetensors(path, &tensors, DType::F32)?)
    }
}

const VIEW_LOGITS: &str = "views.logits";
const VIEW_BOXES: &str = "views.boxes";
const MATCH_LOGITS: &str = "matches.logits";
const ANSWER_LOGITS: &str = "answers.logits";
const WORDS: &str = "answers.words";
const WORD_LIKELIHOODS: &str = "answers.likelihoods";

impl TaskList {
    fn of(task: &TaskMemory) -> Self {
        let views = task.views.iter();
        let matches = task.matches.iter();
        let answers = task.answers.iter();
        Self {
            task: task.task.clone(),
            views: views.map(|v| Call::of(&v.view, v.asked.clone())).collect(),
            matches: matches
                .map(|m| Call::of(&m.view, m.texts.clone()))
                .collect(),
            answers: answers.map(|a| Call::of(&a.view, Asked::of(a))).collect(),
        }
    }

    fn recall(self, place: usize, pictures: &Pictures, numbers: &Numbers) -> Result<TaskMemory> {
        let mut boxes = numbers.of(place, VIEW_BOXES, self.views.len())?;
        let boxes_each = boxes.each();
        let asked: usize = self.views.iter().map(|call| call.asked.len()).sum();
        let mut logits = numbers.of(place, VIEW_LOGITS, asked)?;
        let predictions = logits.each();
        if !self.views.is_empty() && boxes_each != predictions * 4 {
            let reason = format!(
                "expected four numbers for each of {predictions} boxes, found {boxes_each}"
            );
            return Err(broken(&numbers.path, reason));
        }
        let views = self.views.into_iter().map(|call| {
            Ok(RememberedView {
                view: pictures.view(&call.image, call.region)?,
                logits: logits.take(call.asked.len()),
                boxes: boxes.take(1),
                asked: call.asked,
            })
        });
        let views = views.collect::<Result<_>>()?;
        let matches = if self.matches.is_empty() {
            Vec::new()
        } else {
            let asked: usize = self.matches.iter().map(|call| call.asked.len()).sum();
            let mut logits = numbers.of(place, MATCH_LOGITS, asked)?;
            if logits.each() != 1 {
                let reason = format!("expected a number a text, found {}", logits.each());
                return Err(broken(&numbers.path, reason));
            }
            let matches = self.matches.into_iter().map(|call| {
                Ok(RememberedMatch {
                    view: pictures.view(&call.image, call.region)?,
                    logits: logits.take(call.asked.len()),
                    texts: call.asked,
                })
            });
            matches.collect::<Result<_>>()?
        };
        Ok(TaskMemory {
            answers: answers(self.answers, place, pictures, numbers)?,
            task: self.task,
            views,
            matches,
        })
    }
}

fn answers(
    calls: Vec<Call<Asked>>,
    place: usize,
    pictures: &Pictures,
    numbers: &Numbers,
) -> Result<Vec<RememberedAnswer>> {
    let written: Vec<usize> = calls
        .iter()
        .filter_map(|call| match &call.asked {
            Asked::Chosen(_) => None,
            Asked::Written { words, .. } => Some(words.len()),
        })
        .collect();
    if written.contains(&0) {
        let reason = "expected at least one word of a written answer, found none".to_owned();
        return Err(broken(&numbers.path, reason));
    }
    let mut logits = numbers.of(place, ANSWER_LOGITS, calls.len() - written.len())?;
    let words = written.iter().sum();
    let (mut likely, mut likelihoods) = match written.is_empty() {
        true => (Dealt::default(), Dealt::default()),
        false => (
            numbers.of(place, WORDS, words)?,
            numbers.of(place, WORD_LIKELIHOODS, words)?,
        ),
    };
    if likely.each() != likelihoods.each() {
        let reason = format!(
            "expected a likelihood for each of {} words, found {}",
            likely.each(),
            likelihoods.each()
        );
        return Err(broken(&numbers.path, reason));
    }
    let answers = calls.into_iter().map(|call| {
        let (question, said) = match call.asked {
            Asked::Chosen(question) => (question, SaidBefore::Chosen(logits.take(1))),
            Asked::Written { question, words } => {
                let ids = likely.take(words.len()).into_iter();
                let said = WrittenBefore {
                    likely: ids.map(|id| id as u32).collect(),
                    log_probabilities: likelihoods.take(words.len()),
                    words,
                };
                (question, SaidBefore::Written(said))
            }
        };
        Ok(RememberedAnswer {
            view: pictures.view(&call.image, call.region)?,
            question,
            said,
        })
    });
    answers.collect()
}

pub(super) fn broken(path: &Path, reason: String) -> DistillError {
    DistillError::Memory {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;
    use sdvp_core::Region;

    /// Two tasks; the pictures of the second are parts of that of the first.
    fn memory() -> Memory {
        let picture = RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let whole = View::whole(Image::new(picture).unwrap());
        let part = whole.crop(Region::new(3, 2, 20, 14).unwrap()).unwrap();
        let view = |view: &View, asked: &[&str]| RememberedView {
            view: view.clone(),
            asked: asked.iter().map(|text| (*text).to_owned()).collect(),
            logits: (0..2 * asked.len()).map(|i| i as f32 - 1.5).collect(),
            boxes: (0..8).map(|i| i as f32 / 8.0).collect(),
        };
        let answer = |question: &str, logits: [f32; 3]| RememberedAnswer {
            view: part.clone(),
            question: question.to_owned(),
            said: SaidBefore::Chosen(logits.to_vec()),
        };
        let written = |question: &str, words: &[u32]| RememberedAnswer {
            view: whole.clone(),
            question: question.to_owned(),
            said: SaidBefore::Written(WrittenBefore {
                words: words.to_vec(),
                likely: words.iter().flat_map(|word| [*word, word + 1]).collect(),
                log_probabilities: words.iter().flat_map(|_| [-0.25, -2.5]).collect(),
            }),
        };
        Memory {
            tasks: vec![
                TaskMemory {
                    task: "general".to_owned(),
                    views: vec![view(&whole, &["dog", "cat", "hat"]), view(&part, &["dog"])],
                    matches: Vec::new(),
                    answers: Vec::new(),
                },
                TaskMemory {
                    task: "special".to_owned(),
                    views: Vec::new(),
                    matches: vec![RememberedMatch {
                        view: part.clone(),
                        texts: vec!["red dog".to_owned(), "dog".to_owned()],
                        logits: vec![-3.0, 0.5],
                    }],
                    answers: vec![
                        answer("What is it?", [1.0, 2.0, 3.0]),
                        answer("Is it?", [4.0, 5.0, 0.1]),
                    ],
                },
                TaskMemory {
                    task: "written".to_owned(),
                    answers: vec![
                        written("What is it?", &[30_000, 7, 102]),
                        written("Is it?", &[102]),
                    ],
                    ..TaskMemory::default()
                },
            ],
        }
    }

    fn told(memory: &Memory) -> Vec<String> {
        let student = sdvp_modules::Student::builtin().unwrap();
        let all = memory.rehearsed_at(sdvp_modules::StudentPart::Trunk, &student);
        let views = all.views().into_iter().map(|v| {
            format!(
                "{:?} {:?} {:?} {:?}",
                v.view.digest(),
                v.asked,
                v.logits,
                v.boxes
            )
        });
        let answers = all.answers().into_iter();
        let answers = answers.map(|a| format!("{:?} {} {:?}", a.view.digest(), a.question, a.said));
        let matches = all.matches().into_iter();
        let matches =
            matches.map(|m| format!("{:?} {:?} {:?}", m.view.digest(), m.texts, m.logits));
        views.chain(matches).chain(answers).collect()
    }

    #[test]
    fn what_is_saved_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Memory::load(folder.path()).unwrap().tasks().is_empty());
        let memory = memory();
        memory.save(folder.path()).unwrap();
        let again = Memory::load(folder.path()).unwrap();
        assert_eq!(told(&again), told(&memory));
        assert_eq!(again.tasks()[1].task, "special");
        let images = || std::fs::read_dir(folder.path().join("memory/images")).unwrap();
        assert_eq!(images().count(), 1, "every picture once");

        Memory::default().save(folder.path()).unwrap();
        assert_eq!(images().count(), 0, "what nothing refers to is gone");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let broken = |spoil: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            memory().save(folder.path()).unwrap();
            spoil(&folder.path().join("memory"));
            Memory::load(folder.path()).unwrap_err().to_string()
        };
        let list = |from: &str, to: &str| {
            broken(&|folder| {
                let path = folder.join(LIST);
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.contains(from), "{text}");
                std::fs::write(path, text.replacen(from, to, 1)).unwrap();
            })
        };
        let image = |folder: &Path| {
            let mut images = std::fs::read_dir(folder.join(IMAGES)).unwrap();
            images.next().unwrap().unwrap().path()
        };
        let found = list("\"format\":2", "\"format\":9");
        assert!(
            found.contains("memory.json") && found.contains("found 9"),
            "{found}"
        );
        let found = list("\"cat\",", "");
        assert!(found.contains("memory.safetensors"), "{found}");
        let found = list("\"red dog\",", "");
        assert!(found.contains("a number a text"), "{found}");
        let found = list("[0,0,24,16]", "[30,30,40,40]");
        assert!(found.contains("no region [30, 30, 40, 40]"), "{found}");
        let found = list("{", "");
        assert!(found.contains("memory.json"), "{found}");
        let found = broken(&|folder| std::fs::remove_file(image(folder)).unwrap());
        assert!(found.contains(".png"), "{found}");
        let found = broken(&|folder| RgbImage::new(24, 16).save(image(folder)).unwrap());
        assert!(found.contains("not those remembered"), "{found}");
        let found = broken(&|folder| std::fs::write(folder.join(NUMBERS), b"short").unwrap());
        assert!(found.contains("memory.safetensors"), "{found}");
    }
}

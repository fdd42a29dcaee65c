//! Memory on disk, beside the student that has it.
//!
//! ```text
//! memory/memory.json          tasks, views and texts, in order
//! memory/memory.safetensors   what was said of them, end to end
//! memory/images/DIGEST.png    every picture once
//! ```

use super::{Memory, TaskMemory};
use crate::error::{DistillError, Result};
use crate::examples::{RememberedAnswer, RememberedView};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use sdvp_core::{DecodeLimits, Digest, Image, Region, View};
use sdvp_models::{ModelError, weights};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const FOLDER: &str = "memory";
const LIST: &str = "memory.json";
const NUMBERS: &str = "memory.safetensors";
const IMAGES: &str = "images";
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct List {
    format: u32,
    tasks: Vec<TaskList>,
}

#[derive(Serialize, Deserialize)]
struct TaskList {
    task: String,
    views: Vec<Call<Vec<String>>>,
    answers: Vec<Call<String>>,
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
        for view in self.looked_at() {
            pictures.insert(view.image().digest(), view.image());
        }
        pictures
            .par_iter()
            .try_for_each(|(digest, image)| write_image(&image_path(&images, digest), image))?;
        self.write_numbers(&folder.join(NUMBERS))?;
        let list = List {
            format: FORMAT,
            tasks: self.tasks.iter().map(TaskList::of).collect(),
        };
        let text = serde_json::json!(list).to_string();
        weights::write_whole(&folder.join(LIST), text.as_bytes())?;
        forget_other_images(&images, &pictures);
        Ok(())
    }

    /// Reads the memory of a student's folder; nothing is remembered where there is none.
    ///
    /// # Errors
    /// If a file is missing or does not fit the others.
    pub fn load(student: &Path) -> Result<Self> {
        let folder = student.join(FOLDER);
        let path = folder.join(LIST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(ModelError::Io { path, source }.into()),
        };
        let list: List =
            serde_json::from_slice(&text).map_err(|error| broken(&path, error.to_string()))?;
        if list.format != FORMAT {
            let reason = format!("expected format {FORMAT}, found {}", list.format);
            return Err(broken(&path, reason));
        }
        let pictures = Pictures::open(&folder.join(IMAGES), &list)?;
        let numbers = Numbers::read(&folder.join(NUMBERS))?;
        let tasks = list.tasks.into_iter().enumerate();
        let tasks = tasks
            .map(|(place, task)| task.recall(place, &pictures, &numbers))
            .collect::<Result<_>>()?;
        Ok(Self { tasks })
    }

    fn looked_at(&self) -> impl Iterator<Item = &View> {
        self.tasks.iter().flat_map(|task| {
            let views = task.views.iter().map(|remembered| &remembered.view);
            views.chain(task.answers.iter().map(|remembered| &remembered.view))
        })
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
            let answers = task.answers.iter();
            add(
                ANSWER_LOGITS,
                answers.flat_map(|a| a.logits.clone()).collect(),
            )?;
        }
        Ok(weights::write_safetensors(path, &tensors, DType::F32)?)
    }
}

const VIEW_LOGITS: &str = "views.logits";
const VIEW_BOXES: &str = "views.boxes";
const ANSWER_LOGITS: &str = "answers.logits";

impl TaskList {
    fn of(task: &TaskMemory) -> Self {
        let views = task.views.iter();
        let answers = task.answers.iter();
        Self {
            task: task.task.clone(),
            views: views.map(|v| Call::of(&v.view, v.asked.clone())).collect(),
            answers: answers
                .map(|a| Call::of(&a.view, a.question.clone()))
                .collect(),
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
                view: pictures.view(&call)?,
                logits: logits.take(call.asked.len()),
                boxes: boxes.take(1),
                asked: call.asked,
            })
        });
        let views = views.collect::<Result<_>>()?;
        let mut logits = numbers.of(place, ANSWER_LOGITS, self.answers.len())?;
        let answers = self.answers.into_iter().map(|call| {
            Ok(RememberedAnswer {
                view: pictures.view(&call)?,
                logits: logits.take(1),
                question: call.asked,
            })
        });
        Ok(TaskMemory {
            task: self.task,
            views,
            answers: answers.collect::<Result<_>>()?,
        })
    }
}

/// The pictures of a memory, by digest.
struct Pictures {
    folder: PathBuf,
    images: HashMap<Digest, Image>,
}

impl Pictures {
    fn open(folder: &Path, list: &List) -> Result<Self> {
        let mut digests: Vec<Digest> = list
            .tasks
            .iter()
            .flat_map(|task| {
                let views = task.views.iter().map(|call| call.image);
                views.chain(task.answers.iter().map(|call| call.image))
            })
            .collect();
        digests.sort_unstable();
        digests.dedup();
        let open = |digest: Digest| {
            let path = image_path(folder, &digest);
            let image = Image::open(&path, &DecodeLimits::default())
                .map_err(|error| broken(&path, error.to_string()))?;
            if image.digest() == digest {
                Ok((digest, image))
            } else {
                Err(broken(
                    &path,
                    "its pixels are not those remembered".to_owned(),
                ))
            }
        };
        Ok(Self {
            folder: folder.to_owned(),
            images: digests.into_par_iter().map(open).collect::<Result<_>>()?,
        })
    }

    fn view<T>(&self, call: &Call<T>) -> Result<View> {
        let [left, top, right, bottom] = call.region;
        let image = self.images.get(&call.image).cloned();
        let region = Region::new(left, top, right, bottom).ok();
        image
            .zip(region)
            .and_then(|(image, region)| View::of(image, region))
            .ok_or_else(|| {
                let path = image_path(&self.folder, &call.image);
                broken(&path, format!("it has no region {:?}", call.region))
            })
    }
}

/// Numbers that lie end to end.
struct Numbers {
    path: PathBuf,
    tensors: HashMap<String, Vec<f32>>,
}

impl Numbers {
    fn read(path: &Path) -> Result<Self> {
        let tensors = weights::read_safetensors(path, &Device::Cpu)?;
        let tensors = tensors.into_iter().map(|(name, tensor)| {
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            Ok((name, values))
        });
        Ok(Self {
            path: path.to_owned(),
            tensors: tensors
                .collect::<candle_core::Result<_>>()
                .map_err(ModelError::from)?,
        })
    }

    /// The numbers of one kind, which are to be dealt to `count` owners alike.
    fn of(&self, place: usize, name: &str, count: usize) -> Result<Dealt<'_>> {
        let name = format!("{place}.{name}");
        let values = self
            .tensors
            .get(&name)
            .ok_or_else(|| broken(&self.path, format!("there is no tensor {name:?}")))?;
        let each = values.len() / count.max(1);
        if each * count != values.len() {
            let found = values.len();
            let reason =
                format!("expected as many numbers in {name:?} for each of {count}, found {found}");
            return Err(broken(&self.path, reason));
        }
        Ok(Dealt { left: values, each })
    }
}

struct Dealt<'a> {
    left: &'a [f32],
    each: usize,
}

impl Dealt<'_> {
    fn each(&self) -> usize {
        self.each
    }

    /// What belongs to the next `owners`.
    fn take(&mut self, owners: usize) -> Vec<f32> {
        let (taken, left) = self
            .left
            .split_at((owners * self.each).min(self.left.len()));
        self.left = left;
        taken.to_vec()
    }
}

fn image_path(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{digest}.png"))
}

fn write_image(path: &Path, image: &Image) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .rgb()
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| broken(path, error.to_string()))?;
    Ok(weights::write_whole(path, bytes.get_ref())?)
}

/// Pictures that an earlier memory in the same folder left. One that stays does no harm.
fn forget_other_images(folder: &Path, known: &HashMap<Digest, &Image>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let digest = stem.and_then(|stem| Digest::try_from(stem.to_owned()).ok());
        if digest.is_some_and(|digest| !known.contains_key(&digest)) {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn broken(path: &Path, reason: String) -> DistillError {
    DistillError::Memory {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

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
            logits: logits.to_vec(),
        };
        Memory {
            tasks: vec![
                TaskMemory {
                    task: "general".to_owned(),
                    views: vec![view(&whole, &["dog", "cat", "hat"]), view(&part, &["dog"])],
                    answers: Vec::new(),
                },
                TaskMemory {
                    task: "special".to_owned(),
                    views: Vec::new(),
                    answers: vec![
                        answer("What is it?", [1.0, 2.0, 3.0]),
                        answer("Is it?", [4.0, 5.0, 0.1]),
                    ],
                },
            ],
        }
    }

    fn told(memory: &Memory) -> Vec<String> {
        let views = memory.views().into_iter().map(|v| {
            format!(
                "{:?} {:?} {:?} {:?}",
                v.view.digest(),
                v.asked,
                v.logits,
                v.boxes
            )
        });
        let answers = memory.answers().into_iter();
        let answers =
            answers.map(|a| format!("{:?} {} {:?}", a.view.digest(), a.question, a.logits));
        views.chain(answers).collect()
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
        let found = list("\"format\":1", "\"format\":9");
        assert!(
            found.contains("memory.json") && found.contains("found 9"),
            "{found}"
        );
        let found = list("\"cat\",", "");
        assert!(found.contains("memory.safetensors"), "{found}");
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

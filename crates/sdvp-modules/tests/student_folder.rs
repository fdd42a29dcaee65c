//! A student that has learned, written to disk and read again, answers as before.

#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use sdvp_core::{Image, Outcome, SubTask, SubTaskKind};
use sdvp_models::{LoraConfig, weights};
use sdvp_modules::{AnswerModel, LearningModel, MatchModel, Student, TrainMethod};
use std::path::Path;
use std::sync::Arc;

fn lora(rank: usize) -> TrainMethod {
    TrainMethod::Lora(LoraConfig {
        rank,
        alpha: 8.0,
        dropout: 0.0,
        patterns: vec!["layers.".to_owned(), "layer.".to_owned()],
    })
}

/// As training does: a copy with what the method adds, in which what it trains moves.
fn taught(student: &Student, method: &TrainMethod) -> Student {
    let adapters = method.lora().map(|config| (config.clone(), 3));
    let locate = student.locate.duplicate(adapters.clone()).unwrap();
    let answer = student.answer.vilt().unwrap();
    let answer = answer.duplicate(adapters.clone()).unwrap();
    let matching = student.matching.clip().unwrap();
    let matching = matching.duplicate(adapters).unwrap();
    for params in [&locate.params, &answer.params, &matching.params] {
        for name in params.names() {
            let moves = match method {
                TrainMethod::Full | TrainMethod::Vision => name.ends_with("bias"),
                TrainMethod::Lora(_) => name.contains(".lora_"),
            };
            let var = params.get(name).unwrap();
            if moves {
                var.set(&(var.as_tensor() + 0.02).unwrap()).unwrap();
            }
        }
    }
    let mut learned = student.clone();
    learned.locate = Arc::new(locate);
    learned.answer = AnswerModel::Vilt(Arc::new(answer));
    learned.matching = MatchModel::Clip(Arc::new(matching));
    for kind in SubTaskKind::TAUGHT {
        let adapter = learned.trained_adapter(kind, method.clone()).unwrap();
        learned.manifest.modules.insert(kind, adapter);
    }
    learned
}

fn outcomes(student: &Student) -> Vec<Outcome> {
    let picture = image::RgbImage::from_fn(80, 60, |x, y| {
        image::Rgb([(3 * x) as u8, (4 * y) as u8, ((x * y) % 251) as u8])
    });
    let view = Image::new(picture).unwrap().view();
    let tasks = [
        SubTask::locate(view.clone(), "dog"),
        SubTask::locate(view.clone(), "red car"),
        SubTask::matching(view.clone(), "red car"),
        SubTask::answer(view, "How many dogs are in the picture?"),
    ];
    let modules = student.modules().unwrap();
    tasks
        .into_iter()
        .map(|task| {
            let module = modules.iter().find(|m| m.answers().contains(&task.kind));
            module.unwrap().run(&[task]).remove(0).unwrap()
        })
        .collect()
}

fn written_and_read(student: &Student, folder: &Path) -> Student {
    student.save(folder).unwrap();
    let read = Student::load(folder).unwrap();
    assert_eq!(read.manifest, student.manifest);
    read
}

#[test]
fn answers_survive_the_disk_whatever_was_trained_after_whatever() {
    let base = Student::builtin().unwrap();
    let full = TrainMethod::Full;
    for sequence in [
        vec![full.clone(), lora(2), lora(2)],
        vec![lora(2), full],
        vec![lora(2), lora(3)],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (mut in_memory, mut on_disk) = (base.clone(), base.clone());
        for (step, method) in sequence.iter().enumerate() {
            let before = outcomes(&in_memory);
            in_memory = taught(&in_memory, method);
            let path = folder.path().join(step.to_string());
            on_disk = written_and_read(&taught(&on_disk, method), &path);
            let now = outcomes(&in_memory);
            assert_ne!(now, before, "{sequence:?}: step {step} taught nothing");
            assert_eq!(outcomes(&on_disk), now, "{sequence:?}: step {step}");
        }
    }
}

#[test]
fn only_what_was_learned_is_written() {
    let base = Student::builtin().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let size = |method: &TrainMethod, name: &str| {
        let path = folder.path().join(name);
        taught(&base, method).save(&path).unwrap();
        std::fs::metadata(path.join("locate.safetensors"))
            .unwrap()
            .len()
    };
    let adapter = |name: &str| {
        let kept = folder.path().join(name).join("locate-adapter");
        sdvp_models::load_adapter(&kept).map(|(config, _)| config.rank)
    };
    let whole = base.parameters(SubTaskKind::Locate) as u64 * 4;
    assert!(size(&lora(2), "low rank") < whole / 10);
    assert_eq!(adapter("low rank").unwrap(), 2);
    assert!(size(&TrainMethod::Full, "biases") < whole / 10);
    assert!(adapter("biases").is_err());
    size(&TrainMethod::Full, "low rank");
    assert!(
        adapter("low rank").is_err(),
        "what no longer belongs to it is gone"
    );
    let nowhere = TrainMethod::Lora(LoraConfig {
        rank: 2,
        alpha: 8.0,
        dropout: 0.0,
        patterns: vec!["vilt.".to_owned()],
    });
    assert!(size(&nowhere, "other layers") < whole / 10);

    let untouched = folder.path().join("untouched");
    base.save(&untouched).unwrap();
    assert_eq!(std::fs::read_dir(&untouched).unwrap().count(), 1);
    assert_eq!(
        outcomes(&Student::load(&untouched).unwrap()),
        outcomes(&base)
    );
}

#[test]
fn weights_of_another_shape_are_refused_by_name() {
    let base = Student::builtin().unwrap();
    let folder = tempfile::tempdir().unwrap();
    taught(&base, &TrainMethod::Full)
        .save(folder.path())
        .unwrap();
    let file = folder.path().join("answer.safetensors");
    let mut tensors = weights::read_safetensors(&file, &Device::Cpu).unwrap();
    let name = "vilt.pooler.dense.bias";
    let wrong = Tensor::zeros(7, DType::F32, &Device::Cpu).unwrap();
    assert!(tensors.insert(name.to_owned(), wrong).is_some());
    weights::write_safetensors(&file, &tensors, DType::F32).unwrap();
    let error = Student::load(folder.path()).err().unwrap().to_string();
    let file = file.display().to_string();
    for part in [name, "[128]", "[7]", &file] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn pictures_pass_through_a_part_of_every_network() {
    use sdvp_models::architectures::{OwlVit, Vilt};
    use sdvp_modules::StudentNetwork;

    let student = Student::builtin().unwrap();
    let split = |names: Vec<String>, sees: fn(&str) -> bool| -> [Vec<String>; 2] {
        let (seen, read) = names.into_iter().partition(|name| sees(name));
        [seen, read]
    };
    let names = |params: &sdvp_models::params::Params| params.to_tensors().into_keys().collect();
    let [seen, read] = split(names(&student.locate.params), OwlVit::sees);
    assert!(seen.iter().any(|name| name.contains("patch_embedding")));
    assert!(seen.iter().all(|name| !name.contains("text")), "{seen:?}");
    assert!(read.iter().any(|name| name.starts_with("class_head.")));
    assert!(read.iter().all(|name| !name.contains("vision")), "{read:?}");
    let [seen, read] = split(names(student.answer.params()), Vilt::sees);
    assert!(seen.iter().any(|name| name.contains("patch_embeddings")));
    assert!(seen.iter().any(|name| name.contains("encoder.layer")));
    assert!(read.iter().any(|name| name.contains("word_embeddings")));
    assert!(read.iter().any(|name| name.starts_with("classifier.")));
    assert!(
        read.iter()
            .all(|name| !name.contains("patch") && !name.contains("encoder"))
    );
}

#[test]
fn a_student_from_before_there_was_a_match_module_gets_the_shipped_one() {
    let base = Student::builtin().unwrap();
    let folder = tempfile::tempdir().unwrap();
    base.save(folder.path()).unwrap();
    let path = folder.path().join("student.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let modules = manifest["modules"].as_object_mut().unwrap();
    assert!(modules.remove("match").is_some());
    std::fs::write(&path, manifest.to_string()).unwrap();
    let read = Student::load(folder.path()).unwrap();
    assert_eq!(read.manifest, base.manifest);
    assert_eq!(outcomes(&read), outcomes(&base));
}

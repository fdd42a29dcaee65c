//! Whatever decides what a module answers is in its fingerprint: cached outcomes are known by it.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use sdvp_core::{Digest, Module, SubTask, SubTaskKind};
use sdvp_models::LoraConfig;
use sdvp_modules::onnx::OnnxDetector;
use sdvp_modules::{
    AnswerModel, Detector, LearningModel, LocateModel, LocateStudent, MatchModel, ModelSource,
    Student, TrainMethod, published_module,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// A folder's files where they can be changed.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(folder: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        Self(copy)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// The files of weights, in order.
    fn weights(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "safetensors"));
        files.sort();
        assert!(!files.is_empty());
        files
    }
}

/// Where the numbers of some tensors begin in a safetensors file: of the first, of one in the middle
/// and of the last.
fn numbers(file: &[u8]) -> Vec<usize> {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let mut starts: Vec<usize> = header
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, about)| {
            let dtype = about["dtype"].as_str().unwrap_or_default();
            // Published with OWL-ViT, which finds without it.
            let idle = name.starts_with("owl") && name.ends_with(".visual_projection.weight");
            !idle && ["F32", "F16", "BF16"].contains(&dtype)
        })
        .map(|(_, about)| 8 + length + about["data_offsets"][0].as_u64().unwrap() as usize)
        .collect();
    starts.sort_unstable();
    let places = [0, starts.len() / 2, starts.len() - 1];
    places.map(|place| starts[place]).to_vec()
}

/// Changes the last bit of a number, and gives what changes it back.
fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

const CHECKPOINTS: [(&str, SubTaskKind); 8] = [
    ("owlvit", SubTaskKind::Locate),
    ("owlv2", SubTaskKind::Locate),
    ("clip", SubTaskKind::Match),
    ("vilt", SubTaskKind::Answer),
    ("blip_answer", SubTaskKind::Answer),
    ("blip_match", SubTaskKind::Match),
    ("depth_anything", SubTaskKind::Depth),
    ("qwen3_vl", SubTaskKind::Answer),
];

#[test]
fn one_bit_of_a_checkpoints_weights_makes_another_module() {
    for (name, kind) in CHECKPOINTS {
        let copy = Copy::of(&golden("published").join(name));
        let fingerprint = || {
            let module = published_module(kind, copy.0.path());
            module
                .unwrap_or_else(|e| panic!("{name}: {e}"))
                .fingerprint()
        };
        let mut known = BTreeSet::from([fingerprint()]);
        let mut changed = 0;
        for file in copy.weights() {
            for at in numbers(&std::fs::read(&file).unwrap()) {
                flip(&file, at);
                known.insert(fingerprint());
                changed += 1;
                flip(&file, at);
            }
        }
        assert_eq!(known.len(), 1 + changed, "{name}");
        assert!(known.contains(&fingerprint()), "{name}: the same files");
    }
}

#[test]
fn settings_of_a_checkpoint_are_part_of_it() {
    let fingerprint = |name: &str, kind, file: &str, change: &dyn Fn(&mut Value)| -> Digest {
        let copy = Copy::of(&golden("published").join(name));
        let mut settings: Value =
            serde_json::from_slice(&std::fs::read(copy.path(file)).unwrap()).unwrap();
        change(&mut settings);
        std::fs::write(copy.path(file), settings.to_string()).unwrap();
        let module = published_module(kind, copy.0.path());
        module
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .fingerprint()
    };
    for (name, kind) in CHECKPOINTS {
        let of = |file: &str, change: &dyn Fn(&mut Value)| fingerprint(name, kind, file, change);
        let plain = of("config.json", &|_| ());
        let mut known = BTreeSet::from([plain]);
        assert_eq!(of("preprocessor_config.json", &|_| ()), plain, "{name}");
        let mean = of("preprocessor_config.json", &|settings| {
            let mean = settings["image_mean"][1].as_f64().unwrap();
            settings["image_mean"][1] = json!(mean + 1e-6);
        });
        assert!(known.insert(mean), "{name}: the mean of pixels");
        if kind == SubTaskKind::Locate {
            for (setting, value) in [("believed", 0.1001), ("same_object_iou", 0.5)] {
                let changed = of("config.json", &|settings| settings[setting] = json!(value));
                assert!(known.insert(changed), "{name}: {setting}");
            }
        }
        if name == "clip" {
            let fits = of("config.json", &|settings| {
                settings["fits_from"] = json!(24.999)
            });
            assert!(known.insert(fits), "{name}: from where texts fit");
        }
        if name == "depth_anything" {
            let metric = of("config.json", &|settings| {
                settings["depth_estimation_type"] = json!("metric");
                settings["max_depth"] = json!(20);
            });
            assert!(known.insert(metric), "{name}: what depths mean");
        }
        if !["depth_anything", "qwen3_vl"].contains(&name) {
            // Two words change places.
            let words = of("tokenizer.json", &|settings| {
                let words = &mut settings["model"]["vocab"];
                let (dog, red) = (words["dog"].clone(), words["red"].clone());
                (words["dog"], words["red"]) = (red, dog);
            });
            assert!(known.insert(words), "{name}: what words mean");
        }
    }
}

/// The shipped student's network that finds, with untrained adapters.
fn adapted(alpha: f32) -> LocateModel {
    let lora = LoraConfig {
        rank: 2,
        alpha,
        dropout: 0.0,
        patterns: vec!["layers.".to_owned()],
    };
    let student = Student::builtin().unwrap();
    student.locate.duplicate(Some((lora, 3))).unwrap()
}

/// Moves the first number of a parameter to the nearest one above it, as module.
fn with_one_ulp(model: LocateModel, named: impl Fn(&str) -> bool) -> Digest {
    let name = model.params.names().find(|name| named(name)).unwrap();
    let parameter = model.params.get(name).unwrap();
    let shape = parameter.shape().clone();
    let mut values: Vec<f32> = parameter.flatten_all().unwrap().to_vec1().unwrap();
    values[0] = values[0].next_up();
    let moved = candle_core::Tensor::from_vec(values, shape, &candle_core::Device::Cpu).unwrap();
    parameter.set(&moved).unwrap();
    of(model)
}

fn of(model: LocateModel) -> Digest {
    LocateStudent::new(&model).unwrap().fingerprint()
}

#[test]
fn one_weight_by_one_ulp_makes_another_student() {
    let plain = || Student::builtin().unwrap().locate.duplicate(None).unwrap();
    let before = of(plain());
    assert_eq!(before, of(plain()));
    assert_ne!(
        before,
        with_one_ulp(plain(), |name| name.ends_with("weight"))
    );
    assert_ne!(before, with_one_ulp(plain(), |name| name.ends_with("bias")));
    let mut believed = plain();
    let threshold = f32::from(believed.config.believed).next_up();
    believed.config.believed = threshold.try_into().unwrap();
    assert_ne!(before, of(believed), "the threshold");
    let mut overlapping = plain();
    overlapping.config.same_object_iou = Some(0.123);
    assert_ne!(before, of(overlapping), "suppression");
    let mut darker = plain();
    darker.processor.image_std[2] = darker.processor.image_std[2].next_up();
    assert_ne!(before, of(darker), "how pixels are normalised");
}

#[test]
fn adapters_are_part_of_a_student_and_so_is_what_they_are_multiplied_by() {
    let before = of(adapted(8.0));
    assert_eq!(before, of(adapted(8.0)));
    for part in [".lora_A.", ".lora_B."] {
        let changed = with_one_ulp(adapted(8.0), |name| name.contains(part));
        assert_ne!(before, changed, "{part}");
    }
    assert_ne!(before, of(adapted(8.0f32.next_up())), "the scale");
    assert_ne!(before, of(adapted(16.0)), "the scale");
}

/// As learning leaves a student's folder: something of every network is in files of its own.
fn learned(folder: &Path, method: &TrainMethod) {
    let mut student = Student::builtin().unwrap();
    let adapters = method.lora().map(|config| (config.clone(), 3));
    let locate = student.locate.duplicate(adapters).unwrap();
    for name in locate.params.names() {
        let learns = match method {
            TrainMethod::Lora(_) => name.contains(".lora_"),
            _ => name.ends_with("bias"),
        };
        if learns {
            let parameter = locate.params.get(name).unwrap();
            let moved = (parameter.as_tensor() + 0.02).unwrap();
            parameter.set(&moved).unwrap();
        }
    }
    student.locate = Arc::new(locate);
    let adapter = student.trained_adapter(SubTaskKind::Locate, method.clone());
    let adapter = adapter.unwrap();
    student
        .manifest
        .modules
        .insert(SubTaskKind::Locate, adapter);
    student.save(folder).unwrap();
}

#[test]
fn one_byte_of_a_students_folder_makes_another_student() {
    let lora = TrainMethod::Lora(LoraConfig {
        rank: 2,
        alpha: 8.0,
        dropout: 0.0,
        patterns: vec!["layers.".to_owned()],
    });
    for method in [TrainMethod::Full, lora] {
        let folder = tempfile::tempdir().unwrap();
        learned(folder.path(), &method);
        let fingerprints = || -> Vec<Digest> {
            let modules = Student::load(folder.path()).unwrap().modules().unwrap();
            modules.iter().map(|module| module.fingerprint()).collect()
        };
        let before = fingerprints();
        assert_eq!(before, fingerprints());
        let file = folder.path().join("locate.safetensors");
        for at in numbers(&std::fs::read(&file).unwrap()) {
            flip(&file, at);
            let after = fingerprints();
            flip(&file, at);
            assert_ne!(before[0], after[0], "{method:?}: the byte at {at}");
            assert_eq!(
                before[1..],
                after[1..],
                "the other modules are what they were"
            );
        }
        assert_eq!(before, fingerprints());
    }
}

#[test]
fn weights_beside_an_onnx_file_are_part_of_it() {
    let copy = Copy::of(&golden("onnx"));
    let fingerprint = || {
        let detector = OnnxDetector::load(&copy.path("yolo.toml"));
        detector.unwrap().fingerprint()
    };
    let mut known = BTreeSet::from([fingerprint()]);
    for bytes in ["numbers", "numberz"] {
        std::fs::write(copy.path("yolo.onnx_data"), bytes).unwrap();
        assert!(known.insert(fingerprint()), "{bytes}");
    }
    std::fs::remove_file(copy.path("yolo.onnx_data")).unwrap();
    assert!(!known.insert(fingerprint()));
}

#[test]
fn a_checkpoint_in_its_file_is_the_same_module_as_one_in_memory() {
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(5 * x) as u8, 9, y as u8]));
    let view = sdvp_core::Image::new(picture).unwrap().view();
    let published = |name: &str| golden("published").join(name);
    for (kind, name) in [
        (SubTaskKind::Locate, "owlvit"),
        (SubTaskKind::Locate, "owlv2"),
        (SubTaskKind::Match, "clip"),
        (SubTaskKind::Answer, "vilt"),
    ] {
        let mapped = published_module(kind, &published(name)).unwrap();
        let source = ModelSource::Folder(published(name));
        let held: Arc<dyn Module> = match kind {
            SubTaskKind::Locate => {
                let model = LocateModel::load(&source, None).unwrap();
                Arc::new(LocateStudent::new(&model).unwrap())
            }
            SubTaskKind::Match => MatchModel::load(&source).unwrap().module().unwrap(),
            _ => AnswerModel::load(&source).unwrap().module().unwrap(),
        };
        assert_eq!(mapped.fingerprint(), held.fingerprint(), "{name}");
        let task = match kind {
            SubTaskKind::Locate => SubTask::locate(view.clone(), "red dog"),
            SubTaskKind::Match => SubTask::matching(view.clone(), "red dog"),
            _ => SubTask::answer(view.clone(), "what is this"),
        };
        let said = |module: &Arc<dyn Module>| module.run(std::slice::from_ref(&task)).remove(0);
        assert_eq!(said(&mapped).unwrap(), said(&held).unwrap(), "{name}");
    }
}

#[test]
fn students_of_models_that_write_say_what_the_checkpoints_say() {
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(5 * x) as u8, 9, y as u8]));
    let view = sdvp_core::Image::new(picture).unwrap().view();
    let task = SubTask::answer(view, "what is this");
    for name in ["blip_answer", "qwen3_vl"] {
        let folder = golden("published").join(name);
        let published = published_module(SubTaskKind::Answer, &folder).unwrap();
        let student = AnswerModel::load(&ModelSource::Folder(folder)).unwrap();
        let student = student.module().unwrap();
        let said = |module: &Arc<dyn Module>| module.run(std::slice::from_ref(&task)).remove(0);
        assert_eq!(said(&student).unwrap(), said(&published).unwrap(), "{name}");
    }
}

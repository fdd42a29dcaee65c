//! The networks compute what transformers computes, and so do their backward passes.
//! `tools/models_golden.py` and `tools/qwen3_vl_golden.py` make the files.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use sdvp_models::Decoding;
use sdvp_models::LoraConfig;
use sdvp_models::architectures::{
    BlipAnswer, BlipConfig, BlipMatch, Clip, ClipConfig, DepthAnything, DepthAnythingConfig,
    DepthMeaning, OwlVit, OwlVitConfig, PatchGrid, Qwen3Vl, Qwen3VlConfig, Vilt, ViltConfig,
};
use sdvp_models::params::{Builder, Params};
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Greatest difference of outputs.
const OUTPUTS: f32 = 1e-4;
/// Greatest difference of a gradient, relative to the norm of the reference's.
const GRADIENTS: f32 = 1e-3;

/// One architecture's file.
struct Golden {
    tensors: HashMap<String, Tensor>,
    config: String,
}

impl Golden {
    fn read(name: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(format!("{name}.safetensors"));
        let bytes = std::fs::read(&file).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        Self {
            tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(),
            config: header.metadata().as_ref().unwrap()["config"].clone(),
        }
    }

    fn config<C: DeserializeOwned>(&self) -> C {
        serde_json::from_str(&self.config).unwrap()
    }

    fn get(&self, kind: &str, name: &str) -> &Tensor {
        &self.tensors[&format!("{kind}/{name}")]
    }

    fn ids(&self) -> Tensor {
        self.get("input", "ids").to_dtype(DType::U32).unwrap()
    }

    fn last(&self) -> Vec<u32> {
        let last = self.get("input", "last").to_dtype(DType::U32).unwrap();
        last.to_vec1().unwrap()
    }

    fn builder(&self) -> Builder {
        let weights = self.tensors.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix("weight/")?.to_owned(), value.clone()))
        });
        Builder::load(weights.collect(), &Device::Cpu)
    }

    /// Compares outputs, then the gradients of all weights.
    fn agrees(&self, params: &Params, outputs: &[(&str, &Tensor)]) {
        let mut total = Tensor::zeros((), DType::F32, &Device::Cpu).unwrap();
        for (name, output) in outputs {
            let expected = self.get("output", name);
            assert_eq!(output.dims(), expected.dims(), "{name}");
            let gap = (*output - expected).unwrap().abs().unwrap();
            let gap: f32 = gap.max_all().unwrap().to_scalar().unwrap();
            assert!(gap < OUTPUTS, "{name} differs by {gap}");
            let probe = self.get("probe", name);
            let probed = (*output * probe).unwrap().sum_all().unwrap();
            total = (total + probed).unwrap();
        }
        let gradients = total.backward().unwrap();
        let trained = params.trainable();
        assert!(!trained.is_empty());
        for (name, var) in trained {
            self.gradient_agrees(&name, &gradients, &var);
        }
    }

    fn gradient_agrees(&self, name: &str, gradients: &GradStore, var: &Tensor) {
        let expected = self.get("gradient", name);
        let found = gradients.get(var);
        assert!(found.is_some(), "{name} has no gradient");
        let found = found.unwrap();
        assert_eq!(found.dims(), expected.dims(), "{name}");
        let gap = norm(&(found - expected).unwrap());
        // Of a bias of keys nothing can be learned: there is nothing but rounding to compare.
        let floor = match name.ends_with("k_proj.bias") || name.ends_with("key.bias") {
            true => 0.1,
            false => 0.0,
        };
        let size = norm(expected).max(floor);
        assert!(gap < GRADIENTS * size, "{name}: {gap} of {size}");
    }
}

fn norm(x: &Tensor) -> f32 {
    let squares = x.sqr().unwrap().sum_all().unwrap();
    squares.sqrt().unwrap().to_scalar().unwrap()
}

#[test]
fn owlvit() {
    owl_agrees("owlvit");
}

#[test]
fn owlv2() {
    owl_agrees("owlv2");
}

fn owl_agrees(name: &str) {
    let golden = Golden::read(name);
    let b = golden.builder();
    let network = OwlVit::new(&golden.config::<OwlVitConfig>(), &b).unwrap();
    let params = b.finish().unwrap();
    let features = network
        .image_features(golden.get("input", "pixels"))
        .unwrap();
    let queries = network.text_queries(&golden.ids(), &golden.last()).unwrap();
    // Each picture is asked three texts of its own.
    let asked = Tensor::new(&[[0u32, 1, 2], [3, 4, 5]], &Device::Cpu).unwrap();
    let logits = network.logits_of_each(&features, &queries, &asked).unwrap();
    golden.agrees(&params, &[("logits", &logits), ("boxes", &features.boxes)]);

    let all = network.logits(&features, &queries).unwrap();
    for picture in 0..2 {
        let own = all.get(picture).unwrap().narrow(1, 3 * picture, 3).unwrap();
        assert!(norm(&(own - logits.get(picture).unwrap()).unwrap()) < OUTPUTS);
    }
}

#[test]
fn clip() {
    let golden = Golden::read("clip");
    let b = golden.builder();
    let network = Clip::new(&golden.config::<ClipConfig>(), &b).unwrap();
    let params = b.finish().unwrap();
    let images = network
        .image_vectors(golden.get("input", "pixels"))
        .unwrap();
    let texts = network.text_vectors(&golden.ids(), &golden.last()).unwrap();
    let logits = network.logits(&images, &texts).unwrap();
    golden.agrees(&params, &[("logits", &logits)]);
}

#[test]
fn vilt() {
    vilt_agrees("vilt");
}

#[test]
fn vilt_with_pictures_of_another_shape() {
    vilt_agrees("vilt_wide");
}

fn vilt_agrees(name: &str) {
    let golden = Golden::read(name);
    let b = golden.builder();
    let network = Vilt::new(&golden.config::<ViltConfig>(), &b).unwrap();
    let params = b.finish().unwrap();
    let (ids, mask) = (golden.ids(), golden.get("input", "mask"));
    let pixels = golden.get("input", "pixels");
    let logits = network.logits(&ids, mask, pixels).unwrap();
    golden.agrees(&params, &[("logits", &logits)]);
    let whole = network.forward(&ids, mask, pixels).unwrap();
    assert!(norm(&(whole.logits - &logits).unwrap()) < OUTPUTS);
}

#[test]
fn blip_answers() {
    let golden = Golden::read("blip_answer");
    let config = golden.config::<BlipConfig>();
    let b = golden.builder();
    let network = BlipAnswer::new(&config, &b).unwrap();
    let params = b.finish().unwrap();
    let (ids, mask) = (golden.ids(), golden.get("input", "mask"));
    let images = network.image_states(golden.get("input", "pixels")).unwrap();
    let questions = network.question_states(&images, &ids, mask).unwrap();
    let answers = golden.get("input", "answers").to_dtype(DType::U32).unwrap();
    let words = network.answer_states(&questions, mask, &answers).unwrap();
    let logits = network.words(&words).unwrap();
    golden.agrees(&params, &[("logits", &logits)]);

    let (begin, end) = (
        config.text_config.bos_token_id,
        config.text_config.sep_token_id,
    );
    let mut lengths = HashSet::new();
    for (beams, penalty) in [(1, "1.0"), (3, "1.0"), (4, "-1.0"), (4, "2.0")] {
        let decoding = Decoding {
            beams,
            longest: 9,
            length_penalty: penalty.parse().unwrap(),
        };
        let written = network.generate(&questions, mask, &decoding).unwrap();
        let expected = golden.get("input", &format!("written {beams} {penalty}"));
        let expected = expected.to_dtype(DType::U32).unwrap();
        for (written, expected) in written.iter().zip(expected.to_vec2::<u32>().unwrap()) {
            assert_eq!(expected[0], begin);
            let words = expected[1..]
                .iter()
                .take_while(|id| **id != end && **id != 0);
            let words: Vec<u32> = words.copied().collect();
            assert!(written.log_likelihood < 0.0);
            assert_eq!(written.words, words, "{beams} beams, penalty {penalty}");
            lengths.insert(words.len());
        }
    }
    assert!(lengths.len() > 1, "all texts are {lengths:?} long");
}

#[test]
fn blip_matches() {
    let golden = Golden::read("blip_match");
    let b = golden.builder();
    let network = BlipMatch::new(&golden.config::<BlipConfig>(), &b).unwrap();
    let params = b.finish().unwrap();
    let (ids, mask) = (golden.ids(), golden.get("input", "mask"));
    let images = network.image_states(golden.get("input", "pixels")).unwrap();
    let logits = network.logits(&images, &ids, mask).unwrap();
    let cosines = network.cosines(&images, &ids, mask).unwrap();
    golden.agrees(&params, &[("logits", &logits), ("cosines", &cosines)]);
}

#[test]
fn depth_anything() {
    let golden = Golden::read("depth_anything");
    let config = golden.config::<DepthAnythingConfig>();
    let b = golden.builder();
    let network = DepthAnything::new(&config, &b).unwrap();
    let params = b.finish().unwrap();
    // Wider than positions were learned for, and of just that shape.
    let [wide, square] = ["wide", "square"].map(|name| golden.get("input", name));
    let (wide, far) = (
        network.forward(wide).unwrap(),
        network.forward(square).unwrap(),
    );
    golden.agrees(&params, &[("wide", &wide), ("square", &far)]);

    let metric = DepthAnythingConfig {
        meaning: DepthMeaning::Metric,
        max_depth: 80.0,
        ..config
    };
    let network = DepthAnything::new(&metric, &golden.builder()).unwrap();
    let gap = (network.forward(square).unwrap() - golden.get("input", "metres")).unwrap();
    let gap: f32 = gap.abs().unwrap().max_all().unwrap().to_scalar().unwrap();
    // Of up to 80.
    assert!(gap < 80.0 * OUTPUTS, "metres differ by {gap}");
}

#[test]
fn qwen3_vl_answers() {
    let golden = Golden::read("qwen3_vl");
    let b = golden.builder();
    let network = Qwen3Vl::new(&golden.config::<Qwen3VlConfig>(), &b).unwrap();
    b.finish().unwrap();
    let numbers = |kind: &str, name: &str| {
        let numbers = golden.get(kind, name).to_dtype(DType::U32).unwrap();
        numbers.to_vec1::<u32>().unwrap()
    };
    let grid = numbers("input", "grid");
    let grid = PatchGrid {
        rows: grid[0] as usize,
        columns: grid[1] as usize,
    };
    assert_ne!(grid.rows, grid.columns);
    let picture = network
        .picture_states(golden.get("input", "patches"), grid)
        .unwrap();
    let (image, ends) = (30, [34, 35]);
    let mut texts = HashSet::new();
    for prompt in 0..2 {
        let ids = numbers("input", &format!("ids {prompt}"));
        let (first, count) = (
            ids.iter().position(|id| *id == image).unwrap(),
            ids.iter().filter(|id| **id == image).count(),
        );
        let mut reading = network.begin();
        let states = [
            network.read(&mut reading, &ids[..first]).unwrap(),
            network.read_picture(&mut reading, &picture).unwrap(),
            network.read(&mut reading, &ids[first + count..]).unwrap(),
        ];
        let logits = network.logits(&Tensor::cat(&states, 0).unwrap()).unwrap();
        let expected = golden.get("output", &format!("logits {prompt}"));
        assert_eq!(logits.dims(), expected.dims());
        let gap = (logits - expected).unwrap().abs().unwrap();
        let gap: f32 = gap.max_all().unwrap().to_scalar().unwrap();
        assert!(gap < OUTPUTS, "{prompt} differs by {gap}");

        let written = network.write(reading, &states[2], &ends, 8).unwrap();
        let expected = numbers("written", &format!("ids {prompt}"));
        let words = expected.iter().copied().filter(|id| !ends.contains(id));
        assert_eq!(written.words, words.collect::<Vec<u32>>());
        let probability = golden.get("written", &format!("probability {prompt}"));
        let probability = probability.to_vec1::<f32>().unwrap()[0];
        assert!((written.log_likelihood.exp() / probability - 1.0).abs() < 1e-3);
        texts.insert((written.words, expected.len()));
    }
    assert_eq!(texts.len(), 2, "{texts:?}");
}

/// Its matrices never learn, so their gradients show in additions: of `B A x` with 1s for `A`, what flows
/// into `B` is what would flow into the matrix.
#[test]
fn qwen3_vl_gradients() {
    let golden = Golden::read("qwen3_vl");
    let config = golden.config::<Qwen3VlConfig>();
    // As many directions as the widest layer has inputs.
    let rank = 64;
    let lora = LoraConfig {
        rank,
        alpha: rank as f32,
        dropout: 0.0,
        patterns: vec!["*".to_owned()],
    };
    let b = golden.builder().with_lora(lora, 0);
    let network = Qwen3Vl::new(&config, &b).unwrap();
    let params = b.finish().unwrap();
    for name in params
        .names()
        .filter(|name| name.ends_with("lora_A.weight"))
    {
        let var = params.get(name).unwrap();
        let inputs = var.dim(1).unwrap();
        assert!(inputs <= rank, "{name}: {inputs}");
        let ones = Tensor::eye(rank, DType::F32, &Device::Cpu).unwrap();
        var.set(&ones.narrow(1, 0, inputs).unwrap().contiguous().unwrap())
            .unwrap();
    }
    let numbers = |name: &str| {
        let numbers = golden.get("input", name).to_dtype(DType::U32).unwrap();
        numbers.to_vec1::<u32>().unwrap()
    };
    let (grid, ids) = (numbers("grid"), numbers("ids 0"));
    let grid = PatchGrid {
        rows: grid[0] as usize,
        columns: grid[1] as usize,
    };
    let picture = network
        .picture_states(golden.get("input", "patches"), grid)
        .unwrap();
    let first = ids.iter().position(|id| *id == 30).unwrap();
    let count = ids.iter().filter(|id| **id == 30).count();
    let mut reading = network.begin();
    // Word by word where it is read in pieces, as answers are.
    let states = [
        network.read(&mut reading, &ids[..first]).unwrap(),
        network.read_picture(&mut reading, &picture).unwrap(),
        network.read(&mut reading, &ids[first + count..]).unwrap(),
    ];
    let logits = network.logits(&Tensor::cat(&states, 0).unwrap()).unwrap();
    let probed = (logits * golden.get("probe", "logits 0")).unwrap();
    let gradients = probed.sum_all().unwrap().backward().unwrap();
    let mut compared = 0;
    for (name, var) in params.trainable() {
        if let Some(layer) = name.strip_suffix("lora_B.weight") {
            let expected = golden.get("gradient", &format!("{layer}weight"));
            let found = gradients.get(&var).unwrap();
            let found = found.narrow(1, 0, expected.dim(1).unwrap()).unwrap();
            let gap = norm(&(found - expected).unwrap());
            assert!(gap < GRADIENTS * norm(expected), "{name}: {gap}");
            compared += 1;
        } else if !name.ends_with("lora_A.weight") {
            // Norms and biases.
            golden.gradient_agrees(&name, &gradients, &var);
            compared += 1;
        }
    }
    let weights = golden
        .tensors
        .keys()
        .filter(|name| name.starts_with("weight/"));
    // Words as they are read and written, patches and their places are all that is left.
    assert_eq!(compared + 4, weights.count());
}

//! Adapters of Python's `peft` and ours are the same. `tools/models_golden.py` makes the files, and has
//! peft load what is saved here.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use sdvp_models::architectures::{Clip, ClipConfig};
use sdvp_models::params::{Builder, Params};
use sdvp_models::{LoraConfig, load_adapter, save_adapter, weights};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The golden CLIP with low-rank additions, its parameters, and what it computes.
fn adapted(lora: LoraConfig, additions: HashMap<String, Tensor>) -> (Params, Vec<f32>) {
    let bytes = std::fs::read(golden().join("clip.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let config: ClipConfig =
        serde_json::from_str(&header.metadata().as_ref().unwrap()["config"]).unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let mut own: HashMap<String, Tensor> = tensors
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("weight/")?.to_owned(), value.clone())))
        .collect();
    own.extend(additions);
    let b = Builder::load(own, &Device::Cpu).with_lora(lora, 7);
    let network = Clip::new(&config, &b).unwrap();
    let params = b.finish().unwrap();
    let images = network.image_vectors(&tensors["input/pixels"]).unwrap();
    let ids = tensors["input/ids"].to_dtype(DType::U32).unwrap();
    let last = tensors["input/last"].to_dtype(DType::U32).unwrap();
    let texts = network
        .text_vectors(&ids, &last.to_vec1().unwrap())
        .unwrap();
    let logits = network.logits(&images, &texts).unwrap();
    (params, values(&logits))
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn agree(ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-4, "{ours} and {theirs}");
    }
}

#[test]
fn an_adapter_that_peft_saved_computes_the_same_here() {
    let folder = golden().join("clip_adapter");
    let (lora, additions) = load_adapter(&folder).unwrap();
    assert!(lora.adapts("vision_model.encoder.layers.1.mlp.fc1"));
    assert!(!lora.adapts("vision_model.encoder.layers.1.mlp.fc2"));
    let expected = folder.join("expected.safetensors");
    let expected = weights::read_safetensors(&expected, &Device::Cpu).unwrap();
    let (_, with) = adapted(lora.clone(), additions);
    agree(&with, &values(&expected["logits"]));
    // Fresh additions change nothing, so these did.
    let (_, without) = adapted(lora, HashMap::new());
    assert!(with.iter().zip(&without).any(|(a, b)| (a - b).abs() > 0.1));
}

/// Additions that are not 0, and how they are added.
fn learned() -> (LoraConfig, HashMap<String, Tensor>) {
    let lora = LoraConfig {
        rank: 3,
        alpha: 5.0,
        dropout: 0.0,
        patterns: vec!["self_attn".to_owned(), "text_model*fc2".to_owned()],
    };
    let (params, _) = adapted(lora.clone(), HashMap::new());
    let additions = params
        .to_tensors()
        .into_iter()
        .filter(|(name, _)| name.contains(".lora_"))
        .map(|(name, value)| (name, (value + 0.2).unwrap()))
        .collect();
    (lora, additions)
}

/// peft loaded the adapter in `tests/golden/saved_adapter` and computed what lies beside it; what is saved
/// here is that adapter still, byte for byte.
#[test]
fn an_adapter_saved_here_computes_the_same_in_peft() {
    let (lora, additions) = learned();
    let folder = tempfile::tempdir().unwrap();
    save_adapter(folder.path(), None, &lora, &additions).unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        let given = std::fs::read(golden().join("saved_adapter").join(file)).unwrap();
        let saved = std::fs::read(folder.path().join(file)).unwrap();
        assert_eq!(saved, given, "{file}");
    }
    let expected = golden().join("saved_adapter/expected.safetensors");
    let expected = weights::read_safetensors(&expected, &Device::Cpu).unwrap();
    let (_, ours) = adapted(lora.clone(), additions);
    agree(&ours, &values(&expected["logits"]));
    let (_, without) = adapted(lora, HashMap::new());
    assert!(ours.iter().zip(&without).any(|(a, b)| (a - b).abs() > 0.1));
}

/// `cargo run -p xtask -- golden` has this make the folder of the test above.
#[test]
#[ignore = "writes what the other tests read"]
fn writes_an_adapter_and_has_peft_load_it() {
    let python = std::env::var_os("SDVP_PYTHON").expect("SDVP_PYTHON names a Python with peft");
    let (lora, additions) = learned();
    let folder = golden().join("saved_adapter");
    std::fs::create_dir_all(&folder).unwrap();
    save_adapter(&folder, None, &lora, &additions).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let done = Command::new(python)
        .arg(root.join("tools/models_golden.py"))
        .arg(root.join("crates"))
        .arg("--adapter")
        .arg(&folder)
        .status();
    assert!(done.unwrap().success());
}

//! Adapters of Python's `peft` and ours are the same. `tools/models_golden.py` makes the files, and
//! loads what is saved here.

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

#[test]
fn an_adapter_saved_here_computes_the_same_in_peft() {
    let Some(python) = std::env::var_os("SDVP_PYTHON") else {
        println!("skipped: SDVP_PYTHON names no Python with torch, transformers and peft");
        return;
    };
    let lora = LoraConfig {
        rank: 3,
        alpha: 5.0,
        dropout: 0.0,
        patterns: vec!["self_attn".to_owned(), "text_model*fc2".to_owned()],
    };
    let (params, before) = adapted(lora.clone(), HashMap::new());
    let additions: HashMap<String, Tensor> = params
        .to_tensors()
        .into_iter()
        .filter(|(name, _)| name.contains(".lora_"))
        .map(|(name, value)| (name, (value + 0.2).unwrap()))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    save_adapter(folder.path(), None, &lora, &additions).unwrap();
    let (_, ours) = adapted(lora, additions);
    assert_ne!(ours, before);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/models_golden.py");
    let said = Command::new(python)
        .arg(script)
        .arg(golden())
        .arg("--adapter")
        .arg(folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{errors}");
    let rows: Vec<Vec<f32>> = serde_json::from_slice(&said.stdout).unwrap();
    agree(&ours, &rows.concat());
}

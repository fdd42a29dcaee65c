//! Low-rank additions in the file layout of Python's `peft`: `adapter_config.json` and
//! `adapter_model.safetensors`, so that either side loads what the other has saved.

use crate::error::{ModelError, Result};
use crate::lora::{DOWN, LoraConfig, UP};
use crate::weights;
use candle_core::{DType, Device, Tensor};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::read_within;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// What `peft` puts before every name of the network it adapts.
const WRAPPED: &str = "base_model.model.";

/// What of `adapter_config.json` counts. What `peft` can do and this cannot is refused.
#[derive(Serialize, Deserialize)]
struct AdapterConfig {
    peft_type: String,
    base_model_name_or_path: Option<String>,
    r: usize,
    lora_alpha: f32,
    #[serde(default)]
    lora_dropout: f32,
    target_modules: TargetModules,
    #[serde(default = "no_bias")]
    bias: String,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    inference_mode: bool,
    task_type: Option<String>,
    /// Everything else that `peft` may say.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Other settings that make an adapter compute something else, or leave its base otherwise than it
/// was, unless they are as if they were not there.
const OTHERS: [&str; 16] = [
    "rank_pattern",
    "alpha_pattern",
    "lora_bias",
    "modules_to_save",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "use_qalora",
    "use_bdlora",
    "alora_invocation_tokens",
    "kasa_config",
    "velora_config",
    "arrow_config",
    "monteclora_config",
    "corda_config",
    "eva_config",
];
/// Ways to begin that change the base.
const OTHER_BEGINNINGS: [&str; 4] = ["pissa", "olora", "corda", "loftq"];

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum TargetModules {
    Names(Vec<String>),
    Pattern(String),
}

fn no_bias() -> String {
    "none".to_owned()
}

/// Saves the low-rank additions among a network's parameters. `base` is what they add to, a folder or a
/// published name, for `peft` to find it.
///
/// # Errors
/// If there are none, or the folder cannot be written.
pub fn save_adapter(
    folder: &Path,
    base: Option<&str>,
    lora: &LoraConfig,
    tensors: &HashMap<String, Tensor>,
) -> Result<()> {
    let is_part = |name: &str| name.ends_with(DOWN) || name.ends_with(UP);
    let mut layers: Vec<String> = tensors
        .keys()
        .filter_map(|name| name.strip_suffix(&format!(".{DOWN}")))
        .map(str::to_owned)
        .collect();
    layers.sort();
    if layers.is_empty() {
        return Err(ModelError::Config(
            "expected low-rank additions to save, found none".to_owned(),
        ));
    }
    std::fs::create_dir_all(folder).map_err(|source| ModelError::Io {
        path: folder.to_owned(),
        source,
    })?;
    let wrapped: HashMap<String, Tensor> = tensors
        .iter()
        .filter(|(name, _)| is_part(name))
        .map(|(name, tensor)| (format!("{WRAPPED}{name}"), tensor.clone()))
        .collect();
    weights::write_safetensors(&folder.join(WEIGHTS), &wrapped, DType::F32)?;
    let config = AdapterConfig {
        peft_type: "LORA".to_owned(),
        base_model_name_or_path: base.map(str::to_owned),
        r: lora.rank,
        lora_alpha: lora.alpha,
        lora_dropout: lora.dropout,
        target_modules: TargetModules::Names(layers),
        bias: no_bias(),
        fan_in_fan_out: false,
        use_rslora: false,
        use_dora: false,
        inference_mode: true,
        task_type: None,
        others: BTreeMap::new(),
    };
    let text = format!("{:#}\n", serde_json::json!(config));
    weights::write_whole(&folder.join(CONFIG), text.as_bytes())
}

/// Reads low-rank additions: their configuration, which adapts exactly the layers that the file has
/// values for, and the values under the network's own names.
///
/// # Errors
/// If a file is missing or damaged, or the adapter is of a kind that is not understood.
pub fn load_adapter(folder: &Path) -> Result<(LoraConfig, HashMap<String, Tensor>)> {
    let path = folder.join(CONFIG);
    let bytes = read_within(&path, &SETTINGS_FILE).map_err(|source| ModelError::Io {
        path: path.clone(),
        source,
    })?;
    let refused = |reason: String| ModelError::Config(format!("{}: {reason}", path.display()));
    let config: AdapterConfig =
        serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    config.check().map_err(refused)?;

    let path = folder.join(WEIGHTS);
    let tensors = weights::read_safetensors(&path, &Device::Cpu)?;
    let mut own = HashMap::new();
    let mut problems = Vec::new();
    for (name, tensor) in tensors {
        let plain = name.strip_prefix(WRAPPED).unwrap_or(&name);
        let rank = match (plain.strip_suffix(DOWN), plain.strip_suffix(UP)) {
            (Some(_), _) => tensor.dims2().map(|(rank, _)| rank),
            (_, Some(_)) => tensor.dims2().map(|(_, rank)| rank),
            _ => {
                problems.push(format!("{name}: no part of a low-rank addition"));
                continue;
            }
        };
        match rank {
            Ok(rank) if rank == config.r => {
                own.insert(plain.to_owned(), tensor.to_dtype(DType::F32)?);
            }
            _ => problems.push(format!(
                "{name}: expected a matrix of rank {}, found shape {:?}",
                config.r,
                tensor.dims()
            )),
        }
    }
    let mut layers: Vec<String> = Vec::new();
    for name in own.keys() {
        for (part, other) in [(DOWN, UP), (UP, DOWN)] {
            let Some(layer) = name.strip_suffix(part) else {
                continue;
            };
            if !own.contains_key(&format!("{layer}{other}")) {
                problems.push(format!("{layer}{other}: missing beside {name}"));
            } else if part == DOWN {
                layers.push(format!("={}", layer.trim_end_matches('.')));
            }
        }
    }
    if !problems.is_empty() {
        problems.sort();
        return Err(ModelError::Parameters(problems));
    }
    layers.sort();
    let lora = LoraConfig {
        rank: config.r,
        alpha: config.lora_alpha,
        dropout: config.lora_dropout,
        patterns: layers,
    };
    Ok((lora, own))
}

impl AdapterConfig {
    fn check(&self) -> std::result::Result<(), String> {
        let expected = |key: &str, wanted: &str, found: &dyn std::fmt::Debug| {
            Err(format!("expected {key} {wanted}, found {found:?}"))
        };
        if self.peft_type != "LORA" {
            return expected("peft_type", "\"LORA\"", &self.peft_type);
        }
        if self.r == 0 {
            return expected("r", "of 1 or more", &self.r);
        }
        if !(0.0..1.0).contains(&self.lora_dropout) {
            return expected("lora_dropout", "from 0 to below 1", &self.lora_dropout);
        }
        if self.bias != "none" {
            return expected("bias", "\"none\"", &self.bias);
        }
        for (key, value) in [
            ("fan_in_fan_out", self.fan_in_fan_out),
            ("use_rslora", self.use_rslora),
            ("use_dora", self.use_dora),
        ] {
            if value {
                return expected(key, "false", &value);
            }
        }
        for (key, value) in &self.others {
            let nothing = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Object(settings) => settings.is_empty(),
                Value::Array(settings) => settings.is_empty(),
                _ => false,
            };
            if OTHERS.contains(&key.as_str()) && !nothing {
                return expected(key, "not to be used", value);
            }
        }
        match self.others.get("init_lora_weights").and_then(Value::as_str) {
            Some(way) if OTHER_BEGINNINGS.iter().any(|other| way.starts_with(other)) => {
                expected("init_lora_weights", "that leave the base as it is", &way)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Linear;
    use crate::params::Builder;

    fn lora(pattern: &str) -> LoraConfig {
        LoraConfig {
            rank: 2,
            alpha: 3.0,
            dropout: 0.125,
            patterns: vec![pattern.to_owned()],
        }
    }

    fn adapted() -> HashMap<String, Tensor> {
        let b = Builder::fresh(1, &Device::Cpu).with_lora(lora("mlp"), 5);
        Linear::new(4, 6, true, &b.pp("layers.1.mlp")).unwrap();
        Linear::new(6, 3, true, &b.pp("layers.11.mlp")).unwrap();
        b.finish().unwrap().to_tensors()
    }

    #[test]
    fn what_is_saved_is_loaded_for_the_same_layers() {
        let folder = tempfile::tempdir().unwrap();
        let tensors = adapted();
        save_adapter(folder.path(), Some("base"), &lora("mlp"), &tensors).unwrap();
        let (config, loaded) = load_adapter(folder.path()).unwrap();
        assert_eq!((config.rank, config.alpha, config.dropout), (2, 3.0, 0.125));
        assert_eq!(loaded.len(), 4);
        for (name, value) in &loaded {
            let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(values(value), values(&tensors[name]), "{name}");
        }
        assert!(config.adapts("layers.1.mlp") && config.adapts("layers.11.mlp"));
        assert!(!config.adapts("layers.1.mlp.fc") && !config.adapts("a.layers.1.mlp"));
    }

    #[test]
    fn other_adapters_are_refused_by_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let save = || save_adapter(folder.path(), None, &lora("mlp"), &adapted()).unwrap();
        let refused = |from: &str, to: &str| {
            save();
            let path = folder.path().join(CONFIG);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            std::fs::write(&path, text.replace(from, to)).unwrap();
            load_adapter(folder.path()).unwrap_err().to_string()
        };
        assert!(refused("\"LORA\"", "\"IA3\"").contains("peft_type"));
        assert!(refused("\"use_dora\": false", "\"use_dora\": true").contains("use_dora"));
        assert!(refused("\"r\": 2", "\"r\": 3").contains("rank 3"));
        assert!(refused("dropout\": 0.125", "dropout\": 1.5").contains("lora_dropout"));
        for (setting, named) in [
            ("\"rank_pattern\": {\"fc1\": 4}", "rank_pattern"),
            ("\"use_qalora\": true", "use_qalora"),
            (
                "\"init_lora_weights\": \"pissa_niter_4\"",
                "init_lora_weights",
            ),
        ] {
            let with = format!("{{ {setting},");
            assert!(refused("{", &with).contains(named), "{setting}");
        }
        assert!(refused("}", "]").contains(CONFIG));

        save();
        let path = folder.path().join(WEIGHTS);
        let mut tensors = weights::read_safetensors(&path, &Device::Cpu).unwrap();
        let half = format!("{WRAPPED}layers.1.mlp.{UP}");
        assert!(tensors.remove(&half).is_some());
        weights::write_safetensors(&path, &tensors, DType::F32).unwrap();
        let error = load_adapter(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("layers.1.mlp.lora_B.weight: missing"),
            "{error}"
        );

        let none = HashMap::new();
        assert!(save_adapter(folder.path(), None, &lora("mlp"), &none).is_err());
    }
}

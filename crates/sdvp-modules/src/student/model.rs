//! A network of images and texts with everything that belongs to it.

use super::early::EarlyLayers;
use super::network::{SquareNetwork, StudentNetwork};
use crate::checkpoint::{WEIGHTS, read_tensors};
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use candle_core::{DType, Device, Tensor};
use sdvp_core::{Digest, Hasher};
use sdvp_models::architectures::{BlipAnswer, BlipMatch, Clip, OwlVit, Qwen3Vl, Vilt};
use sdvp_models::params::{Builder, Params};
use sdvp_models::{ImageProcessor, LoraConfig, ModelError, Tokenizer, weights};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What belongs into a model's folder.
pub(crate) const MODEL_FILES: &str = "config.json, preprocessor_config.json, model.safetensors and, if it reads texts, tokenizer.json (or vocab.json and merges.txt, or vocab.txt)";
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const PROCESSOR: &str = "preprocessor_config.json";
pub(crate) const TOKENIZER: &str = "tokenizer.json";

/// A network with everything that belongs to it; what training works on.
pub struct StudentModel<N: StudentNetwork> {
    /// Sizes.
    pub config: N::Config,
    /// Views to pixels.
    pub processor: N::Processor,
    /// Texts to ids.
    pub tokenizer: Tokenizer,
    /// The network.
    pub network: N,
    /// Its parameters.
    pub params: Params,
    /// Where it computes.
    pub device: Device,
    /// The low-rank adapters among them, if there are any.
    pub adapters: Option<LoraConfig>,
    /// While only later layers learn: what the earlier ones say.
    pub(super) early: Option<EarlyLayers<N>>,
}

/// A network that finds.
pub type LocateModel = StudentModel<OwlVit>;
/// A network that chooses among answers.
pub type ViltModel = StudentModel<Vilt>;
/// A network that writes answers.
pub type BlipAnswerModel = StudentModel<BlipAnswer>;
/// A network that writes answers and learns by additions.
pub type Qwen3VlModel = StudentModel<Qwen3Vl>;
/// A network that reads pictures and texts each on their own, and compares what it read.
pub type ClipModel = StudentModel<Clip>;
/// A network that reads texts beside the pictures that they are compared with.
pub type BlipMatchModel = StudentModel<BlipMatch>;

impl<N: SquareNetwork> StudentModel<N> {
    /// Untrained, from a seed.
    ///
    /// # Errors
    /// If the configuration makes no network.
    pub fn fresh(config: N::Config, tokenizer: Tokenizer, seed: u64) -> Result<Self> {
        let processor = ImageProcessor::square(N::image_size(&config) as u32);
        let b = Builder::fresh(seed, &Device::Cpu);
        let network = N::build(&config, &b)?;
        Ok(Self {
            config,
            processor,
            tokenizer,
            network,
            params: b.finish()?,
            device: Device::Cpu,
            adapters: None,
            early: None,
        })
    }

    /// Writes the model's files, weights in half precision.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let mut config = serde_json::json!(self.config);
        if let Some((model_type, architecture)) = N::SAVED_AS {
            config["model_type"] = model_type.into();
            config["architectures"] = serde_json::json!([architecture]);
        }
        save_files(folder, &config, &self.processor, &self.params)?;
        let tokenizer = self.tokenizer.to_file()?;
        Ok(weights::write_whole(
            &folder.join(TOKENIZER),
            tokenizer.as_bytes(),
        )?)
    }
}

impl<N: StudentNetwork> StudentModel<N> {
    /// From a model's files, with untrained low-rank adapters where `lora` asks for them.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, lora: Option<(LoraConfig, u64)>) -> Result<Self> {
        let weights = format!("{}/{WEIGHTS}", source.name());
        Self::from_tensors(source, read_tensors(source)?, &weights, lora)
    }

    /// From a model's files, but with these parameters; `from` says in errors where they are from.
    ///
    /// # Errors
    /// If a file is missing or a parameter does not fit.
    pub fn from_tensors(
        source: &ModelSource,
        tensors: HashMap<String, Tensor>,
        from: &str,
        lora: Option<(LoraConfig, u64)>,
    ) -> Result<Self> {
        let config: N::Config = source.config(N::usual)?;
        let (processor, tokenizer) = (source.processor()?, source.tokenizer()?);
        let (processor, tokenizer) = N::settled(&config, processor, tokenizer)?;
        let made = Self::assemble(config, processor, tokenizer, tensors, lora, &Device::Cpu);
        made.map_err(|error| match error {
            SetupError::Model(source @ ModelError::Parameters(_)) => SetupError::Weights {
                file: from.to_owned(),
                source,
            },
            other => other,
        })
    }

    fn assemble(
        config: N::Config,
        processor: N::Processor,
        tokenizer: Tokenizer,
        tensors: HashMap<String, Tensor>,
        lora: Option<(LoraConfig, u64)>,
        device: &Device,
    ) -> Result<Self> {
        let mut b = Builder::load(tensors, device);
        if let Some((lora, seed)) = &lora {
            b = b.with_lora(lora.clone(), *seed);
        }
        let network = N::build(&config, &b)?;
        Ok(Self {
            config,
            processor,
            tokenizer,
            network,
            params: b.finish()?,
            device: device.clone(),
            adapters: lora.map(|(lora, _)| lora),
            early: None,
        })
    }

    /// A copy that can be trained without touching this one, with untrained low-rank adapters
    /// where `lora` asks for them. What adapters learned before is folded into the weights.
    ///
    /// # Errors
    /// If the copy does not fit in memory.
    pub fn duplicate(&self, lora: Option<(LoraConfig, u64)>) -> Result<Self> {
        let (config, processor) = (self.config.clone(), self.processor.clone());
        let tensors = self.plain_tensors()?;
        let tokenizer = self.tokenizer.clone();
        Self::assemble(config, processor, tokenizer, tensors, lora, &self.device)
    }

    /// The same model, to compute on a device. Adapters stay apart from the weights they add to.
    ///
    /// # Errors
    /// If the copy does not fit on it.
    pub fn on(&self, device: &Device) -> Result<Self> {
        let (config, processor) = (self.config.clone(), self.processor.clone());
        let (tokenizer, tensors) = (self.tokenizer.clone(), self.params.to_tensors());
        // All of the adapters' values are there, so that no seed is needed.
        let adapters = self.adapters.clone().map(|lora| (lora, 0));
        Self::assemble(config, processor, tokenizer, tensors, adapters, device)
    }

    /// The parameters, adapters folded into the weights they add to.
    fn plain_tensors(&self) -> std::result::Result<HashMap<String, Tensor>, ModelError> {
        match &self.adapters {
            Some(adapters) => adapters.merge(self.params.to_tensors()),
            None => Ok(self.params.to_tensors()),
        }
    }

    /// The model as it is now, to be asked and not trained: see [`StudentModel::frozen_network`]. It has no
    /// parameters of its own.
    ///
    /// # Errors
    /// If what adapters learned cannot be folded in.
    pub fn frozen(&self) -> Result<Self> {
        Ok(Self {
            network: self.frozen_network()?,
            config: self.config.clone(),
            processor: self.processor.clone(),
            tokenizer: self.tokenizer.clone(),
            params: Params::default(),
            device: self.device.clone(),
            adapters: None,
            early: None,
        })
    }

    /// The network as it is now, to be used and not trained: it records no graph for gradients,
    /// and what adapters learned is folded into its weights, if these may be changed.
    ///
    /// # Errors
    /// If the copy does not fit in memory.
    pub fn frozen_network(&self) -> Result<N> {
        let b = match &self.adapters {
            Some(adapters) if N::ADDITIONS_ONLY => {
                let tensors = self.params.to_tensors();
                Builder::frozen(tensors, &self.device).with_lora(adapters.clone(), 0)
            }
            _ => Builder::frozen(self.plain_tensors()?, &self.device),
        };
        let network = N::build(&self.config, &b)?;
        b.finish()?;
        Ok(network)
    }

    /// Identity of weights, adapters and settings, wherever it computes.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn fingerprint(&self) -> Result<Digest> {
        let weights = match N::ADDITIONS_ONLY {
            true => weights::fingerprint_in_pieces(&self.params.to_tensors())?,
            false => weights::fingerprint(&self.params)?,
        };
        let (settings, tokenizer) = ((&self.config, &self.processor), &self.tokenizer);
        let hasher = identity(N::NAME, &weights, settings, tokenizer)?;
        let hasher = match N::ADDITIONS_ONLY {
            true => hasher.part(precisions(&self.params.to_tensors()).as_bytes()),
            false => hasher,
        };
        // Adapters' values are among the parameters, but not what they are multiplied by.
        Ok(match &self.adapters {
            Some(adapters) => hasher.part(&adapters.scale()?.to_le_bytes()).finish(),
            None => hasher.finish(),
        })
    }
}

/// What the identity of every model that reads texts begins with: a name, its weights, its configuration and
/// processor, and its tokenizer.
pub(super) fn identity(
    name: &str,
    weights: &Digest,
    (config, processor): (&impl Serialize, &impl Serialize),
    tokenizer: &Tokenizer,
) -> Result<Hasher> {
    Ok(Hasher::new(name)
        .part(weights.as_bytes())
        .part(settings_text(config, processor).as_bytes())
        .part(tokenizer.to_json()?.as_bytes()))
}

/// How precise every weight is. Half precision is multiplied by other kernels than single, so the same
/// numbers may add up to others.
pub(super) fn precisions(tensors: &HashMap<String, Tensor>) -> String {
    let ordered: BTreeMap<&String, &Tensor> = tensors.iter().collect();
    let named = ordered.into_iter();
    let each = named.map(|(name, tensor)| format!("{name}: {}\n", tensor.dtype().as_str()));
    each.collect()
}

/// Everything about a model that is not a weight, as text.
pub(crate) fn settings_text(config: &impl Serialize, processor: &impl Serialize) -> String {
    serde_json::json!({ "config": config, "processor": processor }).to_string()
}

/// Writes a model's configuration and weights, these in half precision.
pub(crate) fn save_files(
    folder: &Path,
    config: &impl Serialize,
    processor: &ImageProcessor,
    params: &Params,
) -> Result<()> {
    create_folder(folder)?;
    let json = |value: serde_json::Value| format!("{value:#}\n").into_bytes();
    weights::write_whole(&folder.join(CONFIG), &json(serde_json::json!(config)))?;
    weights::write_whole(&folder.join(PROCESSOR), &json(serde_json::json!(processor)))?;
    weights::write_safetensors(&folder.join(WEIGHTS), &params.to_tensors(), DType::F16)?;
    Ok(())
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| SetupError::Io {
        path: folder.to_owned(),
        source,
    })
}

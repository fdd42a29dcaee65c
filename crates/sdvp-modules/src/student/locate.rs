//! The locate student: OWL-ViT behind the [`Module`] trait.

use super::MODEL_FILES;
use crate::error::Result;
use crate::score::score_of;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use lru::LruCache;
use sdvp_core::{
    BBox, Detection, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use sdvp_models::architectures::{ImageFeatures, OwlVit, OwlVitConfig};
use sdvp_models::params::{Builder, Params};
use sdvp_models::{ImageProcessor, LoraConfig, ModelError, Tokenizer, weights};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The network with everything that belongs to it; what training works on.
pub struct LocateModel {
    /// Sizes.
    pub config: OwlVitConfig,
    /// Views to pixels.
    pub processor: ImageProcessor,
    /// Names to ids.
    pub tokenizer: Tokenizer,
    /// The network.
    pub network: OwlVit,
    /// Its parameters.
    pub params: Params,
}

impl LocateModel {
    /// Untrained, from a seed.
    ///
    /// # Errors
    /// If the configuration makes no network.
    pub fn fresh(config: OwlVitConfig, tokenizer: Tokenizer, seed: u64) -> Result<Self> {
        let processor = ImageProcessor::square(config.vision_config.image_size as u32);
        let b = Builder::fresh(seed, &Device::Cpu);
        let network = OwlVit::new(&config, &b)?;
        Ok(Self {
            config,
            processor,
            tokenizer,
            network,
            params: b.finish()?,
        })
    }

    /// From a model's files, with untrained low-rank adapters where `lora` asks for them.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, lora: Option<(LoraConfig, u64)>) -> Result<Self> {
        let tensors = read_tensors(source)?;
        Self::from_tensors(source, tensors, lora)
    }

    /// From a model's files, but with these parameters.
    ///
    /// # Errors
    /// If a file is missing or a parameter does not fit.
    pub fn from_tensors(
        source: &ModelSource,
        tensors: HashMap<String, Tensor>,
        lora: Option<(LoraConfig, u64)>,
    ) -> Result<Self> {
        let config: OwlVitConfig = source.json("config.json", MODEL_FILES)?;
        let processor = source.json("preprocessor_config.json", MODEL_FILES)?;
        let tokenizer = Tokenizer::from_bytes(&source.read("tokenizer.json", MODEL_FILES)?)?;
        Self::assemble(config, processor, tokenizer, tensors, lora)
    }

    fn assemble(
        config: OwlVitConfig,
        processor: ImageProcessor,
        tokenizer: Tokenizer,
        tensors: HashMap<String, Tensor>,
        lora: Option<(LoraConfig, u64)>,
    ) -> Result<Self> {
        let mut b = Builder::load(tensors, &Device::Cpu);
        if let Some((lora, seed)) = lora {
            b = b.with_lora(lora, seed);
        }
        let network = OwlVit::new(&config, &b)?;
        Ok(Self {
            config,
            processor,
            tokenizer,
            network,
            params: b.finish()?,
        })
    }

    /// Writes the model's files in half precision.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_files(
            folder,
            &self.config,
            &self.processor,
            Some(&self.tokenizer),
            &self.params,
        )
    }

    /// Unit query vectors `[texts, projection]`.
    ///
    /// # Errors
    /// If a text cannot be tokenized.
    pub fn queries(&self, texts: &[&str]) -> std::result::Result<Tensor, ModelError> {
        let longest = self.config.text_config.max_position_embeddings;
        let tokens = self.tokenizer.batch(texts, longest, &Device::Cpu)?;
        self.network.text_queries(&tokens.ids, &tokens.last)
    }

    /// A copy that can be trained without touching this one, with untrained low-rank adapters
    /// where `lora` asks for them.
    ///
    /// # Errors
    /// If the copy does not fit in memory.
    pub fn duplicate(&self, lora: Option<(LoraConfig, u64)>) -> Result<Self> {
        let (config, processor) = (self.config.clone(), self.processor.clone());
        let (tokenizer, tensors) = (self.tokenizer.clone(), self.params.to_tensors());
        Self::assemble(config, processor, tokenizer, tensors, lora)
    }

    /// Identity of weights and settings.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn fingerprint(&self) -> Result<Digest> {
        let settings = settings_text(&self.config, &self.processor);
        Ok(Hasher::new("locate student")
            .part(weights::fingerprint(&self.params)?.as_bytes())
            .part(settings.as_bytes())
            .part(self.tokenizer.to_json()?.as_bytes())
            .finish())
    }
}

/// Features of one view, as plain numbers.
struct ViewFeatures {
    class_embeddings: Tensor,
    shift: Vec<f32>,
    scale: Vec<f32>,
    boxes: Vec<f32>,
}

/// Locates with a frozen [`LocateModel`]. Features of an image are computed once, however many
/// names are looked for in it, and so are the vectors of names.
pub struct LocateStudent {
    model: Arc<LocateModel>,
    fingerprint: Digest,
    features: Mutex<LruCache<Digest, Arc<ViewFeatures>>>,
    queries: Mutex<LruCache<String, Tensor>>,
}

/// Boxes less likely than this are not worth reporting.
const SCORE_FLOOR: f32 = 0.01;
/// Views whose features are kept (about 20 KiB each for the small configuration).
const KEPT_VIEWS: usize = 4096;
/// Names whose vectors are kept.
const KEPT_QUERIES: usize = 8192;
/// Views that go through the image tower together.
const IMAGES_AT_ONCE: usize = 32;

impl LocateStudent {
    /// Freezes a model. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: Arc<LocateModel>) -> Result<Self> {
        Self::with_memory(model, KEPT_VIEWS)
    }

    /// As [`LocateStudent::new`], keeping features of at most `views` views (at least one).
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn with_memory(model: Arc<LocateModel>, views: usize) -> Result<Self> {
        let size = |n: usize| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            fingerprint: model.fingerprint()?,
            model,
            features: Mutex::new(LruCache::new(size(views))),
            queries: Mutex::new(LruCache::new(size(KEPT_QUERIES))),
        })
    }

    /// The frozen model.
    pub fn model(&self) -> &Arc<LocateModel> {
        &self.model
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> ModuleError {
        ModuleError::Failed {
            module: self.name().to_owned(),
            reason: error.to_string(),
        }
    }

    /// Features of the given views, from memory or computed now.
    fn view_features(
        &self,
        views: &HashMap<Digest, &View>,
    ) -> std::result::Result<HashMap<Digest, Arc<ViewFeatures>>, ModelError> {
        let mut known = HashMap::with_capacity(views.len());
        let mut missing: Vec<(Digest, &View)> = Vec::new();
        if let Ok(mut memory) = self.features.lock() {
            for (digest, view) in views {
                match memory.get(digest) {
                    Some(features) => {
                        known.insert(*digest, Arc::clone(features));
                    }
                    None => missing.push((*digest, view)),
                }
            }
        }
        // A fixed order, so that batches are the same in every run.
        missing.sort_by_key(|(digest, _)| *digest);
        for chunk in missing.chunks(IMAGES_AT_ONCE) {
            let pixels: Vec<&View> = chunk.iter().map(|(_, view)| *view).collect();
            let pixels = self.model.processor.batch(&pixels, &Device::Cpu)?;
            let features = self.model.network.image_features(&pixels)?.detach();
            for (index, (digest, _)) in chunk.iter().enumerate() {
                let one = Arc::new(ViewFeatures::of(&features, index)?);
                known.insert(*digest, Arc::clone(&one));
                if let Ok(mut memory) = self.features.lock() {
                    memory.put(*digest, one);
                }
            }
        }
        Ok(known)
    }

    fn query(&self, text: &str) -> std::result::Result<Tensor, ModelError> {
        if let Ok(mut memory) = self.queries.lock()
            && let Some(vector) = memory.get(text)
        {
            return Ok(vector.clone());
        }
        let vector = self.model.queries(&[text])?.get(0)?.detach();
        if let Ok(mut memory) = self.queries.lock() {
            memory.put(text.to_owned(), vector.clone());
        }
        Ok(vector)
    }

    fn locate(
        &self,
        task: &SubTask,
        features: &ViewFeatures,
    ) -> std::result::Result<Outcome, ModelError> {
        let query = self.query(&task.text)?;
        let cosines = features
            .class_embeddings
            .matmul(&query.unsqueeze(1)?)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        let (width, height) = (task.view.width() as f32, task.view.height() as f32);
        let mut found: Vec<Detection> = cosines
            .iter()
            .enumerate()
            .map(|(patch, cosine)| {
                let logit = (cosine + features.shift[patch]) * features.scale[patch];
                let b = &features.boxes[patch * 4..patch * 4 + 4];
                Detection {
                    bbox: BBox::from_center(b[0], b[1], b[2], b[3]).scaled(width, height),
                    score: score_of(1.0 / (1.0 + (-logit).exp())),
                }
            })
            .filter(|found| found.score >= SCORE_FLOOR)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Outcome::Boxes(found))
    }
}

impl ViewFeatures {
    fn of(batch: &ImageFeatures, index: usize) -> std::result::Result<Self, ModelError> {
        let numbers = |tensor: &Tensor| -> std::result::Result<Vec<f32>, ModelError> {
            Ok(tensor.get(index)?.flatten_all()?.to_vec1::<f32>()?)
        };
        Ok(Self {
            // A copy, so that the batch can be freed.
            class_embeddings: batch.class_embeddings.get(index)?.copy()?,
            shift: numbers(&batch.shift)?,
            scale: numbers(&batch.scale)?,
            boxes: numbers(&batch.boxes)?,
        })
    }
}

impl Module for LocateStudent {
    fn name(&self) -> &str {
        "owlvit student"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Locate]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let digests: Vec<Digest> = batch.iter().map(|task| task.view.digest()).collect();
        let views = digests
            .iter()
            .copied()
            .zip(batch.iter().map(|task| &task.view))
            .collect();
        let features = match self.view_features(&views) {
            Ok(features) => features,
            Err(error) => {
                let error = self.failed(&error);
                return batch.iter().map(|_| Err(error.clone())).collect();
            }
        };
        batch
            .iter()
            .zip(&digests)
            .map(|(task, digest)| match features.get(digest) {
                _ if task.kind != SubTaskKind::Locate => Err(ModuleError::WrongKind {
                    module: self.name().to_owned(),
                    kind: task.kind,
                }),
                Some(features) => self.locate(task, features).map_err(|e| self.failed(&e)),
                None => Err(self.failed(&"no features were computed for the view")),
            })
            .collect()
    }
}

/// The parameters in a model's `model.safetensors`.
pub(crate) fn read_tensors(source: &ModelSource) -> Result<HashMap<String, Tensor>> {
    let bytes = source.read("model.safetensors", MODEL_FILES)?;
    Ok(weights::parse_safetensors(
        &bytes,
        &source.name(),
        &Device::Cpu,
    )?)
}

/// Everything about a model that is not a weight, as text.
pub(crate) fn settings_text(config: &impl serde::Serialize, processor: &ImageProcessor) -> String {
    serde_json::json!({ "config": config, "processor": processor }).to_string()
}

/// Writes a model's files.
pub(crate) fn save_files(
    folder: &Path,
    config: &impl serde::Serialize,
    processor: &ImageProcessor,
    tokenizer: Option<&Tokenizer>,
    params: &Params,
) -> Result<()> {
    crate::student::folder::create_folder(folder)?;
    let json = |value: serde_json::Value| format!("{value:#}\n").into_bytes();
    weights::write_whole(
        &folder.join("config.json"),
        &json(serde_json::json!(config)),
    )?;
    weights::write_whole(
        &folder.join("preprocessor_config.json"),
        &json(serde_json::json!(processor)),
    )?;
    if let Some(tokenizer) = tokenizer {
        weights::write_whole(
            &folder.join("tokenizer.json"),
            tokenizer.to_json()?.as_bytes(),
        )?;
    }
    weights::write_safetensors(
        &folder.join("model.safetensors"),
        &params.to_tensors(),
        candle_core::DType::F16,
    )?;
    Ok(())
}

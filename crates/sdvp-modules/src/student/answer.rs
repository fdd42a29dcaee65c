//! The answer student: ViLT behind the [`Module`] trait.

use super::MODEL_FILES;
use super::locate::{read_tensors, save_files, settings_text};
use crate::error::Result;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use sdvp_models::architectures::{Vilt, ViltConfig, ViltOutput};
use sdvp_models::layers::softmax;
use sdvp_models::params::{Builder, Params};
use sdvp_models::{ImageProcessor, LoraConfig, ModelError, Tokenizer, weights};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The network with everything that belongs to it; what training works on.
pub struct AnswerModel {
    /// Sizes and answers.
    pub config: ViltConfig,
    /// Views to pixels.
    pub processor: ImageProcessor,
    /// Questions to ids.
    pub tokenizer: Tokenizer,
    /// The network.
    pub network: Vilt,
    /// Its parameters.
    pub params: Params,
}

impl AnswerModel {
    /// Untrained, from a seed.
    ///
    /// # Errors
    /// If the configuration makes no network.
    pub fn fresh(config: ViltConfig, tokenizer: Tokenizer, seed: u64) -> Result<Self> {
        let processor = ImageProcessor::square(config.image_size as u32);
        let b = Builder::fresh(seed, &Device::Cpu);
        let network = Vilt::new(&config, &b)?;
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
        let config: ViltConfig = source.json("config.json", MODEL_FILES)?;
        let processor = source.json("preprocessor_config.json", MODEL_FILES)?;
        let tokenizer = Tokenizer::from_bytes(&source.read("tokenizer.json", MODEL_FILES)?)?;
        Self::assemble(config, processor, tokenizer, tensors, lora)
    }

    fn assemble(
        config: ViltConfig,
        processor: ImageProcessor,
        tokenizer: Tokenizer,
        tensors: HashMap<String, Tensor>,
        lora: Option<(LoraConfig, u64)>,
    ) -> Result<Self> {
        let mut b = Builder::load(tensors, &Device::Cpu);
        if let Some((lora, seed)) = lora {
            b = b.with_lora(lora, seed);
        }
        let network = Vilt::new(&config, &b)?;
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

    /// Forward pass over questions about views, one each.
    ///
    /// # Errors
    /// If a view or question cannot be prepared.
    pub fn forward(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<ViltOutput, ModelError> {
        let longest = self.config.max_position_embeddings;
        let tokens = self.tokenizer.batch(questions, longest, &Device::Cpu)?;
        let pixels = self.processor.batch(views, &Device::Cpu)?;
        self.network.forward(&tokens.ids, &tokens.mask, &pixels)
    }

    /// The output index of an answer.
    pub fn answer_index(&self, answer: &str) -> Option<usize> {
        self.config.answers.iter().position(|known| known == answer)
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
        Ok(Hasher::new("answer student")
            .part(weights::fingerprint(&self.params)?.as_bytes())
            .part(settings.as_bytes())
            .part(self.tokenizer.to_json()?.as_bytes())
            .finish())
    }
}

/// Answers with a frozen [`AnswerModel`].
pub struct AnswerStudent {
    model: Arc<AnswerModel>,
    fingerprint: Digest,
}

/// Questions that go through the network together.
const QUESTIONS_AT_ONCE: usize = 32;
/// Alternatives reported with an answer.
const ALTERNATIVES: usize = 5;

impl AnswerStudent {
    /// Freezes a model. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: Arc<AnswerModel>) -> Result<Self> {
        Ok(Self {
            fingerprint: model.fingerprint()?,
            model,
        })
    }

    /// The frozen model.
    pub fn model(&self) -> &Arc<AnswerModel> {
        &self.model
    }

    fn answer(&self, tasks: &[SubTask]) -> std::result::Result<Vec<Outcome>, ModelError> {
        let views: Vec<&View> = tasks.iter().map(|task| &task.view).collect();
        let questions: Vec<&str> = tasks.iter().map(|task| task.text.as_str()).collect();
        let logits = self.model.forward(&views, &questions)?.logits.detach();
        let probabilities = softmax(&logits)?.to_vec2::<f32>()?;
        Ok(probabilities
            .iter()
            .map(|row| Outcome::Answer(self.read_off(row)))
            .collect())
    }

    fn read_off(&self, probabilities: &[f32]) -> AnswerOutcome {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let top: Vec<(String, f32)> = order
            .into_iter()
            .take(ALTERNATIVES)
            .filter_map(|i| Some((self.model.config.answers.get(i)?.clone(), probabilities[i])))
            .collect();
        let (text, confidence) = top.first().cloned().unwrap_or_default();
        AnswerOutcome {
            text,
            confidence,
            top,
        }
    }
}

impl Module for AnswerStudent {
    fn name(&self) -> &str {
        "vilt student"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let mut results = Vec::with_capacity(batch.len());
        for tasks in batch.chunks(QUESTIONS_AT_ONCE) {
            match self.answer(tasks) {
                Ok(outcomes) => {
                    results.extend(tasks.iter().zip(outcomes).map(|(task, outcome)| {
                        if task.kind == SubTaskKind::Answer {
                            Ok(outcome)
                        } else {
                            Err(ModuleError::WrongKind {
                                module: self.name().to_owned(),
                                kind: task.kind,
                            })
                        }
                    }))
                }
                Err(error) => results.extend(tasks.iter().map(|_| {
                    Err(ModuleError::Failed {
                        module: self.name().to_owned(),
                        reason: error.to_string(),
                    })
                })),
            }
        }
        results
    }
}

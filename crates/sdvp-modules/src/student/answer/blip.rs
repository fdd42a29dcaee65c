//! BLIP, which writes answers: what it says to learn from, and behind the [`Module`] trait.

use super::{WritingModel, each_its_own};
use crate::batch::outcomes_of;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use crate::student::blip::{Blip, KEPT_PICTURES};
use crate::student::{BlipAnswerModel, CONFIG};
use candle_core::{Device, Tensor};
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use sdvp_models::architectures::{BlipAnswer, BlipConfig};
use sdvp_models::{Decoding, ModelError, Written};
use std::collections::HashMap;

/// Questions that were read beside the views they are about.
struct ReadQuestions {
    /// `[questions, length, hidden]`.
    states: Tensor,
    /// `[questions, length]`, 0 for fillers.
    mask: Tensor,
}

impl WritingModel for BlipAnswerModel {
    /// Views are stretched, and long questions cut.
    fn can_read(&self, _: &View, _: &str) -> bool {
        true
    }

    fn spell(&self, answer: &str) -> std::result::Result<Option<Vec<u32>>, ModelError> {
        let mut words = self.tokenizer.spell(answer)?;
        let longest = Decoding::default().longest;
        let unknown = self.tokenizer.unknown();
        let known = !words.iter().any(|word| Some(*word) == unknown);
        words.push(self.config.text_config.sep_token_id);
        Ok((words.len() > 1 && words.len() <= longest && known).then_some(words))
    }

    fn word_logits(
        &self,
        views: &[&View],
        questions: &[&str],
        answers: &[(usize, &[u32])],
    ) -> std::result::Result<Tensor, ModelError> {
        self.logits_at(&self.read(views, questions)?, answers)
    }

    fn written(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<(Vec<Vec<u32>>, Tensor), ModelError> {
        let read = self.read(views, questions)?;
        let decoding = Decoding::default();
        let written = self.network.generate(&read.states, &read.mask, &decoding)?;
        let whole = written.into_iter().map(|written| {
            let mut words = written.words;
            // One that was cut off has no end.
            if words.len() < decoding.longest {
                words.push(self.config.text_config.sep_token_id);
            }
            words
        });
        let whole: Vec<Vec<u32>> = whole.collect();
        let logits = self.logits_at(&read, &each_its_own(&whole))?;
        Ok((whole, logits))
    }
}

impl BlipAnswerModel {
    /// [`WritingModel::word_logits`] of questions that were read.
    fn logits_at(
        &self,
        read: &ReadQuestions,
        answers: &[(usize, &[u32])],
    ) -> std::result::Result<Tensor, ModelError> {
        let asked: Vec<u32> = answers.iter().map(|(place, _)| *place as u32).collect();
        let asked = Tensor::new(asked, &self.device)?;
        // The first word is written after what begins an answer, and nothing comes after the last one.
        let longest = answers.iter().map(|(_, words)| words.len()).max();
        let longest = longest.unwrap_or(0).max(1);
        let text = &self.config.text_config;
        let mut ids = Vec::with_capacity(answers.len() * longest);
        let mut places = Vec::new();
        for (row, (_, words)) in answers.iter().enumerate() {
            let before = words.split_last().map_or(&[][..], |(_, before)| before);
            ids.push(text.bos_token_id);
            ids.extend(before);
            ids.resize((row + 1) * longest, text.sep_token_id);
            places.extend((0..words.len()).map(|at| (row * longest + at) as u32));
        }
        let ids = Tensor::from_vec(ids, (answers.len(), longest), &self.device)?;
        let states = read.states.index_select(&asked, 0)?;
        let mask = read.mask.index_select(&asked, 0)?;
        let states = self.network.answer_states(&states, &mask, &ids)?;
        let places = Tensor::new(places, &self.device)?;
        let states = states.flatten_to(1)?.index_select(&places, 0)?;
        self.network.words(&states)
    }

    /// Each view goes through the image encoder once.
    fn read(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<ReadQuestions, ModelError> {
        let mut known: HashMap<Digest, u32> = HashMap::new();
        let mut distinct: Vec<&View> = Vec::new();
        let mut rows = Vec::with_capacity(views.len());
        for view in views {
            let next = distinct.len() as u32;
            let row = *known.entry(view.digest()).or_insert(next);
            if row == next {
                distinct.push(view);
            }
            rows.push(row);
        }
        let (states, layers) = self.early_views(&distinct, BlipAnswer::early_states)?;
        let seen = self.network.image_states_after(&states, layers)?;
        let seen = match distinct.len() == views.len() {
            true => seen,
            false => seen.index_select(&Tensor::new(rows, &self.device)?, 0)?,
        };
        let longest = self.config.text_config.max_position_embeddings;
        let tokens = self.tokenizer.batch(questions, longest, &self.device)?;
        let states = self
            .network
            .question_states(&seen, &tokens.ids, &tokens.mask)?;
        Ok(ReadQuestions {
            states,
            mask: tokens.mask,
        })
    }
}

/// Answers questions in words of its own.
pub struct BlipAnswerer {
    network: BlipAnswer,
    decoding: Decoding,
    blip: Blip,
}

impl BlipAnswerer {
    /// From a checkpoint's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, decoding: Decoding, device: &Device) -> Result<Self> {
        // What begins an answer has a place, too. It is known before the weights are read.
        let config: BlipConfig = source.config(|_| BlipConfig::USUAL)?;
        let places = config.text_config.max_position_embeddings;
        if decoding.longest >= places {
            return Err(SetupError::Config {
                model: source.name(),
                file: CONFIG.to_owned(),
                reason: format!(
                    "expected answers of fewer than its {places} tokens, found {}",
                    decoding.longest
                ),
            });
        }
        let (network, mut blip) = Blip::load(source, device, "blip answers", BlipAnswer::new)?;
        if decoding != Decoding::default() {
            blip.fingerprint = Hasher::new("blip answers, written")
                .part(blip.fingerprint.as_bytes())
                .part(format!("{decoding:?}").as_bytes())
                .finish();
        }
        Ok(Self {
            network,
            decoding,
            blip,
        })
    }

    /// Freezes a model, to answer greedily. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: &BlipAnswerModel) -> Result<Self> {
        Self::with_memory(model, KEPT_PICTURES)
    }

    /// As [`BlipAnswerer::new`], keeping from call to call what was seen in at most `kept` views.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn with_memory(model: &BlipAnswerModel, kept: usize) -> Result<Self> {
        let (network, blip) = Blip::of(model, kept)?;
        let decoding = Decoding::default();
        Ok(Self {
            network,
            decoding,
            blip,
        })
    }

    fn answers_to(&self, tasks: &[&SubTask]) -> std::result::Result<Vec<Outcome>, ModelError> {
        let images = self
            .blip
            .image_states(tasks, |pixels| self.network.image_states(pixels))?;
        self.blip.beside_views(tasks, &images, |images, ids, mask| {
            let questions = self.network.question_states(images, ids, mask)?;
            let written = self.network.generate(&questions, mask, &self.decoding)?;
            written
                .into_iter()
                .map(|written| self.answer(&written))
                .collect()
        })
    }

    fn answer(&self, written: &Written) -> std::result::Result<Outcome, ModelError> {
        let text = self.blip.tokenizer.decode(&written.words)?.to_lowercase();
        let confidence = written.log_likelihood.exp();
        Ok(Outcome::Answer(AnswerOutcome {
            top: vec![(text.clone(), confidence)],
            text,
            confidence,
        }))
    }
}

impl Module for BlipAnswerer {
    fn name(&self) -> &str {
        "blip vqa"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        self.blip.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        outcomes_of(self, SubTaskKind::Answer, batch, |tasks| {
            self.answers_to(tasks)
        })
    }
}

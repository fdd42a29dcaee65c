//! Qwen3-VL, which writes answers, behind the [`Module`] trait.

mod conversation;
mod learning;

use crate::checkpoint::{read_tensors, whole};
use crate::computed_on::computed_on;
use crate::error::{Result, SetupError};
use crate::published::Prompting;
use crate::source::ModelSource;
use crate::student::model::precisions;
use crate::student::{
    CONFIG, FrozenModel, MODEL_FILES, Memory, PROCESSOR, Qwen3VlModel, StudentNetwork,
};
use candle_core::Device;
use conversation::{LONGEST_QUESTION, Words};
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use sdvp_models::architectures::{Qwen3Vl, Qwen3VlConfig, Reading};
use sdvp_models::params::Builder;
use sdvp_models::{ModelError, PatchProcessor, Tokenizer, weights};

/// Pictures of which is kept what the decoder has read of them (of the published 2B, 69 MB for
/// 640 × 480 pixels).
const KEPT_PICTURES: usize = 8;
const NAME: &str = "qwen3-vl";

/// Answers questions in words of its own.
pub struct Qwen3VlAnswerer {
    network: Qwen3Vl,
    processor: PatchProcessor,
    tokenizer: Tokenizer,
    words: Words,
    prompting: Prompting,
    device: Device,
    fingerprint: Digest,
    /// The beginning of every conversation about a picture, read.
    pictures: Memory<Digest, Reading>,
}

impl Qwen3VlAnswerer {
    /// From a checkpoint's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit, or a setting does not fit the checkpoint.
    pub fn load(source: &ModelSource, prompting: Prompting, device: &Device) -> Result<Self> {
        let config: Qwen3VlConfig = source.json(CONFIG, MODEL_FILES)?;
        let processor: PatchProcessor = source.processor()?;
        let unfit = |error: ModelError| SetupError::Config {
            model: source.name(),
            file: PROCESSOR.to_owned(),
            reason: error.to_string(),
        };
        let settled = Qwen3Vl::settled(&config, processor, source.tokenizer()?);
        let (processor, tokenizer) = settled.map_err(unfit)?;
        let processor = processor.with_at_most(prompting.most_pixels)?;
        let words = Words::of(&tokenizer)?;
        let tensors = read_tensors(source)?;
        let weights = weights::fingerprint_in_pieces(&tensors)?;
        let settings = format!("{config:?} {processor:?} {prompting:?}");
        let fingerprint = Hasher::new("qwen3-vl answers")
            .part(weights.as_bytes())
            .part(precisions(&tensors).as_bytes())
            .part(settings.as_bytes())
            .part(tokenizer.to_json()?.as_bytes())
            .finish();
        let b = Builder::frozen(tensors, device).with_precision(prompting.precision);
        let network = Qwen3Vl::new(&config, &b)?;
        whole(b, source)?;
        Ok(Self {
            network,
            processor,
            tokenizer,
            words,
            prompting,
            device: device.clone(),
            fingerprint: computed_on(device, fingerprint),
            pictures: Memory::new(KEPT_PICTURES),
        })
    }

    /// Freezes a model, which is asked as usual. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: &Qwen3VlModel) -> Result<Self> {
        Self::with_memory(model, KEPT_PICTURES)
    }

    /// As [`Qwen3VlAnswerer::new`], keeping from call to call what was read of at most `kept` views.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn with_memory(model: &Qwen3VlModel, kept: usize) -> Result<Self> {
        let FrozenModel { model, fingerprint } = FrozenModel::of(model)?;
        let prompting = Prompting::default();
        let fingerprint = Hasher::new("qwen3-vl answers, student")
            .part(fingerprint.as_bytes())
            .part(format!("{prompting:?}").as_bytes())
            .finish();
        Ok(Self {
            words: Words::of(&model.tokenizer)?,
            network: model.network,
            processor: model.processor.with_at_most(prompting.most_pixels)?,
            tokenizer: model.tokenizer,
            prompting,
            device: model.device,
            fingerprint,
            pictures: Memory::new(kept),
        })
    }

    /// What every question about a view begins with, from memory or read now.
    fn seen(&self, view: &View) -> std::result::Result<Reading, ModelError> {
        let digest = view.digest();
        let mut seen = self
            .pictures
            .get_or_compute(std::iter::once(digest), 1, |_| {
                let (patches, grid) = self.processor.process(view, &self.device)?;
                let picture = self.network.picture_states(&patches, grid)?;
                Ok::<_, ModelError>(vec![self.words.begin(&self.network, &picture)?])
            })?;
        seen.remove(&digest)
            .ok_or_else(|| ModelError::Config("nothing was read of a picture".to_owned()))
    }

    /// Reads the rest, `question⏎instruction<|im_end|>⏎<|im_start|>assistant⏎`, and writes on.
    fn answer(&self, seen: &Reading, question: &str) -> std::result::Result<Outcome, ModuleError> {
        let (words, instruction) = (&self.words, &self.prompting.instruction);
        let asked = words.asked(&self.tokenizer, question, instruction);
        let asked = asked.map_err(failed)?;
        let rest = asked.map_err(|found| ModuleError::BadText {
            module: NAME.to_owned(),
            text: question.chars().take(80).collect(),
            reason: format!(
                "expected at most {LONGEST_QUESTION} tokens with the instruction, found {found}"
            ),
        })?;
        let mut reading = seen.clone();
        let states = self.network.read(&mut reading, &rest).map_err(failed)?;
        let longest = self.prompting.longest_answer;
        let written = self
            .network
            .write(reading, &states, &words.ends, longest)
            .map_err(failed)?;
        let text = self.tokenizer.decode(&written.words).map_err(failed)?;
        let text = plain(&text);
        // The probability of the whole text: the product of its words', its end's included.
        let confidence = written.log_likelihood.exp();
        Ok(Outcome::Answer(AnswerOutcome {
            top: vec![(text.clone(), confidence)],
            text,
            confidence,
        }))
    }
}

/// Lower case, without a sentence's full stop: as programs compare answers.
fn plain(answer: &str) -> String {
    let answer = answer.trim();
    answer.strip_suffix('.').unwrap_or(answer).to_lowercase()
}

fn failed(error: ModelError) -> ModuleError {
    ModuleError::Failed {
        module: NAME.to_owned(),
        reason: error.to_string(),
    }
}

impl Module for Qwen3VlAnswerer {
    fn name(&self) -> &str {
        NAME
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// View by view, so that each is looked at once however many questions are asked about it.
    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let mut order: Vec<(Digest, usize)> = Vec::with_capacity(batch.len());
        order.extend(batch.iter().map(|task| task.view.digest()).zip(0..));
        order.sort_unstable();
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut looked: Option<(Digest, std::result::Result<Reading, ModuleError>)> = None;
        for (digest, at) in order {
            let Some(task) = batch.get(at) else { continue };
            if task.kind != SubTaskKind::Answer {
                let wrong = ModuleError::WrongKind {
                    module: NAME.to_owned(),
                    kind: task.kind,
                };
                outcomes.push((at, Err(wrong)));
                continue;
            }
            let (_, seen) = match looked.take() {
                Some(same) if same.0 == digest => looked.insert(same),
                _ => looked.insert((digest, self.seen(&task.view).map_err(failed))),
            };
            let outcome = match seen {
                Ok(seen) => self.answer(seen, &task.text),
                Err(error) => Err(error.clone()),
            };
            outcomes.push((at, outcome));
        }
        outcomes.sort_unstable_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_as_plain_words() {
        assert_eq!(plain(" Yes.\n"), "yes");
        assert_eq!(plain("A U.S. flag"), "a u.s. flag");
        assert_eq!(plain("."), "");
    }
}

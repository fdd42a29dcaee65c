//! BLIP behind the [`Module`] trait. It is run, not taught.

use super::whole;
use crate::batch::outcomes_of;
use crate::checkpoint::read_tensors;
use crate::computed_on::computed_on;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use crate::student::{CONFIG, Memory, settings_text};
use candle_core::{Device, Tensor};
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use sdvp_models::architectures::{BlipAnswer, BlipConfig, BlipMatch};
use sdvp_models::layers::softmax;
use sdvp_models::params::Builder;
use sdvp_models::{Decoding, ImageProcessor, ModelError, Tokenizer, Written};
use std::collections::HashMap;

/// Pictures whose states are kept (1.8 MB each of the published sizes).
const KEPT_PICTURES: usize = 256;
/// Views that go through the image encoder together.
const IMAGES_AT_ONCE: usize = 4;
/// Texts that are read together.
const TEXTS_AT_ONCE: usize = 32;

/// What both have beside their networks.
struct Blip {
    config: BlipConfig,
    processor: ImageProcessor,
    tokenizer: Tokenizer,
    device: Device,
    fingerprint: Digest,
    /// States of pictures, `[1, 1 + patches, hidden]`.
    images: Memory<Digest, Tensor>,
}

impl Blip {
    /// The network that `build` makes of a checkpoint, and the rest.
    fn load<N>(
        source: &ModelSource,
        device: &Device,
        name: &str,
        build: impl Fn(&BlipConfig, &Builder) -> std::result::Result<N, ModelError>,
    ) -> Result<(N, Self)> {
        let config: BlipConfig = source.config(|_| BlipConfig::USUAL)?;
        let processor = source.processor()?;
        let tokenizer = source.tokenizer()?;
        let tensors = read_tensors(source)?;
        let fingerprint = Hasher::new(name)
            .part(sdvp_models::weights::fingerprint_of(&tensors)?.as_bytes())
            .part(settings_text(&config, &processor).as_bytes())
            .part(tokenizer.to_json()?.as_bytes())
            .finish();
        let b = Builder::frozen(tensors, device);
        let network = build(&config, &b)?;
        whole(b, source)?;
        let rest = Self {
            config,
            processor,
            tokenizer,
            device: device.clone(),
            fingerprint: computed_on(device, fingerprint),
            images: Memory::new(KEPT_PICTURES),
        };
        Ok((network, rest))
    }

    /// States of every view, from memory or computed now.
    fn image_states(
        &self,
        tasks: &[&SubTask],
        states: impl Fn(&Tensor) -> std::result::Result<Tensor, ModelError> + Sync,
    ) -> std::result::Result<HashMap<Digest, Tensor>, ModelError> {
        let views: HashMap<Digest, &View> = tasks
            .iter()
            .map(|task| (task.view.digest(), &task.view))
            .collect();
        let digests = views.keys().copied();
        self.images
            .get_or_compute(digests, IMAGES_AT_ONCE, |digests| {
                let pixels: Vec<&View> = digests.iter().map(|digest| views[digest]).collect();
                let states = states(&self.processor.batch(&pixels, &self.device)?)?;
                (0..digests.len())
                    .map(|row| Ok(states.narrow(0, row, 1)?.contiguous()?))
                    .collect()
            })
    }

    /// What `read` says of every text beside its view. Texts about one view are read together, and so
    /// are views of which as much is asked: what a view looks like to each layer is computed once.
    fn beside_views<T>(
        &self,
        tasks: &[&SubTask],
        images: &HashMap<Digest, Tensor>,
        read: impl Fn(&Tensor, &Tensor, &Tensor) -> std::result::Result<Vec<T>, ModelError>,
    ) -> std::result::Result<Vec<T>, ModelError> {
        // In the order of the views' first tasks, so that batches are the same in every run.
        let mut of_view: Vec<(Digest, Vec<usize>)> = Vec::new();
        for (place, task) in tasks.iter().enumerate() {
            let digest = task.view.digest();
            match of_view.iter_mut().find(|(known, _)| *known == digest) {
                Some((_, places)) => places.push(place),
                None => of_view.push((digest, vec![place])),
            }
        }
        let mut batches: Vec<(Vec<&Tensor>, Vec<usize>)> = Vec::new();
        for (digest, places) in &of_view {
            let image = images
                .get(digest)
                .ok_or_else(|| ModelError::Config("nothing was computed for a view".to_owned()))?;
            for places in places.chunks(TEXTS_AT_ONCE) {
                let fits = |(images, texts): &&mut (Vec<&Tensor>, Vec<usize>)| {
                    let each = texts.len() / images.len();
                    each == places.len() && texts.len() + each <= TEXTS_AT_ONCE
                };
                match batches.iter_mut().find(fits) {
                    Some((images, texts)) => {
                        images.push(image);
                        texts.extend(places);
                    }
                    None => batches.push((vec![image], places.to_vec())),
                }
            }
        }
        let longest = self.config.text_config.max_position_embeddings;
        let mut said: Vec<(usize, T)> = Vec::with_capacity(tasks.len());
        for (images, places) in batches {
            let texts: Vec<&str> = places.iter().map(|&it| tasks[it].text.as_str()).collect();
            let tokens = self.tokenizer.batch(&texts, longest, &self.device)?;
            let images = Tensor::cat(&images, 0)?;
            said.extend(
                places
                    .into_iter()
                    .zip(read(&images, &tokens.ids, &tokens.mask)?),
            );
        }
        said.sort_by_key(|(place, _)| *place);
        Ok(said.into_iter().map(|(_, said)| said).collect())
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
        let (network, mut blip) = Blip::load(source, device, "blip answers", BlipAnswer::new)?;
        // What begins an answer has a place, too.
        let places = blip.config.text_config.max_position_embeddings;
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

/// Says how likely a text belongs to a picture.
pub struct BlipMatcher {
    network: BlipMatch,
    blip: Blip,
}

impl BlipMatcher {
    /// From a checkpoint's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, device: &Device) -> Result<Self> {
        let (network, blip) = Blip::load(source, device, "blip matches", BlipMatch::new)?;
        Ok(Self { network, blip })
    }

    fn scores(&self, tasks: &[&SubTask]) -> std::result::Result<Vec<Outcome>, ModelError> {
        let images = self
            .blip
            .image_states(tasks, |pixels| self.network.image_states(pixels))?;
        self.blip.beside_views(tasks, &images, |images, ids, mask| {
            let logits = self.network.logits(images, ids, mask)?;
            let probabilities = softmax(&logits)?.to_vec2::<f32>()?;
            // The second is that it belongs.
            let belongs = |row: &Vec<f32>| Outcome::Score(row.get(1).copied().unwrap_or(0.0));
            Ok(probabilities.iter().map(belongs).collect())
        })
    }
}

impl Module for BlipMatcher {
    fn name(&self) -> &str {
        "blip itm"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Match]
    }

    fn fingerprint(&self) -> Digest {
        self.blip.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        outcomes_of(self, SubTaskKind::Match, batch, |tasks| self.scores(tasks))
    }
}

//! What both BLIPs have beside their networks, when they are run.

use super::memory::Memory;
use super::model::{StudentModel, identity};
use super::network::SquareNetwork;
use crate::checkpoint::{map_tensors, whole};
use crate::computed_on::computed_on;
use crate::error::Result;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, SubTask, View};
use sdvp_models::architectures::BlipConfig;
use sdvp_models::params::Builder;
use sdvp_models::{ImageProcessor, ModelError, Tokenizer};
use std::collections::HashMap;

/// Pictures whose states are kept (1.8 MB each of the published sizes).
pub(super) const KEPT_PICTURES: usize = 256;
/// Views that go through the image encoder together.
const IMAGES_AT_ONCE: usize = 4;
/// Texts that are read together.
const TEXTS_AT_ONCE: usize = 32;

/// What both have beside their networks.
pub(super) struct Blip {
    pub(super) config: BlipConfig,
    processor: ImageProcessor,
    pub(super) tokenizer: Tokenizer,
    device: Device,
    pub(super) fingerprint: Digest,
    /// States of pictures, `[1, 1 + patches, hidden]`.
    images: Memory<Digest, Tensor>,
}

impl Blip {
    /// The network that `build` makes of a checkpoint, and the rest.
    pub(super) fn load<N>(
        source: &ModelSource,
        device: &Device,
        name: &str,
        build: impl Fn(&BlipConfig, &Builder) -> std::result::Result<N, ModelError>,
    ) -> Result<(N, Self)> {
        let config: BlipConfig = source.config(|_| BlipConfig::USUAL)?;
        let processor = source.processor()?;
        let tokenizer = source.tokenizer()?;
        let tensors = map_tensors(source)?;
        let weights = sdvp_models::weights::fingerprint_of_stored(&tensors)?;
        let settings = (&config, &processor);
        let fingerprint = identity(name, &weights, settings, &tokenizer)?.finish();
        let b = Builder::frozen_stored(tensors, device);
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

    /// The network of a model as it is now, and the rest; the states of at most `kept` pictures are kept.
    pub(super) fn of<N: SquareNetwork<Config = BlipConfig>>(
        model: &StudentModel<N>,
        kept: usize,
    ) -> Result<(N, Self)> {
        let rest = Self {
            config: model.config.clone(),
            processor: model.processor.clone(),
            tokenizer: model.tokenizer.clone(),
            device: model.device.clone(),
            fingerprint: computed_on(&model.device, model.fingerprint()?),
            images: Memory::new(kept),
        };
        Ok((model.frozen_network()?, rest))
    }

    /// States of every view, from memory or computed now.
    pub(super) fn image_states(
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
    pub(super) fn beside_views<T>(
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

//! Models that are asked and not trained.

use super::model::{StudentModel, identity};
use super::network::{SquareNetwork, StudentNetwork};
use crate::checkpoint::{WEIGHTS, map_tensors};
use crate::computed_on::computed_on;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use candle_core::Device;
use sdvp_core::Digest;
use sdvp_models::params::{Builder, Params};
use sdvp_models::{ModelError, weights};

/// A model that is asked and not trained: its network records no graph for gradients, and it has no
/// parameters of its own.
pub struct FrozenModel<N: StudentNetwork> {
    pub(super) model: StudentModel<N>,
    pub(super) fingerprint: Digest,
}

impl<N: StudentNetwork> FrozenModel<N> {
    /// A model as it is now, which must not be trained while this lives: they share their weights.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn of(model: &StudentModel<N>) -> Result<Self> {
        Ok(Self {
            fingerprint: computed_on(&model.device, model.fingerprint()?),
            model: model.frozen()?,
        })
    }
}

impl<N: SquareNetwork> FrozenModel<N> {
    /// From a model's files, to compute on a device. In main memory, matrices stay in the files, which must
    /// not be written into while this lives.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, device: &Device) -> Result<Self> {
        let config: N::Config = source.config(N::usual)?;
        let (processor, tokenizer) = (source.processor()?, source.tokenizer()?);
        let (processor, tokenizer) = N::settled(&config, processor, tokenizer)?;
        let mut tensors = map_tensors(source)?;
        let b = Builder::frozen_stored(tensors.clone(), device);
        let network = N::build(&config, &b)?;
        for name in b.left_out() {
            tensors.remove(&name);
        }
        match b.finish() {
            Ok(_) => {}
            Err(source_error @ ModelError::Parameters(_)) => {
                return Err(SetupError::Weights {
                    file: format!("{}/{WEIGHTS}", source.name()),
                    source: source_error,
                });
            }
            Err(other) => return Err(other.into()),
        }
        // As that of a model that is trained: adapters it has none.
        let weights = weights::fingerprint_of_stored(&tensors)?;
        let settings = (&config, &processor);
        let fingerprint = identity(N::NAME, &weights, settings, &tokenizer)?.finish();
        Ok(Self {
            fingerprint: computed_on(device, fingerprint),
            model: StudentModel {
                config,
                processor,
                tokenizer,
                network,
                params: Params::default(),
                device: device.clone(),
                adapters: None,
                early: None,
            },
        })
    }
}

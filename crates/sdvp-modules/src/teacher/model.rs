//! The teacher's network with everything that belongs to it.

use super::{Sighting, Vocabulary};
use crate::checkpoint::read_tensors;
use crate::error::Result;
use crate::source::ModelSource;
use crate::student::{save_files, settings_text};
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, Hasher, View};
use sdvp_models::architectures::{ConvTeacher, ConvTeacherConfig, DensePrediction};
use sdvp_models::params::{Builder, Params};
use sdvp_models::{ImageProcessor, ModelError, weights};
use std::collections::HashMap;
use std::path::Path;

const TEACHER_FILES: &str = "config.json, preprocessor_config.json and model.safetensors";

/// A convolutional teacher: network, vocabulary and image processing.
pub struct TeacherModel {
    /// Sizes and words.
    pub config: ConvTeacherConfig,
    /// Views to pixels.
    pub processor: ImageProcessor,
    /// The network.
    pub network: ConvTeacher,
    /// Its parameters.
    pub params: Params,
}

/// Views that go through the network together.
const VIEWS_AT_ONCE: usize = 32;

impl TeacherModel {
    /// Untrained, from a seed.
    ///
    /// # Errors
    /// If the configuration makes no network.
    pub fn fresh(config: ConvTeacherConfig, seed: u64) -> Result<Self> {
        let processor = ImageProcessor::square(config.image_size as u32);
        let b = Builder::fresh(seed, &Device::Cpu);
        let network = ConvTeacher::new(&config, &b)?;
        Ok(Self {
            config,
            processor,
            network,
            params: b.finish()?,
        })
    }

    /// From a teacher's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource) -> Result<Self> {
        let config: ConvTeacherConfig = source.json("config.json", TEACHER_FILES)?;
        let processor = source.json("preprocessor_config.json", TEACHER_FILES)?;
        let b = Builder::load(read_tensors(source)?, &Device::Cpu);
        let network = ConvTeacher::new(&config, &b)?;
        Ok(Self {
            config,
            processor,
            network,
            params: b.finish()?,
        })
    }

    /// Writes the teacher's files in half precision.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_files(folder, &self.config, &self.processor, &self.params)
    }

    /// The words it knows.
    pub fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            names: self.config.names.clone(),
            categories: self.config.categories.clone(),
            colors: self.config.colors.clone(),
        }
    }

    /// What it sees in each view, best first.
    ///
    /// # Errors
    /// If a view cannot be prepared.
    pub fn sightings(
        &self,
        views: &[&View],
    ) -> std::result::Result<Vec<Vec<Sighting>>, ModelError> {
        let mut seen = Vec::with_capacity(views.len());
        for views in views.chunks(VIEWS_AT_ONCE) {
            let pixels = self.processor.batch(views, &Device::Cpu)?;
            let DensePrediction {
                names,
                colors,
                extents,
            } = self.network.forward(&pixels)?;
            let numbers = |tensor: &Tensor| tensor.detach().to_vec3::<f32>();
            let (names, colors, extents) =
                (numbers(&names)?, numbers(&colors)?, numbers(&extents)?);
            for ((names, colors), extents) in names.iter().zip(&colors).zip(&extents) {
                seen.push(Sighting::read_off(
                    names,
                    colors,
                    extents,
                    self.config.grid(),
                ));
            }
        }
        Ok(seen)
    }

    /// What it sees in the views of a batch, each distinct view looked at once; in the batch's
    /// order, as indices into the second list.
    ///
    /// # Errors
    /// If a view cannot be prepared.
    pub(crate) fn sightings_of(
        &self,
        views: &[&View],
    ) -> std::result::Result<(Vec<usize>, Vec<Vec<Sighting>>), ModelError> {
        let mut places: HashMap<Digest, usize> = HashMap::new();
        let mut distinct: Vec<&View> = Vec::new();
        let order = views
            .iter()
            .map(|view| {
                *places.entry(view.digest()).or_insert_with(|| {
                    distinct.push(view);
                    distinct.len() - 1
                })
            })
            .collect();
        Ok((order, self.sightings(&distinct)?))
    }

    /// Identity of weights and settings.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn fingerprint(&self) -> Result<Digest> {
        Ok(Hasher::new("conv teacher")
            .part(weights::fingerprint(&self.params)?.as_bytes())
            .part(settings_text(&self.config, &self.processor).as_bytes())
            .finish())
    }
}

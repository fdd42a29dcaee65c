//! The shipped teachers' network with everything that belongs to it.

use super::{Detector, Sighting, Vocabulary};
use crate::checkpoint::read_tensors;
use crate::error::Result;
use crate::source::ModelSource;
use crate::student::{save_files, settings_text};
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, Hasher, View};
use sdvp_models::architectures::{ConvTeacher, ConvTeacherConfig, DensePrediction};
use sdvp_models::params::{Builder, Params};
use sdvp_models::{Calibration, ImageProcessor, ModelError, weights};
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

/// A teacher's network as it is, to be asked.
pub struct ConvDetector {
    model: TeacherModel,
    vocabulary: Vocabulary,
    fingerprint: Digest,
}

impl ConvDetector {
    /// Takes a network that learns no more.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: TeacherModel) -> Result<Self> {
        let config = &model.config;
        Ok(Self {
            fingerprint: model.fingerprint()?,
            vocabulary: Vocabulary::new(
                config.names.clone(),
                config.categories.clone(),
                config.colors.clone(),
            ),
            model,
        })
    }
}

impl Detector for ConvDetector {
    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn believed(&self) -> Calibration {
        self.model.config.believed
    }

    fn parameters(&self) -> usize {
        self.model.params.count()
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn sightings(&self, views: &[&View]) -> std::result::Result<Vec<Vec<Sighting>>, ModelError> {
        let TeacherModel {
            processor,
            network,
            config,
            ..
        } = &self.model;
        let mut seen = Vec::with_capacity(views.len());
        for views in views.chunks(VIEWS_AT_ONCE) {
            let pixels = processor.batch(views, &Device::Cpu)?;
            let DensePrediction {
                names,
                colors,
                extents,
            } = network.forward(&pixels)?;
            let numbers = |tensor: &Tensor| tensor.detach().to_vec3::<f32>();
            let (names, colors, extents) =
                (numbers(&names)?, numbers(&colors)?, numbers(&extents)?);
            for ((names, colors), extents) in names.iter().zip(&colors).zip(&extents) {
                let grid = config.grid();
                seen.push(Sighting::read_off(names, colors, extents, grid));
            }
        }
        Ok(seen)
    }
}

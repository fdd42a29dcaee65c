//! BLIP for image–text matching: an encoder reads the text while it looks at the picture and says
//! whether they belong together; or both are read alone and their vectors are compared.

use super::BlipConfig;
use super::text::{Beside, TextTransformer};
use super::vision::VisionTower;
use crate::architectures::towers::unit_length;
use crate::error::Result;
use crate::layers::Linear;
use crate::params::Builder;
use candle_core::{IndexOp, Tensor};

/// The network.
pub struct BlipMatch {
    image: VisionTower,
    text: TextTransformer,
    image_projection: Linear,
    text_projection: Linear,
    matches: Linear,
}

impl BlipMatch {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &BlipConfig, b: &Builder) -> Result<Self> {
        let (text, vision) = (&config.text_config, &config.vision_config);
        let (read, seen) = (text.encoder.hidden_size, vision.encoder.hidden_size);
        let width = config.image_text_hidden_size;
        Ok(Self {
            image: VisionTower::new(vision, b)?,
            text: TextTransformer::new(text, seen, &b.pp("text_encoder"))?,
            image_projection: Linear::new(seen, width, true, &b.pp("vision_proj"))?,
            text_projection: Linear::new(read, width, true, &b.pp("text_proj"))?,
            matches: Linear::new(read, 2, true, &b.pp("itm_head"))?,
        })
    }

    /// States of pictures, as [`BlipAnswer::image_states`](super::BlipAnswer::image_states).
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn image_states(&self, pixels: &Tensor) -> Result<Tensor> {
        self.image.states(pixels)
    }

    /// States of pictures after the first `layers` layers, `[batch, 1 + patches, hidden]`: all that the
    /// others need to know of `[batch, 3, side, side]` pixels.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn early_states(&self, pixels: &Tensor, layers: usize) -> Result<Tensor> {
        self.image.early(pixels, layers)
    }

    /// As `image_states`, from the states after `layers` layers.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn image_states_after(&self, early: &Tensor, layers: usize) -> Result<Tensor> {
        self.image.late(early, layers)
    }

    /// Logits that a text does not belong to its picture and that it does, `[batch, 2]`, of as many
    /// texts after one another for each picture; `ids` and `mask` are `[batch, length]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn logits(&self, images: &Tensor, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let beside = Beside {
            states: images,
            mask: None,
        };
        let read = self.text.forward(ids, Some(mask), false, Some(beside))?;
        self.matches.forward(&read.i((.., 0, ..))?.contiguous()?)
    }

    /// Cosines of every picture with every text, `[pictures, texts]`, each read alone.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn cosines(&self, images: &Tensor, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let read = self.text.forward(ids, Some(mask), false, None)?;
        let first = |x: &Tensor| -> Result<Tensor> { Ok(x.i((.., 0, ..))?.contiguous()?) };
        let images = unit_length(&self.image_projection.forward(&first(images)?)?)?;
        let texts = unit_length(&self.text_projection.forward(&first(&read)?)?)?;
        Ok(images.matmul(&texts.t()?)?)
    }
}

//! OWL-ViT: finds what a text names (Minderer et al. 2022, arXiv 2205.06230), as published in
//! `google/owlvit-*`.
//!
//! Two towers. The image tower gives one feature vector per patch, each of which may claim one
//! box; the text tower turns an object's name into a query vector. A box's score for a query is a
//! scaled cosine of the two, so the vocabulary is open and one image serves any number of queries.

use super::encoder::{Encoder, EncoderConfig, LayerNames};
use super::patches::PatchEmbedding;
use crate::calibration::Calibration;
use crate::error::Result;
use crate::layers::{Embedding, LayerNorm, Linear, gelu, sigmoid};
use crate::params::{Builder, Init};
use candle_core::{D, IndexOp, Tensor};
use serde::{Deserialize, Serialize};

/// Sizes of the text tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwlVitTextConfig {
    /// Number of token ids.
    pub vocab_size: usize,
    /// Longest text, tokens, start and end included.
    pub max_position_embeddings: usize,
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// Sizes of the image tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwlVitVisionConfig {
    /// Side of the square input, pixels.
    pub image_size: usize,
    /// Side of a patch, pixels.
    pub patch_size: usize,
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// Sizes of the whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwlVitConfig {
    /// The text tower.
    pub text_config: OwlVitTextConfig,
    /// The image tower.
    pub vision_config: OwlVitVisionConfig,
    /// Width of a query; equals the text tower's.
    pub projection_dim: usize,
    /// From which probability on its boxes are worth believing.
    #[serde(default)]
    pub believed: Calibration,
    /// Of the boxes found for a text, those that overlap a surer one by more than this IoU are
    /// taken for the same object and left out; none are where it is missing, as in the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_object_iou: Option<f32>,
}

impl OwlVitConfig {
    /// Patches along one side.
    pub fn grid(&self) -> usize {
        self.vision_config.image_size / self.vision_config.patch_size
    }
}

struct TextTower {
    token_embedding: Embedding,
    position_embedding: Tensor,
    encoder: Encoder,
    final_layer_norm: LayerNorm,
    projection: Linear,
}

struct ImageTower {
    class_embedding: Tensor,
    patch_embedding: PatchEmbedding,
    position_embedding: Tensor,
    pre_layer_norm: LayerNorm,
    encoder: Encoder,
    post_layer_norm: LayerNorm,
    merge_norm: LayerNorm,
}

/// What the image tower says of each patch; computed once per image, used by any query.
pub struct ImageFeatures {
    /// Unit-length class embeddings, `[batch, patches, projection]`.
    pub class_embeddings: Tensor,
    /// Additive part of the logits, `[batch, patches, 1]`.
    pub shift: Tensor,
    /// Multiplicative part of the logits, `[batch, patches, 1]`, positive.
    pub scale: Tensor,
    /// Boxes as centre x, centre y, width, height in parts of the input's sides, each in `(0, 1)`:
    /// `[batch, patches, 4]`.
    pub boxes: Tensor,
}

impl ImageFeatures {
    /// The same features without a path for gradients.
    pub fn detach(&self) -> Self {
        Self {
            class_embeddings: self.class_embeddings.detach(),
            shift: self.shift.detach(),
            scale: self.scale.detach(),
            boxes: self.boxes.detach(),
        }
    }
}

/// The network.
pub struct OwlVit {
    text: TextTower,
    image: ImageTower,
    class_projection: Linear,
    logit_shift: Linear,
    logit_scale: Linear,
    box_layers: [Linear; 3],
    box_bias: Tensor,
}

impl OwlVit {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &OwlVitConfig, b: &Builder) -> Result<Self> {
        let (text, vision) = (&config.text_config, &config.vision_config);
        let owlvit = b.pp("owlvit");
        let hidden = vision.encoder.hidden_size;
        let head = b.pp("class_head");
        let boxes = b.pp("box_head");
        // An untrained network should doubt: cosines start near 0, and (0 - 0.4) * 10 = -4.
        let shift = Linear::new_with_init(
            hidden,
            1,
            &head.pp("logit_shift"),
            Init::Normal(0.02),
            Some(Init::Const(-0.4)),
        )?;
        let scale = Linear::new_with_init(
            hidden,
            1,
            &head.pp("logit_scale"),
            Init::Normal(0.02),
            Some(Init::Const(9.0)),
        )?;
        Ok(Self {
            text: TextTower::new(text, config.projection_dim, &owlvit)?,
            image: ImageTower::new(vision, &owlvit, b)?,
            class_projection: Linear::new(hidden, config.projection_dim, true, &head.pp("dense0"))?,
            logit_shift: shift,
            logit_scale: scale,
            box_layers: [
                Linear::new(hidden, hidden, true, &boxes.pp("dense0"))?,
                Linear::new(hidden, hidden, true, &boxes.pp("dense1"))?,
                Linear::new(hidden, 4, true, &boxes.pp("dense2"))?,
            ],
            box_bias: box_bias(config.grid(), b)?,
        })
    }

    /// Query vectors of unit length, `[texts, projection]`, from ids and mask `[texts, length]`;
    /// `last[i]` is the place of text i's end token.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn text_queries(&self, ids: &Tensor, last: &[u32]) -> Result<Tensor> {
        self.text.forward(ids, last)
    }

    /// Features of `[batch, 3, side, side]` pixels.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn image_features(&self, pixels: &Tensor) -> Result<ImageFeatures> {
        let features = self.image.forward(pixels)?;
        let class_embeddings = unit_length(&self.class_projection.forward(&features)?)?;
        let scale = (self.logit_scale.forward(&features)?.elu(1.0)? + 1.0)?;
        let [first, second, third] = &self.box_layers;
        let inner = gelu(&first.forward(&features)?)?;
        let inner = gelu(&second.forward(&inner)?)?;
        let offsets = third.forward(&inner)?;
        let boxes = sigmoid(&offsets.broadcast_add(&self.box_bias)?)?;
        Ok(ImageFeatures {
            class_embeddings,
            shift: self.logit_shift.forward(&features)?,
            scale,
            boxes,
        })
    }

    /// Logits `[batch, patches, queries]` of every patch for every query of a list shared by all
    /// images: `(cosine + shift) * scale`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn logits(&self, features: &ImageFeatures, queries: &Tensor) -> Result<Tensor> {
        let (batch, patches, dim) = features.class_embeddings.dims3()?;
        let cosine = features
            .class_embeddings
            .reshape((batch * patches, dim))?
            .matmul(&queries.t()?)?
            .reshape((batch, patches, ()))?;
        Ok(cosine
            .broadcast_add(&features.shift)?
            .broadcast_mul(&features.scale)?)
    }
}

impl TextTower {
    fn new(config: &OwlVitTextConfig, projection_dim: usize, owlvit: &Builder) -> Result<Self> {
        let b = owlvit.pp("text_model");
        let embeddings = b.pp("embeddings");
        let dim = config.encoder.hidden_size;
        Ok(Self {
            token_embedding: Embedding::new(
                config.vocab_size,
                dim,
                &embeddings.pp("token_embedding"),
                Init::Normal(0.02),
            )?,
            position_embedding: embeddings.pp("position_embedding").get(
                (config.max_position_embeddings, dim),
                "weight",
                Init::Normal(0.01),
            )?,
            encoder: Encoder::new(&config.encoder, &LayerNames::CLIP, &b.pp("encoder.layers"))?,
            final_layer_norm: LayerNorm::new(
                dim,
                config.encoder.layer_norm_eps,
                &b.pp("final_layer_norm"),
            )?,
            projection: Linear::new(dim, projection_dim, false, &owlvit.pp("text_projection"))?,
        })
    }

    fn forward(&self, ids: &Tensor, last: &[u32]) -> Result<Tensor> {
        let (texts, length) = ids.dims2()?;
        let positions = self.position_embedding.narrow(0, 0, length)?;
        let x = self
            .token_embedding
            .forward(ids)?
            .broadcast_add(&positions)?;
        // Causal, so that padding after the end token changes nothing before it.
        let x = self.encoder.forward(&x, None, true)?;
        let x = self.final_layer_norm.forward(&x)?;
        let dim = x.dim(D::Minus1)?;
        let rows: Vec<u32> = last
            .iter()
            .enumerate()
            .map(|(row, &at)| (row * length) as u32 + at)
            .collect();
        let rows = Tensor::new(rows.as_slice(), ids.device())?;
        let ends = x.reshape((texts * length, dim))?.index_select(&rows, 0)?;
        unit_length(&self.projection.forward(&ends)?)
    }
}

impl ImageTower {
    fn new(config: &OwlVitVisionConfig, owlvit: &Builder, b: &Builder) -> Result<Self> {
        let vision = owlvit.pp("vision_model");
        let embeddings = vision.pp("embeddings");
        let (dim, eps) = (config.encoder.hidden_size, config.encoder.layer_norm_eps);
        let patches = (config.image_size / config.patch_size).pow(2);
        Ok(Self {
            class_embedding: embeddings.get(dim, "class_embedding", Init::Normal(0.02))?,
            patch_embedding: PatchEmbedding::new(
                dim,
                config.patch_size,
                false,
                &embeddings.pp("patch_embedding"),
            )?,
            position_embedding: embeddings.pp("position_embedding").get(
                (patches + 1, dim),
                "weight",
                Init::Normal(0.02),
            )?,
            pre_layer_norm: LayerNorm::new(dim, eps, &vision.pp("pre_layernorm"))?,
            encoder: Encoder::new(
                &config.encoder,
                &LayerNames::CLIP,
                &vision.pp("encoder.layers"),
            )?,
            post_layer_norm: LayerNorm::new(dim, eps, &vision.pp("post_layernorm"))?,
            merge_norm: LayerNorm::new(dim, eps, &b.pp("layer_norm"))?,
        })
    }

    /// `[batch, patches, hidden]`: each patch's token times the class token, normalised.
    fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        let patches = self.patch_embedding.forward(pixels)?;
        let (batch, count, dim) = patches.dims3()?;
        let class = self
            .class_embedding
            .reshape((1, 1, dim))?
            .broadcast_as((batch, 1, dim))?;
        let x = Tensor::cat(&[&class.contiguous()?, &patches], 1)?;
        let x = x.broadcast_add(&self.position_embedding)?;
        let x = self
            .encoder
            .forward(&self.pre_layer_norm.forward(&x)?, None, false)?;
        let x = self.post_layer_norm.forward(&x)?;
        let class = x.i((.., 0..1, ..))?;
        let patches = x.narrow(1, 1, count)?.broadcast_mul(&class)?;
        self.merge_norm.forward(&patches)
    }
}

fn unit_length(x: &Tensor) -> Result<Tensor> {
    let length = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
    Ok(x.broadcast_div(&length)?)
}

/// The box that a patch claims before any learning: one patch large, centred where the reference
/// puts it (the patch's far corner), as logits `[1, patches, 4]`.
fn box_bias(grid: usize, b: &Builder) -> Result<Tensor> {
    let logit = |part: f32| (part + 1e-4).ln() - (1.0 - part + 1e-4).ln();
    let side = 1.0 / grid as f32;
    let mut values = Vec::with_capacity(grid * grid * 4);
    for row in 1..=grid {
        for column in 1..=grid {
            values.extend([
                logit(column as f32 * side),
                logit(row as f32 * side),
                logit(side),
                logit(side),
            ]);
        }
    }
    Ok(Tensor::from_vec(values, (1, grid * grid, 4), b.device())?)
}

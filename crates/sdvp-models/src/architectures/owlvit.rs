//! OWL-ViT: finds what a text names (Minderer et al. 2022, arXiv 2205.06230), as published in
//! `google/owlvit-*`, and OWLv2 (Minderer et al. 2023, arXiv 2306.09683), as in `google/owlv2-*`.
//!
//! Two towers. The image tower gives one feature vector per patch, each of which may claim one
//! box; the text tower turns an object's name into a query vector. A box's score for a query is a
//! scaled cosine of the two, so the vocabulary is open and one image serves any number of queries.

use super::towers::{ImageTower, ImageTowerConfig, TextTower, TextTowerConfig, unit_length};
use crate::calibration::Calibration;
use crate::error::Result;
use crate::layers::{LayerNorm, Linear, gelu, sigmoid};
use crate::params::{Builder, Init};
use candle_core::{IndexOp, Tensor};
use serde::{Deserialize, Serialize};

/// The published networks of this kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwlGeneration {
    /// The first.
    #[default]
    OwlVit,
    /// The same network, trained on its own boxes; it also says of each patch how likely it shows any
    /// thing, which finding by text does not use.
    Owlv2,
}

impl OwlGeneration {
    fn is_first(&self) -> bool {
        *self == Self::OwlVit
    }

    /// What the towers' parameters begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::OwlVit => "owlvit",
            Self::Owlv2 => "owlv2",
        }
    }
}

/// Sizes of the whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwlVitConfig {
    /// Which of the published networks.
    #[serde(
        default,
        rename = "model_type",
        skip_serializing_if = "OwlGeneration::is_first"
    )]
    pub generation: OwlGeneration,
    /// The text tower.
    pub text_config: TextTowerConfig,
    /// The image tower.
    pub vision_config: ImageTowerConfig,
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

/// `transformers`' defaults, in which the generations differ by the patches' side.
macro_rules! usual {
    ($patch_size:literal) => {
        concat!(
            r#"{"projection_dim": 512, "text_config": {"vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 16, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05}, "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 768, "patch_size": "#,
            $patch_size,
            r#", "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05}}"#
        )
    };
}

impl OwlVitConfig {
    /// What published files leave out where it is as usual (`transformers`' defaults).
    pub const USUAL: &str = usual!(32);

    /// As [`OwlVitConfig::USUAL`], of OWLv2.
    pub const USUAL_V2: &str = usual!(16);

    /// Patches along one side.
    pub fn grid(&self) -> usize {
        let sizes = &self.vision_config;
        // A network of patches without a size is refused when it is built.
        sizes.image_size.checked_div(sizes.patch_size).unwrap_or(0)
    }
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
    merge_norm: LayerNorm,
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
        let owlvit = b.pp(config.generation.prefix());
        // Of the CLIP that it started from; finding does not use them.
        for unused in ["visual_projection.weight", "logit_scale"] {
            owlvit.leave_out(unused);
        }
        if config.generation == OwlGeneration::Owlv2 {
            for layer in ["dense0", "dense1", "dense2"] {
                let layer = b.pp("objectness_head").pp(layer);
                layer.leave_out("weight");
                layer.leave_out("bias");
            }
        }
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
            image: ImageTower::new(vision, "pre_layernorm", &owlvit)?,
            merge_norm: LayerNorm::new(hidden, vision.encoder.layer_norm_eps, &b.pp("layer_norm"))?,
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
        self.features_after(&self.early_states(pixels, 0)?, 0)
    }

    /// What the image tower's first `layers` layers make of `[batch, 3, side, side]` pixels,
    /// `[batch, 1 + patches, hidden]`.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn early_states(&self, pixels: &Tensor, layers: usize) -> Result<Tensor> {
        self.image.early(pixels, layers)
    }

    /// As [`OwlVit::image_features`], from the states after the first `layers` layers.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn features_after(&self, early: &Tensor, layers: usize) -> Result<ImageFeatures> {
        let states = self.image.states(early, layers)?;
        // Each patch's token times the class token.
        let class = states.i((.., 0..1, ..))?;
        let patches = states.narrow(1, 1, states.dim(1)? - 1)?;
        let features = self.merge_norm.forward(&patches.broadcast_mul(&class)?)?;
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
        claims(&cosine, features)
    }

    /// Logits `[batch, patches, asked]` of every patch for the queries asked of its own image:
    /// `asked` `[batch, asked]` are rows of `queries`. Where images are asked different things,
    /// much less is computed than by [`OwlVit::logits`].
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn logits_of_each(
        &self,
        features: &ImageFeatures,
        queries: &Tensor,
        asked: &Tensor,
    ) -> Result<Tensor> {
        let (batch, count) = asked.dims2()?;
        let own = queries
            .index_select(&asked.flatten_all()?, 0)?
            .reshape((batch, count, ()))?;
        claims(&features.class_embeddings.matmul(&own.t()?)?, features)
    }
}

fn claims(cosine: &Tensor, features: &ImageFeatures) -> Result<Tensor> {
    Ok(cosine
        .broadcast_add(&features.shift)?
        .broadcast_mul(&features.scale)?)
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

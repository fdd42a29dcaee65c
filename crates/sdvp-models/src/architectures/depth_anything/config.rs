//! Sizes of a Depth Anything.

use super::config_file::ConfigFile;
use crate::layers::Activation;
use serde::{Deserialize, Serialize};

/// Sizes of the backbone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dinov2Config {
    /// Width of a token.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Heads of attention; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Its activation.
    pub hidden_act: Activation,
    /// ε of the layer norms.
    pub layer_norm_eps: f64,
    /// Side, pixels, of the square that positions were learned for.
    pub image_size: usize,
    /// Side of a patch, pixels.
    pub patch_size: usize,
    /// Whether what is handed on is normalised.
    pub apply_layernorm: bool,
}

/// One of the feature maps that the neck puts together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// After so many layers of the backbone.
    pub after: usize,
    /// Its channels.
    pub channels: usize,
    /// Its sides in patches' sides: 4, 2, 1, 1/2.
    pub factor: f64,
}

/// What the network's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DepthMeaning {
    /// Inverse depth up to a scale and a shift of the picture's own: the greater the nearer, 0 as far
    /// away as can be.
    Relative,
    /// Depth in metres: the greater the farther.
    Metric,
}

/// Sizes of the whole network, as they are understood. Read from what is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ConfigFile")]
pub struct DepthAnythingConfig {
    /// What sees.
    pub backbone: Dinov2Config,
    /// What is handed on of it, from the finest to the coarsest.
    pub stages: Vec<Stage>,
    /// Channels of what is put together.
    pub fusion_hidden_size: usize,
    /// Channels before the last layer.
    pub head_hidden_size: usize,
    /// What comes out.
    pub meaning: DepthMeaning,
    /// What the last activation is multiplied with; the greatest depth there is, if it is metric.
    pub max_depth: f64,
}

impl DepthAnythingConfig {
    /// What published files leave out where it is as usual (`transformers`' defaults), save which
    /// layers are handed on.
    pub const USUAL: &str = r#"{"patch_size": 14, "reassemble_factors": [4, 2, 1, 0.5], "neck_hidden_sizes": [48, 96, 192, 384], "fusion_hidden_size": 64, "head_in_index": -1, "head_hidden_size": 32, "depth_estimation_type": "relative", "max_depth": 1, "backbone_config": {"model_type": "dinov2", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "mlp_ratio": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-06, "image_size": 224, "patch_size": 14, "num_channels": 3, "qkv_bias": true, "use_swiglu_ffn": false, "apply_layernorm": true, "reshape_hidden_states": true}}"#;
}

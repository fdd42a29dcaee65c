//! BLIP: answers questions in words of its own, and says whether a text describes a picture
//! (Li et al. 2022, arXiv 2201.12086), as published in `Salesforce/blip-vqa-*` and
//! `Salesforce/blip-itm-*`.

mod answer;
mod matching;
mod text;
mod vision;

pub use answer::BlipAnswer;
pub use matching::BlipMatch;
pub use text::BlipTextConfig;
pub use vision::BlipVisionConfig;

use serde::{Deserialize, Serialize};

/// Sizes of the whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlipConfig {
    /// The text encoder, and the decoder.
    pub text_config: BlipTextConfig,
    /// The image encoder.
    pub vision_config: BlipVisionConfig,
    /// Width of the vectors that are compared without cross-attention.
    pub image_text_hidden_size: usize,
}

impl BlipConfig {
    /// What published files leave out where it is as usual (`transformers`' defaults).
    pub const USUAL: &str = r#"{"image_text_hidden_size": 256, "text_config": {"vocab_size": 30524, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 512, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "bos_token_id": 30522, "sep_token_id": 102}, "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 384, "patch_size": 16, "hidden_act": "gelu", "layer_norm_eps": 1e-05}}"#;
}

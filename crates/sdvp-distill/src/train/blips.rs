//! Small BLIPs for tests.

use crate::pretrain::{SceneView, validation_views};
use sdvp_data::picto::{SceneSpec, word_list};
use sdvp_models::Tokenizer;
use sdvp_models::architectures::BlipConfig;
use sdvp_modules::{SquareNetwork, StudentModel};

/// The words of the built-in world, and a network that has learned nothing.
pub(crate) fn fresh<N: SquareNetwork<Config = BlipConfig>>(seed: u64) -> StudentModel<N> {
    let words = word_list();
    let tokenizer = Tokenizer::from_words(words.iter().map(String::as_str)).unwrap();
    let (begin, end) = (
        tokenizer.id("[CLS]").unwrap(),
        tokenizer.id("[SEP]").unwrap(),
    );
    let layers = serde_json::json!({
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-6,
    });
    let mut config = serde_json::json!({
        "image_text_hidden_size": 8,
        "text_config": {
            "vocab_size": tokenizer.vocabulary_size(), "max_position_embeddings": 40,
            "bos_token_id": begin, "sep_token_id": end,
        },
        "vision_config": { "image_size": 48, "patch_size": 12 },
    });
    for part in ["text_config", "vision_config"] {
        let part = config[part].as_object_mut().unwrap();
        part.extend(layers.as_object().unwrap().clone());
    }
    StudentModel::fresh(serde_json::from_value(config).unwrap(), tokenizer, seed).unwrap()
}

/// Views of the built-in world.
pub(crate) fn views(count: usize) -> Vec<sdvp_core::View> {
    let views = validation_views(&SceneSpec::default(), 0, count);
    views.into_iter().map(|view: SceneView| view.view).collect()
}

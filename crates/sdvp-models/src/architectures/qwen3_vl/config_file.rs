//! `config.json` of a Qwen3-VL as published, checked before anything is made of it.

use super::{Qwen3VlConfig, Qwen3VlTextConfig, Qwen3VlVisionConfig};
use crate::error::ModelError;
use crate::layers::Activation;
use serde::Deserialize;

/// The greatest width of a layer; published ones have up to 12,288.
const WIDEST: usize = 32_768;
/// The most layers, heads and the like; published ones have up to 94.
const MOST: usize = 512;
/// The most words, and places; published ones have 151,936 and 262,144.
const LARGEST: usize = 1 << 22;

#[derive(Deserialize)]
pub(super) struct ConfigFile {
    text_config: TextFile,
    vision_config: VisionFile,
    tie_word_embeddings: Option<bool>,
}

#[derive(Deserialize)]
struct TextFile {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    hidden_act: Activation,
    rms_norm_eps: f64,
    max_position_embeddings: usize,
    #[serde(default)]
    attention_bias: bool,
    tie_word_embeddings: Option<bool>,
    rope_theta: Option<f64>,
    /// Since version 5 of transformers, with `rope_theta` inside; before, `rope_scaling` beside it.
    #[serde(alias = "rope_scaling")]
    rope_parameters: RopeFile,
}

#[derive(Deserialize)]
struct RopeFile {
    rope_theta: Option<f64>,
    #[serde(default = "usual_rope")]
    rope_type: String,
    mrope_section: [usize; 3],
    #[serde(default)]
    mrope_interleaved: bool,
}

fn usual_rope() -> String {
    "default".to_owned()
}

#[derive(Deserialize)]
struct VisionFile {
    depth: usize,
    hidden_size: usize,
    hidden_act: Activation,
    intermediate_size: usize,
    num_heads: usize,
    #[serde(default = "three")]
    in_channels: usize,
    patch_size: usize,
    spatial_merge_size: usize,
    temporal_patch_size: usize,
    out_hidden_size: usize,
    num_position_embeddings: usize,
    deepstack_visual_indexes: Vec<usize>,
}

fn three() -> usize {
    3
}

/// An error unless it holds.
fn expect(
    holds: bool,
    setting: &str,
    expected: impl std::fmt::Display,
    found: impl std::fmt::Debug,
) -> Result<(), ModelError> {
    if holds {
        return Ok(());
    }
    Err(ModelError::Config(format!(
        "expected {setting} {expected}, found {found:?}"
    )))
}

fn within(setting: &str, found: usize, most: usize) -> Result<usize, ModelError> {
    let holds = (1..=most).contains(&found);
    expect(holds, setting, format_args!("from 1 to {most}"), found)?;
    Ok(found)
}

impl TryFrom<ConfigFile> for Qwen3VlConfig {
    type Error = ModelError;

    fn try_from(file: ConfigFile) -> Result<Self, ModelError> {
        let said = file.tie_word_embeddings;
        let tied = said.or(file.text_config.tie_word_embeddings);
        let given = file.vision_config.out_hidden_size;
        let text = Qwen3VlTextConfig::try_from(file.text_config)?;
        let vision = Qwen3VlVisionConfig::try_from(file.vision_config)?;
        let fits = given == text.hidden;
        expect(fits, "out_hidden_size", text.hidden, given)?;
        let most = text.layers;
        let added = vision.deepstack.len();
        let setting = "deepstack_visual_indexes";
        expect(
            added <= most,
            setting,
            format_args!("at most {most}"),
            added,
        )?;
        Ok(Self {
            text,
            vision,
            tied: tied.unwrap_or(false),
        })
    }
}

impl TryFrom<TextFile> for Qwen3VlTextConfig {
    type Error = ModelError;

    fn try_from(file: TextFile) -> Result<Self, ModelError> {
        let rope = file.rope_parameters;
        let rope_type = rope.rope_type.as_str();
        expect(rope_type == "default", "rope_type", "default", rope_type)?;
        let interleaved = rope.mrope_interleaved;
        expect(interleaved, "mrope_interleaved", true, interleaved)?;
        expect(!file.attention_bias, "attention_bias", false, true)?;
        let heads = within("num_attention_heads", file.num_attention_heads, MOST)?;
        let key_heads = within("num_key_value_heads", file.num_key_value_heads, heads)?;
        let divides = heads.is_multiple_of(key_heads);
        let setting = "num_key_value_heads";
        expect(
            divides,
            setting,
            format_args!("to divide {heads}"),
            key_heads,
        )?;
        let head = within("head_dim", file.head_dim, WIDEST / heads)?;
        expect(head.is_multiple_of(2), "head_dim", "to be even", head)?;
        let sections = rope.mrope_section;
        let half = head / 2;
        // Height takes every third angle from the second on, width from the third on.
        let [_, height, width] = sections;
        let fits = sections.iter().all(|section| *section <= half)
            && sections.iter().sum::<usize>() == half
            && 3 * height <= half + 1
            && 3 * width <= half;
        let expected = format_args!("of {half} angles, at most a third each of height and width");
        expect(fits, "mrope_section", expected, sections)?;
        let Some(rope_base) = rope.rope_theta.or(file.rope_theta) else {
            return Err(ModelError::Config(
                "expected rope_theta, found none".to_owned(),
            ));
        };
        let above = rope_base.is_finite() && rope_base > 1.0;
        expect(above, "rope_theta", "above 1", rope_base)?;
        let eps = file.rms_norm_eps;
        let small = eps > 0.0 && eps < 1.0;
        expect(small, "rms_norm_eps", "between 0 and 1", eps)?;
        Ok(Self {
            vocabulary: within("vocab_size", file.vocab_size, LARGEST)?,
            hidden: within("hidden_size", file.hidden_size, WIDEST)?,
            inner: within("intermediate_size", file.intermediate_size, 8 * WIDEST)?,
            layers: within("num_hidden_layers", file.num_hidden_layers, MOST)?,
            heads,
            key_heads,
            head,
            activation: file.hidden_act,
            eps,
            longest: within(
                "max_position_embeddings",
                file.max_position_embeddings,
                LARGEST,
            )?,
            rope_base,
            sections,
        })
    }
}

impl TryFrom<VisionFile> for Qwen3VlVisionConfig {
    type Error = ModelError;

    fn try_from(file: VisionFile) -> Result<Self, ModelError> {
        expect(file.in_channels == 3, "in_channels", 3, file.in_channels)?;
        let hidden = within("hidden_size", file.hidden_size, WIDEST)?;
        let heads = within("num_heads", file.num_heads, MOST)?;
        // Of a head's width a quarter each: pairs of height and pairs of width.
        let divides = hidden.is_multiple_of(4 * heads);
        let expected = format_args!("a multiple of 4 times {heads} heads");
        expect(divides, "hidden_size", expected, hidden)?;
        let count = within(
            "num_position_embeddings",
            file.num_position_embeddings,
            LARGEST,
        )?;
        let places = count.isqrt();
        let square = places * places == count;
        expect(square, "num_position_embeddings", "a square number", count)?;
        let layers = within("depth", file.depth, MOST)?;
        let deepstack = file.deepstack_visual_indexes;
        let rises = deepstack.is_sorted_by(|a, b| a < b);
        let inside = deepstack.last().is_none_or(|last| *last < layers);
        let expected = format_args!("rising, below {layers}");
        expect(
            rises && inside,
            "deepstack_visual_indexes",
            expected,
            &deepstack,
        )?;
        Ok(Self {
            hidden,
            inner: within("intermediate_size", file.intermediate_size, 8 * WIDEST)?,
            layers,
            heads,
            patch: within("patch_size", file.patch_size, 32)?,
            merge: within("spatial_merge_size", file.spatial_merge_size, 8)?,
            frames: within("temporal_patch_size", file.temporal_patch_size, 8)?,
            places,
            deepstack,
            activation: file.hidden_act,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// As Qwen/Qwen3-VL-2B-Instruct has it.
    fn published() -> Value {
        json!({
            "architectures": ["Qwen3VLForConditionalGeneration"],
            "image_token_id": 151_655,
            "model_type": "qwen3_vl",
            "text_config": {
                "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151_643,
                "dtype": "bfloat16", "eos_token_id": 151_645, "head_dim": 128,
                "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
                "intermediate_size": 6144, "max_position_embeddings": 262_144,
                "model_type": "qwen3_vl_text", "num_attention_heads": 16,
                "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-6,
                "rope_scaling": {
                    "mrope_interleaved": true, "mrope_section": [24, 20, 20],
                    "rope_type": "default"
                },
                "rope_theta": 5_000_000, "tie_word_embeddings": true, "use_cache": true,
                "vocab_size": 151_936
            },
            "tie_word_embeddings": true,
            "vision_config": {
                "deepstack_visual_indexes": [5, 11, 17], "depth": 24,
                "hidden_act": "gelu_pytorch_tanh", "hidden_size": 1024, "in_channels": 3,
                "initializer_range": 0.02, "intermediate_size": 4096, "model_type": "qwen3_vl",
                "num_heads": 16, "num_position_embeddings": 2304, "out_hidden_size": 2048,
                "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2
            },
            "vision_end_token_id": 151_653
        })
    }

    fn read(value: Value) -> Result<Qwen3VlConfig, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn published_files_of_both_forms_are_read() {
        let old = read(published()).unwrap();
        assert!(old.tied);
        assert_eq!((old.text.rope_base, old.text.head), (5e6, 128));
        assert_eq!((old.vision.places, old.vision.layers), (48, 24));
        let mut new = published();
        let text = new["text_config"].as_object_mut().unwrap();
        let mut rope = text.remove("rope_scaling").unwrap();
        rope["rope_theta"] = text.remove("rope_theta").unwrap();
        text.insert("rope_parameters".to_owned(), rope);
        assert_eq!(read(new).unwrap(), old);
    }

    #[test]
    fn what_makes_no_network_is_named() {
        for (path, value, named) in [
            (
                "/text_config/num_key_value_heads",
                json!(5),
                "num_key_value_heads",
            ),
            ("/text_config/hidden_size", json!(0), "hidden_size"),
            ("/text_config/vocab_size", json!(1u64 << 40), "vocab_size"),
            ("/text_config/head_dim", json!(96), "mrope_section"),
            (
                "/text_config/rope_scaling/mrope_section",
                json!([4, 40, 20]),
                "mrope_section",
            ),
            ("/text_config/rope_scaling/rope_type", json!("yarn"), "yarn"),
            (
                "/text_config/rope_scaling/mrope_interleaved",
                json!(false),
                "mrope_interleaved",
            ),
            ("/text_config/rope_theta", json!(null), "rope_theta"),
            ("/text_config/attention_bias", json!(true), "attention_bias"),
            ("/text_config/hidden_act", json!("swish2"), "swish2"),
            (
                "/vision_config/num_position_embeddings",
                json!(2300),
                "num_position_embeddings",
            ),
            (
                "/vision_config/out_hidden_size",
                json!(1024),
                "out_hidden_size",
            ),
            ("/vision_config/num_heads", json!(15), "hidden_size"),
            (
                "/vision_config/deepstack_visual_indexes",
                json!([5, 24]),
                "deepstack",
            ),
            (
                "/vision_config/deepstack_visual_indexes",
                json!([5, 5]),
                "deepstack",
            ),
        ] {
            let mut file = published();
            *file.pointer_mut(path).unwrap() = value;
            let error = read(file).unwrap_err();
            assert!(error.contains(named), "{path}: {error}");
        }
    }
}

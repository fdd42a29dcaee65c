//! `config.json` of a Depth Anything, as published. What this cannot do is refused rather than left
//! out.

use super::config::{DepthAnythingConfig, DepthMeaning, Dinov2Config, Stage};
use crate::layers::Activation;
use serde::Deserialize;

/// A setting that makes no network, or one that is not known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {setting} {expected}, found {found}")]
pub struct UnknownDepthModel {
    setting: &'static str,
    expected: String,
    found: String,
}

fn check(
    fits: bool,
    setting: &'static str,
    expected: impl ToString,
    found: impl std::fmt::Debug,
) -> Result<(), UnknownDepthModel> {
    match fits {
        true => Ok(()),
        false => Err(UnknownDepthModel {
            setting,
            expected: expected.to_string(),
            found: format!("{found:?}"),
        }),
    }
}

/// The file's fields.
#[derive(Deserialize)]
pub(super) struct ConfigFile {
    backbone_config: BackboneFile,
    patch_size: usize,
    reassemble_factors: Vec<f64>,
    neck_hidden_sizes: Vec<usize>,
    fusion_hidden_size: usize,
    head_in_index: i64,
    head_hidden_size: usize,
    depth_estimation_type: DepthMeaning,
    max_depth: Option<f64>,
}

#[derive(Deserialize)]
struct BackboneFile {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    mlp_ratio: f64,
    hidden_act: Activation,
    layer_norm_eps: f64,
    image_size: usize,
    patch_size: usize,
    num_channels: usize,
    qkv_bias: bool,
    use_swiglu_ffn: bool,
    apply_layernorm: bool,
    reshape_hidden_states: bool,
    out_indices: Option<Vec<usize>>,
    out_features: Option<Vec<String>>,
}

/// Greatest width, number of channels or side; published ones have up to about 1,000.
const MOST: usize = 8192;
/// Most layers; published ones have up to 40.
const MOST_LAYERS: usize = 256;
/// Greatest factor of sides.
const MOST_TIMES: f64 = 32.0;

impl BackboneFile {
    /// After which layers states are handed on: published by number, by name or both.
    fn handed_on(&self) -> Result<Vec<usize>, UnknownDepthModel> {
        let number = |name: &String| match name.as_str() {
            "stem" => Some(0),
            name => name.strip_prefix("stage")?.parse().ok(),
        };
        let named = self.out_features.as_ref().map(|names| {
            let numbers: Option<Vec<usize>> = names.iter().map(number).collect();
            numbers.ok_or_else(|| UnknownDepthModel {
                setting: "out_features",
                expected: "to be stem, stage1, stage2 …".to_owned(),
                found: format!("{names:?}"),
            })
        });
        let found = match (&self.out_indices, named.transpose()?) {
            (Some(numbers), Some(named)) => {
                check(*numbers == named, "out_indices", "as out_features", numbers)?;
                named
            }
            (Some(numbers), None) => numbers.clone(),
            (None, Some(named)) => named,
            (None, None) => {
                check(false, "out_indices", "in backbone_config", "none")?;
                Vec::new()
            }
        };
        let rising = found.is_sorted_by(|a, b| a < b);
        let last = found.last().copied().unwrap_or(0);
        check(
            rising && last <= self.num_hidden_layers,
            "out_indices",
            format!("to rise to {} at most", self.num_hidden_layers),
            &found,
        )?;
        Ok(found)
    }
}

impl TryFrom<BackboneFile> for Dinov2Config {
    type Error = UnknownDepthModel;

    fn try_from(file: BackboneFile) -> Result<Self, UnknownDepthModel> {
        check(
            file.model_type == "dinov2",
            "backbone_config",
            "of model_type dinov2",
            &file.model_type,
        )?;
        for (setting, expected, found) in [
            ("qkv_bias", true, file.qkv_bias),
            ("use_swiglu_ffn", false, file.use_swiglu_ffn),
            ("reshape_hidden_states", false, file.reshape_hidden_states),
        ] {
            check(found == expected, setting, expected, found)?;
        }
        check(file.num_channels == 3, "num_channels", 3, file.num_channels)?;
        for (setting, size, most) in [
            ("hidden_size", file.hidden_size, MOST),
            ("num_hidden_layers", file.num_hidden_layers, MOST_LAYERS),
            ("image_size", file.image_size, MOST),
        ] {
            check(
                (1..=most).contains(&size),
                setting,
                format!("from 1 to {most}"),
                size,
            )?;
        }
        let heads = file.num_attention_heads;
        check(
            heads > 0 && file.hidden_size.is_multiple_of(heads),
            "num_attention_heads",
            format!("to divide {}", file.hidden_size),
            heads,
        )?;
        check(
            (1..=file.image_size).contains(&file.patch_size),
            "patch_size",
            format!("from 1 to {}", file.image_size),
            file.patch_size,
        )?;
        // As Python's int(): towards 0.
        let inner = file.hidden_size as f64 * file.mlp_ratio;
        check(
            (1.0..=(8 * MOST) as f64).contains(&inner),
            "mlp_ratio",
            "to give a width of up to 65536",
            file.mlp_ratio,
        )?;
        check(
            file.layer_norm_eps.is_finite() && file.layer_norm_eps >= 0.0,
            "layer_norm_eps",
            "0 or more",
            file.layer_norm_eps,
        )?;
        Ok(Self {
            hidden_size: file.hidden_size,
            num_hidden_layers: file.num_hidden_layers,
            num_attention_heads: heads,
            intermediate_size: inner as usize,
            hidden_act: file.hidden_act,
            layer_norm_eps: file.layer_norm_eps,
            image_size: file.image_size,
            patch_size: file.patch_size,
            apply_layernorm: file.apply_layernorm,
        })
    }
}

impl TryFrom<ConfigFile> for DepthAnythingConfig {
    type Error = UnknownDepthModel;

    fn try_from(file: ConfigFile) -> Result<Self, UnknownDepthModel> {
        let after = file.backbone_config.handed_on()?;
        let backbone = Dinov2Config::try_from(file.backbone_config)?;
        check(
            file.patch_size == backbone.patch_size,
            "patch_size",
            format!("{}, the backbone's", backbone.patch_size),
            file.patch_size,
        )?;
        let (factors, channels) = (file.reassemble_factors, file.neck_hidden_sizes);
        let count = after.len();
        check(count > 0, "out_indices", "to have at least one", count)?;
        check(
            factors.len() == count,
            "reassemble_factors",
            format!("for {count} maps"),
            &factors,
        )?;
        check(
            channels.len() == count,
            "neck_hidden_sizes",
            format!("for {count} maps"),
            &channels,
        )?;
        let whole = |factor: f64| factor.fract() == 0.0 && (1.0..=MOST_TIMES).contains(&factor);
        let known = factors
            .iter()
            .all(|factor| whole(*factor) || whole(1.0 / factor));
        check(
            known,
            "reassemble_factors",
            "whole, or one by a whole number",
            &factors,
        )?;
        // The finest is what the head sees.
        let last = file.head_in_index;
        check(
            last == -1 || usize::try_from(last) == Ok(count - 1),
            "head_in_index",
            "to be the last, -1",
            last,
        )?;
        let sizes = channels
            .iter()
            .chain([&file.fusion_hidden_size, &file.head_hidden_size]);
        for size in sizes {
            check(
                (1..=MOST).contains(size),
                "channels",
                format!("from 1 to {MOST}"),
                size,
            )?;
        }
        check(
            file.fusion_hidden_size > 1,
            "fusion_hidden_size",
            "above 1",
            file.fusion_hidden_size,
        )?;
        let max_depth = file.max_depth.unwrap_or(1.0);
        check(
            max_depth.is_finite() && max_depth > 0.0,
            "max_depth",
            "above 0",
            max_depth,
        )?;
        let stages = after.into_iter().zip(channels).zip(factors);
        Ok(Self {
            backbone,
            stages: stages
                .map(|((after, channels), factor)| Stage {
                    after,
                    channels,
                    factor,
                })
                .collect(),
            fusion_hidden_size: file.fusion_hidden_size,
            head_hidden_size: file.head_hidden_size,
            meaning: file.depth_estimation_type,
            max_depth,
        })
    }
}

#[cfg(test)]
#[path = "config_file_tests.rs"]
mod tests;

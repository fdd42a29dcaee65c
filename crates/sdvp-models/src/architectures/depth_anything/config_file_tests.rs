//! What is published of a Depth Anything is read, and what makes no network is named.

use super::*;
use serde_json::{Value, json};

/// What is usual, with other values at `backbone_config.name` or `name`.
fn read(changes: &[(&str, Value)]) -> Result<DepthAnythingConfig, String> {
    let mut whole: Value = serde_json::from_str(DepthAnythingConfig::USUAL).unwrap();
    whole["backbone_config"]["reshape_hidden_states"] = json!(false);
    for (path, value) in changes {
        let pointer = format!("/{}", path.replace('.', "/"));
        match whole.pointer_mut(&pointer) {
            Some(place) => *place = value.clone(),
            None => {
                let name = path.strip_prefix("backbone_config.").unwrap();
                whole["backbone_config"][name] = value.clone();
            }
        }
    }
    serde_json::from_value(whole).map_err(|error| error.to_string())
}

#[test]
fn layers_are_handed_on_by_number_or_by_name() {
    let numbers = ("backbone_config.out_indices", json!([3, 6, 9, 12]));
    let names = json!(["stage3", "stage6", "stage9", "stage12"]);
    let names = ("backbone_config.out_features", names);
    for said in [
        vec![numbers.clone()],
        vec![names.clone()],
        vec![numbers.clone(), names],
    ] {
        let config = read(&said).unwrap();
        let after: Vec<usize> = config.stages.iter().map(|stage| stage.after).collect();
        assert_eq!(after, [3, 6, 9, 12]);
        assert_eq!(config.backbone.intermediate_size, 3072);
        assert_eq!(
            (config.meaning, config.max_depth),
            (DepthMeaning::Relative, 1.0)
        );
    }
    let metric = ("depth_estimation_type", json!("metric"));
    let metric = read(&[numbers.clone(), metric, ("max_depth", json!(80))]).unwrap();
    assert_eq!(
        (metric.meaning, metric.max_depth),
        (DepthMeaning::Metric, 80.0)
    );
    assert_eq!(
        read(&[numbers, ("max_depth", Value::Null)])
            .unwrap()
            .max_depth,
        1.0
    );
}

#[test]
fn what_makes_no_network_is_named() {
    let numbers = ("backbone_config.out_indices", json!([3, 6, 9, 12]));
    assert!(read(&[]).unwrap_err().contains("out_indices"));
    let names = json!(["stage3", "stage6", "stage9", "stage11"]);
    for (path, value) in [
        ("backbone_config.out_features", names),
        ("backbone_config.out_features", json!(["body"])),
        ("backbone_config.out_indices", json!([3, 6, 9, 13])),
        ("backbone_config.out_indices", json!([3, 9, 6, 12])),
        ("backbone_config.out_indices", json!([3, 6, 9])),
        ("backbone_config.model_type", json!("beit")),
        ("backbone_config.use_swiglu_ffn", json!(true)),
        ("backbone_config.reshape_hidden_states", json!(true)),
        ("backbone_config.num_attention_heads", json!(0)),
        ("backbone_config.num_attention_heads", json!(7)),
        ("backbone_config.num_hidden_layers", json!(1_000_000_000)),
        ("backbone_config.patch_size", json!(0)),
        ("backbone_config.mlp_ratio", json!(1e9)),
        ("patch_size", json!(16)),
        ("reassemble_factors", json!([4, 2, 1, 0])),
        ("reassemble_factors", json!([4, 1.5, 1, 0.5])),
        ("neck_hidden_sizes", json!([4, 4, 4])),
        ("neck_hidden_sizes", json!([4, 4, 4, 0])),
        ("fusion_hidden_size", json!(1)),
        ("head_in_index", json!(0)),
        ("depth_estimation_type", json!("absolute")),
        ("max_depth", json!(-1)),
    ] {
        let error = read(&[numbers.clone(), (path, value)]).unwrap_err();
        assert!(error.contains("expected"), "{path}: {error}");
    }
}

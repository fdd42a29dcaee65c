//! Every variable of both students learns: its gradient is there, finite, not zero, and agrees with
//! finite differences; and a step of the optimizer lowers the loss.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use rand::{Rng, SeedableRng};
use sdvp_models::architectures::{
    EncoderConfig, ImageTowerConfig, OwlVit, OwlVitConfig, TextTowerConfig, Vilt, ViltConfig,
};
use sdvp_models::layers::Activation;
use sdvp_models::optimizer::{AdamW, AdamWConfig, Schedule};
use sdvp_models::params::{Builder, Params};
use sdvp_models::{Result, gradient_check};

fn encoder() -> EncoderConfig {
    EncoderConfig {
        hidden_size: 16,
        intermediate_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        hidden_act: Activation::Gelu,
        layer_norm_eps: 1e-5,
    }
}

fn owlvit() -> OwlVitConfig {
    OwlVitConfig {
        generation: Default::default(),
        text_config: TextTowerConfig {
            vocab_size: 12,
            max_position_embeddings: 5,
            encoder: encoder(),
        },
        vision_config: ImageTowerConfig {
            image_size: 12,
            patch_size: 4,
            encoder: encoder(),
        },
        projection_dim: 8,
        believed: sdvp_models::Calibration::default(),
        same_object_iou: None,
    }
}

fn vilt() -> ViltConfig {
    ViltConfig {
        vocab_size: 12,
        max_position_embeddings: 5,
        image_size: 12,
        patch_size: 4,
        answers: ["yes", "no", "dog"].map(str::to_owned).to_vec(),
        encoder: encoder(),
    }
}

/// Numbers between -1 and 1 from a seed.
fn numbers(shape: &[usize], seed: u64) -> Tensor {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Fresh parameters are small on purpose; larger ones make gradients that differences can see.
fn enlarge(params: &Params, seed: u64) {
    for (index, (_, var)) in params.trainable().into_iter().enumerate() {
        let noise = (numbers(var.dims(), seed + index as u64) * 0.3).unwrap();
        var.set(&(var.as_tensor() + noise).unwrap()).unwrap();
    }
}

fn agree(params: &Params, loss: impl Fn() -> Result<Tensor>, exempt: &[&str]) {
    let reports = gradient_check::check(params, loss, 3, 11).unwrap();
    assert!(reports.len() >= params.trainable().len());
    for report in reports {
        if exempt.iter().any(|name| report.name.contains(name)) {
            continue;
        }
        assert!(
            report.fault.is_none(),
            "{}: {:?}",
            report.name,
            report.fault
        );
        assert!(report.relative_error < 0.05, "{report:?}");
    }
}

#[test]
fn every_variable_of_owlvit_learns() {
    let b = Builder::fresh(1, &Device::Cpu);
    let network = OwlVit::new(&owlvit(), &b).unwrap();
    let params = b.finish().unwrap();
    enlarge(&params, 2);
    let pixels = numbers(&[2, 3, 12, 12], 3);
    let ids = Tensor::new(&[[2u32, 5, 6, 9, 11], [2, 7, 8, 10, 11]], &Device::Cpu).unwrap();
    let probe = numbers(&[2, 9, 2], 4);
    let box_probe = numbers(&[2, 9, 4], 5);
    let loss = || -> Result<Tensor> {
        let features = network.image_features(&pixels)?;
        let queries = network.text_queries(&ids, &[4, 4])?;
        let scores = (network.logits(&features, &queries)? * &probe)?.sum_all()?;
        Ok((scores + (&features.boxes * &box_probe)?.sum_all()?)?)
    };
    // A bias of keys moves all scores of a query alike, which softmax does not see.
    agree(&params, loss, &["k_proj.bias"]);
}

#[test]
fn every_variable_of_vilt_learns() {
    let b = Builder::fresh(1, &Device::Cpu);
    let network = Vilt::new(&vilt(), &b).unwrap();
    let params = b.finish().unwrap();
    enlarge(&params, 2);
    let pixels = numbers(&[2, 3, 12, 12], 3);
    let ids = Tensor::new(&[[2u32, 5, 6, 9, 11], [2, 7, 8, 11, 0]], &Device::Cpu).unwrap();
    let mask = Tensor::new(
        &[[1f32, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 0.0]],
        &Device::Cpu,
    )
    .unwrap();
    let probe = numbers(&[2, 3], 4);
    let loss =
        || -> Result<Tensor> { Ok((network.logits(&ids, &mask, &pixels)? * &probe)?.sum_all()?) };
    agree(&params, loss, &["key.bias"]);
}

#[test]
fn padding_changes_nothing() {
    let b = Builder::fresh(1, &Device::Cpu);
    let network = Vilt::new(&vilt(), &b).unwrap();
    let pixels = numbers(&[1, 3, 12, 12], 3);
    let short = Tensor::new(&[[2u32, 5, 11]], &Device::Cpu).unwrap();
    let long = Tensor::new(&[[2u32, 5, 11, 0, 0]], &Device::Cpu).unwrap();
    let answer = |ids: &Tensor, mask: &[f32]| {
        let mask = Tensor::from_slice(mask, (1, mask.len()), &Device::Cpu).unwrap();
        network
            .logits(ids, &mask, &pixels)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    };
    let (a, b) = (
        answer(&short, &[1.0; 3]),
        answer(&long, &[1.0, 1.0, 1.0, 0.0, 0.0]),
    );
    assert!(
        a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5),
        "{a:?} {b:?}"
    );
}

#[test]
fn logits_alone_are_those_beside_the_patches() {
    let b = Builder::fresh(1, &Device::Cpu);
    let network = Vilt::new(&vilt(), &b).unwrap();
    let pixels = numbers(&[2, 3, 12, 12], 3);
    let ids = Tensor::new(&[[2u32, 5, 6, 11], [2, 7, 11, 0]], &Device::Cpu).unwrap();
    let mask = [[1f32, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]];
    let mask = Tensor::new(&mask, &Device::Cpu).unwrap();
    let beside = network.forward(&ids, &mask, &pixels).unwrap().logits;
    let alone = network.logits(&ids, &mask, &pixels).unwrap();
    let gap = (beside - alone).unwrap().abs().unwrap();
    let gap = gap.max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(gap < 1e-6, "{gap}");
}

#[test]
fn steps_lower_the_loss() {
    let b = Builder::fresh(5, &Device::Cpu);
    let network = Vilt::new(&vilt(), &b).unwrap();
    let params = b.finish().unwrap();
    let schedule = Schedule {
        warmup_steps: 2,
        total_steps: 60,
        min_ratio: 0.1,
    };
    let config = AdamWConfig {
        learning_rate: 1e-2,
        ..AdamWConfig::default()
    };
    let mut optimizer = AdamW::new(&params, config, schedule).unwrap();
    let pixels = numbers(&[3, 3, 12, 12], 3);
    let ids = Tensor::new(&[[2u32, 5, 11], [2, 6, 11], [2, 7, 11]], &Device::Cpu).unwrap();
    let mask = Tensor::ones((3, 3), DType::F32, &Device::Cpu).unwrap();
    let right = Tensor::new(&[[0u32], [1], [2]], &Device::Cpu).unwrap();
    let loss = || {
        let logits = network.logits(&ids, &mask, &pixels).unwrap();
        let log = sdvp_models::layers::log_softmax(&logits).unwrap();
        log.gather(&right, 1)
            .unwrap()
            .mean_all()
            .unwrap()
            .neg()
            .unwrap()
    };
    let before = loss().to_scalar::<f32>().unwrap();
    for _ in 0..60 {
        optimizer.step(&loss()).unwrap();
    }
    let after = loss().to_scalar::<f32>().unwrap();
    assert!(before > 1.0 && after < 0.1, "{before} to {after}");
}

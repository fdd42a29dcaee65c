//! The network of the training-step bench; `tools/bench_training_step.py` builds the same.

use anyhow::Result;
use candle_core::{D, Device, Tensor};
use sdvp_models::layers::{Attention, AttentionNames, LayerNorm, Linear, gelu, log_softmax};
use sdvp_models::params::{Builder, Init, Params};

pub(crate) const BATCH: usize = 64;
pub(crate) const SIDE: usize = 64;
pub(crate) const CLASSES: usize = 100;
const PATCH: usize = 8;
const DIM: usize = 128;
const HEADS: usize = 4;
const INNER: usize = 512;
const LAYERS: usize = 4;
const EPS: f64 = 1e-5;

struct Layer {
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
}

/// A pre-norm vision transformer that classifies by its first token.
pub(crate) struct Vit {
    patches: Linear,
    class: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    head: Linear,
}

impl Vit {
    pub(crate) fn new(seed: u64, device: &Device) -> Result<(Self, Params)> {
        let b = Builder::fresh(seed, device);
        let tokens = (SIDE / PATCH).pow(2) + 1;
        let names = AttentionNames {
            query: "q",
            key: "k",
            value: "v",
            output: "out",
        };
        let layer = |index: usize| -> Result<Layer> {
            let b = b.pp("layers").pp(index);
            Ok(Layer {
                norm1: LayerNorm::new(DIM, EPS, &b.pp("norm1"))?,
                attention: Attention::new(DIM, HEADS, &b.pp("attention"), names)?,
                norm2: LayerNorm::new(DIM, EPS, &b.pp("norm2"))?,
                mlp_in: Linear::new(DIM, INNER, true, &b.pp("mlp_in"))?,
                mlp_out: Linear::new(INNER, DIM, true, &b.pp("mlp_out"))?,
            })
        };
        let vit = Self {
            patches: Linear::new(3 * PATCH * PATCH, DIM, true, &b.pp("patches"))?,
            class: b.get((1, 1, DIM), "class", Init::Normal(0.02))?,
            positions: b.get((1, tokens, DIM), "positions", Init::Normal(0.02))?,
            layers: (0..LAYERS).map(layer).collect::<Result<_>>()?,
            norm: LayerNorm::new(DIM, EPS, &b.pp("norm"))?,
            head: Linear::new(DIM, CLASSES, true, &b.pp("head"))?,
        };
        Ok((vit, b.finish()?))
    }

    /// Mean cross-entropy of `pixels` `[batch, 3, side, side]` and `labels` `[batch]`.
    pub(crate) fn loss(&self, pixels: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let (batch, cells) = (pixels.dim(0)?, SIDE / PATCH);
        let patches = pixels
            .reshape(vec![batch, 3, cells, PATCH, cells, PATCH])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .reshape((batch, cells * cells, 3 * PATCH * PATCH))?;
        let class = self.class.broadcast_as((batch, 1, DIM))?;
        let x = Tensor::cat(&[&class, &self.patches.forward(&patches)?], 1)?;
        let mut x = x.broadcast_add(&self.positions)?;
        for layer in &self.layers {
            x = (&x
                + layer
                    .attention
                    .forward(&layer.norm1.forward(&x)?, None, false)?)?;
            let inner = gelu(&layer.mlp_in.forward(&layer.norm2.forward(&x)?)?)?;
            x = (&x + layer.mlp_out.forward(&inner)?)?;
        }
        let first = self.norm.forward(&x.narrow(1, 0, 1)?.squeeze(1)?)?;
        let log_probabilities = log_softmax(&self.head.forward(&first)?)?;
        let of_labels = log_probabilities.gather(&labels.unsqueeze(1)?, D::Minus1)?;
        Ok(of_labels.mean_all()?.neg()?)
    }
}

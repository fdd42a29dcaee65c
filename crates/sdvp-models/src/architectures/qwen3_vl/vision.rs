//! The image encoder: patches of a picture of any shape, with states of some layers beside those of
//! the last (Meng et al. 2024, "DeepStack").

use super::positions::{interpolated, vision_rotation};
use super::{PatchGrid, Qwen3VlVisionConfig};
use crate::error::{ModelError, Result};
use crate::layers::{
    Activation, CompactLinear, LayerNorm, Rotation, compact_linear, gelu, self_attention,
};
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// The number added before a norm's root is drawn.
const EPS: f64 = 1e-6;

/// What the decoder is given of a picture, token by token in the order of rows.
#[derive(Clone)]
pub struct PictureStates {
    /// `[tokens, hidden]`, in the place of words.
    pub(super) tokens: Tensor,
    /// What is added to the states after each of the decoder's first layers, `[tokens, hidden]`.
    pub(super) added: Vec<Tensor>,
    /// The patches it was made of.
    pub(super) grid: PatchGrid,
}

impl PictureStates {
    /// All numbers in one row.
    ///
    /// # Errors
    /// If they cannot be read back from their device.
    pub fn to_row(&self) -> Result<Vec<f32>> {
        let mut parts = vec![&self.tokens];
        parts.extend(&self.added);
        Ok(Tensor::cat(&parts, 0)?.flatten_all()?.to_vec1()?)
    }
}

struct Block {
    norm_before_attention: LayerNorm,
    packed: CompactLinear,
    output: CompactLinear,
    norm_before_mlp: LayerNorm,
    mlp_in: CompactLinear,
    mlp_out: CompactLinear,
    activation: Activation,
    heads: usize,
}

impl Block {
    fn new(config: &Qwen3VlVisionConfig, b: &Builder) -> Result<Self> {
        let (hidden, inner) = (config.hidden, config.inner);
        Ok(Self {
            norm_before_attention: LayerNorm::new(hidden, EPS, &b.pp("norm1"))?,
            packed: CompactLinear::new(hidden, 3 * hidden, true, &b.pp("attn.qkv"))?,
            output: CompactLinear::new(hidden, hidden, true, &b.pp("attn.proj"))?,
            norm_before_mlp: LayerNorm::new(hidden, EPS, &b.pp("norm2"))?,
            mlp_in: CompactLinear::new(hidden, inner, true, &b.pp("mlp.linear_fc1"))?,
            mlp_out: CompactLinear::new(inner, hidden, true, &b.pp("mlp.linear_fc2"))?,
            activation: config.activation,
            heads: config.heads,
        })
    }

    fn attended(&self, x: &Tensor, rotation: &Rotation) -> Result<Tensor> {
        let (patches, hidden) = x.dims2()?;
        let packed = self.packed.forward(x)?;
        // Heads side by side become heads one after another.
        let part = |at: usize| {
            packed
                .narrow(1, at * hidden, hidden)?
                .reshape((patches, self.heads, hidden / self.heads))?
                .transpose(0, 1)?
                .contiguous()
        };
        let (q, k) = (rotation.apply(&part(0)?)?, rotation.apply(&part(1)?)?);
        let mixed = self_attention(&q, &k, &part(2)?)?;
        let mixed = mixed.transpose(0, 1)?.reshape((patches, hidden))?;
        self.output.forward(&mixed)
    }

    fn forward(&self, x: &Tensor, rotation: &Rotation) -> Result<Tensor> {
        let attended = self.attended(&self.norm_before_attention.forward(x)?, rotation)?;
        let x = (x + attended)?;
        let inner = self.mlp_in.forward(&self.norm_before_mlp.forward(&x)?)?;
        let mlp = self.mlp_out.forward(&self.activation.apply(&inner)?)?;
        Ok((x + mlp)?)
    }
}

/// Makes one token of a square of patches.
struct Merger {
    norm: LayerNorm,
    /// Whether the norm is of the square rather than of each patch.
    of_squares: bool,
    width: usize,
    inner: CompactLinear,
    output: CompactLinear,
}

impl Merger {
    fn new(
        config: &Qwen3VlVisionConfig,
        output: usize,
        of_squares: bool,
        b: &Builder,
    ) -> Result<Self> {
        let width = config.hidden * config.merge * config.merge;
        let normed = if of_squares { width } else { config.hidden };
        Ok(Self {
            norm: LayerNorm::new(normed, EPS, &b.pp("norm"))?,
            of_squares,
            width,
            inner: CompactLinear::new(width, width, true, &b.pp("linear_fc1"))?,
            output: CompactLinear::new(width, output, true, &b.pp("linear_fc2"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = if self.of_squares {
            self.norm.forward(&x.reshape(((), self.width))?)?
        } else {
            self.norm.forward(x)?.reshape(((), self.width))?
        };
        self.output.forward(&gelu(&self.inner.forward(&x)?)?)
    }
}

pub(super) struct VisionTower {
    config: Qwen3VlVisionConfig,
    patch: Tensor,
    patch_bias: Tensor,
    positions: Tensor,
    blocks: Vec<Block>,
    merger: Merger,
    deepstack: Vec<Merger>,
}

impl VisionTower {
    /// Under the builder's path; tokens are `output` wide.
    pub(super) fn new(config: &Qwen3VlVisionConfig, output: usize, b: &Builder) -> Result<Self> {
        let (hidden, side) = (config.hidden, config.patch);
        let embedding = b.pp("patch_embed.proj");
        let patch = embedding.stored((hidden, 3, config.frames, side, side), "weight")?;
        let added = (0..config.deepstack.len())
            .map(|i| Merger::new(config, output, true, &b.pp("deepstack_merger_list").pp(i)));
        Ok(Self {
            config: config.clone(),
            // All frames of a still picture are the same.
            patch: patch
                .to_dtype(candle_core::DType::F32)?
                .sum(2)?
                .reshape((hidden, 3 * side * side))?,
            patch_bias: embedding.get(hidden, "bias", Init::Zeros)?,
            positions: b
                .pp("pos_embed")
                .stored((config.places * config.places, hidden), "weight")?,
            blocks: (0..config.layers)
                .map(|i| Block::new(config, &b.pp("blocks").pp(i)))
                .collect::<Result<_>>()?,
            merger: Merger::new(config, output, false, &b.pp("merger"))?,
            deepstack: added.collect::<Result<_>>()?,
        })
    }

    /// Of patches `[patches, 3 · side²]`, square by square.
    pub(super) fn states(&self, patches: &Tensor, grid: PatchGrid) -> Result<PictureStates> {
        let config = &self.config;
        let width = 3 * config.patch * config.patch;
        let whole =
            grid.rows.is_multiple_of(config.merge) && grid.columns.is_multiple_of(config.merge);
        if grid.patches() == 0 || !whole || patches.dims() != [grid.patches(), width] {
            return Err(ModelError::Config(format!(
                "expected patches [{}, {width}] in squares of {1} × {1}, found {2:?} of {grid:?}",
                grid.patches(),
                config.merge,
                patches.dims()
            )));
        }
        let rotation = vision_rotation(config, grid, patches.device())?;
        let mut x = compact_linear(patches, &self.patch)?.broadcast_add(&self.patch_bias)?;
        x = (x + interpolated(&self.positions, config, grid)?)?;
        let mut added = Vec::with_capacity(self.deepstack.len());
        for (layer, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x, &rotation)?;
            let mergers = self.deepstack.iter().zip(&config.deepstack);
            for (merger, _) in mergers.filter(|(_, at)| **at == layer) {
                added.push(merger.forward(&x)?);
            }
        }
        Ok(PictureStates {
            tokens: self.merger.forward(&x)?,
            added,
            grid,
        })
    }
}

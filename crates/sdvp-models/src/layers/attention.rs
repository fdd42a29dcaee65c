//! Multi-head attention.

use super::{Linear, softmax};
use crate::error::{ModelError, Result};
use crate::kernels;
use crate::params::Builder;
use crate::products::product;
use candle_core::{DType, Device, Tensor};

/// What a checkpoint calls the four projections.
#[derive(Clone, Copy, Debug)]
pub struct AttentionNames {
    /// To queries.
    pub query: &'static str,
    /// To keys.
    pub key: &'static str,
    /// To values.
    pub value: &'static str,
    /// Of the heads' results.
    pub output: &'static str,
}

/// Self-attention with its projections.
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
}

impl Attention {
    /// Four linear layers of `dim`, under the given names.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(dim: usize, heads: usize, b: &Builder, names: AttentionNames) -> Result<Self> {
        check_heads(dim, heads)?;
        let projection = |name: &str| Linear::new(dim, dim, true, &b.pp(name));
        Ok(Self {
            query: projection(names.query)?,
            key: projection(names.key)?,
            value: projection(names.value)?,
            output: projection(names.output)?,
            heads,
        })
    }

    /// `x` is `[batch, tokens, dim]`; `key_mask` `[batch, tokens]` is 0 where a token is hidden;
    /// `causal` hides later tokens.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor, key_mask: Option<&Tensor>, causal: bool) -> Result<Tensor> {
        self.output.forward(&self.mixed(x, key_mask, causal)?)
    }

    /// As [`Attention::forward`], for the first token alone: `[batch, 1, dim]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward_first(&self, x: &Tensor, key_mask: Option<&Tensor>) -> Result<Tensor> {
        let mixed = self.mixed(x, key_mask, false)?;
        self.output.forward(&mixed.narrow(1, 0, 1)?.contiguous()?)
    }

    /// For texts that grow: the newest token of each, `[texts, 1, dim]`, looks at itself and at all
    /// before it, whose keys and values `earlier` holds and grows by.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward_next(&self, x: &Tensor, earlier: &mut Option<KeysValues>) -> Result<Tensor> {
        let q = self.query.forward(x)?;
        let newest = KeysValues {
            keys: self.key.forward(x)?,
            values: self.value.forward(x)?,
        };
        let all = match earlier.take() {
            None => newest,
            Some(earlier) => KeysValues {
                keys: Tensor::cat(&[&earlier.keys, &newest.keys], 1)?,
                values: Tensor::cat(&[&earlier.values, &newest.values], 1)?,
            },
        };
        let mixed = attention(&q, &all.keys, &all.values, self.heads, None, false)?;
        *earlier = Some(all);
        self.output.forward(&mixed)
    }

    /// What the heads bring together, before it is projected.
    fn mixed(&self, x: &Tensor, key_mask: Option<&Tensor>, causal: bool) -> Result<Tensor> {
        if kernels::fits(x) {
            let packed = self.packed(x)?;
            Ok(kernels::packed_attention(
                &packed, self.heads, key_mask, causal,
            )?)
        } else {
            let (q, k, v) = (
                self.query.forward(x)?,
                self.key.forward(x)?,
                self.value.forward(x)?,
            );
            attention(&q, &k, &v, self.heads, key_mask, causal)
        }
    }

    /// Queries, keys and values side by side; one matrix product where the layers are plain.
    fn packed(&self, x: &Tensor) -> Result<Tensor> {
        Linear::side_by_side(&[&self.query, &self.key, &self.value], x)
    }
}

/// Self-attention whose queries, keys and values are one linear layer.
pub struct PackedAttention {
    packed: Linear,
    output: Linear,
    heads: usize,
}

impl PackedAttention {
    /// A linear layer `dim` → `3 dim` and one of `dim`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(dim: usize, heads: usize, packed: &Builder, output: &Builder) -> Result<Self> {
        check_heads(dim, heads)?;
        Ok(Self {
            packed: Linear::new(dim, 3 * dim, true, packed)?,
            output: Linear::new(dim, dim, true, output)?,
            heads,
        })
    }

    /// `x` is `[batch, tokens, dim]`; every token looks at every other.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let packed = self.packed.forward(x)?;
        let mixed = if kernels::fits(&packed) {
            kernels::packed_attention(&packed, self.heads, None, false)?
        } else {
            let dim = x.dim(2)?;
            let part = |at: usize| packed.narrow(2, at * dim, dim)?.contiguous();
            attention(&part(0)?, &part(1)?, &part(2)?, self.heads, None, false)?
        };
        self.output.forward(&mixed)
    }
}

/// Attention of one sequence to another.
pub struct CrossAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
}

impl CrossAttention {
    /// Four linear layers under the given names: of what looks, `dim` wide, and of what is looked at,
    /// `other` wide.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(
        dim: usize,
        other: usize,
        heads: usize,
        b: &Builder,
        names: AttentionNames,
    ) -> Result<Self> {
        check_heads(dim, heads)?;
        let projection = |from: usize, name: &str| Linear::new(from, dim, true, &b.pp(name));
        Ok(Self {
            query: projection(dim, names.query)?,
            key: projection(other, names.key)?,
            value: projection(other, names.value)?,
            output: projection(dim, names.output)?,
            heads,
        })
    }

    /// What there is to be seen of `others` `[batch, others, other]`, whoever looks.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn keys_values(&self, others: &Tensor) -> Result<KeysValues> {
        Ok(KeysValues {
            keys: self.key.forward(others)?,
            values: self.value.forward(others)?,
        })
    }

    /// `x` `[batch, tokens, dim]` looks at others, of which `mask` `[batch, others]` is 0 where one is
    /// hidden. Where there are fewer others than `batch`, as many rows of `x` after one another look
    /// at each.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(
        &self,
        x: &Tensor,
        others: &KeysValues,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (batch, tokens, dim) = x.dims3()?;
        let KeysValues { keys, values } = others;
        // Rows that look at the same are one long text.
        let looked_at = keys.dim(0)?;
        let q = self.query.forward(x)?.reshape((looked_at, (), dim))?;
        let mixed = attention(&q, keys, values, self.heads, mask, false)?;
        self.output.forward(&mixed.reshape((batch, tokens, dim))?)
    }
}

/// Keys and values of tokens that are looked at, `[batch, tokens, dim]` each.
#[derive(Clone, Debug)]
pub struct KeysValues {
    keys: Tensor,
    values: Tensor,
}

impl KeysValues {
    /// Those of the given rows of the batch, in their order.
    ///
    /// # Errors
    /// If there is no such row.
    pub fn rows(&self, rows: &Tensor) -> Result<Self> {
        Ok(Self {
            keys: self.keys.index_select(rows, 0)?,
            values: self.values.index_select(rows, 0)?,
        })
    }
}

/// Whether so many heads share a width.
fn check_heads(dim: usize, heads: usize) -> Result<()> {
    if heads > 0 && dim.is_multiple_of(heads) {
        return Ok(());
    }
    Err(ModelError::Config(format!(
        "expected a number of attention heads that divides the width {dim}, found {heads}"
    )))
}

/// `softmax(q kᵀ / √d) v` of one head, `[batch, tokens, d]` each; every token looks at every other.
///
/// # Errors
/// If shapes do not fit.
pub(crate) fn self_attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    if kernels::fits(q) {
        let packed = Tensor::cat(&[q, k, v], 2)?;
        Ok(kernels::packed_attention(&packed, 1, None, false)?)
    } else {
        attention(q, k, v, 1, None, false)
    }
}

/// `softmax(q kᵀ / √d) v` for each head; `q` `[batch, queries, dim]`, `k` and `v`
/// `[batch, keys, dim]`, as many keys as queries if `causal`.
///
/// # Errors
/// If shapes do not fit.
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    key_mask: Option<&Tensor>,
    causal: bool,
) -> Result<Tensor> {
    let (batch, tokens, dim) = q.dims3()?;
    check_heads(dim, heads)?;
    let split = |x: &Tensor| {
        x.reshape((batch, x.dim(1)?, heads, dim / heads))?
            .transpose(1, 2)?
            .contiguous()
    };
    let scale = 1.0 / ((dim / heads) as f64).sqrt();
    let scores = (product(&split(q)?, &split(k)?.t()?)? * scale)?;
    let weights = match visible(key_mask, causal, k.dim(1)?, q.device())? {
        None => softmax(&scores)?,
        Some(visible) => {
            let hidden = ((&visible - 1.0)? * 1e9)?;
            // The product matters where nothing is visible: 0, as in the fused path, rather than
            // the mean of what is hidden.
            softmax(&scores.broadcast_add(&hidden)?)?.broadcast_mul(&visible)?
        }
    };
    let mixed = product(&weights, &split(v)?)?;
    Ok(mixed.transpose(1, 2)?.reshape((batch, tokens, dim))?)
}

/// 1 where a query may look at a key and 0 elsewhere, of a shape that broadcasts over
/// `[batch, heads, queries, keys]`; none if everything may be looked at.
fn visible(
    key_mask: Option<&Tensor>,
    causal: bool,
    tokens: usize,
    device: &Device,
) -> Result<Option<Tensor>> {
    let keys = match key_mask {
        Some(mask) => Some(
            mask.detach()
                .reshape((mask.dim(0)?, 1, 1, tokens))?
                .ne(0.0)?
                .to_dtype(DType::F32)?,
        ),
        None => None,
    };
    if !causal {
        return Ok(keys);
    }
    let earlier: Vec<f32> = (0..tokens)
        .flat_map(|query| (0..tokens).map(move |key| f32::from(u8::from(key <= query))))
        .collect();
    let earlier = Tensor::from_vec(earlier, (1, 1, tokens, tokens), device)?;
    Ok(Some(match keys {
        Some(keys) => keys.broadcast_mul(&earlier)?,
        None => earlier,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::Var;

    #[test]
    fn fused_and_composite_attention_agree_forward_and_backward() {
        let device = Device::Cpu;
        let (batch, tokens, width, heads) = (3, 9, 16, 4);
        let packed = Var::randn(0f32, 1f32, (batch, tokens, 3 * width), &device).unwrap();
        let mut mask = vec![1f32; batch * tokens];
        mask[3] = 0.0;
        mask[tokens + 8] = 0.0;
        let mask = Tensor::from_vec(mask, (batch, tokens), &device).unwrap();
        let probe = Tensor::randn(0f32, 1f32, (batch, tokens, width), &device).unwrap();
        for causal in [false, true] {
            for key_mask in [None, Some(&mask)] {
                let part = |i: usize| {
                    packed
                        .narrow(2, i * width, width)
                        .unwrap()
                        .contiguous()
                        .unwrap()
                };
                let slow =
                    attention(&part(0), &part(1), &part(2), heads, key_mask, causal).unwrap();
                let fast = kernels::packed_attention(&packed, heads, key_mask, causal).unwrap();
                assert!(gap(&slow, &fast) < 1e-5);
                let gradient = |y: &Tensor| {
                    let loss = (y * &probe).unwrap().sum_all().unwrap();
                    loss.backward().unwrap().get(&packed).unwrap().clone()
                };
                assert!(gap(&gradient(&slow), &gradient(&fast)) < 1e-5);
            }
        }
    }

    #[test]
    fn a_query_that_may_see_nothing_gives_zeros() {
        let device = Device::Cpu;
        let packed = Var::randn(0f32, 1f32, (1, 2, 12), &device).unwrap();
        let mask = Tensor::zeros((1, 2), DType::F32, &device).unwrap();
        let y = kernels::packed_attention(&packed, 2, Some(&mask), false).unwrap();
        assert_eq!(
            y.abs()
                .unwrap()
                .sum_all()
                .unwrap()
                .to_scalar::<f32>()
                .unwrap(),
            0.0
        );
        let grads = y.sum_all().unwrap().backward().unwrap();
        let grad = grads
            .get(&packed)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert!(grad.iter().all(|g| *g == 0.0));
        let q = Tensor::randn(0f32, 1f32, (1, 2, 4), &device).unwrap();
        let y = attention(&q, &q, &q, 2, Some(&mask), true).unwrap();
        assert_eq!(
            y.abs()
                .unwrap()
                .sum_all()
                .unwrap()
                .to_scalar::<f32>()
                .unwrap(),
            0.0
        );
    }
}

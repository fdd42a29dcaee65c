//! Masked multi-head attention over packed queries, keys and values; the backward pass computes
//! the probabilities again instead of keeping them.

#![allow(unsafe_code)] // Results are not zeroed before they are written.

use super::exp::exp;
use super::lanes::{sum2, vectorised};
use super::matrix::{Factor, Place, product, write_product};
use super::transpose::transpose;
use super::unwritten::{Unwritten, written};
use super::values;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::sync::Arc;

/// Sizes, and what must not be looked at.
#[derive(Clone)]
struct Plan {
    batch: usize,
    tokens: usize,
    heads: usize,
    width: usize,
    causal: bool,
    /// `[batch, tokens]`, 0 where a key is hidden.
    key_mask: Option<Arc<Vec<f32>>>,
}

vectorised! {
    /// Softmax of every row of a `tokens × tokens` matrix over the keys that may be seen; rows
    /// that may see none become 0.
    fn softmax_rows(scores: &mut [f32], tokens: usize, mask: Option<&[f32]>, causal: bool) {
        for (query, row) in scores.chunks_exact_mut(tokens).enumerate() {
            let seen = if causal { query + 1 } else { tokens };
            let (row, later) = row.split_at_mut(seen);
            later.fill(0.0);
            if let Some(mask) = mask {
                for (score, keep) in row.iter_mut().zip(mask) {
                    if *keep == 0.0 {
                        *score = f32::NEG_INFINITY;
                    }
                }
            }
            let greatest = row.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
            if greatest == f32::NEG_INFINITY {
                row.fill(0.0);
                continue;
            }
            for score in row.iter_mut() {
                let visible = if *score == f32::NEG_INFINITY { 0.0 } else { 1.0 };
                *score = exp(*score - greatest) * visible;
            }
            let total = sum2(row, row, |p, _| p);
            let scale = 1.0 / total;
            for score in row.iter_mut() {
                *score *= scale;
            }
        }
    }
}

vectorised! {
    /// `dS = P ∘ (dP − rowsum(P ∘ dP))`, in place of `dP`.
    fn softmax_backward(p: &[f32], dp: &mut [f32], tokens: usize) {
        for (p, dp) in p.chunks_exact(tokens).zip(dp.chunks_exact_mut(tokens)) {
            let dot = sum2(p, dp, |p, d| p * d);
            for (p, dp) in p.iter().zip(dp.iter_mut()) {
                *dp = p * (*dp - dot);
            }
        }
    }
}

impl Plan {
    fn of(&self, layout: &Layout) -> Result<()> {
        if layout.shape().dims() != [self.batch, self.tokens, 3 * self.width] {
            bail!(
                "attention expected packed values {:?}, found {:?}",
                [self.batch, self.tokens, 3 * self.width],
                layout.shape().dims()
            );
        }
        Ok(())
    }

    fn head_width(&self) -> usize {
        self.width / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_width() as f32).sqrt()
    }

    /// Queries (0), keys (1) or values (2) of a head within one image's packed rows.
    fn part(&self, part: usize, head: usize) -> Place {
        Place {
            start: part * self.width + head * self.head_width(),
            row: 3 * self.width,
            column: 1,
        }
    }

    /// A head's part of one image's rows of the result.
    fn mixed(&self, head: usize) -> Place {
        Place {
            start: head * self.head_width(),
            row: self.width,
            column: 1,
        }
    }

    fn square(&self) -> Place {
        Place {
            start: 0,
            row: self.tokens,
            column: 1,
        }
    }

    /// Space for keys or values of a head, turned.
    fn space(&self) -> Vec<f32> {
        vec![0f32; self.tokens * self.head_width()]
    }

    /// Keys (1) or values (2) of a head within one image's packed rows, turned: `[head width, tokens]`.
    fn turned<'a>(
        &self,
        part: usize,
        head: usize,
        packed: &[f32],
        space: &'a mut [f32],
    ) -> Factor<'a> {
        transpose(packed, self.part(part, head), self.tokens, space);
        (space, Place::rows_of(self.tokens))
    }

    fn probabilities(
        &self,
        (image, head): (usize, usize),
        packed: &[f32],
        p: &mut [f32],
        space: &mut [f32],
    ) {
        let (n, d) = (self.tokens, self.head_width());
        let keys = self.turned(1, head, packed, space);
        let queries = (packed, self.part(0, head));
        product(
            (n, n, d),
            (&mut *p, self.square()),
            queries,
            keys,
            self.scale(),
        );
        let mask = self
            .key_mask
            .as_ref()
            .map(|mask| &mask[image * n..(image + 1) * n]);
        softmax_rows(p, n, mask, self.causal);
    }

    /// `dV = Pᵀ dY`, `dP = dY Vᵀ`, `dQ = dS K / √d`, `dK = dSᵀ Q / √d` of one head, from its
    /// probabilities; `dp` and `space` are for what is between.
    fn head_gradients(
        &self,
        head: usize,
        packed: &[f32],
        grad: &[f32],
        (p, dp, space): (&[f32], &mut [f32], &mut [f32]),
        out: &mut Unwritten,
    ) {
        let (n, d) = (self.tokens, self.head_width());
        let [q, k, v] = [0, 1, 2].map(|part| self.part(part, head));
        let (square, grad) = (self.square(), (grad, self.mixed(head)));
        write_product((n, d, n), (out, v), (p, square.transposed()), grad, 1.0);
        let values = self.turned(2, head, packed, space);
        product((n, n, d), (&mut *dp, square), grad, values, 1.0);
        softmax_backward(p, dp, n);
        let keys = (packed, k);
        write_product((n, d, n), (out, q), (&*dp, square), keys, self.scale());
        let queries = (packed, q);
        let turned = (&*dp, square.transposed());
        write_product((n, d, n), (out, k), turned, queries, self.scale());
    }
}

struct PackedAttention(Plan);
struct PackedAttentionBackward(Plan);

impl CustomOp1 for PackedAttention {
    fn name(&self) -> &'static str {
        "fused attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let plan = &self.0;
        plan.of(layout)?;
        let x = values(storage, layout)?;
        let (n, d, width) = (plan.tokens, plan.head_width(), plan.width);
        let write = |y: &mut Unwritten| {
            y.par_chunks_mut(n * width)
                .zip(x.par_chunks(n * 3 * width))
                .enumerate()
                .for_each_init(
                    || (vec![0f32; n * n], plan.space()),
                    |(p, space), (image, (y, packed))| {
                        for head in 0..plan.heads {
                            plan.probabilities((image, head), packed, p, space);
                            let v = (packed, plan.part(2, head));
                            let into = (&mut *y, plan.mixed(head));
                            write_product((n, d, n), into, (p, plan.square()), v, 1.0);
                        }
                    },
                );
        };
        // SAFETY: the images are all of `y`, and the heads, whose number divides the width, are all
        // of an image's rows; a product is written to each.
        let y = unsafe { written(plan.batch * n * width, write) };
        Ok((CpuStorage::F32(y), (plan.batch, n, width).into()))
    }

    fn bwd(&self, packed: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        packed
            .apply_op2_no_bwd(
                &grad.contiguous()?,
                &PackedAttentionBackward(self.0.clone()),
            )
            .map(Some)
    }
}

impl CustomOp2 for PackedAttentionBackward {
    fn name(&self) -> &'static str {
        "fused attention backward"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        grad: &CpuStorage,
        gl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let plan = &self.0;
        let (x, grad) = (values(x, xl)?, values(grad, gl)?);
        let (n, width) = (plan.tokens, plan.width);
        plan.of(xl)?;
        if 3 * grad.len() != x.len() {
            bail!(
                "attention expected a gradient of {} values, found {}",
                x.len() / 3,
                grad.len()
            );
        }
        let write = |out: &mut Unwritten| {
            out.par_chunks_mut(n * 3 * width)
                .zip(x.par_chunks(n * 3 * width))
                .zip(grad.par_chunks(n * width))
                .enumerate()
                .for_each_init(
                    || (vec![0f32; n * n], vec![0f32; n * n], plan.space()),
                    |(p, dp, space), (image, ((out, packed), grad))| {
                        for head in 0..plan.heads {
                            plan.probabilities((image, head), packed, p, space);
                            plan.head_gradients(head, packed, grad, (p, dp, space), out);
                        }
                    },
                );
        };
        // SAFETY: the images are all of `out`, and the queries, keys and values of the heads, whose
        // number divides the width, are all of an image's rows; a product is written to each.
        let out = unsafe { written(x.len(), write) };
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

/// `softmax(q kᵀ / √d) v` for each head of `packed` `[batch, tokens, 3 · width]` (queries, keys,
/// values); gives `[batch, tokens, width]`. `key_mask` `[batch, tokens]` is 0 where a key is hidden.
pub(crate) fn packed_attention(
    packed: &Tensor,
    heads: usize,
    key_mask: Option<&Tensor>,
    causal: bool,
) -> Result<Tensor> {
    let (batch, tokens, width) = packed.dims3()?;
    if heads == 0 || width % (3 * heads) != 0 {
        bail!(
            "attention expected a width that {heads} heads divide, found {}",
            width / 3
        );
    }
    let key_mask = match key_mask {
        None => None,
        Some(mask) if mask.dims() == [batch, tokens] => {
            Some(Arc::new(mask.detach().flatten_all()?.to_vec1::<f32>()?))
        }
        Some(mask) => bail!(
            "attention expected a mask {:?}, found {:?}",
            [batch, tokens],
            mask.dims()
        ),
    };
    let plan = Plan {
        batch,
        tokens,
        heads,
        width: width / 3,
        causal,
        key_mask,
    };
    packed.contiguous()?.apply_op1(PackedAttention(plan))
}

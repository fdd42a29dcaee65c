//! `y = x Wᵀ` for a weight that is held in half or single precision. Pieces of its rows are made
//! single precision one by one, where they are needed, so that nothing is lost of it and a large
//! network fits into half the memory.

use super::lanes::{sum2, vectorised};
use super::matrix::{Place, add_product, product};
use super::sums::in_order;
use super::transpose::transposed;
use super::values;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of the weight that one piece of work takes: of common widths, as many as stay in a core's
/// cache.
const PIECE: usize = 64;
/// Up to so many rows of the input, a row of the weight is read once and multiplied with each.
const FEW: usize = 4;

/// A weight as it is held.
enum Held<'a> {
    Single(&'a [f32]),
    Half(&'a [f16]),
    Brain(&'a [bf16]),
}

vectorised! {
    /// The upper half of a single-precision number is the number in bfloat16.
    fn widened(from: &[bf16], into: &mut [f32]) {
        for (into, from) in into.iter_mut().zip(from) {
            *into = f32::from_bits(u32::from(from.to_bits()) << 16);
        }
    }
}

vectorised! {
    /// `y = w xᵀ` for `x` of few rows, all rows of one length.
    fn products(w: &[f32], x: &[f32], length: usize, y: &mut [f32]) {
        let rows = x.len() / length;
        for (w, y) in w.chunks_exact(length).zip(y.chunks_exact_mut(rows)) {
            for (x, y) in x.chunks_exact(length).zip(y) {
                *y = sum2(w, x, |w, x| w * x);
            }
        }
    }
}

impl<'a> Held<'a> {
    fn of(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a compact linear layer expected a contiguous weight");
        };
        Ok(match storage {
            CpuStorage::F32(values) => Self::Single(&values[start..end]),
            CpuStorage::F16(values) => Self::Half(&values[start..end]),
            CpuStorage::BF16(values) => Self::Brain(&values[start..end]),
            _ => bail!("a compact linear layer expected a weight in f32, f16 or bf16"),
        })
    }

    /// A part in single precision; `space` is for it if it has to be made.
    fn single<'s>(&'s self, part: Range<usize>, space: &'s mut Vec<f32>) -> &'s [f32] {
        space.resize(part.len(), 0.0);
        match self {
            Self::Single(values) => return &values[part],
            Self::Half(values) => values[part].convert_to_f32_slice(space),
            Self::Brain(values) => widened(&values[part], space),
        }
        space
    }
}

struct CompactLinear;

impl CustomOp2 for CompactLinear {
    fn name(&self) -> &'static str {
        "compact linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (&[rows, input], &[output, columns]) = (xl.dims(), wl.dims()) else {
            bail!(
                "a compact linear layer expected two matrices, found {:?} and {:?}",
                xl.dims(),
                wl.dims()
            );
        };
        if input != columns {
            bail!(
                "a compact linear layer expected a weight [_, {input}], found {:?}",
                wl.dims()
            );
        }
        let (x, held) = (values(x, xl)?, Held::of(w, wl)?);
        let mut y = vec![0f32; rows * output];
        if y.is_empty() || input == 0 {
            return Ok((CpuStorage::F32(y), (rows, output).into()));
        }
        let turned = if rows > FEW {
            transposed(x, rows)
        } else {
            Vec::new()
        };
        // Column by column: the pieces are one after another.
        y.par_chunks_mut(PIECE * rows)
            .enumerate()
            .for_each_init(Vec::new, |space, (piece, y)| {
                let (first, count) = (piece * PIECE, y.len() / rows);
                let w = held.single(first * input..(first + count) * input, space);
                if rows <= FEW {
                    products(w, x, input, y);
                } else {
                    let (w, x) = (
                        (w, Place::rows_of(input)),
                        (turned.as_slice(), Place::rows_of(rows)),
                    );
                    product((count, rows, input), (y, Place::rows_of(rows)), w, x, 1.0);
                }
            });
        if rows > 1 {
            y = transposed(&y, output);
        }
        Ok((CpuStorage::F32(y), (rows, output).into()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let input = grad.contiguous()?.apply_op2_no_bwd(w, &InputGradient)?;
        Ok((Some(input), None))
    }
}

/// `dx = dy W`. Rows of the weight are shared out in parts whose number does not depend on threads.
struct InputGradient;

/// Parts of which one gradient each is made; they are added in order.
const PARTS: usize = 8;
/// Numbers of them that are in memory at once: of many rows, parts are fewer.
const MOST: usize = 1 << 23;

impl CustomOp2 for InputGradient {
    fn name(&self) -> &'static str {
        "compact linear, gradient of the input"
    }

    fn cpu_fwd(
        &self,
        grad: &CpuStorage,
        gl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (&[rows, output], &[_, input]) = (gl.dims(), wl.dims()) else {
            bail!(
                "a compact linear layer expected two matrices, found {:?} and {:?}",
                gl.dims(),
                wl.dims()
            );
        };
        let (grad, held) = (values(grad, gl)?, Held::of(w, wl)?);
        if rows * input == 0 || output == 0 {
            return Ok((
                CpuStorage::F32(vec![0.0; rows * input]),
                (rows, input).into(),
            ));
        }
        let parts = (MOST / (rows * input)).clamp(1, PARTS);
        let part = output.div_ceil(parts).max(PIECE);
        let parts: Vec<Vec<f32>> = (0..output.div_ceil(part))
            .into_par_iter()
            .map(|at| {
                let (mut dx, mut space) = (vec![0f32; rows * input], Vec::new());
                let end = (at * part + part).min(output);
                for first in (at * part..end).step_by(PIECE) {
                    let count = PIECE.min(end - first);
                    let w = held.single(first * input..(first + count) * input, &mut space);
                    let columns = Place {
                        start: first,
                        ..Place::rows_of(output)
                    };
                    let (grad, w) = ((grad, columns), (w, Place::rows_of(input)));
                    let sizes = (rows, input, count);
                    add_product(sizes, (&mut dx, Place::rows_of(input)), grad, w);
                }
                dx
            })
            .collect();
        let dx = in_order(parts, rows * input);
        Ok((CpuStorage::F32(dx), (rows, input).into()))
    }
}

/// `x Wᵀ` for `x` `[rows, input]` in single precision and `w` `[output, input]` in single or half; the
/// weight gets no gradient.
pub(crate) fn compact_linear(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    x.contiguous()?
        .apply_op2(&w.detach().contiguous()?, CompactLinear)
}

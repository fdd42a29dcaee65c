//! Normalisation of groups of values, then a scale and a shift for each channel. With
//! `x̂ = (x − mean) · r`, `r = 1 / sqrt(variance + ε)` and `u = g · w`, the gradient is
//! `r · (u − mean(u) − x̂ · mean(u · x̂))`.

#![allow(unsafe_code)] // Results are not zeroed before they are written.

use super::lanes::{sum1, sum2, vectorised};
use super::sums::in_order;
use super::unwritten::{Unwritten, written};
use super::values;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Values worked on together, at least one group.
const PIECE: usize = 16 * 1024;

#[inline(always)]
fn moments(group: &[f32], eps: f32) -> (f32, f32) {
    // Sums of pieces, as a single running sum over a large feature map would lose digits.
    let count = group.len() as f32;
    let mean = group.chunks(1024).map(|x| sum1(x, |x| x)).sum::<f32>() / count;
    let squares = |x: &[f32]| sum1(x, |x| (x - mean) * (x - mean));
    let variance = group.chunks(1024).map(squares).sum::<f32>() / count;
    (mean, 1.0 / (variance + eps).sqrt())
}

vectorised! {
    fn forward(x: &[f32], group: usize, w: &[f32], b: &[f32], eps: f32, y: &mut Unwritten) {
        for (y, x) in y.chunks_exact_mut(group).zip(x.chunks_exact(group)) {
            let (mean, r) = moments(x, eps);
            for (y, x) in y.chunks_exact_mut(w.len()).zip(x.chunks_exact(w.len())) {
                for (((y, x), w), b) in y.iter_mut().zip(x).zip(w).zip(b) {
                    y.write((x - mean) * r * w + b);
                }
            }
        }
    }
}

vectorised! {
    /// Writes the input's gradient and adds the parameters' to `sums`: the weight's, then the bias's.
    fn backward(x: &[f32], group: usize, w: &[f32], grad: &[f32], eps: f32, out: &mut [f32], sums: &mut [f32]) {
        let d = w.len();
        let (dw, db) = sums.split_at_mut(d);
        for ((out, x), grad) in out.chunks_exact_mut(group).zip(x.chunks_exact(group)).zip(grad.chunks_exact(group)) {
            let (mean, r) = moments(x, eps);
            let (mut total_u, mut total_ux) = (0f32, 0f32);
            for ((out, x), grad) in out.chunks_exact_mut(d).zip(x.chunks_exact(d)).zip(grad.chunks_exact(d)) {
                for (((((out, x), g), w), dw), db) in
                    out.iter_mut().zip(x).zip(grad).zip(w).zip(dw.iter_mut()).zip(db.iter_mut())
                {
                    *out = g * w;
                    *dw += g * (x - mean) * r;
                    *db += g;
                }
                total_u += sum1(out, |u| u);
                total_ux += sum2(out, x, |u, x| u * (x - mean) * r);
            }
            let (mean_u, mean_ux) = (total_u / group as f32, total_ux / group as f32);
            for (out, x) in out.iter_mut().zip(x) {
                *out = r * (*out - mean_u - (x - mean) * r * mean_ux);
            }
        }
    }
}

/// How many neighbouring values are normalised together, and ε.
#[derive(Clone, Copy)]
struct Norm {
    group: usize,
    eps: f32,
}

impl Norm {
    fn piece(self) -> usize {
        (PIECE / self.group).max(1) * self.group
    }

    fn check(self, x: &Layout, channels: usize) -> Result<()> {
        let count = x.shape().elem_count();
        if channels == 0
            || self.group == 0
            || !count.is_multiple_of(self.group)
            || !self.group.is_multiple_of(channels)
        {
            bail!(
                "a norm of {channels} channels expected groups of {} values, found {:?}",
                self.group,
                x.dims()
            );
        }
        Ok(())
    }
}

struct Gradients(Norm);

impl CustomOp3 for Norm {
    fn name(&self) -> &'static str {
        "fused norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
        b: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w, b) = (values(x, xl)?, values(w, wl)?, values(b, bl)?);
        self.check(xl, w.len())?;
        if b.len() != w.len() {
            bail!("a norm expected {} shifts, found {}", w.len(), b.len());
        }
        let write = |y: &mut Unwritten| {
            y.par_chunks_mut(self.piece())
                .zip(x.par_chunks(self.piece()))
                .for_each(|(y, x)| forward(x, self.group, w, b, self.eps, y));
        };
        // SAFETY: the pieces are all of `y`; each is whole groups, and these whole rows of channels,
        // as was checked, and every channel is written.
        let y = unsafe { written(x.len(), write) };
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let all = x.apply_op3_no_bwd(w, &grad.contiguous()?, &Gradients(*self))?;
        let (count, channels) = (x.elem_count(), w.elem_count());
        let part = |start: usize, like: &Tensor| {
            all.narrow(0, start, like.elem_count())?
                .reshape(like.shape())
        };
        Ok((
            Some(part(0, x)?),
            Some(part(count, w)?),
            Some(part(count + channels, w)?),
        ))
    }
}

impl CustomOp3 for Gradients {
    fn name(&self) -> &'static str {
        "fused norm, gradients"
    }

    /// The gradients of the input, the weight and the bias, one after the other.
    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
        grad: &CpuStorage,
        gl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w, grad) = (values(x, xl)?, values(w, wl)?, values(grad, gl)?);
        let (norm, channels) = (self.0, w.len());
        let mut all = vec![0f32; x.len() + 2 * channels];
        let (dx, parameters) = all.split_at_mut(x.len());
        let parts = dx
            .par_chunks_mut(norm.piece())
            .zip(x.par_chunks(norm.piece()))
            .zip(grad.par_chunks(norm.piece()))
            .map(|((dx, x), grad)| {
                let mut sums = vec![0f32; 2 * channels];
                backward(x, norm.group, w, grad, norm.eps, dx, &mut sums);
                sums
            })
            .collect();
        parameters.copy_from_slice(&in_order(parts, 2 * channels));
        let count = all.len();
        Ok((CpuStorage::F32(all), count.into()))
    }
}

/// `(x − mean) / sqrt(variance + ε) · w + b`, mean and variance over the last dimension.
pub(crate) fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    let group = w.elem_count();
    if x.dims().last() != Some(&group) {
        bail!(
            "a layer norm expected a last dimension of {group}, found {:?}",
            x.dims()
        );
    }
    normalise(
        x,
        w,
        b,
        Norm {
            group,
            eps: eps as f32,
        },
    )
}

/// The same for `[batch, …, channels]` with mean and variance over all but the batch.
pub(crate) fn image_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    if x.rank() < 2 || x.dims().last() != Some(&w.elem_count()) {
        bail!(
            "a norm of {} channels expected them last, found {:?}",
            w.elem_count(),
            x.dims()
        );
    }
    let group = x.elem_count() / x.dim(0)?.max(1);
    normalise(
        x,
        w,
        b,
        Norm {
            group,
            eps: eps as f32,
        },
    )
}

fn normalise(x: &Tensor, w: &Tensor, b: &Tensor, norm: Norm) -> Result<Tensor> {
    x.contiguous()?
        .apply_op3(&w.contiguous()?, &b.contiguous()?, norm)
}

//! Layer normalisation. With `x̂ = (x − mean) · r`, `r = 1 / sqrt(variance + ε)` and `u = g · w`,
//! the gradient is `r · (u − mean(u) − x̂ · mean(u · x̂))`.

use super::bias::in_order;
use super::lanes::{sum1, sum2, vectorised};
use super::values;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Rows worked on together.
const ROWS: usize = 128;

#[inline(always)]
fn moments(row: &[f32], eps: f32) -> (f32, f32) {
    let count = row.len() as f32;
    let mean = sum1(row, |x| x) / count;
    let variance = sum1(row, |x| (x - mean) * (x - mean)) / count;
    (mean, 1.0 / (variance + eps).sqrt())
}

vectorised! {
    fn forward(x: &[f32], w: &[f32], b: &[f32], eps: f32, y: &mut [f32]) {
        for (y, x) in y.chunks_exact_mut(w.len()).zip(x.chunks_exact(w.len())) {
            let (mean, r) = moments(x, eps);
            for (((y, x), w), b) in y.iter_mut().zip(x).zip(w).zip(b) {
                *y = (x - mean) * r * w + b;
            }
        }
    }
}

vectorised! {
    fn backward_input(x: &[f32], w: &[f32], grad: &[f32], eps: f32, out: &mut [f32]) {
        let d = w.len();
        let mut u = vec![0f32; d];
        for ((out, x), grad) in out.chunks_exact_mut(d).zip(x.chunks_exact(d)).zip(grad.chunks_exact(d)) {
            let (mean, r) = moments(x, eps);
            for ((u, g), w) in u.iter_mut().zip(grad).zip(w) {
                *u = g * w;
            }
            let mean_u = sum1(&u, |u| u) / d as f32;
            let mean_ux = sum2(&u, x, |u, x| u * (x - mean) * r) / d as f32;
            for ((out, x), u) in out.iter_mut().zip(x).zip(&u) {
                *out = r * (u - mean_u - (x - mean) * r * mean_ux);
            }
        }
    }
}

vectorised! {
    /// Adds to `sums`: first the weight's gradient, then the bias's.
    fn backward_parameters(x: &[f32], grad: &[f32], eps: f32, sums: &mut [f32]) {
        let d = sums.len() / 2;
        let (weight, bias) = sums.split_at_mut(d);
        for (x, grad) in x.chunks_exact(d).zip(grad.chunks_exact(d)) {
            let (mean, r) = moments(x, eps);
            for (((weight, bias), x), g) in weight.iter_mut().zip(bias.iter_mut()).zip(x).zip(grad) {
                *weight += g * (x - mean) * r;
                *bias += g;
            }
        }
    }
}

struct LayerNormOp(f32);
struct InputGradient(f32);
struct ParameterGradient(f32);

impl CustomOp3 for LayerNormOp {
    fn name(&self) -> &'static str {
        "fused layer norm"
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
        let mut y = vec![0f32; x.len()];
        let piece = w.len() * ROWS;
        y.par_chunks_mut(piece).zip(x.par_chunks(piece)).for_each(|(y, x)| forward(x, w, b, self.0, y));
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
        let grad = grad.contiguous()?;
        let input = x.apply_op3_no_bwd(w, &grad, &InputGradient(self.0))?;
        let parameters = x.apply_op2_no_bwd(&grad, &ParameterGradient(self.0))?;
        Ok((Some(input), Some(parameters.get(0)?), Some(parameters.get(1)?)))
    }
}

impl CustomOp3 for InputGradient {
    fn name(&self) -> &'static str {
        "fused layer norm, gradient of the input"
    }

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
        let mut out = vec![0f32; x.len()];
        let piece = w.len() * ROWS;
        out.par_chunks_mut(piece)
            .zip(x.par_chunks(piece))
            .zip(grad.par_chunks(piece))
            .for_each(|((out, x), grad)| backward_input(x, w, grad, self.0, out));
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

impl CustomOp2 for ParameterGradient {
    fn name(&self) -> &'static str {
        "fused layer norm, gradient of the parameters"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, grad: &CpuStorage, gl: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, grad) = (values(x, xl)?, values(grad, gl)?);
        let d = xl.shape().dims().last().copied().unwrap_or(1);
        let parts = x
            .par_chunks(d * ROWS)
            .zip(grad.par_chunks(d * ROWS))
            .map(|(x, grad)| {
                let mut sums = vec![0f32; 2 * d];
                backward_parameters(x, grad, self.0, &mut sums);
                sums
            })
            .collect();
        Ok((CpuStorage::F32(in_order(parts, 2 * d)), (2, d).into()))
    }
}

/// `(x − mean) / sqrt(variance + ε) · w + b` over the last dimension.
pub(crate) fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op3(&w.contiguous()?, &b.contiguous()?, LayerNormOp(eps as f32))
}

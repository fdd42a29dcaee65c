//! GELU: `x · Φ(x)`, and its derivative `Φ(x) + x · φ(x)`.

use super::exp::{erf, exp};
use super::lanes::vectorised;
use super::values;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

const PIECE: usize = 16 * 1024;
const INV_SQRT_2: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// `1 / sqrt(2π)`.
const DENSITY: f32 = 0.398_942_3;

vectorised! {
    fn forward(x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = 0.5 * x * (1.0 + erf(x * INV_SQRT_2));
        }
    }
}

vectorised! {
    fn backward(x: &[f32], grad: &[f32], out: &mut [f32]) {
        for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
            let cumulative = 0.5 * (1.0 + erf(x * INV_SQRT_2));
            *out = grad * (cumulative + x * DENSITY * exp(-0.5 * x * x));
        }
    }
}

struct Gelu;
struct GeluBackward;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "fused gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let mut y = vec![0f32; x.len()];
        y.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(y, x)| forward(x, y));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&grad.contiguous()?, &GeluBackward).map(Some)
    }
}

impl CustomOp2 for GeluBackward {
    fn name(&self) -> &'static str {
        "fused gelu backward"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, grad: &CpuStorage, gl: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, grad) = (values(x, xl)?, values(grad, gl)?);
        let mut out = vec![0f32; x.len()];
        out.par_chunks_mut(PIECE)
            .zip(x.par_chunks(PIECE))
            .zip(grad.par_chunks(PIECE))
            .for_each(|((out, x), grad)| backward(x, grad, out));
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

/// `x · Φ(x)` of every element.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu)
}

//! GELU: `x · Φ(x)`, and its derivative `Φ(x) + x · φ(x)`; its approximations `x · σ(1.702 x)` and
//! `x · σ(2 u(x))`, `u(x) = √(2/π) (x + 0.044715 x³)`; and SiLU, `x · σ(x)`.

#![allow(unsafe_code)] // Results are not zeroed before they are written.

use super::exp::{erf, erf_given, exp};
use super::lanes::vectorised;
use super::unwritten::{Unwritten, written};
use super::values;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

const PIECE: usize = 16 * 1024;
const INV_SQRT_2: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// `1 / sqrt(2π)`.
const DENSITY: f32 = 0.398_942_3;

vectorised! {
    fn forward(x: &[f32], y: &mut Unwritten) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(0.5 * x * (1.0 + erf(x * INV_SQRT_2)));
        }
    }
}

vectorised! {
    fn backward(x: &[f32], grad: &[f32], out: &mut Unwritten) {
        for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
            // One exponential serves both the distribution and its density.
            let bell = exp(-0.5 * x * x);
            let cumulative = 0.5 * (1.0 + erf_given(x * INV_SQRT_2, bell));
            out.write(grad * (cumulative + x * DENSITY * bell));
        }
    }
}

/// The factor inside of the quick approximation.
const QUICK: f32 = 1.702;

vectorised! {
    fn quick_forward(x: &[f32], y: &mut Unwritten) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(x / (1.0 + exp(-QUICK * x)));
        }
    }
}

vectorised! {
    fn quick_backward(x: &[f32], grad: &[f32], out: &mut Unwritten) {
        for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
            let sigma = 1.0 / (1.0 + exp(-QUICK * x));
            out.write(grad * sigma * (1.0 + QUICK * x * (1.0 - sigma)));
        }
    }
}

/// `2 √(2/π)`.
const TANH_FACTOR: f32 = 1.595_769_2;
const TANH_CUBIC: f32 = 0.044_715;

vectorised! {
    fn tanh_forward(x: &[f32], y: &mut Unwritten) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(x / (1.0 + exp(-TANH_FACTOR * (x + TANH_CUBIC * x * x * x))));
        }
    }
}

vectorised! {
    fn tanh_backward(x: &[f32], grad: &[f32], out: &mut Unwritten) {
        for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
            let sigma = 1.0 / (1.0 + exp(-TANH_FACTOR * (x + TANH_CUBIC * x * x * x)));
            let slope = TANH_FACTOR * (1.0 + 3.0 * TANH_CUBIC * x * x);
            out.write(grad * sigma * (1.0 + slope * x * (1.0 - sigma)));
        }
    }
}

vectorised! {
    fn silu_forward(x: &[f32], y: &mut Unwritten) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(x / (1.0 + exp(-x)));
        }
    }
}

vectorised! {
    fn silu_backward(x: &[f32], grad: &[f32], out: &mut Unwritten) {
        for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
            let sigma = 1.0 / (1.0 + exp(-x));
            out.write(grad * sigma * (1.0 + x * (1.0 - sigma)));
        }
    }
}

/// A function of every element, with its derivative times a gradient.
#[derive(Clone, Copy)]
struct Elementwise {
    name: &'static str,
    forward: fn(&[f32], &mut Unwritten),
    backward: fn(&[f32], &[f32], &mut Unwritten),
}

const GELU: Elementwise = Elementwise {
    name: "fused gelu",
    forward,
    backward,
};
const QUICK_GELU: Elementwise = Elementwise {
    name: "fused quick gelu",
    forward: quick_forward,
    backward: quick_backward,
};
const TANH_GELU: Elementwise = Elementwise {
    name: "fused gelu by tanh",
    forward: tanh_forward,
    backward: tanh_backward,
};
const SILU: Elementwise = Elementwise {
    name: "fused silu",
    forward: silu_forward,
    backward: silu_backward,
};

struct Backward(Elementwise);

impl CustomOp1 for Elementwise {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let write = |y: &mut Unwritten| {
            y.par_chunks_mut(PIECE)
                .zip(x.par_chunks(PIECE))
                .for_each(|(y, x)| (self.forward)(x, y));
        };
        // SAFETY: the pieces are all of `y`, as long as those of `x`, and each is written in full.
        let y = unsafe { written(x.len(), write) };
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&grad.contiguous()?, &Backward(*self))
            .map(Some)
    }
}

impl CustomOp2 for Backward {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        grad: &CpuStorage,
        gl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, grad) = (values(x, xl)?, values(grad, gl)?);
        if grad.len() != x.len() {
            bail!(
                "a gradient expected {} values, found {}",
                x.len(),
                grad.len()
            );
        }
        let write = |out: &mut Unwritten| {
            out.par_chunks_mut(PIECE)
                .zip(x.par_chunks(PIECE))
                .zip(grad.par_chunks(PIECE))
                .for_each(|((out, x), grad)| (self.0.backward)(x, grad, out));
        };
        // SAFETY: the pieces are all of `out`, as long as those of `x` and of the gradient, and
        // each is written in full.
        let out = unsafe { written(x.len(), write) };
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

/// `x · Φ(x)` of every element.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(GELU)
}

/// `x · σ(1.702 x)` of every element.
pub(crate) fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(QUICK_GELU)
}

/// `x · σ(2 u(x))` of every element.
pub(crate) fn tanh_gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(TANH_GELU)
}

/// `x · σ(x)` of every element.
pub(crate) fn silu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(SILU)
}

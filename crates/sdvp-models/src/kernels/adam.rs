//! The arithmetic of Adam, in place.

use super::lanes::sum2;
use super::lanes::vectorised;
use super::values;
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Storage, Tensor, bail};
use rayon::prelude::*;

/// Values worked on together.
const PIECE: usize = 32 * 1024;

vectorised! {
    /// `moment = decay · moment + (1 − decay) · g` or `g²`, `g` being the gradient times `scale`.
    fn blend(moment: &mut [f32], gradient: &[f32], decay: f32, scale: f32, square: bool) {
        let fresh = 1.0 - decay;
        for (moment, gradient) in moment.iter_mut().zip(gradient) {
            let g = gradient * scale;
            *moment = decay * *moment + fresh * if square { g * g } else { g };
        }
    }
}

vectorised! {
    /// `value = keep · value − rate · first / (sqrt(second · correction) + eps)`.
    fn update(value: &mut [f32], first: &[f32], second: &[f32], keep: f32, rate: f32, correction: f32, eps: f32) {
        for ((value, first), second) in value.iter_mut().zip(first).zip(second) {
            *value = keep * *value - rate * first / ((second * correction).sqrt() + eps);
        }
    }
}

vectorised! {
    /// Adds the sum of the squares of each piece of 4096 to `sum`.
    fn add_squares(x: &[f32], sum: &mut f64) {
        for x in x.chunks(4096) {
            *sum += f64::from(sum2(x, x, |a, b| a * b));
        }
    }
}

/// `Σ x²` of contiguous single-precision values in main memory; none of other tensors.
pub(crate) fn sum_of_squares(x: &Tensor) -> Option<f64> {
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return None;
    };
    let mut sum = 0f64;
    add_squares(values(storage, layout).ok()?, &mut sum);
    Some(sum)
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("a fused operation needs contiguous f32 values"),
    }
}

/// Blends a gradient (or its square) into a moment.
pub(crate) struct Blend {
    pub(crate) decay: f32,
    pub(crate) scale: f32,
    pub(crate) square: bool,
}

impl InplaceOp2 for Blend {
    fn name(&self) -> &'static str {
        "adam moment"
    }

    fn cpu_fwd(
        &self,
        moment: &mut CpuStorage,
        ml: &Layout,
        gradient: &CpuStorage,
        gl: &Layout,
    ) -> Result<()> {
        let (moment, gradient) = (values_mut(moment, ml)?, values(gradient, gl)?);
        moment
            .par_chunks_mut(PIECE)
            .zip(gradient.par_chunks(PIECE))
            .for_each(|(moment, gradient)| {
                blend(moment, gradient, self.decay, self.scale, self.square)
            });
        Ok(())
    }
}

/// Moves a parameter by its two moments.
pub(crate) struct Update {
    pub(crate) keep: f32,
    pub(crate) rate: f32,
    pub(crate) correction: f32,
    pub(crate) eps: f32,
}

impl InplaceOp3 for Update {
    fn name(&self) -> &'static str {
        "adam update"
    }

    fn cpu_fwd(
        &self,
        value: &mut CpuStorage,
        vl: &Layout,
        first: &CpuStorage,
        fl: &Layout,
        second: &CpuStorage,
        sl: &Layout,
    ) -> Result<()> {
        let (first, second) = (values(first, fl)?, values(second, sl)?);
        values_mut(value, vl)?
            .par_chunks_mut(PIECE)
            .zip(first.par_chunks(PIECE))
            .zip(second.par_chunks(PIECE))
            .for_each(|((value, first), second)| {
                update(
                    value,
                    first,
                    second,
                    self.keep,
                    self.rate,
                    self.correction,
                    self.eps,
                );
            });
        Ok(())
    }
}

//! Adding a vector to every row; the gradient of the vector is the sum over rows.

use super::lanes::vectorised;
use super::values;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Rows worked on together.
const ROWS: usize = 128;

vectorised! {
    fn add_rows(x: &[f32], bias: &[f32], y: &mut [f32]) {
        for (y, x) in y.chunks_exact_mut(bias.len()).zip(x.chunks_exact(bias.len())) {
            for ((y, x), b) in y.iter_mut().zip(x).zip(bias) {
                *y = x + b;
            }
        }
    }
}

vectorised! {
    fn sum_rows(x: &[f32], sums: &mut [f32]) {
        for row in x.chunks_exact(sums.len()) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }
}

/// Sums partial results in their order.
pub(super) fn in_order(parts: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    let mut total = vec![0f32; width];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    total
}

struct AddBias;
struct ColumnSum;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "fused bias"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, bias: &CpuStorage, bl: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, bias) = (values(x, xl)?, values(bias, bl)?);
        let mut y = vec![0f32; x.len()];
        let piece = bias.len() * ROWS;
        y.par_chunks_mut(piece).zip(x.par_chunks(piece)).for_each(|(y, x)| add_rows(x, bias, y));
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let sums = grad.contiguous()?.apply_op1_no_bwd(&ColumnSum)?;
        Ok((Some(grad.clone()), Some(sums)))
    }
}

impl CustomOp1 for ColumnSum {
    fn name(&self) -> &'static str {
        "column sum"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let width = layout.shape().dims().last().copied().unwrap_or(1);
        let parts = x
            .par_chunks(width * ROWS)
            .map(|x| {
                let mut sums = vec![0f32; width];
                sum_rows(x, &mut sums);
                sums
            })
            .collect();
        Ok((CpuStorage::F32(in_order(parts, width)), width.into()))
    }
}

/// `x + bias` for `x` `[…, width]`, `bias` `[width]`.
pub(crate) fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op2(&bias.contiguous()?, AddBias)
}

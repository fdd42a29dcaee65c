//! `y = x Wᵀ + b`, with `dx = dy W`, `dW = dyᵀ x` and `db` the column sums of `dy`. The weight is
//! turned first where rows are many, strides stand in for other transposed copies, and pieces of rows go to
//! different threads.

#![allow(unsafe_code)] // Results are not zeroed before they are written.

use super::matrix::{Place, add_product, write_product};
use super::sums::{in_order, sum_rows};
use super::transpose::transposed;
use super::unwritten::{Unwritten, repeat_each, repeat_row, written};
use super::values;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Rows that one piece of work takes: enough to make good use of the packed weight, few enough
/// that the pieces spread evenly over threads. Where this already runs on one thread of a pool,
/// the others have pieces of their own, and the weight is packed as rarely as can be. A row's
/// result is the same in any piece.
fn piece(rows: usize) -> usize {
    let spread = match rayon::current_thread_index() {
        Some(_) => 1,
        None => (rows / 64).min(8),
    };
    let pieces = rows.div_ceil(256).max(spread).max(1);
    rows.div_ceil(pieces).max(1)
}

/// Of fewer rows than this, such as one word of each of some texts, columns are shared out: to turn or pack
/// the whole weight for them takes longer than to multiply by it.
const FEW_ROWS: usize = 64;
/// Columns that are computed together then.
const COLUMNS: usize = 256;

/// Rows of which one partial gradient of the weight is made.
fn gradient_piece(rows: usize) -> usize {
    rows.div_ceil(rows.div_ceil(256).clamp(1, 16)).max(1)
}

/// Rows of `[…, width]`, and that width.
fn rows_of(layout: &Layout) -> (usize, usize) {
    let width = layout.dims().last().copied().unwrap_or(1);
    (layout.shape().elem_count() / width.max(1), width)
}

fn wide(layout: &Layout, width: usize) -> Shape {
    let mut dims = layout.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = width;
    }
    dims.into()
}

/// `x Wᵀ + b` of values that lie row by row.
pub(super) fn forward_values(
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    (rows, input, output): (usize, usize, usize),
) -> Vec<f32> {
    if rows * output == 0 || input == 0 {
        return vec![0f32; rows * output];
    }
    if rows < FEW_ROWS {
        return by_columns(x, w, bias, (rows, input, output));
    }
    let piece = piece(rows);
    let turned = transposed(w, output);
    let weight = (turned.as_slice(), Place::rows_of(output));
    let place = Place::rows_of(output);
    let write = |y: &mut Unwritten| {
        y.par_chunks_mut(piece * output)
            .zip(x.par_chunks(piece * input))
            .for_each(|(y, x)| {
                let sizes = (y.len() / output, output, input);
                let x = (x, Place::rows_of(input));
                match bias {
                    None => write_product(sizes, (y, place), x, weight, 1.0),
                    Some(bias) => add_product(sizes, (repeat_row(y, bias), place), x, weight),
                }
            });
    };
    // SAFETY: the pieces are all of `y`, and a product, or a bias, is written to every value of each.
    unsafe { written(rows * output, write) }
}

/// [`forward_values`], with columns of the result shared out among threads. Which kernel multiplies depends on
/// the sizes alone, and so do the numbers.
fn by_columns(
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    (rows, input, output): (usize, usize, usize),
) -> Vec<f32> {
    // Column by column: so it is the few rows that are packed, and the weight is read as it lies.
    let turned = transposed(x, rows);
    let write = |y: &mut Unwritten| {
        y.par_chunks_mut(COLUMNS * rows)
            .zip(w.par_chunks(COLUMNS * input))
            .enumerate()
            .for_each(|(at, (y, w))| {
                let sizes = (rows, w.len() / input, input);
                let place = Place::rows_of(rows).transposed();
                let x = (turned.as_slice(), place);
                let weight = (w, Place::rows_of(input).transposed());
                match bias {
                    None => write_product(sizes, (y, place), x, weight, 1.0),
                    Some(bias) => {
                        let bias = &bias[at * COLUMNS..][..sizes.1];
                        add_product(sizes, (repeat_each(y, bias), place), x, weight);
                    }
                }
            });
    };
    // SAFETY: the pieces are all of `y`, and a product, or a bias, is written to every value of each.
    let y = unsafe { written(rows * output, write) };
    match rows {
        1 => y,
        _ => transposed(&y, output),
    }
}

/// The weight's gradient, followed by the bias's.
fn parameter_gradients(grad: &[f32], x: &[f32], input: usize, output: usize) -> Vec<f32> {
    let rows = grad.len() / output.max(1);
    let piece = gradient_piece(rows);
    let size = output * (input + 1);
    let parts = grad
        .par_chunks((piece * output).max(1))
        .zip(x.par_chunks((piece * input).max(1)))
        .map(|(grad, x)| {
            let rows = grad.len() / output;
            let write = |part: &mut Unwritten| {
                let (weight, bias) = part.split_at_mut(output * input);
                write_product(
                    (output, input, rows),
                    (weight, Place::rows_of(input)),
                    (grad, Place::rows_of(output).transposed()),
                    (x, Place::rows_of(input)),
                    1.0,
                );
                bias.fill(MaybeUninit::new(0.0));
            };
            // SAFETY: a product is written to the weight's part, and zeros to the bias's.
            let mut part = unsafe { written(size, write) };
            sum_rows(grad, &mut part[output * input..]);
            part
        })
        .collect();
    in_order(parts, size)
}

fn check(x: &Layout, w: &Layout) -> Result<(usize, usize, usize)> {
    let (rows, input) = rows_of(x);
    match w.dims() {
        &[output, columns] if columns == input => Ok((rows, input, output)),
        found => bail!(
            "a linear layer expected a weight [_, {input}] for an input {:?}, found {found:?}",
            x.dims()
        ),
    }
}

struct WithBias;
struct WithoutBias;
struct InputGradient;
struct ParameterGradient;

impl CustomOp3 for WithBias {
    fn name(&self) -> &'static str {
        "fused linear"
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
        let sizes = check(xl, wl)?;
        let bias = values(b, bl)?;
        if bias.len() != sizes.2 {
            bail!(
                "a linear layer expected a bias of {} values, found {:?}",
                sizes.2,
                bl.dims()
            );
        }
        let y = forward_values(values(x, xl)?, values(w, wl)?, Some(bias), sizes);
        Ok((CpuStorage::F32(y), wide(xl, sizes.2)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (x, w, b) = gradients(x, w, Some(b), grad)?;
        Ok((x, w, b))
    }
}

impl CustomOp2 for WithoutBias {
    fn name(&self) -> &'static str {
        "fused linear without bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = check(xl, wl)?;
        let y = forward_values(values(x, xl)?, values(w, wl)?, None, sizes);
        Ok((CpuStorage::F32(y), wide(xl, sizes.2)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (x, w, _) = gradients(x, w, None, grad)?;
        Ok((x, w))
    }
}

type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

/// Gradients of what is part of a graph; of pixels and frozen weights there are none.
fn gradients(x: &Tensor, w: &Tensor, b: Option<&Tensor>, grad: &Tensor) -> Result<Gradients> {
    let grad = grad.contiguous()?;
    let input = if x.track_op() {
        Some(grad.apply_op2_no_bwd(w, &InputGradient)?)
    } else {
        None
    };
    let (mut weight, mut bias) = (None, None);
    if w.track_op() || b.is_some_and(Tensor::track_op) {
        let both = grad.apply_op2_no_bwd(x, &ParameterGradient)?;
        let (outputs, inputs) = w.dims2()?;
        weight = Some(
            both.narrow(0, 0, outputs * inputs)?
                .reshape((outputs, inputs))?,
        );
        bias = if b.is_some() {
            Some(both.narrow(0, outputs * inputs, outputs)?)
        } else {
            None
        };
    }
    Ok((input, weight, bias))
}

impl CustomOp2 for InputGradient {
    fn name(&self) -> &'static str {
        "fused linear, gradient of the input"
    }

    fn cpu_fwd(
        &self,
        grad: &CpuStorage,
        gl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((rows, output), input) = (rows_of(gl), wl.dims()[1]);
        let (grad, w) = (values(grad, gl)?, values(w, wl)?);
        let piece = piece(rows);
        let write = |dx: &mut Unwritten| {
            dx.par_chunks_mut(piece * input)
                .zip(grad.par_chunks(piece * output))
                .for_each(|(dx, grad)| {
                    let sizes = (dx.len() / input, input, output);
                    let into = (dx, Place::rows_of(input));
                    let grad = (grad, Place::rows_of(output));
                    write_product(sizes, into, grad, (w, Place::rows_of(input)), 1.0);
                });
        };
        let dx = if rows * input == 0 || output == 0 {
            vec![0f32; rows * input]
        } else {
            // SAFETY: the pieces are all of `dx`, and a product is written to each.
            unsafe { written(rows * input, write) }
        };
        Ok((CpuStorage::F32(dx), wide(gl, input)))
    }
}

impl CustomOp2 for ParameterGradient {
    fn name(&self) -> &'static str {
        "fused linear, gradient of the parameters"
    }

    fn cpu_fwd(
        &self,
        grad: &CpuStorage,
        gl: &Layout,
        x: &CpuStorage,
        xl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((_, output), (_, input)) = (rows_of(gl), rows_of(xl));
        let sums = parameter_gradients(values(grad, gl)?, values(x, xl)?, input, output);
        let count = sums.len();
        Ok((CpuStorage::F32(sums), count.into()))
    }
}

/// `x Wᵀ + b` for `x` `[…, input]`, `w` `[output, input]` and `b` `[output]`.
pub(crate) fn linear(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (x, w) = (x.contiguous()?, w.contiguous()?);
    match bias {
        Some(bias) => x.apply_op3(&w, &bias.contiguous()?, WithBias),
        None => x.apply_op2(&w, WithoutBias),
    }
}

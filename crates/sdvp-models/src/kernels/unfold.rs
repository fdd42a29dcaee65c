//! Patches of a feature map side by side (im2col), so that a convolution is a matrix product.

use super::values;
use crate::error::Result;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};
use rayon::prelude::*;
use std::ops::Range;

/// Geometry of the windows.
#[derive(Clone, Copy)]
struct Windows {
    height: usize,
    width: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    /// The first row of windows, and how many.
    first: usize,
    rows: usize,
}

impl Windows {
    fn out(&self, side: usize) -> usize {
        (side + 2 * self.padding).saturating_sub(self.kernel) / self.stride + 1
    }

    fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn patches_len(&self) -> usize {
        self.rows * self.out(self.width) * self.kernel * self.kernel * self.channels
    }

    /// Calls `copy(offset in the image, offset in the patches)` for every run of channels that
    /// lies inside the image.
    fn each(&self, mut copy: impl FnMut(usize, usize)) {
        let (columns, k) = (self.out(self.width), self.kernel);
        for row in 0..self.rows {
            for column in 0..columns {
                for dy in 0..k {
                    let y = ((self.first + row) * self.stride + dy).wrapping_sub(self.padding);
                    if y >= self.height {
                        continue;
                    }
                    for dx in 0..k {
                        let x = (column * self.stride + dx).wrapping_sub(self.padding);
                        if x < self.width {
                            let from = (y * self.width + x) * self.channels;
                            let to = (((row * columns + column) * k + dy) * k + dx) * self.channels;
                            copy(from, to);
                        }
                    }
                }
            }
        }
    }
}

struct Unfold(Windows);
/// The adjoint: adds every patch back to where it came from.
struct Fold(Windows);

impl CustomOp1 for Unfold {
    fn name(&self) -> &'static str {
        "unfold"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (w, x) = (self.0, values(storage, layout)?);
        let batch = layout.shape().dims()[0];
        let mut patches = vec![0f32; batch * w.patches_len()];
        patches
            .par_chunks_mut(w.patches_len())
            .zip(x.par_chunks(w.image_len()))
            .for_each(|(patches, image)| {
                w.each(|from, to| {
                    patches[to..to + w.channels].copy_from_slice(&image[from..from + w.channels])
                });
            });
        let shape = (
            batch,
            w.rows,
            w.out(w.width),
            w.kernel * w.kernel * w.channels,
        );
        Ok((CpuStorage::F32(patches), shape.into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        grad.contiguous()?.apply_op1_no_bwd(&Fold(self.0)).map(Some)
    }
}

impl CustomOp1 for Fold {
    fn name(&self) -> &'static str {
        "fold"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (w, patches) = (self.0, values(storage, layout)?);
        let batch = layout.shape().dims()[0];
        let mut images = vec![0f32; batch * w.image_len()];
        images
            .par_chunks_mut(w.image_len())
            .zip(patches.par_chunks(w.patches_len()))
            .for_each(|(image, patches)| {
                w.each(|to, from| {
                    for (sum, part) in image[to..to + w.channels]
                        .iter_mut()
                        .zip(&patches[from..from + w.channels])
                    {
                        *sum += part;
                    }
                });
            });
        Ok((
            CpuStorage::F32(images),
            (batch, w.height, w.width, w.channels).into(),
        ))
    }
}

/// `[batch, height, width, channels]` → `[batch, height', width', kernel · kernel · channels]`,
/// zeros outside of the image.
///
/// # Errors
/// If the input has another rank.
pub(crate) fn unfold(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Tensor> {
    unfold_rows(x, kernel, stride, padding, 0..usize::MAX)
}

/// As [`unfold`], of these rows of `height'` only, as far as there are.
///
/// # Errors
/// If the input has another rank.
pub(crate) fn unfold_rows(
    x: &Tensor,
    kernel: usize,
    stride: usize,
    padding: usize,
    rows: Range<usize>,
) -> Result<Tensor> {
    let (_, height, width, channels) = x.dims4()?;
    let mut windows = Windows {
        height,
        width,
        channels,
        kernel,
        stride: stride.max(1),
        padding,
        first: 0,
        rows: 0,
    };
    let all = windows.out(height);
    windows.first = rows.start.min(all);
    windows.rows = rows.end.min(all) - windows.first;
    Ok(x.contiguous()?.apply_op1(Unfold(windows))?)
}

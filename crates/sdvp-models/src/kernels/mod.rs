//! Fused CPU operations with their backward passes; the layers use them where they can.
//!
//! Each works on contiguous single-precision values in main memory; [`fits`] says whether a tensor
//! is that, and everything else takes the layers' composite path. Work is cut into pieces of fixed
//! size and partial sums are added in a fixed order, so that results do not depend on the number
//! of threads.

mod adam;
mod attention;
mod compact;
mod exp;
mod gelu;
mod lanes;
mod linear;
mod mapped;
mod matrix;
mod norm;
mod sums;
mod transpose;
mod unfold;
mod unwritten;

pub(crate) use adam::{Blend, Update, sum_of_squares};
pub(crate) use attention::packed_attention;
pub(crate) use compact::compact_linear;
pub(crate) use gelu::{gelu, quick_gelu, silu, tanh_gelu};
pub(crate) use linear::linear;
pub(crate) use mapped::{MappedFile, MappedWeight, mapped_linear, mapped_rows};
pub(crate) use norm::{image_norm, layer_norm};
pub(crate) use unfold::{unfold, unfold_rows};

use candle_core::{CpuStorage, DType, Layout, Result, Tensor, bail};

/// Whether the fused path can take a tensor.
pub(crate) fn fits(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// The values of a contiguous single-precision tensor.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("a fused operation needs contiguous f32 values"),
    }
}

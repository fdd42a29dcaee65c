//! Weights that stay in their file, for networks that are only used: nothing is copied, and processes that
//! use one file share the memory.

#![allow(unsafe_code)] // The file must not change while it is mapped.

use super::linear::forward_values;
use super::values;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use memmap2::Mmap;
use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// A file as the system pages it in.
#[derive(Clone)]
pub(crate) struct MappedFile(Arc<Mmap>);

impl MappedFile {
    /// Maps a file to be read.
    pub(crate) fn new(file: &File) -> std::io::Result<Self> {
        // SAFETY: nothing here writes to it. Files of weights are put in the place of others by renaming,
        // here, on the hub's side and by Python's tools, so that what is mapped stays as it is; who writes
        // into one while it is used changes or ends the programs that use it, as with any that maps it.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self(Arc::new(map)))
    }
}

/// A matrix in single precision in a mapped file.
#[derive(Clone)]
pub(crate) struct MappedWeight {
    file: MappedFile,
    bytes: Range<usize>,
    /// Rows and columns.
    sizes: (usize, usize),
}

impl MappedWeight {
    /// The matrix of these bytes of a file; none where they cannot be used as they lie.
    pub(crate) fn new(file: &MappedFile, bytes: Range<usize>, shape: &[usize]) -> Option<Self> {
        let &[rows, columns] = shape else { return None };
        let held = file.0.get(bytes.clone())?;
        let values: &[f32] = bytemuck::try_cast_slice(held).ok()?;
        let whole = Some(values.len()) == rows.checked_mul(columns);
        (whole && cfg!(target_endian = "little")).then(|| Self {
            file: file.clone(),
            bytes,
            sizes: (rows, columns),
        })
    }

    /// Rows and columns.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        self.sizes
    }

    /// Row by row.
    pub(crate) fn values(&self) -> &[f32] {
        let bytes = self.file.0.get(self.bytes.clone()).unwrap_or_default();
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }
}

/// `y = x Wᵀ` for weights below one another.
struct MappedLinear<'a> {
    weights: &'a [&'a MappedWeight],
}

impl MappedLinear<'_> {
    fn forward(&self, x: &[f32], xl: &Layout, bias: Option<&[f32]>) -> Result<(CpuStorage, Shape)> {
        let mut shape = xl.dims().to_vec();
        let input = shape.last().copied().unwrap_or_default();
        let output = self.weights.iter().map(|weight| weight.sizes.0).sum();
        let wrong = self.weights.iter().find(|weight| weight.sizes.1 != input);
        if let Some(wrong) = wrong {
            bail!(
                "a linear layer expected a weight [_, {input}] for an input {shape:?}, found {:?}",
                wrong.sizes
            );
        }
        if bias.is_some_and(|bias| bias.len() != output) {
            bail!("a linear layer expected a bias of {output} values");
        }
        let weight = match self.weights {
            [only] => Cow::Borrowed(only.values()),
            several => Cow::Owned(
                several
                    .iter()
                    .map(|it| it.values())
                    .collect::<Vec<_>>()
                    .concat(),
            ),
        };
        let rows = x.len() / input.max(1);
        let y = forward_values(x, &weight, bias, (rows, input, output));
        if let Some(last) = shape.last_mut() {
            *last = output;
        }
        Ok((CpuStorage::F32(y), shape.into()))
    }
}

impl CustomOp1 for MappedLinear<'_> {
    fn name(&self) -> &'static str {
        "linear, mapped, without bias"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(values(x, xl)?, xl, None)
    }
}

impl CustomOp2 for MappedLinear<'_> {
    fn name(&self) -> &'static str {
        "linear, mapped"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        b: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(values(x, xl)?, xl, Some(values(b, bl)?))
    }
}

/// `x Wᵀ + b` for `x` `[…, input]`, weights `[_, input]` that lie below one another and `b` of as many
/// values as they have rows; carries no gradients.
pub(crate) fn mapped_linear(
    x: &Tensor,
    weights: &[&MappedWeight],
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    if x.track_op() {
        bail!("a weight that stays in its file carries no gradients to what comes before it");
    }
    let (x, op) = (x.contiguous()?, MappedLinear { weights });
    match bias {
        Some(bias) => x.apply_op2_no_bwd(&bias.contiguous()?, &op),
        None => x.apply_op1_no_bwd(&op),
    }
}

/// Rows of a weight, `[ids, columns]`.
pub(crate) fn mapped_rows(weight: &MappedWeight, ids: &[u32]) -> Result<Tensor> {
    let (rows, columns) = weight.sizes;
    let all = weight.values();
    let mut found = Vec::with_capacity(ids.len() * columns);
    for &id in ids {
        let from = id as usize * columns;
        match all.get(from..from + columns) {
            Some(row) => found.extend_from_slice(row),
            None => bail!("expected one of {rows} rows, found {id}"),
        }
    }
    Tensor::from_vec(found, (ids.len(), columns), &candle_core::Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::linear;
    use candle_core::{Device, Var};
    use std::io::Write;

    /// Values in a file, after `before` bytes of something else.
    fn written(before: usize, values: &[f32]) -> MappedFile {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; before]).unwrap();
        file.write_all(bytemuck::cast_slice(values)).unwrap();
        MappedFile::new(&file).unwrap()
    }

    #[test]
    fn products_with_what_lies_in_a_file_are_those_with_what_was_read() {
        let random = |shape: &[usize]| Tensor::randn(0f32, 1f32, shape, &Device::Cpu).unwrap();
        for rows in [1, 3, 200] {
            let (x, w, b) = (random(&[rows, 24]), random(&[10, 24]), random(&[10]));
            let values = w.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let file = written(8, &values);
            let whole = MappedWeight::new(&file, 8..8 + 960, &[10, 24]).unwrap();
            let exact = |found: &Tensor, expected: &Tensor| {
                let values = |x: &Tensor| x.to_vec2::<f32>().unwrap();
                assert_eq!(values(found), values(expected), "{rows} rows");
            };
            let expected = linear(&x, &w, Some(&b)).unwrap();
            exact(&mapped_linear(&x, &[&whole], Some(&b)).unwrap(), &expected);
            // In two parts, which lie anywhere.
            let upper = MappedWeight::new(&file, 8..8 + 384, &[4, 24]).unwrap();
            let lower = MappedWeight::new(&file, 392..968, &[6, 24]).unwrap();
            exact(
                &mapped_linear(&x, &[&upper, &lower], Some(&b)).unwrap(),
                &expected,
            );
            let expected = linear(&x, &w, None).unwrap();
            exact(&mapped_linear(&x, &[&whole], None).unwrap(), &expected);
            let ids = Tensor::new(&[9u32, 0, 9], &Device::Cpu).unwrap();
            let expected = w.index_select(&ids, 0).unwrap();
            exact(&mapped_rows(&whole, &[9, 0, 9]).unwrap(), &expected);
            assert!(mapped_rows(&whole, &[10]).is_err());
        }
    }

    #[test]
    fn what_does_not_lie_as_it_is_used_is_not_mapped() {
        let file = written(8, &[1.0; 12]);
        assert!(MappedWeight::new(&file, 8..56, &[3, 4]).is_some());
        assert!(
            MappedWeight::new(&file, 7..55, &[3, 4]).is_none(),
            "unaligned"
        );
        assert!(
            MappedWeight::new(&file, 8..60, &[3, 4]).is_none(),
            "beyond the end"
        );
        assert!(
            MappedWeight::new(&file, 8..56, &[4, 4]).is_none(),
            "too few"
        );
        assert!(MappedWeight::new(&file, 8..56, &[usize::MAX, 4]).is_none());
        assert!(
            MappedWeight::new(&file, 8..56, &[12]).is_none(),
            "no matrix"
        );
    }

    #[test]
    fn wrong_sizes_and_gradients_are_errors() {
        let file = written(0, &[1.0; 12]);
        let weight = MappedWeight::new(&file, 0..48, &[3, 4]).unwrap();
        let x = Tensor::ones((2, 5), candle_core::DType::F32, &Device::Cpu).unwrap();
        let error = mapped_linear(&x, &[&weight], None).unwrap_err();
        assert!(error.to_string().contains("[_, 5]"), "{error}");
        let learns = Var::ones((2, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
        let error = mapped_linear(&learns, &[&weight], None).unwrap_err();
        assert!(error.to_string().contains("no gradients"), "{error}");
    }
}

//! What attention remembers, and where it looks.

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};

/// The keys and values of a conversation, layer by layer. Belongs to one conversation only: what is
/// remembered is written in place.
pub(super) struct Memory {
    /// `[groups, capacity, head]` each.
    layers: Vec<Option<(Tensor, Tensor)>>,
    groups: usize,
    head: usize,
    length: usize,
}

impl Memory {
    pub(super) fn new(layers: usize, groups: usize, head: usize) -> Self {
        Self {
            layers: vec![None; layers],
            groups,
            head,
            length: 0,
        }
    }

    /// Tokens that every layer remembers.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// So many more are remembered.
    pub(super) fn advance(&mut self, rows: usize) {
        self.length += rows;
    }

    /// Forgets all but the first.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Puts keys and values `[1, groups, rows, head]` of a layer behind what is remembered; gives
    /// all, `[groups, length + rows, head]`.
    pub(super) fn remember(
        &mut self,
        layer: usize,
        key: &Tensor,
        value: &Tensor,
    ) -> candle_core::Result<(Tensor, Tensor)> {
        let (groups, head, past) = (self.groups, self.head, self.length);
        let rows = key.dim(2)?;
        let needed = past + rows;
        let Some(slot) = self.layers.get_mut(layer) else {
            candle_core::bail!("there is no layer {layer}")
        };
        let (keys, values) = match slot.take() {
            Some((keys, values)) if keys.dim(1)? >= needed => (keys, values),
            before => {
                let capacity = needed.next_power_of_two().max(256);
                let grown = |old: Option<Tensor>| -> candle_core::Result<Tensor> {
                    let new = Tensor::zeros((groups, capacity, head), DType::F32, &Device::Cpu)?;
                    if let Some(old) = old
                        && past > 0
                    {
                        new.slice_set(&old.narrow(1, 0, past)?.contiguous()?, 1, 0)?;
                    }
                    Ok(new)
                };
                let (keys, values) = before.unzip();
                (grown(keys)?, grown(values)?)
            }
        };
        keys.slice_set(&key.reshape((groups, rows, head))?, 1, past)?;
        values.slice_set(&value.reshape((groups, rows, head))?, 1, past)?;
        let all = (keys.narrow(1, 0, needed)?, values.narrow(1, 0, needed)?);
        *slot = Some((keys, values));
        Ok(all)
    }
}

/// Softmax over the last dimension of scores `[groups, n · rows, past + rows]`, each row up to its
/// own place: row `r` of `rows` sees `past + r + 1` tokens, the others get 0.
pub(super) struct CausalSoftmax {
    pub(super) rows: usize,
    pub(super) past: usize,
}

impl CustomOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let width = self.past + self.rows;
        let scores = match layout.contiguous_offsets() {
            Some((start, end)) => storage.as_slice::<f32>()?.get(start..end),
            None => None,
        };
        let Some(scores) = scores else {
            candle_core::bail!("causal-softmax expects contiguous scores")
        };
        let mut weights = vec![0.0_f32; scores.len()];
        for (index, (row, out)) in scores
            .chunks(width)
            .zip(weights.chunks_mut(width))
            .enumerate()
        {
            let seen = self.past + index % self.rows + 1;
            let greatest = row.iter().take(seen).copied().fold(f32::MIN, f32::max);
            let mut sum = 0.0;
            for (out, score) in out.iter_mut().zip(row).take(seen) {
                *out = (score - greatest).exp();
                sum += *out;
            }
            for out in out.iter_mut().take(seen) {
                *out /= sum;
            }
        }
        Ok((CpuStorage::F32(weights), layout.shape().clone()))
    }
}

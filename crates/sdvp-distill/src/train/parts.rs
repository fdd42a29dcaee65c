//! Gradients of a batch, computed in parts at the same time. Between the parallel kernels much of
//! a training step runs on one core; two halves side by side keep both busy.

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use rayon::prelude::*;
use sdvp_models::ModelError;
use std::ops::Range;

/// Parts of a batch. A constant, and not the number of cores: what is learned must not depend on
/// the machine.
pub(crate) const PARTS: usize = 2;

/// What is minimised over one part of a batch, already weighted by the part's share of it.
pub(crate) struct Objective {
    /// What the gradient is taken of.
    pub(crate) total: Tensor,
    /// The loss on labelled calls.
    pub(crate) loss: f32,
    /// The divergence on rehearsed calls.
    pub(crate) divergence: f32,
}

/// What a whole batch amounts to.
pub(crate) struct Learned {
    pub(crate) gradients: GradStore,
    pub(crate) loss: f32,
    pub(crate) divergence: f32,
}

/// The parts of a batch of `first` items that come with `second` others, as ranges of both; no part
/// is without a first item. There are `pieces` times as many as are computed at the same time.
pub(crate) fn parts_of(
    first: usize,
    second: usize,
    pieces: usize,
) -> Vec<(Range<usize>, Range<usize>)> {
    let parts = (PARTS * pieces.max(1)).min(first);
    let part = |count: usize, i: usize| count * i / parts..count * (i + 1) / parts;
    (0..parts)
        .map(|i| (part(first, i), part(second, i)))
        .collect()
}

/// A part's share of its batch.
pub(crate) fn share(part: &Range<usize>, whole: usize) -> f64 {
    part.len() as f64 / whole.max(1) as f64
}

/// The sums over all parts, in their order. Nothing if there is no part.
pub(crate) fn learn_from<P: Sync>(
    parts: &[P],
    objective: impl Fn(&P) -> Result<Objective, ModelError> + Sync,
) -> Result<Option<Learned>, ModelError> {
    let mut whole: Option<Learned> = None;
    for piece in parts.chunks(PARTS) {
        for part in side_by_side(piece, &objective)? {
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    whole.gradients.extend(part.gradients)?;
                    whole.loss += part.loss;
                    whole.divergence += part.divergence;
                }
            }
        }
    }
    Ok(whole)
}

fn side_by_side<P: Sync>(
    parts: &[P],
    objective: &(impl Fn(&P) -> Result<Objective, ModelError> + Sync),
) -> Result<Vec<Learned>, ModelError> {
    parts
        .par_iter()
        .with_max_len(1)
        .map(|part| {
            let Objective {
                total,
                loss,
                divergence,
            } = objective(part)?;
            Ok(Learned {
                gradients: total.backward()?,
                loss,
                divergence,
            })
        })
        .collect()
}

/// [`learn_from`] of `count` labelled items with nothing rehearsed beside them; `loss` is a mean
/// over a range of the items.
pub(crate) fn learn_labelled(
    count: usize,
    loss: impl Fn(Range<usize>) -> Result<Tensor, ModelError> + Sync,
) -> Result<Option<Learned>, ModelError> {
    learn_from(&parts_of(count, 0, 1), |(few, _)| {
        let total = (loss(few.clone())? * share(few, count))?;
        Ok(Objective {
            loss: total.to_scalar()?,
            total,
            divergence: 0.0,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn parts_cover_a_batch_once() {
        assert_eq!(parts_of(5, 2, 1), [(0..2, 0..1), (2..5, 1..2)]);
        assert_eq!(parts_of(1, 3, 4), [(0..1, 0..3)]);
        assert!(parts_of(0, 3, 1).is_empty());
        let pieces = parts_of(5, 2, 2);
        assert_eq!(
            pieces,
            [(0..1, 0..0), (1..2, 0..1), (2..3, 1..1), (3..5, 1..2)]
        );
    }

    #[test]
    fn gradients_of_parts_sum_to_that_of_the_whole() {
        let numbers = [1f32, -2.0, 3.0, 0.5, 4.0];
        let weight = Var::from_tensor(&Tensor::new(0.7f32, &Device::Cpu).unwrap()).unwrap();
        // Mean of (w·x)², with gradient 2w · mean of x².
        let loss = |range: Range<usize>| {
            let x = Tensor::new(&numbers[range], &Device::Cpu)?;
            Ok(x.broadcast_mul(weight.as_tensor())?.sqr()?.mean_all()?)
        };
        let squares: f32 = numbers.iter().map(|x| x * x).sum::<f32>() / 5.0;
        for pieces in [1, 2, 9] {
            let whole = learn_from(&parts_of(5, 0, pieces), |(few, _)| {
                let total = (loss(few.clone())? * share(few, 5))?;
                let loss = total.to_scalar()?;
                let divergence = 0.0;
                Ok(Objective {
                    total,
                    loss,
                    divergence,
                })
            });
            let whole = whole.unwrap().unwrap();
            let gradient: f32 = whole.gradients.get(&weight).unwrap().to_scalar().unwrap();
            assert!((whole.loss - 0.49 * squares).abs() < 1e-5);
            assert!((gradient - 1.4 * squares).abs() < 1e-4, "{gradient}");
        }
        assert!(learn_labelled(0, loss).unwrap().is_none());
    }
}

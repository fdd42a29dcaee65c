//! Dropout before low-rank additions.

use crate::error::{ModelError, Result};
use candle_core::{DType, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{Digest, Hasher};

/// Leaves out each number with a probability, and makes the others greater by as much (Srivastava et
/// al. 2014). Which ones depends on the seed, the layer, what comes in and the weights behind it, and
/// so on neither the order nor the thread in which parts of a batch are learned.
pub(crate) struct Dropout {
    probability: f64,
    domain: Digest,
}

impl Dropout {
    /// For one layer, by its name; `None` if nothing is left out.
    ///
    /// # Errors
    /// If the probability is not in `[0, 1)`.
    pub(crate) fn new(probability: f32, seed: u64, layer: &str) -> Result<Option<Self>> {
        if !(0.0..1.0).contains(&probability) {
            return Err(ModelError::Config(format!(
                "low-rank adaptation expected a dropout from 0 to below 1, found {probability}"
            )));
        }
        Ok((probability > 0.0).then(|| Self {
            probability: f64::from(probability),
            domain: Hasher::new("dropout")
                .part(&seed.to_le_bytes())
                .part(layer.as_bytes())
                .finish(),
        }))
    }

    /// `x` with some numbers left out; `weights`, which every step changes, enter into which ones.
    ///
    /// # Errors
    /// If a tensor cannot be read or made.
    pub(crate) fn apply(&self, x: &Tensor, weights: &Tensor) -> Result<Tensor> {
        let hasher = Hasher::new("mask").part(self.domain.as_bytes());
        let hasher = [x, weights]
            .into_iter()
            .try_fold(hasher, |hasher, tensor| {
                let values = tensor.detach().to_dtype(DType::F32)?.flatten_all()?;
                let values = values.to_vec1::<f32>()?;
                Ok::<_, ModelError>(hasher.part(bytemuck::cast_slice(&values)))
            })?;
        let mut chance = ChaCha8Rng::from_seed(*hasher.finish().as_bytes());
        let kept = (1.0 / (1.0 - self.probability)) as f32;
        let mask: Vec<f32> = (0..x.elem_count())
            .map(|_| match chance.random_bool(self.probability) {
                true => 0.0,
                false => kept,
            })
            .collect();
        let mask = Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?;
        Ok((x * mask)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn values(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_part_is_left_out_and_the_sum_stays() {
        let x = Tensor::ones((100, 50), DType::F32, &Device::Cpu).unwrap();
        let weights = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
        let dropout = Dropout::new(0.3, 1, "a").unwrap().unwrap();
        let out = values(&dropout.apply(&x, &weights).unwrap());
        let gone = out.iter().filter(|value| **value == 0.0).count() as f64;
        // Five standard deviations of 5,000 draws.
        assert!((gone / 5000.0 - 0.3).abs() < 0.033, "{gone}");
        let mean = f64::from(out.iter().sum::<f32>()) / 5000.0;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn which_part_depends_on_seed_layer_input_and_weights_alone() {
        let x = Tensor::ones((10, 50), DType::F32, &Device::Cpu).unwrap();
        let other = (&x * 2.0).unwrap();
        let weights = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
        let learned = Tensor::ones(3, DType::F32, &Device::Cpu).unwrap();
        let gone = |seed, layer, x: &Tensor, weights: &Tensor| -> Vec<bool> {
            let dropout = Dropout::new(0.5, seed, layer).unwrap().unwrap();
            let out = dropout.apply(x, weights).unwrap();
            values(&out).iter().map(|value| *value == 0.0).collect()
        };
        let first = gone(1, "a", &x, &weights);
        assert_eq!(first, gone(1, "a", &x, &weights));
        for different in [
            gone(2, "a", &x, &weights),
            gone(1, "b", &x, &weights),
            gone(1, "a", &other, &weights),
            gone(1, "a", &x, &learned),
        ] {
            assert_ne!(first, different);
        }
    }

    #[test]
    fn gradients_pass_where_numbers_do() {
        let x = Var::from_vec(vec![1f32; 200], 200, &Device::Cpu).unwrap();
        let weights = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
        let dropout = Dropout::new(0.5, 3, "a").unwrap().unwrap();
        let out = dropout.apply(&x, &weights).unwrap();
        let gradients = out.sum_all().unwrap().backward().unwrap();
        assert_eq!(values(gradients.get(&x).unwrap()), values(&out));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for wrong in [-0.1, 1.0, f32::NAN] {
            let error = Dropout::new(wrong, 0, "a").err().unwrap().to_string();
            assert!(error.contains("dropout from 0"), "{error}");
        }
        assert!(Dropout::new(0.0, 0, "a").unwrap().is_none());
    }
}

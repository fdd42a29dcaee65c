//! What stays of what was learned.

use candle_core::Tensor;
use rayon::prelude::*;
use sdvp_models::params::{Params, Snapshot};
use sdvp_models::{ModelError, strongest_directions};

/// Leaves only the strongest directions of what is learned from now on.
pub(super) struct Directions {
    /// How many, and the weights as they were; none if all directions are to stay.
    kept: Option<(usize, Snapshot)>,
}

impl Directions {
    /// Before anything is learned. With a rank of 0 all directions will stay.
    pub(super) fn before(params: &Params, rank: usize) -> Result<Self, ModelError> {
        let kept = match rank {
            0 => None,
            rank => Some((rank, params.snapshot()?)),
        };
        Ok(Self { kept })
    }

    /// Reduces the change of every trained weight matrix; of a low-rank addition, that of each of its
    /// two factors.
    pub(super) fn keep(&self, params: &Params) -> Result<(), ModelError> {
        let Some((rank, before)) = &self.kept else {
            return Ok(());
        };
        let trained: Vec<_> = params
            .trainable()
            .into_iter()
            .filter_map(|(name, var)| Some((var, before.get(&name)?.clone())))
            .filter(|(var, _)| var.rank() >= 2)
            .collect();
        let kept: Vec<Tensor> = trained
            .par_iter()
            .map(|(var, before)| {
                let change = (var.as_tensor().detach() - before)?;
                Ok((strongest_directions(&change, *rank)? + before)?)
            })
            .collect::<Result<_, ModelError>>()?;
        for ((var, _), kept) in trained.iter().zip(kept) {
            var.set(&kept)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use sdvp_models::params::Builder;

    #[test]
    fn the_strongest_direction_of_a_change_stays_and_vectors_stay_whole() {
        let device = Device::Cpu;
        let var = |values: &[[f32; 2]; 2]| Var::from_tensor(&Tensor::new(values, &device).unwrap());
        let mut params = Builder::fresh(0, &device).finish().unwrap();
        let matrix = var(&[[1.0, 1.0], [1.0, 1.0]]).unwrap();
        let bias = Var::from_tensor(&Tensor::new(&[1f32, 1.0], &device).unwrap()).unwrap();
        let frozen = var(&[[1.0, 1.0], [1.0, 1.0]]).unwrap();
        for (name, var) in [("matrix", &matrix), ("bias", &bias), ("frozen", &frozen)] {
            params.insert(name, var.clone());
        }
        let all = Directions::before(&params, 0).unwrap();
        let one = Directions::before(&params, 1).unwrap();
        let changed = Tensor::new(&[[4f32, 1.0], [1.0, 1.5]], &device).unwrap();
        matrix.set(&changed).unwrap();
        bias.set(&Tensor::new(&[2f32, 3.0], &device).unwrap())
            .unwrap();
        frozen.set(&changed).unwrap();
        params.set_trainable(|name| name != "frozen");

        all.keep(&params).unwrap();
        assert_eq!(matrix.to_vec2::<f32>().unwrap(), [[4.0, 1.0], [1.0, 1.5]]);
        one.keep(&params).unwrap();
        // The change was diag(3, 0.5).
        let now = matrix.to_vec2::<f32>().unwrap();
        let expected = [[4f32, 1.0], [1.0, 1.0]];
        for (row, expected) in now.iter().flatten().zip(expected.iter().flatten()) {
            assert!((row - expected).abs() < 1e-5, "{now:?}");
        }
        assert_eq!(bias.to_vec1::<f32>().unwrap(), [2.0, 3.0]);
        assert_eq!(frozen.to_vec2::<f32>().unwrap(), [[4.0, 1.0], [1.0, 1.5]]);
    }
}

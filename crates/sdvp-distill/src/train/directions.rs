//! What stays of what was learned.

use candle_core::Tensor;
use rayon::prelude::*;
use sdvp_models::params::{Params, Snapshot};
use sdvp_models::{ModelError, strongest_directions};

/// Leaves of every trained weight matrix's change since `before` the `rank` strongest directions;
/// 0 leaves all. Weights that `before` lacks, as low-rank additions, stay as they are.
pub(super) fn keep_directions(
    params: &Params,
    before: &Snapshot,
    rank: usize,
) -> Result<(), ModelError> {
    if rank == 0 {
        return Ok(());
    }
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
            Ok((strongest_directions(&change, rank)? + before)?)
        })
        .collect::<Result<_, ModelError>>()?;
    for ((var, _), kept) in trained.iter().zip(kept) {
        var.set(&kept)?;
    }
    Ok(())
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
        let before = params.snapshot().unwrap();
        let changed = Tensor::new(&[[4f32, 1.0], [1.0, 1.5]], &device).unwrap();
        matrix.set(&changed).unwrap();
        bias.set(&Tensor::new(&[2f32, 3.0], &device).unwrap())
            .unwrap();
        frozen.set(&changed).unwrap();
        params.set_trainable(|name| name != "frozen");

        keep_directions(&params, &before, 0).unwrap();
        assert_eq!(matrix.to_vec2::<f32>().unwrap(), [[4.0, 1.0], [1.0, 1.5]]);
        keep_directions(&params, &before, 1).unwrap();
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

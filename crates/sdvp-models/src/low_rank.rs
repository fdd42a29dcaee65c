//! The strongest directions of a change of weights.

use crate::error::{ModelError, Result};
use candle_core::{DType, Tensor};
use nalgebra::{DMatrix, SymmetricEigen};

/// The matrix of at most `rank` that is nearest to `change` (Eckart & Young 1936), in its shape:
/// `change` projected onto its first left singular vectors, the eigenvectors of the smaller one of
/// its two Gram matrices. A tensor of more dimensions is a matrix of its first one and all others;
/// what has no more than `rank` rows or columns comes back as it is.
///
/// # Errors
/// If the change is not finite.
pub fn strongest_directions(change: &Tensor, rank: usize) -> Result<Tensor> {
    let rows = change.dims().first().copied().unwrap_or(1);
    let columns = change.elem_count().checked_div(rows).unwrap_or(0);
    if rows.min(columns) <= rank {
        return Ok(change.clone());
    }
    let values = change
        .to_dtype(DType::F64)?
        .flatten_all()?
        .to_vec1::<f64>()?;
    if !values.iter().all(|value| value.is_finite()) {
        return Err(ModelError::Config(
            "expected finite weights to reduce, found others".into(),
        ));
    }
    let matrix = DMatrix::from_row_slice(rows, columns, &values);
    let wide = rows <= columns;
    let gram = if wide {
        &matrix * matrix.transpose()
    } else {
        matrix.transpose() * &matrix
    };
    let eigen = SymmetricEigen::new(gram);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let kept = eigen.eigenvectors.select_columns(order.iter().take(rank));
    let nearest = if wide {
        &kept * (kept.transpose() * matrix)
    } else {
        (matrix * &kept) * kept.transpose()
    };
    // nalgebra keeps columns together, candle rows.
    let values: Vec<f64> = nearest.transpose().iter().copied().collect();
    Ok(Tensor::from_vec(values, change.shape(), change.device())?.to_dtype(change.dtype())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn norm(x: &Tensor) -> f32 {
        x.sqr()
            .unwrap()
            .sum_all()
            .unwrap()
            .sqrt()
            .unwrap()
            .to_scalar()
            .unwrap()
    }

    /// Singular values 5, 3 and 1 in directions that are orthogonal to each other.
    fn known(rows: usize, columns: usize) -> (Tensor, [Tensor; 3]) {
        let unit = |n: usize, i: usize| {
            // Columns of a Householder reflection.
            let v: Vec<f32> = (0..n).map(|j| 1.0 + j as f32).collect();
            let square: f32 = v.iter().map(|v| v * v).sum();
            let column = (0..n).map(|j| f32::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / square);
            Tensor::from_vec(column.collect::<Vec<f32>>(), (n, 1), &Device::Cpu).unwrap()
        };
        let part = |i: usize, value: f64| {
            let column = unit(columns, i).t().unwrap();
            (unit(rows, i).matmul(&column).unwrap() * value).unwrap()
        };
        let parts = [part(0, 5.0), part(1, 3.0), part(2, 1.0)];
        let whole = ((&parts[0] + &parts[1]).unwrap() + &parts[2]).unwrap();
        (whole, parts)
    }

    #[test]
    fn the_nearest_matrix_of_a_rank_leaves_out_the_weakest_directions() {
        for (rows, columns) in [(4, 9), (9, 4), (5, 5)] {
            let (whole, [first, second, _]) = known(rows, columns);
            let one = strongest_directions(&whole, 1).unwrap();
            assert!(norm(&(one - &first).unwrap()) < 1e-4);
            let two = strongest_directions(&whole, 2).unwrap();
            assert!(norm(&(two - (first + second).unwrap()).unwrap()) < 1e-4);
            let all = strongest_directions(&whole, 3).unwrap();
            assert!(norm(&(all - &whole).unwrap()) < 1e-4);
        }
    }

    #[test]
    fn shapes_stay_and_small_matrices_come_back() {
        let (whole, _) = known(4, 12);
        let patches = whole.reshape((4, 3, 2, 2)).unwrap();
        let one = strongest_directions(&patches, 1).unwrap();
        assert_eq!(one.dims(), [4, 3, 2, 2]);
        let flat = strongest_directions(&whole, 1).unwrap();
        assert!(norm(&(one.reshape((4, 12)).unwrap() - flat).unwrap()) < 1e-5);
        for small in [whole.narrow(0, 0, 2).unwrap(), whole.get(0).unwrap()] {
            let same = strongest_directions(&small, 2).unwrap();
            assert_eq!(norm(&(same - &small).unwrap()), 0.0);
        }
        let broken = (whole * f64::NAN).unwrap();
        assert!(strongest_directions(&broken, 1).is_err());
    }
}

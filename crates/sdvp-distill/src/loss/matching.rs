//! Which prediction is responsible for which object: an optimal one-to-one assignment, as in DETR
//! (Carion et al. 2020, arXiv 2005.12872).

use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;

/// Costs are compared as whole numbers of this fraction.
const RESOLUTION: f32 = 1e-5;

/// Assigns each row (object) its own column (prediction), so that the summed cost is least.
/// `cost` is row-major with `columns` entries a row. Where there are more objects than predictions
/// the last objects go without.
pub fn assign(cost: &[f32], columns: usize) -> Vec<usize> {
    if columns == 0 || cost.is_empty() {
        return Vec::new();
    }
    let rows = (cost.len() / columns).min(columns);
    let weights: Vec<i64> = cost[..rows * columns]
        .iter()
        .map(|&c| {
            if c.is_finite() {
                (c / RESOLUTION) as i64
            } else {
                i64::from(i32::MAX)
            }
        })
        .collect();
    match Matrix::from_vec(rows, columns, weights) {
        Ok(matrix) => kuhn_munkres_min(&matrix).1,
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    #[test]
    fn finds_the_optimum_where_greed_does_not() {
        // Greedy takes (0,0) for 1 and must pay 100 in row 1.
        assert_eq!(assign(&[1.0, 2.0, 1.5, 100.0], 2), [1, 0]);
        assert!(assign(&[], 4).is_empty());
    }

    #[test]
    fn never_worse_than_any_permutation() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        for _ in 0..50 {
            let cost: Vec<f32> = (0..9).map(|_| rng.random_range(0.0..1.0)).collect();
            let total = |order: &[usize]| -> f32 {
                order
                    .iter()
                    .enumerate()
                    .map(|(r, &c)| cost[r * 3 + c])
                    .sum()
            };
            let best = total(&assign(&cost, 3));
            for order in [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ] {
                assert!(best <= total(&order) + 1e-4);
            }
        }
    }

    #[test]
    fn more_objects_than_predictions() {
        assert_eq!(assign(&[3.0, 2.0, 1.0], 1), [0]);
    }
}

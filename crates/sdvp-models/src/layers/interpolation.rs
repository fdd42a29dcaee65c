//! Feature maps resized as torch's `interpolate` does it.

use super::linear;
use crate::error::Result;
use candle_core::{Device, Tensor};

/// How values between values are found. Neither is antialiased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// From the nearest two, the first and the last value staying first and last
    /// (`mode="bilinear", align_corners=True`).
    Linear,
    /// From the nearest four (Keys 1981, a = −3/4), values being as wide as they are far apart
    /// (`mode="bicubic", align_corners=False`).
    Cubic,
}

/// What a new value has of an old one: its place and its share.
pub type Tap = (usize, f32);

impl Interpolation {
    /// What each of `to` new values has of `from` old ones, along one axis. Shares sum to 1; beyond
    /// the ends the outermost values go on.
    pub fn taps(self, from: usize, to: usize) -> Vec<[Tap; 4]> {
        let last = from.saturating_sub(1);
        let at = |new: usize| match self {
            Self::Linear => new as f64 * last as f64 / (to.max(2) - 1) as f64,
            Self::Cubic => (new as f64 + 0.5) * from as f64 / to as f64 - 0.5,
        };
        (0..to)
            .map(|new| {
                let at = at(new);
                let low = at.floor();
                let shares = self.shares(at - low);
                std::array::from_fn(|tap| {
                    let place = low as i64 + tap as i64 - 1;
                    (place.clamp(0, last as i64) as usize, shares[tap] as f32)
                })
            })
            .collect()
    }

    /// Shares of the values at −1, 0, 1 and 2 in what lies at `t`, between 0 and 1.
    fn shares(self, t: f64) -> [f64; 4] {
        if self == Self::Linear {
            return [0.0, 1.0 - t, t, 0.0];
        }
        const A: f64 = -0.75;
        let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
        let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
        [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
    }

    /// The taps as a matrix `[to, from]`.
    fn matrix(self, from: usize, to: usize, device: &Device) -> Result<Tensor> {
        let mut matrix = vec![0f32; from * to];
        for (row, taps) in matrix
            .chunks_exact_mut(from.max(1))
            .zip(self.taps(from, to))
        {
            for (place, share) in taps {
                row[place] += share;
            }
        }
        Ok(Tensor::from_vec(matrix, (to, from), device)?)
    }
}

/// `[batch, height, width, channels]` → `[batch, rows, columns, channels]`, by one product with a
/// constant matrix for each axis.
///
/// # Errors
/// If the input has another rank.
pub fn interpolate(x: &Tensor, [rows, columns]: [usize; 2], how: Interpolation) -> Result<Tensor> {
    let (_, height, width, _) = x.dims4()?;
    if (height, width) == (rows, columns) {
        return Ok(x.clone());
    }
    let along = |x: &Tensor, from: usize, to: usize| -> Result<Tensor> {
        match from == to {
            true => Ok(x.clone()),
            false => linear(x, &how.matrix(from, to, x.device())?, None),
        }
    };
    let x = along(&x.permute((0, 3, 1, 2))?.contiguous()?, width, columns)?;
    let x = along(&x.transpose(2, 3)?.contiguous()?, height, rows)?;
    Ok(x.permute((0, 3, 2, 1))?.contiguous()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    /// A row of numbers, resized.
    fn resized(row: &[f32], to: usize, how: Interpolation) -> Vec<f32> {
        let x = Tensor::new(row, &Device::Cpu).unwrap();
        let x = x.reshape((1, 1, row.len(), 1)).unwrap();
        let y = interpolate(&x, [1, to], how).unwrap();
        y.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Expected numbers are torch's: `interpolate(tensor, size, mode, align_corners)`.
    #[test]
    fn rows_are_resized_as_torch_does() {
        let row = [1.0, 5.0, 2.0, 4.0];
        let near = |found: Vec<f32>, expected: &[f32]| {
            assert_eq!(found.len(), expected.len());
            let same = found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(same, "{found:?} {expected:?}");
        };
        let (linear, cubic) = (Interpolation::Linear, Interpolation::Cubic);
        near(resized(&row, 3, linear), &[1.0, 3.5, 4.0]);
        near(
            resized(&row, 7, linear),
            &[1.0, 3.0, 5.0, 3.5, 2.0, 3.0, 4.0],
        );
        near(resized(&row, 1, linear), &[1.0]);
        near(resized(&row, 3, cubic), &[1.626158, 3.6875, 3.660882]);
        near(
            resized(&row, 7, cubic),
            &[
                0.603135, 2.547467, 4.909712, 3.6875, 1.975857, 3.13402, 4.198433,
            ],
        );
        near(resized(&[3.0], 2, cubic), &[3.0, 3.0]);
    }

    #[test]
    fn rows_and_columns_are_resized_apart_and_carry_gradients() {
        let device = Device::Cpu;
        let x = Var::randn(0f32, 1f32, (2, 3, 4, 5), &device).unwrap();
        let (rows, columns) = (
            Interpolation::Cubic.matrix(3, 6, &device).unwrap(),
            Interpolation::Cubic.matrix(4, 7, &device).unwrap(),
        );
        let y = interpolate(&x, [6, 7], Interpolation::Cubic).unwrap();
        assert_eq!(y.dims(), [2, 6, 7, 5]);
        let plane = |x: &Tensor| {
            x.get(1)
                .unwrap()
                .narrow(2, 3, 1)
                .unwrap()
                .squeeze(2)
                .unwrap()
        };
        let expected = rows
            .matmul(&plane(&x).contiguous().unwrap())
            .unwrap()
            .matmul(&columns.t().unwrap())
            .unwrap();
        let gap = (plane(&y) - expected).unwrap().abs().unwrap();
        assert!(gap.max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-5);
        // Every new value is made of shares that sum to 1, so that all old ones have of all new.
        let total = y.sum_all().unwrap().backward().unwrap();
        let total = total.get(&x).unwrap().sum_all().unwrap();
        assert!((total.to_scalar::<f32>().unwrap() - (2 * 6 * 7 * 5) as f32).abs() < 1e-2);
    }
}

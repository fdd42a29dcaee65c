//! Rotary position embedding.

use crate::error::Result;
use candle_core::{D, Device, Tensor};

/// Turns pairs of a vector's elements, the first of its first half with the first of its second
/// and so on, by angles that stand for its place (Su et al. 2021). From operations that carry
/// gradients on every device.
pub struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl Rotation {
    /// By `angles`, token by token, `half` of each: of vectors twice as wide.
    ///
    /// # Errors
    /// If their number is no multiple of `half`.
    pub fn new(angles: Vec<f32>, half: usize, device: &Device) -> Result<Self> {
        let tokens = angles.len() / half.max(1);
        let angles = Tensor::from_vec(angles, (tokens, half), device)?;
        Ok(Self {
            cos: angles.cos()?,
            sin: angles.sin()?,
        })
    }

    /// Turns `[…, tokens, 2 · half]`.
    ///
    /// # Errors
    /// If the shape is another.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let half = self.cos.dim(1)?;
        let (a, b) = (
            x.narrow(D::Minus1, 0, half)?,
            x.narrow(D::Minus1, half, half)?,
        );
        let first = (a.broadcast_mul(&self.cos)? - b.broadcast_mul(&self.sin)?)?;
        let second = (b.broadcast_mul(&self.cos)? + a.broadcast_mul(&self.sin)?)?;
        Ok(Tensor::cat(&[first, second], D::Minus1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_turn_by_their_angles() {
        let quarter = std::f32::consts::FRAC_PI_2;
        let rotation = Rotation::new(vec![0.0, 0.0, quarter, 0.0], 2, &Device::Cpu).unwrap();
        let x = Tensor::new(
            &[[[1f32, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]],
            &Device::Cpu,
        );
        let turned = rotation.apply(&x.unwrap()).unwrap();
        let rows = turned.to_vec3::<f32>().unwrap().remove(0);
        assert_eq!(rows[0], [1.0, 2.0, 3.0, 4.0]);
        let expected = [-3.0, 2.0, 1.0, 4.0];
        assert!(
            rows[1]
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-6)
        );
    }
}

//! Noise of single pixels.

/// A cheap stream of noise, one step a value: the pixels' noise need not be of cryptographic quality,
/// and dominates the cost of a scene otherwise. The generator is SplitMix64.
pub(super) struct PixelNoise(pub(super) u64);

impl PixelNoise {
    /// Nearly gaussian, mean 0, variance 1: the sum of four uniform values of 16 bits.
    pub(super) fn gaussian(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let sum = (z & 0xffff) + ((z >> 16) & 0xffff) + ((z >> 32) & 0xffff) + (z >> 48);
        // Four uniforms of width 1 have variance 1/3 and mean 2.
        (sum as f32 / 65_536.0 - 2.0) * 1.732_050_8
    }
}

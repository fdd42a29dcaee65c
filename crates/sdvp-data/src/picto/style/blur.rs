//! Lack of focus.

use image::RgbImage;

/// Gaussian blur, separable, edges repeated.
pub(super) fn blur(image: &mut RgbImage, sigma: f32) {
    let radius = (sigma * 2.7).ceil() as usize;
    if sigma <= 0.0 || radius == 0 {
        return;
    }
    let mut kernel: Vec<f32> = (0..=2 * radius)
        .map(|i| {
            let d = (i as f32 - radius as f32) / sigma;
            (-0.5 * d * d).exp()
        })
        .collect();
    let total: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= total);
    let (width, height) = (image.width() as usize, image.height() as usize);
    let stride = width * 3;
    // Along rows: a padded row, then one shifted sum a tap, which compiles to vector code.
    let mut across = vec![0.0f32; stride * height];
    let mut padded = vec![0.0f32; (width + 2 * radius) * 3];
    for (source, target) in image
        .as_raw()
        .chunks_exact(stride)
        .zip(across.chunks_exact_mut(stride))
    {
        for (i, value) in padded.iter_mut().enumerate() {
            let x = (i / 3).saturating_sub(radius).min(width - 1);
            *value = f32::from(source[x * 3 + i % 3]);
        }
        for (tap, &weight) in kernel.iter().enumerate() {
            for (t, s) in target.iter_mut().zip(&padded[tap * 3..]) {
                *t += weight * s;
            }
        }
    }
    let mut row = vec![0.0f32; stride];
    let rows: &mut [u8] = image;
    for (y, target) in rows.chunks_exact_mut(stride).enumerate() {
        row.fill(0.5);
        for (tap, &weight) in kernel.iter().enumerate() {
            let from = (y + tap).saturating_sub(radius).min(height - 1) * stride;
            for (t, s) in row.iter_mut().zip(&across[from..from + stride]) {
                *t += weight * s;
            }
        }
        for (t, s) in target.iter_mut().zip(&row) {
            *t = *s as u8;
        }
    }
}

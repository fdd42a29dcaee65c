//! Loss of answers.

use candle_core::{D, Tensor};
use sdvp_models::{Result, layers::log_softmax};

/// The log-probability of each row's class, `[rows, 1]`; `logits` are `[rows, classes]`.
///
/// # Errors
/// If there are not as many classes as rows.
pub(crate) fn log_likelihood(logits: &Tensor, classes: Vec<u32>) -> Result<Tensor> {
    let classes = Tensor::from_vec(classes, (logits.dim(0)?, 1), logits.device())?;
    Ok(log_softmax(logits)?.gather(&classes, 1)?)
}

/// `−Σ t · log softmax(x)`, averaged over the batch with the given weights: cross-entropy for
/// one-hot targets, and up to a constant `KL(t ‖ softmax(x))` for soft ones. `logits` and `targets`
/// are `[batch, answers]`, `weights` `[batch]`.
///
/// # Errors
/// If shapes disagree.
pub fn soft_cross_entropy(logits: &Tensor, targets: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let each = log_softmax(logits)?.mul(targets)?.sum(D::Minus1)?.neg()?;
    let total = weights.sum_all()?.to_scalar::<f32>()?.max(1e-6);
    Ok((each.mul(weights)?.sum_all()? / f64::from(total))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn agrees_with_the_formula_and_honours_weights() {
        let logits = Tensor::new(&[[1.0f32, 2.0], [5.0, -5.0]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[[0.25f32, 0.75], [1.0, 0.0]], &Device::Cpu).unwrap();
        let weights = Tensor::new(&[1.0f32, 0.0], &Device::Cpu).unwrap();
        let loss = soft_cross_entropy(&logits, &targets, &weights)
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        let norm = (1f32.exp() + 2f32.exp()).ln();
        let expected = -(0.25 * (1.0 - norm) + 0.75 * (2.0 - norm));
        assert!((loss - expected).abs() < 1e-5, "{loss} and {expected}");
    }
}

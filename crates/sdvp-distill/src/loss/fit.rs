//! Loss of how well texts fit.

use super::detection::focal_loss;
use candle_core::Tensor;
use sdvp_models::Result;
use sdvp_models::layers::sigmoid;

/// Focal loss (Lin et al. 2017, arXiv 1708.02002) of the pairs of picture and text that are asked,
/// summed and divided by the number of pictures: of the texts that a picture is tried with nearly all
/// do not fit, and clearly so. `logits`, `wanted` (probabilities) and `asked` (1 or 0) are
/// `[pictures, texts]`.
///
/// # Errors
/// If shapes disagree.
pub fn fit_loss(logits: &Tensor, wanted: &Tensor, asked: &Tensor) -> Result<Tensor> {
    let pictures = logits.dim(0)?.max(1) as f64;
    let each = focal_loss(logits, wanted)?.mul(asked)?;
    Ok((each.sum_all()? / pictures)?)
}

/// The squared change of every probability that is asked, summed and divided by the number of
/// pictures; shapes as in [`fit_loss`], `before` are logits.
///
/// # Errors
/// If shapes disagree.
pub fn fit_divergence(now: &Tensor, before: &Tensor, asked: &Tensor) -> Result<Tensor> {
    let pictures = now.dim(0)?.max(1) as f64;
    let change = (sigmoid(now)? - sigmoid(&before.detach())?)?;
    Ok((change.sqr()?.mul(asked)?.sum_all()? / pictures)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn tensor(values: [[f32; 2]; 2]) -> Tensor {
        Tensor::new(&values, &Device::Cpu).unwrap()
    }

    #[test]
    fn only_what_is_asked_counts() {
        let logits = tensor([[0.0, 9.0], [3.0, -9.0]]);
        let wanted = tensor([[1.0, 0.0], [0.0, 1.0]]);
        let asked = tensor([[1.0, 0.0], [0.0, 0.0]]);
        let loss = fit_loss(&logits, &wanted, &asked).unwrap();
        // One of two pictures, (1 − ½)² · ln 2.
        let expected = 0.25 * 2f32.ln() / 2.0;
        assert!((loss.to_scalar::<f32>().unwrap() - expected).abs() < 1e-6);

        let same = fit_divergence(&logits, &logits, &tensor([[1.0; 2]; 2])).unwrap();
        assert_eq!(same.to_scalar::<f32>().unwrap(), 0.0);
        let moved = fit_divergence(&wanted, &logits, &asked).unwrap();
        let expected = (1.0 / (1.0 + (-1f32).exp()) - 0.5).powi(2) / 2.0;
        assert!((moved.to_scalar::<f32>().unwrap() - expected).abs() < 1e-6);
    }
}

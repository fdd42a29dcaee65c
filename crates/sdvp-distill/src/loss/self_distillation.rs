//! Staying what one was: divergence from the frozen former self on rehearsed calls
//! (sequential self-distillation, DESIGN §1 step 5; Li & Hoiem 2016, arXiv 1606.09282).

use candle_core::{D, Tensor};
use sdvp_models::Result;
use sdvp_models::layers::{log_softmax, sigmoid};

/// `KL(softmax(before) ‖ softmax(now))`, averaged over the batch; both `[batch, answers]`.
///
/// # Errors
/// If shapes disagree.
pub fn answer_divergence(now: &Tensor, before: &Tensor) -> Result<Tensor> {
    let before = log_softmax(&before.detach())?;
    let each = before
        .exp()?
        .mul(&(&before - log_softmax(now)?)?)?
        .sum(D::Minus1)?;
    Ok(each.mean_all()?)
}

/// For locate: the squared change of every probability, plus the distance of boxes weighted by the
/// best probability their prediction had before. Both are sums over an image's predictions, divided
/// by the number of images. Squares, and not a divergence of yes/no distributions: of the thousand
/// pairs of prediction and text nearly all are far below what programs believe, and how far below
/// is of no consequence, but in sum it would outweigh the few that count.
///
/// `now` and `before` are logits `[batch, predictions, queries]`, `asked` the same shape, 1 where
/// a query belongs to the image; boxes `[batch, predictions, 4]`.
///
/// # Errors
/// If shapes disagree.
pub fn detection_divergence(
    now: &Tensor,
    before: &Tensor,
    asked: &Tensor,
    boxes_now: &Tensor,
    boxes_before: &Tensor,
) -> Result<Tensor> {
    let batch = now.dim(0)?.max(1) as f64;
    let probability = sigmoid(&before.detach())?;
    let change = (sigmoid(now)? - &probability)?;
    let scores = change.sqr()?.mul(asked)?.sum_all()?;
    let sure = probability.mul(asked)?.max(D::Minus1)?;
    let moved = (boxes_now - boxes_before.detach())?.abs()?.sum(D::Minus1)?;
    let boxes = moved.mul(&sure)?.sum_all()?;
    Ok(((scores + boxes)? / batch)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn no_change_costs_nothing_and_any_change_costs() {
        let a = Tensor::new(&[[1.0f32, -2.0, 0.5]], &Device::Cpu).unwrap();
        let b = Tensor::new(&[[1.5f32, -2.0, 0.5]], &Device::Cpu).unwrap();
        let kl =
            |x: &Tensor, y: &Tensor| answer_divergence(x, y).unwrap().to_scalar::<f32>().unwrap();
        assert!(kl(&a, &a).abs() < 1e-6);
        assert!(kl(&b, &a) > 1e-3);
        // A constant added to all logits is no change of the distribution.
        assert!(kl(&(&a + 3.0).unwrap(), &a).abs() < 1e-5);
    }

    #[test]
    fn detection_divergence_is_the_squared_change_of_probability() {
        let device = Device::Cpu;
        let logit = |p: f32| (p / (1.0 - p)).ln();
        let before = Tensor::new(&[[[logit(0.8f32), 0.0]]], &device).unwrap();
        let now = Tensor::new(&[[[logit(0.5f32), 3.0]]], &device).unwrap();
        let asked = Tensor::new(&[[[1.0f32, 0.0]]], &device).unwrap();
        let boxes = Tensor::zeros((1, 1, 4), candle_core::DType::F32, &device).unwrap();
        let loss = detection_divergence(&now, &before, &asked, &boxes, &boxes)
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!((loss - 0.3 * 0.3).abs() < 1e-5, "{loss}");
        let moved = (&boxes + 0.1).unwrap();
        let loss = detection_divergence(&before, &before, &asked, &moved, &boxes).unwrap();
        assert!((loss.to_scalar::<f32>().unwrap() - 0.8 * 0.4).abs() < 1e-5);
    }
}

//! Losses of answers that are written word by word.

use super::answer::log_likelihood;
use candle_core::{D, Tensor};
use sdvp_models::Result;
use sdvp_models::layers::log_softmax;

/// `−Σ share · log p(word)`: `logits` are `[places, words]` of what may stand at each place, `words` what
/// stands there, and `shares` how much it counts.
///
/// # Errors
/// If there are not as many words and shares as places.
pub fn word_loss(logits: &Tensor, words: Vec<u32>, shares: Vec<f32>) -> Result<Tensor> {
    let shares = Tensor::from_vec(shares, (words.len(), 1), logits.device())?;
    let likelihoods = log_likelihood(logits, words)?;
    Ok(likelihoods.mul(&shares)?.sum_all()?.neg()?)
}

/// What is left of a distribution beside its likeliest words is not taken for less than this: they are
/// rounded, and may come to more than 1.
const REST: f64 = 1e-6;

/// `Σ KL(before ‖ now)` over places, where all words but the likeliest ones of before count as one. `now`
/// are logits `[places, words]`; of before there are the `likely` ids, `[places, likely]`, with their
/// log-probabilities.
///
/// # Errors
/// If shapes disagree.
pub fn word_divergence(
    now: &Tensor,
    likely: Vec<u32>,
    log_probabilities: Vec<f32>,
) -> Result<Tensor> {
    let places = now.dim(0)?;
    let shape = (places, likely.len() / places.max(1));
    let likely = Tensor::from_vec(likely, shape, now.device())?;
    let before = Tensor::from_vec(log_probabilities, shape, now.device())?;
    let now = log_softmax(now)?.gather(&likely, 1)?;
    let rest = |log: &Tensor| -> candle_core::Result<Tensor> {
        (1.0 - log.exp()?.sum(D::Minus1)?)?.maximum(REST)
    };
    let (rest_before, rest_now) = (rest(&before)?, rest(&now)?);
    let known = before.exp()?.mul(&(&before - &now)?)?.sum_all()?;
    let others = rest_before.mul(&(rest_before.log()? - rest_now.log()?)?)?;
    Ok((known + others.sum_all()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn logits() -> Tensor {
        let rows = [[1.0f32, 2.0, -1.0, 0.5, 0.0], [0.0, -3.0, 2.5, 1.0, 0.3]];
        Tensor::new(&rows, &Device::Cpu).unwrap()
    }

    /// The two likeliest of each row.
    fn remembered(logits: &Tensor) -> (Vec<u32>, Vec<f32>) {
        let all = log_softmax(logits).unwrap().to_vec2::<f32>().unwrap();
        let likely = [[1usize, 0], [2, 3]];
        let pairs = all
            .iter()
            .zip(&likely)
            .flat_map(|(row, ids)| ids.map(|id| (id as u32, row[id])));
        pairs.unzip()
    }

    #[test]
    fn words_count_as_their_shares_say() {
        let loss = |shares: [f32; 2]| {
            let loss = word_loss(&logits(), vec![1, 0], shares.to_vec()).unwrap();
            loss.to_scalar::<f32>().unwrap()
        };
        let all = log_softmax(&logits()).unwrap().to_vec2::<f32>().unwrap();
        let expected = -0.25 * all[0][1] - 2.0 * all[1][0];
        assert!((loss([0.25, 2.0]) - expected).abs() < 1e-5);
    }

    #[test]
    fn divergence_is_that_of_the_likeliest_and_all_others() {
        let (likely, before) = remembered(&logits());
        let divergence = |now: &Tensor| {
            let value = word_divergence(now, likely.clone(), before.clone()).unwrap();
            value.to_scalar::<f32>().unwrap()
        };
        assert!(divergence(&logits()).abs() < 1e-5);
        // Among the others anything may change.
        let change = |at: [f32; 5]| {
            let change = Tensor::new(&[at, [0.0; 5]], &Device::Cpu).unwrap();
            (logits() + change).unwrap()
        };
        let swapped = change([0.0, 0.0, 1.5, -1.5, 0.0]);
        assert!(
            divergence(&swapped).abs() < 1e-5,
            "{}",
            divergence(&swapped)
        );
        // p = 0.56, 0.21 and 0.23 for the rest; the first falls.
        let now = change([0.0, -1.0, 0.0, 0.0, 0.0]);
        let distribution = |logits: &Tensor| -> [f32; 3] {
            let row = &log_softmax(logits)
                .unwrap()
                .exp()
                .unwrap()
                .to_vec2::<f32>()
                .unwrap()[0];
            [row[1], row[0], row[2] + row[3] + row[4]]
        };
        let (p, q) = (distribution(&logits()), distribution(&now));
        let expected: f32 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
        assert!((divergence(&now) - expected).abs() < 1e-5);
    }

    #[test]
    fn gradients_vanish_where_nothing_changed() {
        let (likely, before) = remembered(&logits());
        let now = Var::from_tensor(&logits()).unwrap();
        let value = word_divergence(&now, likely, before).unwrap();
        let gradients = value.backward().unwrap();
        let gradient = gradients.get(&now).unwrap().abs().unwrap();
        let greatest = gradient.max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(greatest < 1e-4, "{greatest}");
    }
}

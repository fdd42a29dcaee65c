//! All layers together: gradients against finite differences, threads and batches.

use super::*;
use crate::error::Result;
use crate::gradient_check;
use crate::lora::LoraConfig;
use crate::params::{Builder, Init, Params};
use candle_core::{D, DType, Device, Tensor};

const DIM: usize = 8;
const NAMES: AttentionNames = AttentionNames {
    query: "q",
    key: "k",
    value: "v",
    output: "out",
};

/// Every kind of layer once.
struct Network {
    words: Embedding,
    first: Conv2d,
    first_norm: ChannelNorm,
    second: Conv2d,
    norm: LayerNorm,
    attention: Attention,
    inner: Linear,
    outer: Linear,
}

impl Network {
    fn new() -> (Self, Params) {
        let b = Builder::fresh(11, &Device::Cpu);
        // An initial B of 0 would hide A from the loss: adapted weights are loaded non-zero below.
        let b = b.with_lora(
            LoraConfig {
                rank: 2,
                alpha: 4.0,
                dropout: 0.0,
                patterns: vec!["outer".into()],
            },
            11,
        );
        let wide = Init::Normal(0.5);
        let network = Self {
            words: Embedding::new(6, DIM, &b.pp("words"), wide).unwrap(),
            first: Conv2d::new(3, 4, 3, 1, 1, true, &b.pp("first")).unwrap(),
            first_norm: ChannelNorm::new(4, &b.pp("first_norm")).unwrap(),
            second: Conv2d::new(4, DIM, 3, 2, 1, false, &b.pp("second")).unwrap(),
            norm: LayerNorm::new(DIM, 1e-5, &b.pp("norm")).unwrap(),
            attention: Attention::new(DIM, 2, &b.pp("attention"), NAMES).unwrap(),
            inner: Linear::new_with_init(DIM, 12, &b.pp("inner"), wide, Some(Init::Normal(0.1)))
                .unwrap(),
            outer: Linear::new_with_init(12, 5, &b.pp("outer"), wide, Some(Init::Normal(0.1)))
                .unwrap(),
        };
        let params = b.finish().unwrap();
        for name in params
            .names()
            .filter(|name| name.contains("attention.") || name.contains("lora_B"))
        {
            let var = params.get(name).unwrap();
            let count = var.elem_count();
            // Of size 1 and without symmetry, so that no gradient is tiny.
            let values: Vec<f32> = (0..count)
                .map(|i| ((i * i + 3 * i) as f32 * 0.37 + name.len() as f32).sin())
                .collect();
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap())
                .unwrap();
        }
        (network, params)
    }

    fn forward(
        &self,
        ids: &Tensor,
        pixels: &Tensor,
        mask: &Tensor,
        causal: bool,
    ) -> Result<Tensor> {
        let map = self.second.forward(&gelu(
            &self.first_norm.forward(&self.first.forward(pixels)?)?,
        )?)?;
        let tokens = Tensor::cat(&[&self.words.forward(ids)?, &map.flatten(1, 2)?], 1)?;
        let mixed = self
            .attention
            .forward(&self.norm.forward(&tokens)?, Some(mask), causal)?;
        let inner = quick_gelu(&self.inner.forward(&(tokens + mixed)?)?)?;
        softmax(&self.outer.forward(&inner)?)
    }
}

struct Inputs {
    ids: Tensor,
    pixels: Tensor,
    mask: Tensor,
}

/// Three samples of three words and a 4×4 image, so 7 tokens; a word of the second is hidden.
fn inputs() -> Inputs {
    let device = Device::Cpu;
    let pixels: Vec<f32> = (0..3 * 16 * 3)
        .map(|i| ((i * i) as f32 * 0.11).sin())
        .collect();
    let mut mask = vec![1f32; 3 * 7];
    mask[7 + 2] = 0.0;
    Inputs {
        ids: Tensor::new(&[[1u32, 4, 2], [0, 5, 5], [3, 1, 0]], &device).unwrap(),
        pixels: Tensor::from_vec(pixels, (3, 4, 4, 3), &device).unwrap(),
        mask: Tensor::from_vec(mask, (3, 7), &device).unwrap(),
    }
}

fn loss(network: &Network, inputs: &Inputs, causal: bool) -> Result<Tensor> {
    let p = network.forward(&inputs.ids, &inputs.pixels, &inputs.mask, causal)?;
    let weights: Vec<f32> = (0..p.elem_count())
        .map(|i| (i as f32 * 0.7).cos())
        .collect();
    let weights = Tensor::from_vec(weights, p.shape(), &Device::Cpu)?;
    Ok((p * weights)?.sum_all()?)
}

#[test]
fn gradients_of_every_layer_agree_with_finite_differences() {
    let (network, params) = Network::new();
    let inputs = inputs();
    for causal in [false, true] {
        let reports =
            gradient_check::check(&params, || loss(&network, &inputs, causal), 4, 5).unwrap();
        // Adding to all keys moves all scores of a query alike, so their bias has no gradient.
        let mut reports: Vec<_> = reports
            .into_iter()
            .filter(|r| r.name != "attention.k.bias")
            .collect();
        reports.sort_by(|a, b| b.relative_error.total_cmp(&a.relative_error));
        assert!(
            reports.iter().all(|r| r.fault.is_none()),
            "{:?}",
            reports[0]
        );
        assert!(
            reports[0].relative_error < 1e-2,
            "causal {causal}: {:?}",
            &reports[..3]
        );
        let checked: std::collections::BTreeSet<_> =
            reports.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(checked.len(), params.names().count() - 1);
    }
}

#[test]
fn log_softmax_is_right_and_stable_and_its_gradient_too() {
    let b = Builder::fresh(0, &Device::Cpu);
    let x = b.get((2, 4), "x", Init::Normal(2.0)).unwrap();
    let params = b.finish().unwrap();
    let weights = Tensor::new(
        &[[0.3f32, -1.0, 2.0, 0.5], [1.0, 0.1, -0.4, 0.9]],
        &Device::Cpu,
    )
    .unwrap();
    let loss = || Ok((log_softmax(&x)? * &weights)?.sum_all()?);
    let reports = gradient_check::check(&params, loss, 5, 1).unwrap();
    assert!(
        reports.iter().all(|r| r.relative_error < 2e-3),
        "{reports:?}"
    );
    let large = Tensor::new(&[1000f32, 998.0, -1000.0], &Device::Cpu).unwrap();
    let p = softmax(&large).unwrap().to_vec1::<f32>().unwrap();
    assert!(
        (p[0] - 0.880_797).abs() < 1e-5 && (p[1] - 0.119_203).abs() < 1e-5 && p[2] == 0.0,
        "{p:?}"
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // Enough rows for several pieces of every kernel.
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let b = Builder::fresh(4, &Device::Cpu);
            let norm = LayerNorm::new(32, 1e-5, &b.pp("norm")).unwrap();
            let attention = Attention::new(32, 4, &b.pp("attention"), NAMES).unwrap();
            let linear = Linear::new(32, 70, true, &b.pp("linear")).unwrap();
            let params = b.finish().unwrap();
            let x: Vec<f32> = (0..40 * 30 * 32)
                .map(|i| (i as f32 * 0.013).sin())
                .collect();
            let x = Tensor::from_vec(x, (40, 30, 32), &Device::Cpu).unwrap();
            let y = attention
                .forward(&norm.forward(&x).unwrap(), None, false)
                .unwrap();
            let y = gelu(&linear.forward(&y).unwrap()).unwrap();
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let of = |name: &str| flat(gradients.get(params.get(name).unwrap()).unwrap());
            let gradients: Vec<_> = params.names().map(of).collect();
            (flat(&y), gradients)
        })
    };
    assert!(run(1) == run(3), "the same bits are expected");
}

#[test]
fn a_sample_s_result_does_not_depend_on_the_others_in_its_batch() {
    let (network, _) = Network::new();
    let inputs = inputs();
    let together = network
        .forward(&inputs.ids, &inputs.pixels, &inputs.mask, false)
        .unwrap();
    for i in 0..3 {
        let one = |t: &Tensor| t.narrow(0, i, 1).unwrap();
        let alone = network
            .forward(
                &one(&inputs.ids),
                &one(&inputs.pixels),
                &one(&inputs.mask),
                false,
            )
            .unwrap();
        let gap = (alone - one(&together))
            .unwrap()
            .abs()
            .unwrap()
            .max_all()
            .unwrap();
        assert!(gap.to_scalar::<f32>().unwrap() < 1e-5);
    }
}

#[test]
fn repeated_ids_add_up_in_the_gradient_of_an_embedding() {
    let b = Builder::fresh(0, &Device::Cpu);
    let words = Embedding::new(4, 2, &b, Init::Ones).unwrap();
    let params = b.finish().unwrap();
    let ids = Tensor::new(&[[1u32, 3], [3, 3]], &Device::Cpu).unwrap();
    let y = words.forward(&ids).unwrap();
    assert_eq!(y.dims(), [2, 2, 2]);
    let gradients = y
        .sum(D::Minus1)
        .unwrap()
        .to_dtype(DType::F32)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let found = gradients
        .get(params.get("weight").unwrap())
        .unwrap()
        .to_vec2::<f32>()
        .unwrap();
    assert_eq!(found, [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [3.0, 3.0]]);
}

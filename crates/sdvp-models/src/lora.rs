//! Low-rank adaptation.

use crate::error::{ModelError, Result};
use crate::pattern;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// The factor that reads the input, `[rank, input]`.
pub(crate) const DOWN: &str = "lora_A.weight";
/// The factor that writes the output, `[output, rank]`.
pub(crate) const UP: &str = "lora_B.weight";

/// Whether a parameter belongs to a low-rank addition, by its full name.
pub fn is_addition(parameter: &str) -> bool {
    parameter.contains(".lora_")
}

/// Low-rank additions to linear layers (Hu et al. 2021, arXiv 2106.09685):
/// `y = W x + b + (alpha / rank) · B A x`, with `A` random and `B` zero at first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    /// Rank of the addition.
    pub rank: usize,
    /// Its scale is `alpha / rank`.
    pub alpha: f32,
    /// Probability with which each number that the addition reads is left out while it learns, in
    /// `[0, 1)`.
    #[serde(default)]
    pub dropout: f32,
    /// Layers whose full name contains one of these are adapted; a pattern with `*` must match
    /// the whole name, `*` standing for anything, and `=name` is that layer alone.
    pub patterns: Vec<String>,
}

impl LoraConfig {
    /// Whether a layer is adapted.
    pub fn adapts(&self, layer: &str) -> bool {
        self.patterns
            .iter()
            .any(|pattern| pattern::matches(pattern, layer))
    }

    /// What the addition is multiplied by.
    ///
    /// # Errors
    /// If the rank is 0.
    pub fn scale(&self) -> Result<f64> {
        if self.rank == 0 {
            return Err(ModelError::Config(
                "low-rank adaptation expected a rank of 1 or more, found 0".into(),
            ));
        }
        Ok(f64::from(self.alpha) / self.rank as f64)
    }

    /// Folds every low-rank addition into the weight it adds to, so that the values fit the plain
    /// network and give the same outputs.
    ///
    /// # Errors
    /// If half of an addition, or the weight it adds to, is missing.
    pub fn merge(&self, mut tensors: HashMap<String, Tensor>) -> Result<HashMap<String, Tensor>> {
        let mut layers: Vec<String> = tensors
            .keys()
            .filter_map(|name| name.strip_suffix(DOWN).map(str::to_owned))
            .collect();
        layers.sort();
        for layer in layers {
            let mut take = |part: &str| {
                let name = format!("{layer}{part}");
                tensors.remove(&name).ok_or_else(|| {
                    ModelError::Parameters(vec![format!(
                        "{name}: missing, cannot merge {layer}{DOWN}"
                    )])
                })
            };
            let (down, up, weight) = (take(DOWN)?, take(UP)?, take("weight")?);
            // What is held in half precision could not take in small changes.
            let merged = (weight.to_dtype(down.dtype())? + self.addition(&down, &up)?)?;
            tensors.insert(format!("{layer}weight"), merged.detach());
        }
        Ok(tensors)
    }

    /// Takes additions out of the weights that [`LoraConfig::merge`] folded them into, and puts them beside
    /// these again. What a weight was is found but for the rounding of a sum and a difference.
    ///
    /// # Errors
    /// If half of an addition, or the weight it was folded into, is missing.
    pub fn unmerge(
        &self,
        mut merged: HashMap<String, Tensor>,
        additions: &HashMap<String, Tensor>,
    ) -> Result<HashMap<String, Tensor>> {
        let missing =
            |name: &str| ModelError::Parameters(vec![format!("{name}: missing, cannot unmerge")]);
        let layers = additions
            .keys()
            .filter_map(|name| name.strip_suffix(DOWN).or(name.strip_suffix(UP)));
        for layer in layers.collect::<BTreeSet<&str>>() {
            let part = |part: &str| {
                let name = format!("{layer}{part}");
                additions.get(&name).ok_or_else(|| missing(&name))
            };
            let addition = self.addition(part(DOWN)?, part(UP)?)?;
            let name = format!("{layer}weight");
            let weight = merged.get_mut(&name).ok_or_else(|| missing(&name))?;
            *weight = (&*weight - addition)?.detach();
        }
        merged.extend(
            additions
                .iter()
                .map(|(name, it)| (name.clone(), it.clone())),
        );
        Ok(merged)
    }

    /// What is added to a weight, `[output, input]`.
    fn addition(&self, down: &Tensor, up: &Tensor) -> Result<Tensor> {
        Ok((up.matmul(down)? * self.scale()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Linear;
    use crate::optimizer::{AdamW, AdamWConfig, Schedule};
    use crate::params::{Builder, Params};
    use candle_core::{DType, Device};

    fn config() -> LoraConfig {
        LoraConfig {
            rank: 2,
            alpha: 3.0,
            dropout: 0.0,
            patterns: vec!["mlp".into()],
        }
    }

    fn adapted(tensors: HashMap<String, Tensor>) -> (Linear, Linear, Params) {
        let b = Builder::load(tensors, &Device::Cpu).with_lora(config(), 5);
        let layers = (
            Linear::new(4, 6, true, &b.pp("mlp")),
            Linear::new(6, 3, true, &b.pp("head")),
        );
        (layers.0.unwrap(), layers.1.unwrap(), b.finish().unwrap())
    }

    fn plain() -> HashMap<String, Tensor> {
        let b = Builder::fresh(1, &Device::Cpu);
        Linear::new(4, 6, true, &b.pp("mlp")).unwrap();
        Linear::new(6, 3, true, &b.pp("head")).unwrap();
        b.finish().unwrap().to_tensors()
    }

    fn values(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn numbers_are_left_out_only_while_the_addition_learns() {
        let x = Tensor::randn(0f32, 1f32, (5, 4), &Device::Cpu).unwrap();
        let outputs = |dropout: f32| {
            let config = LoraConfig {
                dropout,
                ..config()
            };
            let b = Builder::load(plain(), &Device::Cpu).with_lora(config, 5);
            let mlp = Linear::new(4, 6, true, &b.pp("mlp")).unwrap();
            Linear::new(6, 3, true, &b.pp("head")).unwrap();
            let mut params = b.finish().unwrap();
            let up = params.get("mlp.lora_B.weight").unwrap();
            up.set(&up.ones_like().unwrap()).unwrap();
            [true, false].map(|learns| {
                params.set_trainable(|_| learns);
                values(&mlp.forward(&x).unwrap())
            })
        };
        let ([all, same], [part, whole]) = (outputs(0.0), outputs(0.5));
        assert_eq!(all, same);
        assert_eq!(whole, all);
        assert_ne!(part, all);
    }

    #[test]
    fn starts_as_the_plain_layer_trains_alone_and_merges_to_the_same_output() {
        let x = Tensor::randn(0f32, 1f32, (5, 4), &Device::Cpu).unwrap();
        let (mlp, head, mut params) = adapted(plain());
        let run = |mlp: &Linear, head: &Linear| head.forward(&mlp.forward(&x).unwrap()).unwrap();
        let b = Builder::load(plain(), &Device::Cpu);
        let first = Linear::new(4, 6, true, &b.pp("mlp")).unwrap();
        let before = run(&first, &head);
        assert_eq!(values(&before), values(&run(&mlp, &head)));

        params.set_trainable(|name| name.contains("lora_"));
        assert_eq!(
            params.trainable().len(),
            2,
            "only the adapted layer has a branch"
        );
        let base = params.get("mlp.weight").unwrap().copy().unwrap();
        let schedule = Schedule {
            warmup_steps: 0,
            total_steps: 1,
            min_ratio: 1.0,
        };
        let mut optimizer = AdamW::new(&params, AdamWConfig::default(), schedule).unwrap();
        for _ in 0..3 {
            optimizer
                .step(&run(&mlp, &head).sqr().unwrap().sum_all().unwrap())
                .unwrap();
        }
        assert_eq!(values(&base), values(params.get("mlp.weight").unwrap()));
        let after = run(&mlp, &head);
        assert_ne!(values(&before), values(&after));

        let b = Builder::load(config().merge(params.to_tensors()).unwrap(), &Device::Cpu);
        let mlp = Linear::new(4, 6, true, &b.pp("mlp")).unwrap();
        let head = Linear::new(6, 3, true, &b.pp("head")).unwrap();
        b.finish().unwrap();
        for (merged, branched) in values(&run(&mlp, &head)).into_iter().zip(values(&after)) {
            assert!((merged - branched).abs() < 1e-5);
        }
    }

    #[test]
    fn what_was_merged_is_taken_out_again() {
        let (_, _, params) = adapted(plain());
        let mut whole = params.to_tensors();
        let up = Tensor::randn(0f32, 1f32, (6, 2), &Device::Cpu).unwrap();
        whole.insert("mlp.lora_B.weight".to_owned(), up);
        let is_addition = |name: &String| name.contains("lora_");
        let additions: HashMap<String, Tensor> = whole
            .clone()
            .into_iter()
            .filter(|(name, _)| is_addition(name))
            .collect();
        let merged = config().merge(whole.clone()).unwrap();
        assert_eq!(merged.len(), whole.len() - 2);
        assert_ne!(values(&merged["mlp.weight"]), values(&whole["mlp.weight"]));
        let again = config().unmerge(merged.clone(), &additions).unwrap();
        assert_eq!(again.len(), whole.len());
        for (name, value) in &whole {
            for (a, b) in values(&again[name]).into_iter().zip(values(value)) {
                assert!((a - b).abs() < 1e-5, "{name}: {a} and {b}");
            }
        }
        for part in ["mlp.lora_A.weight", "mlp.lora_B.weight"] {
            let mut half = additions.clone();
            half.remove(part);
            let error = config()
                .unmerge(merged.clone(), &half)
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn half_an_addition_cannot_be_merged() {
        let zeros = Tensor::zeros((2, 4), DType::F32, &Device::Cpu).unwrap();
        let tensors = HashMap::from([("mlp.lora_A.weight".to_owned(), zeros)]);
        assert!(
            config()
                .merge(tensors)
                .unwrap_err()
                .to_string()
                .contains("mlp.lora_B.weight")
        );
    }
}

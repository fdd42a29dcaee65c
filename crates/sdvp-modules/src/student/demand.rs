//! What training will take, said before it begins.

use super::early::EarlySettings;
use super::model::StudentModel;
use super::network::StudentNetwork;
use sdvp_models::is_addition;
use std::fmt;

/// Sizes of the encoder that pictures pass through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassSizes {
    /// Tokens of one input, the longest question included.
    pub tokens: usize,
    /// Width of a token.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub inner: usize,
    /// Layers.
    pub layers: usize,
    /// Scalars that are kept on disk of a view, if no layer of the encoder learns or only later ones.
    pub kept: usize,
    /// Scalars that are kept until the backward pass of what comes after the encoder, whichever layers
    /// learn; 0 where that is little.
    pub after: usize,
}

/// Memory that training takes, in bytes; about, as a step's is counted from the tensors that the
/// backward pass needs again, and not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingDemand {
    /// Scalars of the network.
    pub weights: u64,
    /// Scalars that learn.
    pub learning: u64,
    /// Memory of all weights: of those that learn, and of the former self.
    pub weight_bytes: u64,
    /// Memory of both moments, where every weight started, and its gradient.
    pub optimizer_bytes: u64,
    /// Memory of what a step computes: as much flows back as is kept for that.
    pub step_bytes: u64,
    /// Disk that each view takes whose early states are kept; 0 if none are.
    pub kept_bytes: u64,
}

/// Tensors that a layer's backward pass needs again, in widths of a token: what enters it, what leaves
/// both norms, queries, keys and values, what attention looked up, what its projection made of it, the
/// sum with what entered, and what leaves the layer …
const WIDTHS: usize = 10;
/// … and in widths of the feed-forward part: before and after the activation.
const INNER_WIDTHS: usize = 2;
/// The same of a layer whose linear parts have low-rank additions: each comes to a result of its own, a
/// scaled one and a sum, and queries, keys and values are put side by side only then.
const ADAPTED_WIDTHS: usize = 25;
const ADAPTED_INNER_WIDTHS: usize = 5;

impl PassSizes {
    /// Bytes that so many layers keep of one input until the backward pass, and once more for that.
    fn layer_bytes(&self, layers: usize, adapted: bool) -> u64 {
        let widths = match adapted {
            true => ADAPTED_WIDTHS * self.hidden + ADAPTED_INNER_WIDTHS * self.inner,
            false => WIDTHS * self.hidden + INNER_WIDTHS * self.inner,
        };
        2 * 4 * (self.tokens * layers * widths + self.after) as u64
    }
}

impl<N: StudentNetwork> StudentModel<N> {
    /// What a step over so many inputs takes, gone through in so many pieces, if the parameters learn of
    /// which `learns` says so by their names, and early states are kept as said.
    pub fn training_demand(
        &self,
        learns: impl Fn(&str) -> bool,
        (inputs, pieces): (usize, usize),
        early: &EarlySettings,
    ) -> TrainingDemand {
        let sizes = N::pass_sizes(&self.config);
        let names: Vec<&str> = self.params.names().filter(|name| learns(name)).collect();
        let untouched = N::untouched_layers(&self.config, &mut names.iter().copied());
        let untouched = untouched.min(sizes.layers);
        let adapted = names.iter().any(|name| is_addition(name));
        let at_once = inputs.div_ceil(pieces.max(1));
        let weights = self.params.count() as u64;
        let sizes_of = names.iter().filter_map(|name| self.params.get(name));
        let learning: u64 = sizes_of.map(|it| it.elem_count() as u64).sum();
        TrainingDemand {
            weights,
            learning,
            // The former self shares what never learns.
            weight_bytes: (2 * self.params.bytes() - self.params.fixed_bytes()) as u64,
            optimizer_bytes: 4 * 4 * learning,
            step_bytes: at_once as u64 * sizes.layer_bytes(sizes.layers - untouched, adapted),
            kept_bytes: match untouched > 0 && early.bytes > 0 {
                true => 4 * sizes.kept as u64,
                false => 0,
            },
        }
    }
}

impl TrainingDemand {
    /// All memory, bytes.
    pub fn memory(&self) -> u64 {
        self.weight_bytes + self.optimizer_bytes + self.step_bytes
    }
}

impl fmt::Display for TrainingDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let million = |count: u64| count as f64 / 1e6;
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        write!(
            f,
            "{:.2} M of {:.2} M weights learn; about {:.2} GiB of memory (weights {:.2}, optimizer \
             {:.2}, a step {:.2})",
            million(self.learning),
            million(self.weights),
            gib(self.memory()),
            gib(self.weight_bytes),
            gib(self.optimizer_bytes),
            gib(self.step_bytes),
        )?;
        if self.kept_bytes > 0 {
            let mib = self.kept_bytes as f64 / f64::from(1 << 20);
            write!(f, ", and {mib:.1} MiB of disk a view for early layers")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{EarlySettings, Student};
    use sdvp_models::{LoraConfig, is_addition};

    #[test]
    fn less_is_asked_for_in_pieces_and_after_early_layers() {
        let student = Student::builtin().unwrap().locate;
        let last = student.config.vision_config.encoder.num_hidden_layers - 1;
        let lora = LoraConfig {
            rank: 2,
            alpha: 4.0,
            dropout: 0.0,
            patterns: vec![format!("vision_model.encoder.layers.{last}.mlp")],
        };
        let model = student.duplicate(Some((lora, 1))).unwrap();
        let early = EarlySettings::default();
        let all = model.training_demand(|_| true, (8, 1), &early);
        assert_eq!(all.learning, all.weights);
        let piece = model.training_demand(|_| true, (8, 4), &early).step_bytes;
        assert_eq!(piece * 4, all.step_bytes);
        let few = model.training_demand(is_addition, (8, 1), &early);
        let nothing = EarlySettings {
            bytes: 0,
            ..EarlySettings::default()
        };
        assert_eq!(
            model
                .training_demand(is_addition, (8, 1), &nothing)
                .kept_bytes,
            0
        );
        let [hidden, inner] = [
            model.config.vision_config.encoder.hidden_size as u64,
            model.config.vision_config.encoder.intermediate_size as u64,
        ];
        assert_eq!(few.learning, 2 * (2 * hidden + 2 * inner));
        assert_eq!(few.step_bytes * (last as u64 + 1), all.step_bytes);
        assert!(few.memory() < all.memory() && few.kept_bytes > 0);
        assert!(few.to_string().contains("of disk a view"), "{few}");
    }
}

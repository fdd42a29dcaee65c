//! Making an answer student deeper without losing what it has learned.

use crate::error::Result;
use sdvp_models::ModelError;
use sdvp_models::params::Params;
use sdvp_modules::ViltModel;

/// Queries and keys of a new layer are one fresh matrix times this, so that at first tokens look at
/// tokens like themselves (Trockman and Kolter 2023, arXiv 2305.09828): patches at the word for
/// what they show.
const ALIKE: f64 = 4.0;

/// The student with more layers at the end. What they add to the states is 0 at first, so that it
/// answers as before and training goes on from there.
///
/// # Errors
/// If it does not fit in memory.
pub fn deepened(model: &ViltModel, layers: usize, seed: u64) -> Result<ViltModel> {
    let mut config = model.config.clone();
    let had = config.encoder.num_hidden_layers;
    config.encoder.num_hidden_layers = layers;
    let deeper = ViltModel::fresh(config, model.tokenizer.clone(), seed)?;
    for (name, value) in model.params.to_tensors() {
        if let Some(var) = deeper.params.get(&name) {
            var.set(&value).map_err(ModelError::from)?;
        }
    }
    for layer in had..layers {
        begin(&deeper.params, layer)?;
    }
    Ok(deeper)
}

/// Gives a new layer its first values.
fn begin(params: &Params, layer: usize) -> std::result::Result<(), ModelError> {
    let layer = format!("vilt.encoder.layer.{layer}");
    let get = |name: &str| params.get(&format!("{layer}.{name}"));
    if let (Some(query), Some(key)) = (
        get("attention.attention.query.weight"),
        get("attention.attention.key.weight"),
    ) {
        let same = (query.as_tensor() * ALIKE)?;
        query.set(&same)?;
        key.set(&same)?;
    }
    for part in ["attention.output.dense", "output.dense"] {
        for kind in ["weight", "bias"] {
            if let Some(var) = get(&format!("{part}.{kind}")) {
                var.set(&var.zeros_like()?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrain::{untrained_answer, validation_views};
    use sdvp_data::picto::SceneSpec;

    #[test]
    fn a_deeper_student_answers_the_same_at_first_and_then_learns_in_every_layer() {
        let model = untrained_answer();
        let had = model.config.encoder.num_hidden_layers;
        let deeper = deepened(&model, had + 2, 2).unwrap();
        assert_eq!(deeper.config.encoder.num_hidden_layers, had + 2);

        let views = validation_views(&SceneSpec::default(), 0, 2);
        let views: Vec<_> = views.iter().map(|view| &view.view).collect();
        let questions = ["Is there a dog in the picture?", "What is this?"];
        let logits = |model: &ViltModel| model.logits(&views, &questions).unwrap();
        let gap = (logits(&model) - logits(&deeper)).unwrap().abs().unwrap();
        let gap = gap.max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(gap < 1e-5, "{gap}");

        let loss = logits(&deeper).sqr().unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        for layer in had..had + 2 {
            let name = format!("vilt.encoder.layer.{layer}.output.dense.weight");
            let gradient = gradients.get(deeper.params.get(&name).unwrap()).unwrap();
            let size = gradient.abs().unwrap().sum_all().unwrap();
            assert!(size.to_scalar::<f32>().unwrap() > 0.0, "{name}");
        }
    }
}

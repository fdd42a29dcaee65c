//! The step beside answering: teaching a student how well texts fit.

use super::texts::TextList;
use super::{Losses, Training, TrainingCurve, learn_and_rehearse};
use crate::error::Result;
use crate::examples::{MatchExample, RememberedMatch};
use crate::loss::{fit_divergence, fit_loss};
use candle_core::{Device, Tensor};
use sdvp_core::View;
use sdvp_modules::ClipModel;

/// Teaches `model` the examples while it rehearses what it remembers: `L = L_labels + λ · L_rehearsal`.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_match(
    model: &mut ClipModel,
    examples: &[MatchExample],
    memory: &[&RememberedMatch],
    training: &Training<'_>,
) -> Result<TrainingCurve> {
    learn_and_rehearse(model, None, examples, memory, training, match_losses)
}

/// A table `[views, texts]` of what is said of every view, and of what is asked of it.
struct Table {
    values: Vec<f32>,
    asked: Vec<f32>,
    texts: usize,
}

impl Table {
    fn new(views: usize, texts: usize) -> Self {
        Self {
            values: vec![0.0; views * texts],
            asked: vec![0.0; views * texts],
            texts,
        }
    }

    fn fill(&mut self, view: usize, texts: &[u32], values: &[f32]) {
        for (&text, &value) in texts.iter().zip(values) {
            let place = view * self.texts + text as usize;
            (self.values[place], self.asked[place]) = (value, 1.0);
        }
    }

    /// What is said, and what is asked.
    fn tensors(self, device: &Device) -> candle_core::Result<(Tensor, Tensor)> {
        let shape = (self.values.len() / self.texts.max(1), self.texts);
        let values = Tensor::from_vec(self.values, shape, device)?;
        Ok((values, Tensor::from_vec(self.asked, shape, device)?))
    }
}

/// Both losses of one batch, from one forward pass.
pub(crate) fn match_losses(
    model: &ClipModel,
    labelled: &[&MatchExample],
    remembered: &[&RememberedMatch],
) -> Losses {
    let mut list = TextList::default();
    let mut rows = |texts: &[String]| -> Vec<u32> { texts.iter().map(|t| list.row(t)).collect() };
    let taught: Vec<Vec<u32>> = labelled.iter().map(|it| rows(&it.texts)).collect();
    let known: Vec<Vec<u32>> = remembered.iter().map(|it| rows(&it.texts)).collect();
    let texts = list.texts();

    let mut wanted = Table::new(labelled.len(), texts.len());
    for (view, (example, rows)) in labelled.iter().zip(&taught).enumerate() {
        wanted.fill(view, rows, &example.fits);
    }
    let mut before = Table::new(remembered.len(), texts.len());
    for (view, (memory, rows)) in remembered.iter().zip(&known).enumerate() {
        before.fill(view, rows, &memory.logits);
    }

    let views: Vec<&View> = labelled
        .iter()
        .map(|it| &it.view)
        .chain(remembered.iter().map(|it| &it.view))
        .collect();
    let images = model.image_vectors(&views)?;
    let logits = model.logits(&images, &model.text_vectors(&texts)?)?;
    let (wanted, asked) = wanted.tensors(&model.device)?;
    let loss = fit_loss(&logits.narrow(0, 0, labelled.len())?, &wanted, &asked)?;
    if remembered.is_empty() {
        return Ok((loss, None));
    }
    let now = logits.narrow(0, labelled.len(), remembered.len())?;
    let (before, asked) = before.tensors(&model.device)?;
    Ok((loss, Some(fit_divergence(&now, &before, &asked)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::rehearsal::remember_matches;
    use crate::settings::{DistillSettings, StepSettings};
    use sdvp_core::{Image, SubTask};
    use sdvp_modules::Student;

    fn view(shade: u8) -> View {
        let pixel = |x: u32, y: u32| image::Rgb([shade, (x * 7) as u8, (y * 5) as u8]);
        Image::new(image::RgbImage::from_fn(32, 32, pixel))
            .unwrap()
            .view()
    }

    fn example(shade: u8, fits: [f32; 2]) -> MatchExample {
        MatchExample {
            view: view(shade),
            texts: ["dog", "red car"].map(str::to_owned).to_vec(),
            fits: fits.to_vec(),
        }
    }

    #[test]
    fn labels_are_learned_and_what_is_rehearsed_stays() {
        let student = Student::builtin().unwrap().matching;
        let clip = student.clip().unwrap();
        let examples = [example(10, [1.0, 0.0]), example(240, [0.0, 1.0])];
        let calls = [90, 150].map(|shade| SubTask::matching(view(shade), "red dog"));
        let memory = remember_matches(&calls, &student, 4, 1).unwrap();
        let memory: Vec<&RememberedMatch> = memory.iter().collect();
        let settings = StepSettings {
            steps: 30,
            batch: 2,
            rehearsed: 2,
            learning_rate: 1e-3,
            anchor: 0.0,
            lambda: 5.0,
            ..DistillSettings::default().matching
        };
        let labelled: Vec<&MatchExample> = examples.iter().collect();
        let losses = |model: &ClipModel| -> [f32; 2] {
            let (loss, divergence) = match_losses(model, &labelled, &memory).unwrap();
            let number = |loss: Tensor| loss.to_scalar::<f32>().unwrap();
            [number(loss), number(divergence.unwrap())]
        };
        let learn = |lambda: f64| {
            let mut model = clip.duplicate(None).unwrap();
            let settings = StepSettings {
                lambda,
                ..settings.clone()
            };
            let training = Training {
                settings: &settings,
                seed: 3,
                observer: &Silent,
                kept: None,
            };
            train_match(&mut model, &examples, &memory, &training).unwrap();
            losses(&model)
        };
        let [before, same] = losses(clip);
        // Memory is what the student said itself.
        assert!(same < 1e-9, "{same}");
        let ([held, kept], [free, lost]) = (learn(5.0), learn(0.0));
        assert!(
            held < before / 2.0 && free < before / 2.0,
            "{before} {held} {free}"
        );
        assert!(kept < lost, "{kept} {lost}");
    }

    #[test]
    fn every_weight_that_pictures_pass_through_learns() {
        let student = Student::builtin().unwrap().matching;
        let mut model = student.clip().unwrap().duplicate(None).unwrap();
        model.params.set_trainable(
            <sdvp_models::architectures::Clip as sdvp_modules::StudentNetwork>::sees,
        );
        let examples = [example(10, [1.0, 0.0]), example(240, [0.3, 1.0])];
        let labelled: Vec<&MatchExample> = examples.iter().collect();
        let (loss, _) = match_losses(&model, &labelled, &[]).unwrap();
        let gradients = loss.backward().unwrap();
        let mut checked = 0;
        for (name, var) in model.params.trainable() {
            // Softmax does not see what is added to every key alike.
            if name.ends_with("k_proj.bias") {
                continue;
            }
            let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name}"));
            let size = gradient.abs().unwrap().sum_all().unwrap();
            let size = size.to_scalar::<f32>().unwrap();
            assert!(size.is_finite() && size > 0.0, "{name}: {size}");
            checked += 1;
        }
        assert!(checked > 50, "{checked}");
    }
}

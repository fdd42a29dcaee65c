//! What is remembered of views that were searched.

use super::TRIED;
use super::texts::KnownTexts;
use crate::error::Result;
use crate::examples::RememberedView;
use sdvp_core::{SubTask, View};
use sdvp_modules::LocateModel;

/// What the student says of every view of the calls: for what was asked there, for the `others / 2`
/// further texts of which it is surest there, and for as many drawn from all calls. What is asked
/// is only a part of what a view shows, and most texts are nowhere: so both sight and silence are
/// remembered.
///
/// # Errors
/// If the student fails.
pub fn remember_views(
    calls: &[SubTask],
    student: &LocateModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedView>> {
    let student = &student.frozen()?;
    let known = KnownTexts::of(calls);
    let queries = known.vectors(|texts| student.queries(texts))?;
    known.by_view(calls, seed, |views, rng| {
        let tried = known.tried(views, TRIED, rng);
        let seen: Vec<&View> = views.iter().map(|(view, _)| view).collect();
        let pixels = student.processor.batch(&seen, &student.device)?;
        let features = student.network.image_features(&pixels)?.detach();
        let logits = student.network.logits(&features, &tried.rows(&queries)?)?;
        let surest = logits.max(1)?.to_vec2::<f32>()?;
        let logits = logits.to_vec3::<f32>()?;
        let boxes = features.boxes.flatten_from(1)?.to_vec2::<f32>()?;
        let mut remembered = Vec::with_capacity(views.len());
        for (((view, asked), (logits, surest)), boxes) in
            views.iter().zip(logits.iter().zip(&surest)).zip(boxes)
        {
            let texts = tried.chosen(asked, surest, others, rng);
            remembered.push(RememberedView {
                view: view.clone(),
                asked: texts.iter().map(|&c| tried.name(&known, c)).collect(),
                logits: logits
                    .iter()
                    .flat_map(|row| texts.iter().map(|&column| row[column]))
                    .collect(),
                boxes,
            });
        }
        Ok(remembered)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrain::{SceneView, validation_views};
    use sdvp_data::picto::{SceneSpec, Thing};
    use sdvp_modules::Student;

    #[test]
    fn what_views_show_is_remembered_beside_what_was_asked() {
        let student = Student::builtin().unwrap().locate;
        let views = validation_views(&SceneSpec::default(), 0, 12);
        let ask = |view: &SceneView, name: &str| SubTask::locate(view.view.clone(), name);
        // Every name is known from the first view; of the others little is asked.
        let mut calls: Vec<SubTask> = Thing::all()
            .map(|thing| ask(&views[0], thing.name()))
            .collect();
        calls.extend(views[1..].iter().map(|view| ask(view, "dog")));
        let remembered = remember_views(&calls, &student, 8, 3).unwrap();
        assert_eq!(remembered.len(), views.len());

        let (mut shown, mut kept) = (0, 0);
        for (view, memory) in views.iter().zip(&remembered).skip(1) {
            assert_eq!(memory.view.digest(), view.view.digest());
            assert_eq!(memory.asked.len(), 9);
            let patches = memory.boxes.len() / 4;
            assert_eq!(memory.logits.len(), patches * 9);
            for (object, _) in &view.objects {
                shown += 1;
                let name = object.thing.name();
                kept += usize::from(memory.asked.iter().any(|text| text == name));
            }
        }
        // By chance it would be 9 of 64.
        assert!(kept * 10 >= shown * 7, "{kept} of {shown} things");
        let again = remember_views(&calls, &student, 8, 3).unwrap();
        assert!(
            again
                .iter()
                .zip(&remembered)
                .all(|(a, b)| a.asked == b.asked)
        );
    }
}

//! More calls of the kind that programs make: a picture of one call, the region of another, the
//! text of a third. What a student is to say of them it says itself, so none of them needs to make
//! sense; and the more different calls are rehearsed, the less is lost of those that are not.

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use sdvp_core::{Region, SubTask, SubTaskKind, View};
use std::collections::HashSet;

/// The calls themselves, then new ones, until there are `count`; all of `calls` if that is more.
pub(super) fn recombined(calls: &[SubTask], count: usize, seed: u64) -> Vec<SubTask> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xCA11);
    let more = count.saturating_sub(calls.len());
    // Programs look at whole pictures again and again. To locate, a view is remembered with many
    // texts, so that a whole picture drawn again is nothing new: every region once. To answer,
    // another question about it is.
    let mut known = HashSet::new();
    let places: Vec<&View> = calls
        .iter()
        .filter(|call| {
            let view = &call.view;
            let (width, height) = (view.image().width(), view.image().height());
            known.insert((width, height, view.region().to_array()))
                || call.kind != SubTaskKind::Locate
        })
        .map(|call| &call.view)
        .collect();
    let new = (0..more).filter_map(|_| {
        let (picture, place, text) = (
            calls.choose(&mut rng)?,
            places.choose(&mut rng)?,
            calls.choose(&mut rng)?,
        );
        Some(SubTask {
            kind: text.kind,
            view: same_place(&picture.view, place)?,
            text: text.text.clone(),
        })
    });
    let new: Vec<SubTask> = new.collect();
    calls.iter().cloned().chain(new).collect()
}

/// The part of one picture that a view shows of another.
fn same_place(picture: &View, place: &View) -> Option<View> {
    let (from, to) = (place.image(), picture.image());
    let wider = f64::from(to.width()) / f64::from(from.width());
    let higher = f64::from(to.height()) / f64::from(from.height());
    let [x0, y0, x1, y1] = place.region().to_array();
    let scaled = |at: u32, by: f64| (f64::from(at) * by).round() as u32;
    let region = Region::new(
        scaled(x0, wider),
        scaled(y0, higher),
        scaled(x1, wider),
        scaled(y1, higher),
    );
    View::of(to.clone(), region.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::Image;

    #[test]
    fn calls_are_made_of_what_others_looked_at_and_asked() {
        let picture = |width, height| Image::new(image::RgbImage::new(width, height)).unwrap();
        let small = picture(20, 10).view();
        let large = picture(40, 40).view();
        let part = small.crop(Region::new(10, 0, 20, 5).unwrap()).unwrap();
        let calls = vec![
            SubTask::answer(part.clone(), "What is it?"),
            SubTask::answer(large.clone(), "Is it?"),
        ];
        let all = recombined(&calls, 40, 1);
        assert_eq!(all.len(), 40);
        assert_eq!(all[1].key(), calls[1].key(), "the old ones come first");
        let quarter = Region::new(20, 0, 40, 20).unwrap();
        let found = |region: Region, text: &str| {
            all.iter().any(|call| {
                call.view.image().width() == 40 && call.view.region() == region && call.text == text
            })
        };
        assert!(found(quarter, "What is it?") && found(quarter, "Is it?"));
        assert!(found(large.region(), "What is it?"));
        let keys = |calls: &[SubTask]| calls.iter().map(SubTask::key).collect::<Vec<_>>();
        assert_eq!(keys(&all), keys(&recombined(&calls, 40, 1)));
        assert_eq!(recombined(&calls, 1, 1).len(), 2);
        assert!(recombined(&[], 5, 1).is_empty());
    }
}

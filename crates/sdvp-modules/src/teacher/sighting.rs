//! What a teacher sees: a list of objects with names and colours, read off its dense prediction.

use sdvp_core::{BBox, suppression_within};

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Where, in parts of the view's sides (`0..1`).
    pub bbox: BBox,
    /// Probability of each name, each on its own.
    pub names: Vec<f32>,
    /// Probability of each colour; they sum to 1. None if it knows no colours.
    pub colors: Vec<f32>,
}

/// Cells less likely than this to hold anything are not looked at.
const FLOOR: f32 = 0.05;
/// Two sightings that overlap more than this are one object.
const SAME_OBJECT_IOU: f32 = 0.5;

impl Sighting {
    /// Reads off one image's prediction: `names` logits `[cells, names]`, `colors` logits
    /// `[cells, colors]`, `extents` `[cells, 4]` in cells, `grid` cells a side. Best first.
    pub(crate) fn read_off(
        names: &[Vec<f32>],
        colors: &[Vec<f32>],
        extents: &[Vec<f32>],
        grid: usize,
    ) -> Vec<Sighting> {
        let sightings: Vec<Candidate> = names
            .iter()
            .zip(colors)
            .zip(extents)
            .enumerate()
            .filter_map(|(cell, ((names, colors), reach))| {
                let best = sigmoid(names.iter().copied().fold(f32::MIN, f32::max));
                let [left, top, right, bottom] = reach[..] else {
                    return None;
                };
                if best < FLOOR {
                    return None;
                }
                let side = 1.0 / grid as f32;
                let (x, y) = ((cell % grid) as f32 + 0.5, (cell / grid) as f32 + 0.5);
                let bbox = BBox::new(x - left, y - top, x + right, y + bottom).scaled(side, side);
                let bbox = bbox.intersection(&BBox::new(0.0, 0.0, 1.0, 1.0));
                let names = names.iter().map(|&logit| sigmoid(logit)).collect();
                let sighting = Sighting {
                    bbox,
                    names,
                    colors: softmax(colors),
                };
                // Whatever their names: what overlaps is one object.
                (sighting.bbox.area() > 0.0).then_some((best, 0, sighting))
            })
            .collect();
        best_first(sightings, usize::MAX, SAME_OBJECT_IOU)
    }

    /// Probability that this is one of the named things, of the given colour where one is given.
    pub fn probability(&self, meaning: &super::Meaning) -> f32 {
        let absent: f32 = meaning
            .names
            .iter()
            .map(|&i| 1.0 - self.names.get(i).copied().unwrap_or(0.0))
            .product();
        let color = meaning
            .color
            .map_or(1.0, |i| self.colors.get(i).copied().unwrap_or(0.0));
        (1.0 - absent) * color
    }
}

/// A sighting with its probability, and the class within which it competes with others.
pub(super) type Candidate = (f32, usize, Sighting);

/// The likeliest candidates, of which so many are compared, without those that overlap likelier ones
/// of their class by more than an IoU; best first.
pub(super) fn best_first(
    mut candidates: Vec<Candidate>,
    compared: usize,
    max_iou: f32,
) -> Vec<Sighting> {
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    candidates.truncate(compared);
    let boxes: Vec<BBox> = candidates.iter().map(|(.., s)| s.bbox).collect();
    let kept = suppression_within(&boxes, max_iou, |index| candidates[index].1);
    let mut sightings: Vec<Option<Sighting>> =
        candidates.into_iter().map(|(.., s)| Some(s)).collect();
    kept.into_iter()
        .filter_map(|index| sightings[index].take())
        .collect()
}

pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let greatest = logits.iter().copied().fold(f32::MIN, f32::max);
    let weights: Vec<f32> = logits.iter().map(|x| (x - greatest).exp()).collect();
    let total: f32 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teacher::Meaning;

    #[test]
    fn peaks_become_sightings_once() {
        // A 2×2 grid; both left cells claim the same object, the others nothing.
        let names = vec![
            vec![3.0, -5.0],
            vec![-9.0, -9.0],
            vec![1.0, -5.0],
            vec![-9.0, -9.0],
        ];
        let colors = vec![vec![2.0, 0.0]; 4];
        let extents = vec![
            vec![0.5, 0.5, 0.5, 1.5],
            vec![0.5; 4],
            vec![0.5, 1.5, 0.5, 0.5],
            vec![0.5; 4],
        ];
        let seen = Sighting::read_off(&names, &colors, &extents, 2);
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].bbox, BBox::new(0.0, 0.0, 0.5, 1.0));
        let dog = Meaning {
            names: vec![0],
            color: None,
        };
        let red_dog = Meaning {
            names: vec![0],
            color: Some(0),
        };
        assert!((seen[0].probability(&dog) - 0.9526).abs() < 1e-3);
        assert!((seen[0].probability(&red_dog) - 0.9526 * 0.8808).abs() < 1e-3);
    }
}

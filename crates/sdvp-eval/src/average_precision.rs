//! How well boxes are found: average precision as COCO measures it (Lin et al. 2014,
//! arXiv 1405.0312; `pycocotools`), every call being a picture and what it asks for the only class.

use sdvp_core::{BBox, Detection};

/// What was found, and what is there.
#[derive(Clone, Debug, Default)]
pub struct FoundBoxes {
    /// Found boxes with their scores.
    pub found: Vec<Detection>,
    /// The true boxes.
    pub truth: Vec<BBox>,
}

/// Detections of a call beyond these many, the surest first, do not count.
const MOST: usize = 100;
/// Recalls at which precision is read off: 0, 0.01, …, 1.
const RECALLS: usize = 101;

/// Average precision and recall of many calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Precision {
    /// Mean precision over 101 recalls.
    pub average_precision: f64,
    /// Share of true boxes that are found at all.
    pub recall: f64,
}

/// Average precision and recall at one threshold of intersection over union; `None` where nothing
/// is there to be found.
pub fn average_precision(calls: &[FoundBoxes], iou: f32) -> Option<Precision> {
    let truths: usize = calls.iter().map(|call| call.truth.len()).sum();
    if truths == 0 {
        return None;
    }
    let mut hits: Vec<(f32, bool)> = calls.iter().flat_map(|call| matched(call, iou)).collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut points = Vec::with_capacity(hits.len());
    let mut right = 0usize;
    for (place, (_, hit)) in hits.iter().enumerate() {
        right += usize::from(*hit);
        points.push((
            right as f64 / truths as f64,
            right as f64 / (place + 1) as f64,
        ));
    }
    // The best precision at this recall or any greater one.
    let mut best = 0.0f64;
    for (_, precision) in points.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let at = |recall: f64| {
        let place = points.partition_point(|point| point.0 < recall);
        points.get(place).map_or(0.0, |point| point.1)
    };
    let recalls = (0..RECALLS).map(|i| at(i as f64 / (RECALLS - 1) as f64));
    Some(Precision {
        average_precision: recalls.sum::<f64>() / RECALLS as f64,
        recall: right as f64 / truths as f64,
    })
}

/// Each detection's score and whether it finds a true box that no surer one found, surest first.
fn matched(call: &FoundBoxes, iou: f32) -> Vec<(f32, bool)> {
    let mut found: Vec<&Detection> = call.found.iter().collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut taken = vec![false; call.truth.len()];
    found
        .into_iter()
        .take(MOST)
        .map(|detection| {
            let free = (0..taken.len()).filter(|&t| !taken[t]);
            let overlaps = free.map(|t| (t, detection.bbox.iou(&call.truth[t])));
            let best = overlaps
                .filter(|(_, overlap)| *overlap >= iou)
                .max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((truth, _)) = best {
                taken[truth] = true;
            }
            (detection.score, best.is_some())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // As tools/statistics_golden.py finds with pycocotools.
    const GOLDEN_AP50: f64 = 0.447_788_302_7;
    const GOLDEN_AP75: f64 = 0.124_918_377_3;
    const GOLDEN_RECALL50: f64 = 0.651_162_790_7;

    /// The calls of tools/statistics_golden.py.
    fn calls() -> Vec<FoundBoxes> {
        let bbox = |x: f32, y: f32| BBox::new(x, y, x + 30.0, y + 30.0);
        (1..=30u32)
            .map(|number| {
                // The script counts calls from 0 where it makes them.
                let call = number - 1;
                let corners = (0..call % 4).map(|k| (k, 40.0 * k as f32));
                let truth = corners.clone().map(|(_, x)| bbox(x, 10.0)).collect();
                let mut found: Vec<Detection> = corners
                    .map(|(k, x)| Detection {
                        bbox: bbox(x + ((call * 7 + k * 5) % 17) as f32, 10.0),
                        score: ((call * 31 + k * 17) % 97 + 1) as f32 / 100.0,
                    })
                    .collect();
                if call.is_multiple_of(3) {
                    found.push(Detection {
                        bbox: bbox(200.0, 50.0),
                        score: (call * 13 % 89 + 1) as f32 / 150.0,
                    });
                }
                FoundBoxes { found, truth }
            })
            .collect()
    }

    #[test]
    fn agrees_with_pycocotools() {
        let at_half = average_precision(&calls(), 0.5).unwrap();
        let close = |found: f64, golden: f64| assert!((found - golden).abs() < 1e-4, "{found}");
        close(at_half.average_precision, GOLDEN_AP50);
        close(at_half.recall, GOLDEN_RECALL50);
        let strict = average_precision(&calls(), 0.75).unwrap();
        close(strict.average_precision, GOLDEN_AP75);
    }

    #[test]
    fn a_box_is_found_once_and_nothing_cannot_be_found() {
        let bbox = BBox::new(0.0, 0.0, 10.0, 10.0);
        let twice = FoundBoxes {
            found: [0.9, 0.8].map(|score| Detection { bbox, score }).to_vec(),
            truth: vec![bbox],
        };
        let found = average_precision(&[twice], 0.5).unwrap();
        assert_eq!((found.average_precision, found.recall), (1.0, 1.0));
        assert_eq!(average_precision(&[FoundBoxes::default()], 0.5), None);
    }
}

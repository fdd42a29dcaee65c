//! Boxes and crops, in whole pixels of the view they belong to.

use super::steps::Side;
use crate::detections::check_finite;
use sdvp_core::{BBox, Detection, Region, non_maximum_suppression};

/// A view's width and height, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Size {
    /// The region with these edges, moved into the view, and at least one pixel wide and high.
    #[allow(clippy::expect_used)] // Both spans are non-empty by construction.
    fn region(self, x0: i64, y0: i64, x1: i64, y1: i64) -> Region {
        let (x0, x1) = span(x0, x1, self.width);
        let (y0, y1) = span(y0, y1, self.height);
        Region::new(x0, y0, x1, y1).expect("spans hold a pixel")
    }

    pub(super) fn whole(self) -> Region {
        self.region(0, 0, self.width.into(), self.height.into())
    }
}

/// `[from, to)` clipped to `[0, length)`, with at least one element.
fn span(from: i64, to: i64, length: u32) -> (u32, u32) {
    let length = i64::from(length.max(1));
    let from = from.clamp(0, length - 1);
    let to = to.clamp(from + 1, length);
    // Both lie in 0..=u32::MAX.
    (from as u32, to as u32)
}

/// The half of the view that `LOC` gives for `TOP`, `BOTTOM`, `LEFT` and `RIGHT`, with the
/// reference's edges: the last column and row are left out, except where a half ends inside.
pub(super) fn half(object: &str, size: Size) -> Option<Region> {
    let (w, h) = (i64::from(size.width), i64::from(size.height));
    Some(match object {
        "TOP" => size.region(0, 0, w - 1, h / 2),
        "BOTTOM" => size.region(0, h / 2, w - 1, h - 1),
        "LEFT" => size.region(0, 0, w / 2, h - 1),
        "RIGHT" => size.region(w / 2, 0, w - 1, h - 1),
        _ => return None,
    })
}

/// The boxes that `LOC` keeps, best first: score above the threshold, truncated to whole pixels,
/// clipped to `[0, w-1] × [0, h-1]`, without the empty ones, without those that overlap a better
/// one.
///
/// # Errors
/// If a coordinate or score is not a finite number.
pub(super) fn located(
    detections: &[Detection],
    size: Size,
    threshold: f32,
    nms_iou: f32,
) -> Result<Vec<Region>, String> {
    check_finite(detections)?;
    let mut kept: Vec<&Detection> = detections
        .iter()
        .filter(|found| found.score > threshold)
        .collect();
    kept.sort_by(|a, b| b.score.total_cmp(&a.score));
    let regions: Vec<Region> = kept
        .iter()
        .filter_map(|found| truncated(found.bbox, size))
        .collect();
    let boxes: Vec<BBox> = regions.iter().map(|&region| region.into()).collect();
    Ok(non_maximum_suppression(&boxes, nms_iou)
        .into_iter()
        .map(|index| regions[index])
        .collect())
}

fn truncated(bbox: BBox, size: Size) -> Option<Region> {
    // `as` truncates towards zero and saturates; what is negative starts at 0.
    let clip = |v: f32, most: u32| (v as i64).clamp(0, i64::from(most)) as u32;
    Region::new(
        clip(bbox.x0, u32::MAX),
        clip(bbox.y0, u32::MAX),
        clip(bbox.x1, size.width - 1),
        clip(bbox.y1, size.height - 1),
    )
    .ok()
}

/// What `CROP` keeps: the first box, enlarged about its centre; everything without one. A box
/// whose enlargement has no pixel gives its centre pixel.
pub(super) fn crop(boxes: &[Region], size: Size, factor: f32) -> Region {
    let Some(first) = boxes.first() else {
        return size.whole();
    };
    let reach = |from: u32, to: u32| {
        let half = (f64::from(factor) * f64::from(to - from) / 2.0) as i64;
        let center = (i64::from(from) + i64::from(to)) / 2;
        (center.saturating_sub(half), center.saturating_add(half))
    };
    let (x0, x1) = reach(first.x0(), first.x1());
    let (y0, y1) = reach(first.y0(), first.y1());
    size.region(x0, y0, x1, y1)
}

/// What a side crop keeps: everything on one side of the first box's centre, or that half of the
/// view without a box. `reference` gives the left half for above and below then.
pub(super) fn crop_side(boxes: &[Region], side: Side, size: Size, reference: bool) -> Region {
    let (w, h) = (i64::from(size.width), i64::from(size.height));
    let Some(first) = boxes.first() else {
        return match side {
            Side::Right => size.region(w / 2, 0, w - 1, h - 1),
            Side::Left => size.region(0, 0, w / 2, h - 1),
            Side::Above | Side::Below if reference => size.region(0, 0, w / 2, h - 1),
            Side::Above => size.region(0, 0, w - 1, h / 2),
            Side::Below => size.region(0, h / 2, w - 1, h - 1),
        };
    };
    let cx = (i64::from(first.x0()) + i64::from(first.x1())) / 2;
    let cy = (i64::from(first.y0()) + i64::from(first.y1())) / 2;
    match side {
        Side::Right => size.region(cx, 0, w - 1, h - 1),
        Side::Left => size.region(0, 0, cx, h - 1),
        Side::Above => size.region(0, 0, w - 1, cy),
        Side::Below => size.region(0, cy, w - 1, h - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: Size = Size {
        width: 100,
        height: 81,
    };

    fn detection(x0: f32, y0: f32, x1: f32, y1: f32, score: f32) -> Detection {
        Detection {
            bbox: BBox::new(x0, y0, x1, y1),
            score,
        }
    }

    fn arrays(regions: &[Region]) -> Vec<[u32; 4]> {
        regions.iter().map(|r| r.to_array()).collect()
    }

    fn region(edges: [u32; 4]) -> Region {
        edges.try_into().unwrap()
    }

    #[test]
    fn halves() {
        let edges = |name| half(name, SIZE).map(Region::to_array);
        assert_eq!(edges("TOP"), Some([0, 0, 99, 40]));
        assert_eq!(edges("BOTTOM"), Some([0, 40, 99, 80]));
        assert_eq!(edges("LEFT"), Some([0, 0, 50, 80]));
        assert_eq!(edges("RIGHT"), Some([50, 0, 99, 80]));
        assert_eq!(edges("top"), None);
    }

    #[test]
    fn located_boxes_are_filtered_truncated_and_suppressed() {
        let found = [
            detection(10.9, 10.9, 30.9, 30.9, 0.5),
            detection(11.0, 11.0, 31.0, 31.0, 0.9),
            detection(-5.5, 60.0, 20.0, 200.0, 0.2),
            detection(50.0, 50.0, 60.0, 60.0, 0.1),
            detection(70.2, 5.0, 70.9, 9.0, 0.8),
            detection(120.0, 5.0, 130.0, 9.0, 0.8),
            detection(60.0, 40.0, 50.0, 50.0, 0.8),
        ];
        let kept = located(&found, SIZE, 0.1, 0.5).unwrap();
        assert_eq!(arrays(&kept), [[11, 11, 31, 31], [0, 60, 20, 80]]);
        let all = located(&found, SIZE, 0.05, 1.0).unwrap();
        assert_eq!(
            arrays(&all),
            [
                [11, 11, 31, 31],
                [10, 10, 30, 30],
                [0, 60, 20, 80],
                [50, 50, 60, 60]
            ]
        );
    }

    #[test]
    fn equal_scores_keep_their_order() {
        let found = [
            detection(0.0, 0.0, 5.0, 5.0, 0.5),
            detection(50.0, 0.0, 55.0, 5.0, 0.5),
            detection(20.0, 0.0, 25.0, 5.0, 0.5),
        ];
        let kept = located(&found, SIZE, 0.1, 0.5).unwrap();
        assert_eq!(kept.iter().map(Region::x0).collect::<Vec<_>>(), [0, 50, 20]);
    }

    #[test]
    fn numbers_that_are_none_are_errors() {
        for bad in [
            detection(f32::NAN, 0.0, 1.0, 1.0, 0.9),
            detection(0.0, 0.0, f32::INFINITY, 1.0, 0.9),
            detection(0.0, 0.0, 1.0, 1.0, f32::NAN),
        ] {
            assert!(located(&[bad], SIZE, 0.1, 0.5).is_err());
        }
    }

    #[test]
    fn crops() {
        let b = region([20, 30, 40, 50]);
        assert_eq!(crop(&[b], SIZE, 1.5).to_array(), [15, 25, 45, 55]);
        assert_eq!(crop(&[], SIZE, 1.5).to_array(), [0, 0, 100, 81]);
        assert_eq!(crop(&[region([0, 0, 99, 80])], SIZE, 1.5), SIZE.whole());
        assert_eq!(
            crop(&[region([7, 9, 8, 10])], SIZE, 1.5).to_array(),
            [7, 9, 8, 10]
        );
        // From a larger view: what lies outside gives the nearest pixel.
        assert_eq!(
            crop(&[region([300, 9, 310, 19])], SIZE, 1.5).to_array(),
            [99, 7, 100, 21]
        );
    }

    #[test]
    fn side_crops() {
        let b = [region([20, 30, 41, 51])];
        let edges = |side| crop_side(&b, side, SIZE, false).to_array();
        assert_eq!(edges(Side::Right), [30, 0, 99, 80]);
        assert_eq!(edges(Side::Left), [0, 0, 30, 80]);
        assert_eq!(edges(Side::Above), [0, 0, 99, 40]);
        assert_eq!(edges(Side::Below), [0, 40, 99, 80]);
        let empty = |side, reference| crop_side(&[], side, SIZE, reference).to_array();
        assert_eq!(empty(Side::Right, false), [50, 0, 99, 80]);
        assert_eq!(empty(Side::Left, false), [0, 0, 50, 80]);
        assert_eq!(empty(Side::Above, false), [0, 0, 99, 40]);
        assert_eq!(empty(Side::Below, false), [0, 40, 99, 80]);
        assert_eq!(empty(Side::Above, true), [0, 0, 50, 80]);
        assert_eq!(empty(Side::Below, true), [0, 0, 50, 80]);
    }

    proptest! {
        #[test]
        fn everything_stays_inside(
            width in 1u32..40, height in 1u32..40, factor in 0f32..4.0, reference: bool,
            raw in prop::collection::vec((-60f32..90.0, -60f32..90.0, -60f32..90.0, -60f32..90.0, 0f32..1.0), 0..6),
            far in prop::option::of((0u32..99, 0u32..99, 1u32..99, 1u32..99)),
        ) {
            let size = Size { width, height };
            let found: Vec<Detection> = raw.iter()
                .map(|&(x0, y0, x1, y1, score)| detection(x0, y0, x1, y1, score)).collect();
            let mut boxes = located(&found, size, 0.1, 0.5).unwrap();
            let inside = |r: &Region| r.x1() <= width && r.y1() <= height;
            prop_assert!(boxes.iter().all(inside));
            if let Some((x, y, w, h)) = far {
                boxes.insert(0, region([x, y, x + w, y + h]));
            }
            prop_assert!(inside(&crop(&boxes, size, factor)));
            for side in [Side::Right, Side::Left, Side::Above, Side::Below] {
                prop_assert!(inside(&crop_side(&boxes, side, size, reference)));
            }
            for name in ["TOP", "BOTTOM", "LEFT", "RIGHT"] {
                prop_assert!(half(name, size).is_some_and(|r| inside(&r)));
            }
        }
    }
}

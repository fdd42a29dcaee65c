//! Real-valued boxes, as detectors give them.

use crate::Region;
use serde::{Deserialize, Serialize};

/// A box in pixels, origin top-left, half-open; it may reach over the image's edge, as detectors'
/// boxes do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl BBox {
    /// The box with the given corners.
    pub fn new(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self { x0, y0, x1, y1 }
    }

    /// The box with the given centre and size.
    pub fn from_center(cx: f32, cy: f32, width: f32, height: f32) -> Self {
        let (half_w, half_h) = (width / 2.0, height / 2.0);
        Self::new(cx - half_w, cy - half_h, cx + half_w, cy + half_h)
    }

    /// Width; negative widths count as 0.
    pub fn width(&self) -> f32 {
        (self.x1 - self.x0).max(0.0)
    }

    /// Height; negative heights count as 0.
    pub fn height(&self) -> f32 {
        (self.y1 - self.y0).max(0.0)
    }

    /// Area in pixels².
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Centre `(x, y)`.
    pub fn center(&self) -> (f32, f32) {
        ((self.x0 + self.x1) / 2.0, (self.y0 + self.y1) / 2.0)
    }

    /// The common part; has no area where the boxes do not meet.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::new(
            self.x0.max(other.x0),
            self.y0.max(other.y0),
            self.x1.min(other.x1),
            self.y1.min(other.y1),
        )
    }

    /// Intersection over union, in `[0, 1]`; 0 where both boxes have no area.
    pub fn iou(&self, other: &Self) -> f32 {
        let common = self.intersection(other).area();
        let union = self.area() + other.area() - common;
        if union > 0.0 {
            (common / union).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// The part of this box's area that lies inside `other`, in `[0, 1]`.
    pub fn coverage_by(&self, other: &Self) -> f32 {
        let area = self.area();
        if area > 0.0 {
            self.intersection(other).area() / area
        } else {
            0.0
        }
    }

    /// Moved by `(dx, dy)`.
    #[must_use]
    pub fn shifted(&self, dx: f32, dy: f32) -> Self {
        Self::new(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)
    }

    /// All coordinates multiplied: `x` by `sx`, `y` by `sy`.
    #[must_use]
    pub fn scaled(&self, sx: f32, sy: f32) -> Self {
        Self::new(self.x0 * sx, self.y0 * sy, self.x1 * sx, self.y1 * sy)
    }

    /// Whether every coordinate is a finite number.
    pub fn is_finite(&self) -> bool {
        [self.x0, self.y0, self.x1, self.y1]
            .iter()
            .all(|v| v.is_finite())
    }
}

impl From<Region> for BBox {
    fn from(region: Region) -> Self {
        let [x0, y0, x1, y1] = region.to_array().map(|v| v as f32);
        Self::new(x0, y0, x1, y1)
    }
}

/// Greedy non-maximum suppression: of boxes given in falling order of score, the indices of those
/// whose IoU with every box kept before them is at most `max_iou`.
pub fn non_maximum_suppression(boxes: &[BBox], max_iou: f32) -> Vec<usize> {
    suppression_within(boxes, max_iou, |_| 0)
}

/// As [`non_maximum_suppression`], of boxes of several classes, given by a box's index: those of one
/// class do not suppress those of another.
pub fn suppression_within(
    boxes: &[BBox],
    max_iou: f32,
    class: impl Fn(usize) -> usize,
) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for (index, candidate) in boxes.iter().enumerate() {
        let apart = |&k: &usize| class(k) != class(index) || boxes[k].iou(candidate) <= max_iou;
        if kept.iter().all(apart) {
            kept.push(index);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_box() -> impl Strategy<Value = BBox> {
        (-20f32..80.0, -20f32..80.0, 0f32..60.0, 0f32..60.0)
            .prop_map(|(x, y, w, h)| BBox::new(x, y, x + w, y + h))
    }

    #[test]
    fn iou_of_known_boxes() {
        let a = BBox::new(0.0, 0.0, 10.0, 10.0);
        let b = BBox::new(5.0, 0.0, 15.0, 10.0);
        assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(a.iou(&a.shifted(20.0, 0.0)), 0.0);
        assert_eq!(a.coverage_by(&b), 0.5);
    }

    #[test]
    fn suppression_keeps_the_first_of_a_cluster() {
        let a = BBox::new(0.0, 0.0, 10.0, 10.0);
        let far = a.shifted(50.0, 0.0);
        assert_eq!(
            non_maximum_suppression(&[a, a.shifted(1.0, 0.0), far], 0.5),
            [0, 2]
        );
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_bounded(a in any_box(), b in any_box()) {
            prop_assert_eq!(a.iou(&b), b.iou(&a));
            prop_assert!((0.0..=1.0).contains(&a.iou(&b)));
        }

        #[test]
        fn survivors_do_not_overlap(boxes in prop::collection::vec(any_box(), 0..20), limit in 0f32..1.0) {
            let kept = non_maximum_suppression(&boxes, limit);
            for (i, &a) in kept.iter().enumerate() {
                for &b in &kept[..i] {
                    prop_assert!(boxes[a].iou(&boxes[b]) <= limit);
                }
            }
            prop_assert_eq!(kept.is_empty(), boxes.is_empty());
        }
    }
}

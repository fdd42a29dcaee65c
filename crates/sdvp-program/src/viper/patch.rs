//! `ImagePatch`, in ViperGPT's coordinates: the origin is the **bottom-left** corner, `left` and
//! `right` count columns, `lower` and `upper` rows upwards.
//!
//! After the class of the same name in the official implementation (`image_patch.py` of
//! cvlab-columbia/viper), whose pixels are those of a tensor `[channels, height, width]`: a patch
//! is `image[:, height - upper : height - lower, left : right]`, so that coordinates beyond the
//! edge are cut and negative ones count from the other side, as in any Python slice.

use crate::detections::check_finite;
use sdvp_core::{BBox, Detection, Region, View, non_maximum_suppression};

/// A rectangle in some image's coordinates, origin bottom-left, in pixels; edges as a program gave
/// them, not cut to any image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edges {
    pub(super) left: i64,
    pub(super) lower: i64,
    pub(super) right: i64,
    pub(super) upper: i64,
}

/// A part of an image that a program works with.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    /// Its pixels.
    pub(super) view: View,
    /// Its edges in the whole image's coordinates, as far as programs can tell.
    pub(super) edges: Edges,
}

/// A patch without a pixel. The reference's wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoArea;

impl NoArea {
    pub(super) const MESSAGE: &'static str = "ImagePatch has no area";
}

impl Patch {
    /// All of an image (or of a part of one, whose corner is then the origin).
    pub(super) fn whole(view: View) -> Self {
        let edges = Edges {
            left: 0,
            lower: 0,
            right: view.width().into(),
            upper: view.height().into(),
        };
        Self { view, edges }
    }

    /// The part of `view` inside `edges`, which are relative to it, as everything of the result
    /// is to `origin` (its lower left corner in the coordinates that programs see).
    pub(super) fn of(view: &View, edges: Edges, origin: (i64, i64)) -> Result<Self, NoArea> {
        let height = i64::from(view.height());
        let rows = sliced(height - edges.upper, height - edges.lower, view.height());
        let columns = sliced(edges.left, edges.right, view.width());
        let (Some((x0, x1)), Some((y0, y1))) = (columns, rows) else {
            return Err(NoArea);
        };
        let region = Region::new(x0, y0, x1, y1).map_err(|_| NoArea)?;
        Ok(Self {
            view: view.crop(region).ok_or(NoArea)?,
            edges: Edges {
                left: edges.left.saturating_add(origin.0),
                lower: edges.lower.saturating_add(origin.1),
                right: edges.right.saturating_add(origin.0),
                upper: edges.upper.saturating_add(origin.1),
            },
        })
    }

    /// `crop`: edges relative to this patch, widened by `margin` as far as the patch goes. Without
    /// a margin edges are taken as they are.
    pub(super) fn crop(&self, edges: Edges, margin: u32) -> Result<Self, NoArea> {
        let margin = i64::from(margin);
        let edges = if margin > 0 {
            Edges {
                left: edges.left.saturating_sub(margin).max(0),
                lower: edges.lower.saturating_sub(margin).max(0),
                right: edges.right.saturating_add(margin).min(self.width()),
                upper: edges.upper.saturating_add(margin).min(self.height()),
            }
        } else {
            edges
        };
        Self::of(&self.view, edges, (self.edges.left, self.edges.lower))
    }

    pub(super) fn width(&self) -> i64 {
        self.view.width().into()
    }

    pub(super) fn height(&self) -> i64 {
        self.view.height().into()
    }

    /// `horizontal_center` and `vertical_center`.
    pub(super) fn center(&self) -> (f64, f64) {
        let Edges {
            left,
            lower,
            right,
            upper,
        } = self.edges;
        (
            left.saturating_add(right) as f64 / 2.0,
            lower.saturating_add(upper) as f64 / 2.0,
        )
    }

    /// What `find` makes of detections: patches around the boxes that are sure enough, best first,
    /// without those that overlap a better one, and without those that have no pixel.
    ///
    /// # Errors
    /// If a coordinate or score is not a finite number.
    pub(super) fn found(
        &self,
        detections: &[Detection],
        threshold: f32,
        nms_iou: f32,
        margin: u32,
    ) -> Result<Vec<Self>, String> {
        check_finite(detections)?;
        let mut sure: Vec<&Detection> = detections
            .iter()
            .filter(|found| found.score > threshold)
            .collect();
        sure.sort_by(|a, b| b.score.total_cmp(&a.score));
        let frame = BBox::new(
            0.0,
            0.0,
            self.view.width() as f32,
            self.view.height() as f32,
        );
        let inside: Vec<BBox> = sure
            .iter()
            .map(|found| found.bbox.intersection(&frame))
            .filter(|bbox| bbox.area() > 0.0)
            .collect();
        let height = self.view.height() as f32;
        Ok(non_maximum_suppression(&inside, nms_iou)
            .into_iter()
            .filter_map(|index| {
                let bbox = inside.get(index)?;
                let edges = Edges {
                    left: bbox.x0 as i64,
                    lower: (height - bbox.y1) as i64,
                    right: bbox.x1 as i64,
                    upper: (height - bbox.y0) as i64,
                };
                self.crop(edges, margin).ok()
            })
            .collect())
    }
}

impl Edges {
    /// `overlaps_with`: whether the rectangles meet or touch.
    pub(super) fn overlap(&self, other: &Self) -> bool {
        self.left <= other.right
            && self.right >= other.left
            && self.lower <= other.upper
            && self.upper >= other.lower
    }

    /// `distance`: of the nearest points, and where there is none between them, minus the IoU.
    pub(super) fn distance(&self, other: &Self) -> f64 {
        let gap = |a: (i64, i64), b: (i64, i64)| {
            let apart = |from: i64, to: i64| from.saturating_sub(to).max(0) as f64;
            apart(a.0, b.1).powi(2) + apart(b.0, a.1).powi(2)
        };
        let across = gap((self.left, self.right), (other.left, other.right));
        let upwards = gap((self.lower, self.upper), (other.lower, other.upper));
        let distance = (across + upwards).sqrt();
        if distance == 0.0 {
            -self.iou(other)
        } else {
            distance
        }
    }

    fn iou(&self, other: &Self) -> f64 {
        let area = |e: &Self| {
            e.right.saturating_sub(e.left) as f64 * e.upper.saturating_sub(e.lower) as f64
        };
        let common = Self {
            left: self.left.max(other.left),
            lower: self.lower.max(other.lower),
            right: self.right.min(other.right),
            upper: self.upper.min(other.upper),
        };
        let common = if common.left < common.right && common.lower < common.upper {
            area(&common)
        } else {
            0.0
        };
        let union = area(self) + area(other) - common;
        if union > 0.0 { common / union } else { 0.0 }
    }
}

/// What Python's `[from:to]` takes of a sequence: `None` if nothing.
fn sliced(from: i64, to: i64, length: u32) -> Option<(u32, u32)> {
    let length = i64::from(length);
    let place = |at: i64| {
        let at = if at < 0 {
            at.saturating_add(length)
        } else {
            at
        };
        // Clipped to a u32's range.
        at.clamp(0, length) as u32
    };
    let (from, to) = (place(from), place(to));
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;
    use proptest::prelude::*;
    use sdvp_core::Image;

    fn view(width: u32, height: u32) -> View {
        Image::new(RgbImage::new(width, height)).unwrap().view()
    }

    fn edges(left: i64, lower: i64, right: i64, upper: i64) -> Edges {
        Edges {
            left,
            lower,
            right,
            upper,
        }
    }

    #[test]
    fn crops_count_rows_from_below_and_stay_absolute() {
        let whole = Patch::whole(view(100, 60));
        let part = whole.crop(edges(10, 5, 40, 25), 0).unwrap();
        assert_eq!(part.view.region().to_array(), [10, 35, 40, 55]);
        assert_eq!(part.edges, edges(10, 5, 40, 25));
        let inner = part.crop(edges(5, 10, 15, 20), 0).unwrap();
        assert_eq!(inner.view.region().to_array(), [15, 35, 25, 45]);
        assert_eq!(inner.edges, edges(15, 15, 25, 25));
        assert_eq!(inner.center(), (20.0, 20.0));
    }

    #[test]
    fn a_margin_ends_at_the_patch() {
        let part = Patch::whole(view(100, 60)).crop(edges(4, 5, 95, 25), 10);
        let part = part.unwrap();
        assert_eq!(part.edges, edges(0, 0, 100, 35));
        assert_eq!(part.view.region().to_array(), [0, 25, 100, 60]);
    }

    #[test]
    fn edges_beyond_the_image_are_those_of_a_slice() {
        let view = view(100, 60);
        // image[:, 60 - 80 : 60 - 20, 50 : 300]: rows -20..40 are rows 40..40 of 60.
        assert_eq!(
            Patch::of(&view, edges(50, 20, 300, 80), (0, 0)).unwrap_err(),
            NoArea
        );
        let part = Patch::of(&view, edges(50, -30, 300, 60), (0, 0)).unwrap();
        assert_eq!(part.view.region().to_array(), [50, 0, 100, 60]);
        assert_eq!(part.edges, edges(50, -30, 300, 60));
        let part = Patch::of(&view, edges(-20, 0, -10, 60), (0, 0)).unwrap();
        assert_eq!(part.view.region().to_array(), [80, 0, 90, 60]);
    }

    #[test]
    fn distances_of_known_rectangles() {
        let a = edges(0, 0, 10, 10);
        assert_eq!(a.distance(&edges(13, 14, 20, 20)), 5.0);
        assert_eq!(a.distance(&edges(5, 0, 15, 10)), -1.0 / 3.0);
        assert_eq!(a.distance(&edges(10, 0, 15, 10)), 0.0);
        assert!(a.overlap(&edges(10, 10, 20, 20)) && !a.overlap(&edges(11, 0, 20, 9)));
    }

    #[test]
    fn found_boxes_are_turned_upside_down() {
        let found = |x0, y0, x1, y1, score| Detection {
            bbox: BBox::new(x0, y0, x1, y1),
            score,
        };
        let detections = [
            found(-5.0, 10.2, 20.9, 30.0, 0.4),
            found(0.0, 11.0, 20.0, 30.0, 0.3),
            found(50.0, 0.0, 70.0, 20.0, 0.9),
            found(80.0, 0.0, 90.0, 20.0, 0.05),
        ];
        let patches = Patch::whole(view(100, 60))
            .found(&detections, 0.1, 0.5, 0)
            .unwrap();
        let found: Vec<Edges> = patches.iter().map(|patch| patch.edges).collect();
        assert_eq!(found, [edges(50, 40, 70, 60), edges(0, 30, 20, 49)]);
        let broken = [Detection {
            bbox: BBox::new(f32::NAN, 0.0, 1.0, 1.0),
            score: 0.5,
        }];
        assert!(
            Patch::whole(view(9, 9))
                .found(&broken, 0.1, 0.5, 0)
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn any_edges_give_a_part_or_no_area(
            left in -150i64..150, lower in -150i64..150, right in -150i64..150,
            upper in -150i64..150, margin in 0u32..20, far in any::<[i64; 4]>(),
        ) {
            let whole = Patch::whole(view(40, 30));
            for edges in [edges(left, lower, right, upper), edges(far[0], far[1], far[2], far[3])] {
                if let Ok(part) = whole.crop(edges, margin) {
                    let [x0, y0, x1, y1] = part.view.region().to_array();
                    prop_assert!(x0 < x1 && x1 <= 40 && y0 < y1 && y1 <= 30);
                    let _ = (part.center(), part.edges.distance(&whole.edges));
                    let _ = part.crop(edges, margin);
                }
            }
        }
    }
}

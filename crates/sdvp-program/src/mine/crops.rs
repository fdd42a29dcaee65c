//! The dialect's geometry: whole pixels, as the reference computes it.

use super::settings::VisProgSettings;
use super::step::CropSide;
use sdvp_core::{BBox, Detection, Region, View, non_maximum_suppression};

/// What `LOC` keeps of a module's candidates: score above the threshold, whole pixels within the
/// image (whose last row and column the reference leaves out), no box twice.
pub(crate) fn believed(found: &[Detection], view: &View, settings: &VisProgSettings) -> Vec<Region> {
    let mut order: Vec<&Detection> =
        found.iter().filter(|d| d.score > settings.locate_threshold && d.bbox.is_finite()).collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let regions: Vec<Region> = order.iter().filter_map(|d| whole_pixels(&d.bbox, view)).collect();
    let boxes: Vec<BBox> = regions.iter().map(|region| BBox::from(*region)).collect();
    non_maximum_suppression(&boxes, settings.nms_iou).into_iter().map(|kept| regions[kept]).collect()
}

fn whole_pixels(bbox: &BBox, view: &View) -> Option<Region> {
    let last = |size: u32| size.saturating_sub(1).max(1) as f32;
    let (w, h) = (last(view.width()), last(view.height()));
    // Casts cut towards zero and saturate.
    Region::new(bbox.x0.max(0.0) as u32, bbox.y0.max(0.0) as u32, bbox.x1.min(w) as u32, bbox.y1.min(h) as u32).ok()
}

/// The half images that `LOC` finds without a module.
pub(crate) fn half_image(object: &str, view: &View) -> Option<Region> {
    let (w, h) = (view.width(), view.height());
    let (end_x, end_y) = (w.saturating_sub(1).max(1), h.saturating_sub(1).max(1));
    let (x, y) = ((w / 2).max(1), (h / 2).max(1));
    let half = match object {
        "TOP" => [0, 0, end_x, y],
        "BOTTOM" => [0, h / 2, end_x, h],
        "LEFT" => [0, 0, x, end_y],
        "RIGHT" => [w / 2, 0, w, end_y],
        _ => return None,
    };
    let half = match object {
        "BOTTOM" => [half[0], half[1], half[2], end_y.max(half[1] + 1)],
        "RIGHT" => [half[0], half[1], end_x.max(half[0] + 1), half[3]],
        _ => half,
    };
    Region::try_from(half).ok()
}

/// `CROP`: the first box enlarged about its centre; the whole view where there is none.
pub(crate) fn enlarged(first: Option<Region>, view: &View, factor: f32) -> View {
    let Some(b) = first else { return view.clone() };
    let [x0, y0, x1, y1] = b.to_array().map(i64::from);
    let half = |size: i64| (f64::from(factor) * size as f64 / 2.0) as i64;
    let (dw, dh) = (half(x1 - x0), half(y1 - y0));
    let (cx, cy) = ((x0 + x1) / 2, (y0 + y1) / 2);
    let edge = |v: i64, size: u32| v.clamp(0, i64::from(size)) as u32;
    let region = Region::new(
        edge(cx - dw, view.width()),
        edge(cy - dh, view.height()),
        edge(cx + dw, view.width()),
        edge(cy + dh, view.height()),
    );
    // Boxes of a pixel or two have no enlarged whole pixel about their centre.
    region.ok().and_then(|r| view.crop(r)).or_else(|| view.crop(b)).unwrap_or_else(|| view.clone())
}

/// `CROP_LEFTOF` and its like: one side of the first box's centre; half of the view where there is
/// no box.
pub(crate) fn beside(side: CropSide, first: Option<Region>, view: &View, reference: bool) -> View {
    let (w, h) = (view.width(), view.height());
    let (end_x, end_y) = (w.saturating_sub(1).max(1), h.saturating_sub(1).max(1));
    let (x, y) = match first {
        Some(b) => ((b.x0() + b.x1()) / 2, (b.y0() + b.y1()) / 2),
        None => (w / 2, h / 2),
    };
    let side = match (side, first) {
        (CropSide::Above | CropSide::Below, None) if reference => CropSide::LeftOf,
        _ => side,
    };
    // At least a pixel, wherever the box lies.
    let region = match side {
        CropSide::LeftOf => Region::new(0, 0, x.max(1), end_y),
        CropSide::RightOf => Region::new(x.min(end_x - 1), 0, end_x, end_y),
        CropSide::Above => Region::new(0, 0, end_x, y.max(1)),
        CropSide::Below => Region::new(0, y.min(end_y - 1), end_x, end_y),
    };
    region.ok().and_then(|r| view.crop(r)).unwrap_or_else(|| view.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sdvp_core::Image;

    fn view(width: u32, height: u32) -> View {
        Image::new(image::RgbImage::new(width, height)).unwrap().view()
    }

    fn region(a: u32, b: u32, c: u32, d: u32) -> Region {
        Region::new(a, b, c, d).unwrap()
    }

    #[test]
    fn the_reference_s_numbers() {
        let v = view(100, 80);
        assert_eq!(half_image("TOP", &v), Some(region(0, 0, 99, 40)));
        assert_eq!(half_image("BOTTOM", &v), Some(region(0, 40, 99, 79)));
        assert_eq!(half_image("LEFT", &v), Some(region(0, 0, 50, 79)));
        assert_eq!(half_image("RIGHT", &v), Some(region(50, 0, 99, 79)));
        let b = Some(region(10, 20, 30, 60));
        assert_eq!(enlarged(b, &v, 1.5).region(), region(5, 10, 35, 70));
        assert_eq!(beside(CropSide::RightOf, b, &v, false).region(), region(20, 0, 99, 79));
        assert_eq!(beside(CropSide::LeftOf, b, &v, false).region(), region(0, 0, 20, 79));
        assert_eq!(beside(CropSide::Above, b, &v, false).region(), region(0, 0, 99, 40));
        assert_eq!(beside(CropSide::Below, b, &v, false).region(), region(0, 40, 99, 79));
    }

    #[test]
    fn no_box_means_the_whole_or_the_meant_half() {
        let v = view(100, 80);
        assert!(enlarged(None, &v, 1.5).is_whole());
        assert_eq!(beside(CropSide::RightOf, None, &v, false).region(), region(50, 0, 99, 79));
        assert_eq!(beside(CropSide::Above, None, &v, false).region(), region(0, 0, 99, 40));
        assert_eq!(beside(CropSide::Below, None, &v, false).region(), region(0, 40, 99, 79));
        for side in [CropSide::Above, CropSide::Below] {
            assert_eq!(beside(side, None, &v, true).region(), region(0, 0, 50, 79), "as the reference has it");
        }
    }

    #[test]
    fn thresholds_order_and_duplicates() {
        let found = |x: f32, score: f32| Detection { bbox: BBox::new(x, 0.0, x + 20.5, 20.0), score };
        let settings = VisProgSettings::default();
        let kept = believed(&[found(1.0, 0.2), found(0.0, 0.9), found(50.0, 0.11), found(70.0, 0.1)], &view(100, 80), &settings);
        assert_eq!(kept, [region(0, 0, 20, 20), region(50, 0, 70, 20)]);
        let wild = Detection { bbox: BBox::new(f32::NAN, 0.0, 5.0, 5.0), score: 0.9 };
        assert!(believed(&[wild], &view(9, 9), &settings).is_empty());
    }

    proptest! {
        #[test]
        fn crops_stay_inside(w in 1u32..60, h in 1u32..60, a in 0u32..80, b in 0u32..80, c in 1u32..80, d in 1u32..80) {
            let v = view(w, h);
            let boxes = [None, Region::new(a, b, a + c, b + d).ok()];
            for first in boxes {
                let mut crops = vec![enlarged(first, &v, 1.5)];
                for side in [CropSide::LeftOf, CropSide::RightOf, CropSide::Above, CropSide::Below] {
                    crops.push(beside(side, first, &v, false));
                    crops.push(beside(side, first, &v, true));
                }
                for crop in crops {
                    prop_assert!(crop.region().x1() <= w && crop.region().y1() <= h);
                }
            }
            for half in ["TOP", "BOTTOM", "LEFT", "RIGHT"] {
                if let Some(r) = half_image(half, &v) {
                    prop_assert!(r.x1() <= w.max(1) && r.y1() <= h.max(1));
                }
            }
        }
    }
}

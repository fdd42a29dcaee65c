//! Patches of an image as points: a student or teacher says something at each of them.

use sdvp_core::BBox;

/// The part of an object's box, from its middle, in which a patch's centre counts as showing it.
pub(crate) const SHOWN: f32 = 0.8;

/// The centre of a patch of a square grid, in parts of the image's sides; patches are counted row
/// by row.
pub(crate) fn patch_center(patch: usize, grid: usize) -> (f32, f32) {
    let at = |index: usize| (index as f32 + 0.5) / grid as f32;
    (at(patch % grid), at(patch / grid))
}

/// Whether a point lies in the middle `part` of a box's sides.
pub(crate) fn lies_in_middle((x, y): (f32, f32), bbox: &BBox, part: f32) -> bool {
    let (cx, cy) = bbox.center();
    (x - cx).abs() < bbox.width() * part / 2.0 && (y - cy).abs() < bbox.height() * part / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_counted_row_by_row_and_only_the_middle_of_a_box_counts() {
        assert_eq!(patch_center(0, 2), (0.25, 0.25));
        assert_eq!(patch_center(1, 2), (0.75, 0.25));
        assert_eq!(patch_center(2, 2), (0.25, 0.75));
        let bbox = BBox::new(0.0, 0.0, 0.5, 1.0);
        assert!(lies_in_middle((0.25, 0.5), &bbox, 0.5));
        assert!(lies_in_middle((0.35, 0.7), &bbox, 0.5));
        assert!(!lies_in_middle((0.40, 0.5), &bbox, 0.5));
        assert!(!lies_in_middle((0.25, 0.8), &bbox, 0.5));
    }
}

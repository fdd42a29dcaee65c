//! What every framework expects of detections.

use sdvp_core::Detection;

/// Refuses detections whose numbers are none.
pub(crate) fn check_finite(detections: &[Detection]) -> Result<(), String> {
    let broken = detections
        .iter()
        .find(|found| !(found.bbox.is_finite() && found.score.is_finite()));
    match broken {
        None => Ok(()),
        Some(found) => Err(format!(
            "expected finite coordinates and scores, found the box {:?} with score {}",
            found.bbox, found.score
        )),
    }
}

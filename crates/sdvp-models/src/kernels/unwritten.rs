//! Results that are written in full before anyone reads them. Zeroing them first would take a tenth
//! of a training step.

#![allow(unsafe_code)] // A vector's length is set after its values were written.

use std::mem::MaybeUninit;

/// Memory that nothing was written to yet.
pub(super) type Unwritten = [MaybeUninit<f32>];

/// `len` values, all of which `write` writes.
///
/// # Safety
/// `write` must write every value it is given.
pub(super) unsafe fn written(len: usize, write: impl FnOnce(&mut Unwritten)) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    write(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: there is room for `len` values, and the caller vouches that all were written.
    unsafe { values.set_len(len) };
    values
}

/// Writes a copy of `row` into every row.
pub(super) fn repeat_row<'a>(rows: &'a mut Unwritten, row: &[f32]) -> &'a mut [f32] {
    assert!(!row.is_empty() && rows.len().is_multiple_of(row.len()));
    for place in rows.chunks_exact_mut(row.len()) {
        place.write_copy_of_slice(row);
    }
    // SAFETY: whole rows of that length make up all of it, and each was just written.
    unsafe { rows.assume_init_mut() }
}

/// Writes each of `values` as often as they are to fill all of it, one after another.
pub(super) fn repeat_each<'a>(places: &'a mut Unwritten, values: &[f32]) -> &'a mut [f32] {
    assert!(!values.is_empty() && places.len().is_multiple_of(values.len()));
    let times = places.len() / values.len();
    for (places, value) in places.chunks_exact_mut(times.max(1)).zip(values) {
        places.fill(MaybeUninit::new(*value));
    }
    // SAFETY: as many parts of that length as there are values make up all of it, and each was just
    // written.
    unsafe { places.assume_init_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_repeated_to_the_last_value() {
        // SAFETY: repeat_row writes whole rows, and six values are three of them.
        let values = unsafe {
            written(6, |rows| {
                repeat_row(rows, &[1.0, 2.0]);
            })
        };
        assert_eq!(values, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn values_are_repeated_to_the_last_place() {
        // SAFETY: repeat_each writes every place.
        let values = unsafe {
            written(6, |places| {
                repeat_each(places, &[1.0, 2.0]);
            })
        };
        assert_eq!(values, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    }
}

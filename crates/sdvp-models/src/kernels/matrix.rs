//! Matrix products between parts of slices.

#![allow(unsafe_code)] // Matrix products of the `gemm` crate take raw pointers.

use super::unwritten::Unwritten;

/// A matrix inside a slice: where it starts, and the distances between rows and between columns.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Place {
    /// A whole slice, row by row.
    pub(super) fn rows_of(width: usize) -> Self {
        Self {
            start: 0,
            row: width,
            column: 1,
        }
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    /// Whether a matrix of this many rows and columns lies within `len` values.
    fn fits(self, rows: usize, columns: usize, len: usize) -> bool {
        rows == 0
            || columns == 0
            || self.start + (rows - 1) * self.row + (columns - 1) * self.column < len
    }
}

/// A matrix to multiply.
pub(super) type Factor<'a> = (&'a [f32], Place);

/// `c = scale · a b`, with `a` m×k, `b` k×n, on one thread.
pub(super) fn product(
    (m, n, k): (usize, usize, usize),
    (c, cp): (&mut [f32], Place),
    a: Factor<'_>,
    b: Factor<'_>,
    scale: f32,
) {
    assert!(cp.fits(m, n, c.len()));
    // SAFETY: `c` lies within its slice, as just checked.
    unsafe { multiply((m, n, k), (c.as_mut_ptr(), cp), false, a, b, scale) }
}

/// As [`product`], where nothing was written to yet. Writes every value of `c`'s place.
pub(super) fn write_product(
    (m, n, k): (usize, usize, usize),
    (c, cp): (&mut Unwritten, Place),
    a: Factor<'_>,
    b: Factor<'_>,
    scale: f32,
) {
    assert!(k > 0, "a product expected factors with something in common");
    assert!(cp.fits(m, n, c.len()));
    // SAFETY: `c` lies within its slice, as just checked, and is not read.
    unsafe { multiply((m, n, k), (c.as_mut_ptr().cast(), cp), false, a, b, scale) }
}

/// `c += a b`, as [`product`].
pub(super) fn add_product(
    (m, n, k): (usize, usize, usize),
    (c, cp): (&mut [f32], Place),
    a: Factor<'_>,
    b: Factor<'_>,
) {
    assert!(cp.fits(m, n, c.len()));
    // SAFETY: `c` lies within its slice, as just checked, all of which was written.
    unsafe { multiply((m, n, k), (c.as_mut_ptr(), cp), true, a, b, 1.0) }
}

/// # Safety
/// There must be an m×n matrix at `c`, borrowed by nobody else, with values in it if they are to be
/// added to.
unsafe fn multiply(
    (m, n, k): (usize, usize, usize),
    (c, cp): (*mut f32, Place),
    add: bool,
    (a, ap): Factor<'_>,
    (b, bp): Factor<'_>,
    scale: f32,
) {
    assert!(ap.fits(m, k, a.len()) && bp.fits(k, n, b.len()));
    // SAFETY: the factors lie within their slices, as just checked; the caller vouches for `c`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.add(cp.start),
            cp.column as isize,
            cp.row as isize,
            add,
            a.as_ptr().add(ap.start),
            ap.column as isize,
            ap.row as isize,
            b.as_ptr().add(bp.start),
            bp.column as isize,
            bp.row as isize,
            1f32,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

//! Matrix products between parts of slices.

#![allow(unsafe_code)] // Matrix products of the `gemm` crate take raw pointers.

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

/// What a product does to the values that are there.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Into {
    Replace,
    Add,
}

/// `c = scale · a b` or `c += scale · a b`, with `a` m×k, `b` k×n, on one thread.
pub(super) fn product(
    (m, n, k): (usize, usize, usize),
    (c, cp, into): (&mut [f32], Place, Into),
    (a, ap): (&[f32], Place),
    (b, bp): (&[f32], Place),
    scale: f32,
) {
    assert!(cp.fits(m, n, c.len()) && ap.fits(m, k, a.len()) && bp.fits(k, n, b.len()));
    // SAFETY: the three matrices lie within their slices, as just checked, and `c` is borrowed
    // mutably, so it overlaps neither of the others.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr().add(cp.start),
            cp.column as isize,
            cp.row as isize,
            into == Into::Add,
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

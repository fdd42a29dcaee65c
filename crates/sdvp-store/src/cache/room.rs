//! Room in the file: what is used of it, and what goes when there is too little.

use rusqlite::{Connection, Transaction};

/// The least bound there may be: the tables themselves take some pages.
pub(crate) const LEAST: u64 = 1 << 20;
/// The part of the bound that is used once room was made.
const FULL: f64 = 0.95;
/// Bytes that a row takes beside its value, in the table and its indices; rather too many.
const ROW: u64 = 160;
/// Rows that go at once.
const AT_ONCE: [u64; 2] = [64, 8192];

/// The most bytes of the file that a value of so many takes, by experience: large ones leave parts of
/// pages empty.
pub(crate) fn cost(value: usize) -> u64 {
    let value = value as u64;
    value + value / 8 + ROW
}

/// Pages of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    pub(crate) size: u64,
    pub(crate) all: u64,
    pub(crate) free: u64,
}

impl Pages {
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |name| {
            let read: rusqlite::Result<i64> =
                connection.pragma_query_value(None, name, |row| row.get(0));
            read.map(i64::unsigned_abs)
        };
        Ok(Self {
            size: number("page_size")?,
            all: number("page_count")?,
            free: number("freelist_count")?,
        })
    }

    /// Bytes that are used.
    pub(crate) fn used(self) -> u64 {
        self.all.saturating_sub(self.free) * self.size
    }

    /// Bytes of the whole file.
    pub(crate) fn file(self) -> u64 {
        self.all * self.size
    }
}

/// Makes room for so many bytes more within the bound: lets go what was used longest ago, of what was
/// used in the same tick what was kept first. How many rows went.
pub(crate) fn make_room(
    transaction: &Transaction,
    bound: u64,
    more: u64,
) -> rusqlite::Result<usize> {
    let mut gone = 0;
    let pages = Pages::of(transaction)?;
    if pages.used() + more <= bound {
        return Ok(0);
    }
    let target = ((bound as f64 * FULL) as u64).saturating_sub(more);
    let mut oldest = transaction.prepare_cached(
        "DELETE FROM outcome WHERE id IN (SELECT id FROM outcome ORDER BY used, id LIMIT ?1)",
    )?;
    let mut used = pages.used();
    while used > target {
        // Mostly short ones: what is still too much goes with the next.
        let rows = ((used - target) / (2 * ROW)).clamp(AT_ONCE[0], AT_ONCE[1]);
        let deleted = oldest.execute([rows as i64])?;
        if deleted == 0 {
            break;
        }
        gone += deleted;
        used = Pages::of(transaction)?.used();
    }
    transaction
        .prepare_cached("UPDATE cache SET evicted = evicted + ?1")?
        .execute([gone as i64])?;
    Ok(gone)
}

/// Gives back to the system what is free beyond the bound, or all that is free.
pub(crate) fn shrink(connection: &Connection, bound: u64) -> rusqlite::Result<()> {
    let pages = Pages::of(connection)?;
    let beyond = pages
        .file()
        .saturating_sub(bound)
        .div_ceil(pages.size.max(1));
    let pages = beyond.min(pages.free);
    if pages > 0 {
        connection.pragma(None, "incremental_vacuum", pages as i64, |_| Ok(()))?;
    }
    Ok(())
}

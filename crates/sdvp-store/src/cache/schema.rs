//! The tables of a cache of outcomes.

use rusqlite::Transaction;

/// What SQLite's `application_id` says: the letters SDVC.
pub(crate) const APPLICATION: i64 = 0x5344_5643;

/// What leads from every version to the next; the first makes the tables. A version that was given
/// away never changes: another one is added. Of outcomes, another way of writing values is another
/// version, too.
const MIGRATIONS: [&str; 1] = [FIRST];

/// The newest version.
pub(crate) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Rows of `outcome` are stored in the order in which they came, and found through an index over half
/// of the request's digest; that two requests share a half is as good as impossible, and the checksum
/// tells them apart. Modules keep their number for ever, so that one who has looked a number up does
/// not mistake it later.
const FIRST: &str = "
CREATE TABLE cache (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    max_bytes INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    evicted INTEGER NOT NULL
) STRICT;
INSERT INTO cache VALUES (1, 0, 0, 0, 0);
CREATE TABLE tick (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seconds INTEGER NOT NULL
) STRICT;
CREATE TABLE module (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    program BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    hits INTEGER NOT NULL DEFAULT 0,
    UNIQUE (program, fingerprint)
) STRICT;
CREATE TABLE outcome (
    id INTEGER PRIMARY KEY,
    module INTEGER NOT NULL,
    request BLOB NOT NULL,
    used INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX outcome_key ON outcome (module, request);
CREATE INDEX outcome_used ON outcome (used);
";

/// Brings a database from version `from` to the newest, all of it or nothing.
pub(crate) fn migrate(transaction: &Transaction, from: i64) -> rusqlite::Result<()> {
    crate::schema::advance(transaction, &MIGRATIONS, from, APPLICATION)
}

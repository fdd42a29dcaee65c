//! The tables, and how a database comes from one version of them to the next.

use rusqlite::{Connection, Transaction};

/// What SQLite's `application_id` says: the letters SDVP.
pub(crate) const APPLICATION: i64 = 0x5344_5650;

/// What leads from every version to the next; the first makes the tables. A version that was given
/// away never changes: another one is added.
pub(crate) const MIGRATIONS: [&str; 1] = [FIRST];

/// The newest version.
pub(crate) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Texts (questions, programs, answers, outcomes as JSON …) are written once, in `text`. A sub-task
/// is found by its question and its place in it, which is the order it is stored in: no index of its
/// own is needed. `wording` (question and right answer), `source` (program) and `trace` (sub-tasks and
/// outcomes) are digests by which runs are compared. `sub_task_tally` is what a summary would else have to count among millions of them.
const FIRST: &str = "
CREATE TABLE run (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    digest BLOB NOT NULL,
    configuration TEXT NOT NULL
) STRICT;
CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    process INTEGER NOT NULL,
    ended INTEGER NOT NULL
) STRICT;
CREATE TABLE text (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    kept INTEGER NOT NULL
) STRICT;
CREATE TABLE module (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    UNIQUE (name, fingerprint)
) STRICT;
CREATE TABLE question (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    text INTEGER NOT NULL REFERENCES text,
    kind INTEGER NOT NULL REFERENCES text,
    gold INTEGER NOT NULL REFERENCES text,
    program INTEGER REFERENCES text,
    answer INTEGER REFERENCES text,
    error INTEGER REFERENCES text,
    fallback INTEGER NOT NULL,
    score REAL NOT NULL,
    sub_tasks INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    wording BLOB NOT NULL,
    source BLOB NOT NULL,
    trace BLOB NOT NULL
) STRICT;
CREATE INDEX question_by_id ON question (id, number);
CREATE INDEX question_by_time ON question (micros);
CREATE TABLE sub_task (
    question INTEGER NOT NULL REFERENCES question,
    place INTEGER NOT NULL,
    line INTEGER NOT NULL,
    kind INTEGER NOT NULL REFERENCES text,
    image INTEGER NOT NULL REFERENCES image,
    x0 INTEGER NOT NULL,
    y0 INTEGER NOT NULL,
    x1 INTEGER NOT NULL,
    y1 INTEGER NOT NULL,
    text INTEGER NOT NULL REFERENCES text,
    outcome INTEGER REFERENCES text,
    confidence REAL,
    module INTEGER REFERENCES module,
    source INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (question, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE sub_task_tally (
    kind INTEGER NOT NULL REFERENCES text,
    module INTEGER NOT NULL,
    source INTEGER NOT NULL,
    sub_tasks INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (kind, module, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE loss (
    curve INTEGER NOT NULL REFERENCES text,
    step INTEGER NOT NULL,
    value REAL,
    PRIMARY KEY (curve, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    weights BLOB NOT NULL,
    details TEXT NOT NULL
) STRICT;
";

/// The version a database has.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings the database of a run from version `from` to that of the last of `migrations`, all of it or
/// nothing.
pub(crate) fn migrate(
    transaction: &Transaction,
    migrations: &[&str],
    from: i64,
) -> rusqlite::Result<()> {
    advance(transaction, migrations, from, APPLICATION)
}

/// As [`migrate`], of an application's database.
pub(crate) fn advance(
    transaction: &Transaction,
    migrations: &[&str],
    from: i64,
    application: i64,
) -> rusqlite::Result<()> {
    let done = usize::try_from(from).unwrap_or(0);
    for migration in migrations.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", application)?;
    transaction.pragma_update(None, "user_version", migrations.len() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrated(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
        let from = version(connection)?;
        let transaction = connection.transaction()?;
        migrate(&transaction, migrations, from)?;
        transaction.commit()
    }

    #[test]
    fn what_is_written_survives_a_migration_and_a_failed_one_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7);";
        migrated(&mut connection, &[first]).unwrap();
        let second = "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 3;";
        let faulty = "CREATE TABLE b (x INTEGER); SELECT nonsense FROM nowhere;";
        assert!(migrated(&mut connection, &[first, second, faulty]).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(connection.prepare("SELECT y FROM a").is_err());

        migrated(&mut connection, &[first, second]).unwrap();
        let row = connection.query_row("SELECT x, y FROM a", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        assert_eq!(row.unwrap(), (7, 3));
        assert_eq!(version(&connection).unwrap(), 2);
    }
}

//! Why SQLite refuses something, as far as it matters to who uses a file.

use rusqlite::{Error, ErrorCode, ffi};

/// Why SQLite refuses something.
pub(crate) enum Refusal {
    /// There is no room left.
    Full,
    /// The file is not what was once written; what was found.
    Damaged(String),
    /// The file is something else.
    NotADatabase,
    /// The file or its folder cannot be written.
    ReadOnly,
    /// Others use it.
    Busy,
    /// Another reason.
    Other(Error),
}

impl Refusal {
    pub(crate) fn of(error: Error) -> Self {
        // So SQLite calls it if a file may not grow, for whatever reason but a full disk.
        let growing = [
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_SHMSIZE,
            ffi::SQLITE_IOERR_TRUNCATE,
        ];
        let extended = error.sqlite_error().map(|error| error.extended_code);
        if extended.is_some_and(|code| growing.contains(&code)) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => match error {
                Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::QueryReturnedNoRows => Self::Damaged(error.to_string()),
                error => Self::Other(error),
            },
        }
    }
}

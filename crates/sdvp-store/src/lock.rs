//! Who writes into a folder: a file in it that one process at a time can lock.

use crate::error::{Result, StoreError};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Most that is read of what should be a process id.
const LONGEST: u64 = 32;

/// The file's name in the folder that it locks.
pub const LOCK: &str = "run.lock";

/// The right to write in a folder. The system takes it back when the process ends, however it ends, so a
/// file that a dead process left behind is in nobody's way.
pub struct Lock(File);

impl Lock {
    /// Takes it, or says who has it.
    ///
    /// # Errors
    /// If another process has it, or the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let io = |doing: &'static str| {
            let path = path.clone();
            move |source: std::io::Error| match source.kind() {
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    StoreError::ReadOnly { path }
                }
                _ => StoreError::Io {
                    doing,
                    path,
                    source,
                },
            }
        };
        // Not truncated: until the lock is ours, what is in it belongs to someone else.
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = options.map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.take(LONGEST).read_to_string(&mut text);
                let process = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(StoreError::Locked {
                    folder: folder.to_owned(),
                    process,
                });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        let mut say = || {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        };
        say().map_err(io("write"))?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The name of a process that is gone helps nobody; whoever comes next writes its own anyway.
        let _ = self.0.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_with_the_first_ones_process_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).err().unwrap();
        let me = std::process::id();
        assert!(matches!(refused, StoreError::Locked { process: Some(id), .. } if id == me));
        assert!(refused.to_string().contains(&format!("process {me}")));
        drop(first);
        Lock::take(folder.path()).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.lock"), "4194304\n").unwrap();
        let _lock = Lock::take(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join("run.lock")).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }
}

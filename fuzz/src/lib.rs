//! What the targets share.

mod running;

pub use running::run;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Panics that sdvp catches (of the parser of Python, say, of which it makes an error) are no findings;
/// libFuzzer's own hook would end the process at them. Those that nobody catches still end it.
pub fn let_panics_be_caught() {
    std::panic::set_hook(Box::new(|_| ()));
}

/// Hands a file of these bytes to a reader that takes a path: in memory, where the system has such a
/// folder. The first call of a thread makes the folder, which the end of the process removes.
pub fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    thread_local! {
        static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
    }
    let path: PathBuf = FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            let memory = Path::new("/dev/shm");
            let made = match memory.is_dir() {
                true => tempfile::tempdir_in(memory),
                false => tempfile::tempdir(),
            };
            made.expect("a folder for files")
        });
        folder.path().join(name)
    });
    std::fs::write(&path, bytes).expect("room for a file");
    read(&path)
}

//! GGUF files: headers, vocabularies, and networks as far as they are there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_fuzz::with_file;
use sdvp_language::local::LocalModel;

fuzz_target!(|bytes: &[u8]| {
    with_file("a.gguf", bytes, |path| {
        let _ = LocalModel::open(path);
    });
});

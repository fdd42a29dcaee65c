//! Headers of safetensors files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_fuzz::with_file;

fuzz_target!(|bytes: &[u8]| {
    with_file("a.safetensors", bytes, |path| {
        let Ok(tensors) = sdvp_models::read_header(path) else {
            return;
        };
        // What was read is in the file: no tensor has more numbers than there are bits.
        let bits = 8 * bytes.len() as u64;
        assert!(tensors.values().all(|tensor| tensor.count() <= bits));
    });
});

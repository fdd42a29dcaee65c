//! Images and animations, under the limits that everybody has.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_core::{DecodeLimits, Image};

fuzz_target!(|bytes: &[u8]| {
    let limits = DecodeLimits::default();
    // The first frame is decoded as any image.
    let Ok(frames) = Image::decode_frames(bytes, &limits) else {
        return;
    };
    assert!(!frames.is_empty() && frames.len() as u64 <= limits.frames);
    for frame in frames {
        let pixels = u64::from(frame.width()) * u64::from(frame.height());
        assert!(pixels <= limits.pixels);
        assert_eq!(frame.rgb().as_raw().len() as u64, 3 * pixels);
    }
});

//! ViperGPT programs: whatever a language model wrote, it is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_program::viper::{ViperProgram, ViperSettings, check};

fuzz_target!(|text: &str| {
    let settings = ViperSettings::default();
    let faults = check(text, &settings);
    assert_eq!(ViperProgram::parse(text, &settings).is_ok(), faults.is_empty());
});

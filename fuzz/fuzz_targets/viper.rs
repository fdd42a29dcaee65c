//! ViperGPT programs: whatever a language model wrote, it is read or refused; what is read ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_fuzz::{let_panics_be_caught, run};
use sdvp_program::viper::{ViperProgram, ViperSettings, check};

fuzz_target!(init: let_panics_be_caught(), |text: &str| {
    let settings = ViperSettings {
        max_ms: 20,
        max_sub_tasks: 20,
        max_calls: 100,
        ..ViperSettings::default()
    };
    let faults = check(text, &settings);
    let program = ViperProgram::parse(text, &settings);
    assert_eq!(program.is_ok(), faults.is_empty(), "{faults:?}");
    if let Ok(program) = program {
        run(&program);
    }
});

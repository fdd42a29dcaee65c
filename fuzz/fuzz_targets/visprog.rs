//! VisProg programs: whatever is written, they are read or refused. What is read is the same when it is
//! written plainly and read again, and ends; what the acceptor of beginnings takes is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_fuzz::{let_panics_be_caught, run};
use sdvp_program::visprog::prefix::Prefix;
use sdvp_program::visprog::{VisProgProgram, VisProgSettings, check};

fuzz_target!(init: let_panics_be_caught(), |bytes: &[u8]| {
    let settings = VisProgSettings::default();
    let text = String::from_utf8_lossy(bytes);
    let faults = check(&text, &settings);
    match VisProgProgram::parse(&text, &settings) {
        Ok(program) => {
            assert!(faults.is_empty());
            let plain = program.to_string();
            let again = VisProgProgram::parse(&plain, &settings)
                .unwrap_or_else(|errors| panic!("{plain}\nis refused: {errors}"));
            assert_eq!(again.to_string(), plain);
            assert_eq!(again.steps(), program.steps());
            run(&program);
        }
        Err(errors) => assert_eq!(errors.0, faults),
    }

    let pictures: Vec<String> = ["IMAGE", "LEFT", "RIGHT"].map(String::from).into();
    let Ok(mut prefix) = Prefix::new(&pictures) else {
        return;
    };
    let mut taken = Vec::new();
    for &byte in bytes {
        if prefix.advance(byte).is_err() {
            break;
        }
        taken.push(byte);
    }
    taken.extend(prefix.finish());
    // A character of several bytes may have been cut in two.
    let Ok(program) = String::from_utf8(taken) else {
        return;
    };
    let faults = check(&program, &settings);
    assert!(faults.is_empty(), "{program}\nis refused: {faults:?}");
});

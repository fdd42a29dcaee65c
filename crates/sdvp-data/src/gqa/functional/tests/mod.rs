mod families;
mod graph;
mod picto;
mod records;
mod stand_in;

use super::{Functional, compile_viper, compile_visprog};
use sdvp_core::{ModuleError, Outcome, SubTask};
use sdvp_program::viper::{ViperProgram, ViperSettings};
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};
use sdvp_program::{Inputs, Program, Step, Value};

/// Both programs for a functional program, parsed. Panics with what is wrong.
fn programs(functional: &Functional) -> [Box<dyn Program>; 2] {
    let (visprog, viper) = (compile_visprog(functional), compile_viper(functional));
    // Patches are as large as what was found, as in exams.
    let settings = ViperSettings {
        crop_margin: 0,
        ..ViperSettings::default()
    };
    let one = VisProgProgram::parse(&visprog, &VisProgSettings::default());
    let other = ViperProgram::parse(&viper, &settings);
    [
        Box::new(one.unwrap_or_else(|e| panic!("{e}\n{visprog}"))),
        Box::new(other.unwrap_or_else(|e| panic!("{e}\n{viper}"))),
    ]
}

/// Runs a program with somebody who answers.
fn run(
    program: &dyn Program,
    inputs: &Inputs,
    mut answer: impl FnMut(&SubTask) -> Result<Outcome, ModuleError>,
) -> Result<Value, String> {
    let mut execution = program.start(inputs);
    let mut step = execution.start();
    loop {
        match step.map_err(|error| error.to_string())? {
            Step::Done(result) => return Ok(result),
            Step::Needs(task) => step = execution.resume(answer(&task)),
        }
    }
}

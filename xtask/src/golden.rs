//! Golden numbers of networks, made anew by what they are compared with.

use anyhow::{Context, Result, ensure};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Scripts under `tools/`, and what under `crates/` each is given.
const SCRIPTS: [(&str, &str); 4] = [
    ("models_golden.py", ""),
    ("vocabulary_golden.py", ""),
    ("onnx_golden.py", "sdvp-modules/tests/golden/onnx"),
    ("labels_golden.py", "sdvp-modules/tests/golden/labels"),
];
/// Those that look at photographs, too.
const OF_PHOTOGRAPHS: [&str; 2] = ["processor_golden.py", "qwen3_vl_golden.py"];

#[derive(Args)]
pub(crate) struct GoldenArguments {
    /// A Python that has torch, transformers, peft, Pillow, onnx, onnxruntime and pyarrow.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Tar archives of photographs (.jpg). Without any, what is computed of photographs stays as it is.
    #[arg(long)]
    photographs: Vec<PathBuf>,
}

/// Runs every script.
pub(crate) fn golden(arguments: &GoldenArguments) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = root.join("crates");
    let mut out = std::io::stdout().lock();
    for (script, place) in SCRIPTS {
        writeln!(out, "{script}")?;
        let mut command = script_in(&root, &arguments.python, script);
        run(command.arg(crates.join(place)), script)?;
    }
    for script in OF_PHOTOGRAPHS {
        if arguments.photographs.is_empty() {
            writeln!(out, "{script}: not run, for want of --photographs")?;
            continue;
        }
        writeln!(out, "{script}")?;
        let mut command = script_in(&root, &arguments.python, script);
        run(command.arg(&crates).args(&arguments.photographs), script)?;
    }
    let test = "writes_an_adapter_and_has_peft_load_it";
    writeln!(out, "{test}")?;
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--release", "-p", "sdvp-models", "--test", "peft"]);
    command.args(["--", "--ignored", "--exact", test]);
    command
        .current_dir(&root)
        .env("SDVP_PYTHON", python(&arguments.python)?);
    run(&mut command, test)
}

fn script_in(root: &Path, python: &Path, script: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(root.join("tools").join(script));
    command
}

/// A path is the same wherever a command runs, a name is looked for on the way.
fn python(given: &Path) -> Result<PathBuf> {
    match given.components().count() {
        0 | 1 => Ok(given.to_owned()),
        _ => {
            std::path::absolute(given).with_context(|| format!("no such path {}", given.display()))
        }
    }
}

fn run(command: &mut Command, what: &str) -> Result<()> {
    let done = command
        .status()
        .with_context(|| format!("cannot start {what}"))?;
    ensure!(done.success(), "{what} failed: {done}");
    Ok(())
}

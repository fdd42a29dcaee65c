//! The same training step in PyTorch, in a process of its own that works only when asked to.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How to get PyTorch.
const INSTALL: &str = "to install it:\n  python3 -m venv /tmp/torch\n  \
    /tmp/torch/bin/pip install torch numpy transformers peft\n  \
    cargo run --release -p xtask -- bench training-step --python /tmp/torch/bin/python";

/// What the process says of itself first.
#[derive(Debug, Deserialize)]
pub(crate) struct Introduction {
    pub(crate) torch: String,
    pub(crate) parameters: usize,
    pub(crate) threads: usize,
}

#[derive(Deserialize)]
struct Round {
    milliseconds: Vec<f64>,
}

/// A running reference.
pub(crate) struct Reference {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(crate) introduction: Introduction,
}

impl Reference {
    /// Starts it; fails with the way to install PyTorch where that is what is missing.
    pub(crate) fn start(
        python: &Path,
        script: &str,
        threads: usize,
        options: &[&str],
    ) -> Result<Self> {
        let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tools");
        let mut child = Command::new(python)
            .arg(tools.join(script))
            .args(["--threads", &threads.to_string()])
            .args(options)
            .env("OMP_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!(
                    "cannot run {}; PyTorch is needed, {INSTALL}",
                    python.display()
                )
            })?;
        let input = child.stdin.take().context("no standard input")?;
        let mut output = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(introduction) => Ok(Self {
                child,
                input: Some(input),
                output,
                introduction,
            }),
            Err(_) => {
                child.wait()?;
                bail!("{} has no working PyTorch; {INSTALL}", python.display())
            }
        }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Times of this many steps, in milliseconds.
    pub(crate) fn steps(&mut self, count: usize) -> Result<Vec<f64>> {
        let input = self.input.as_mut().context("the reference has ended")?;
        writeln!(input, "{count}")?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let round: Round = serde_json::from_str(&line).context("the reference gave no times")?;
        Ok(round.milliseconds)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.input = None;
        let _ = self.child.wait();
    }
}

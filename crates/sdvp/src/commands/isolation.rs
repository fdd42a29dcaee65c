//! Programs in processes of their own: `--isolate`, and what such a process does.

use crate::exam::Framework;
use anyhow::{Context, Result, bail};
use sdvp_program::viper::{WorkerPool, serve};
use sdvp_runtime::Settings;
use std::io;
use std::process::Command;
use std::sync::Arc;

/// Whether Python runs in processes of its own.
#[derive(clap::Args)]
pub(crate) struct Isolation {
    /// Run every viper program in a process of its own, without this one's environment, so that one
    /// that takes too much memory or breaks the interpreter ends alone.
    #[arg(long)]
    isolate: bool,
    /// Memory of such a process, MiB.
    #[arg(long, default_value_t = 512, requires = "isolate", value_name = "MIB")]
    isolate_memory: u64,
}

/// Programs that may wait at once, each in its process.
const PROCESSES: usize = 64;

impl Isolation {
    /// The processes, if there are to be some.
    pub(crate) fn workers(&self, framework: Framework) -> Result<Option<Arc<WorkerPool>>> {
        if !self.isolate {
            return Ok(None);
        }
        if framework != Framework::Viper {
            bail!("only viper programs run in processes of their own; leave --isolate out");
        }
        let program = std::env::current_exe().context("cannot find this program")?;
        let memory = self.isolate_memory.to_string();
        Ok(Some(Arc::new(WorkerPool::new(move || {
            let mut command = Command::new(&program);
            command
                .env_clear()
                .args(["python-worker", "--memory", &memory]);
            // The allocator would reserve a gibibyte at once, which counts as taken.
            command.env("MIMALLOC_ARENA_RESERVE", "0");
            // Else it would start itself anew.
            #[cfg(unix)]
            command.envs(crate::ENVIRONMENT);
            command
        }))))
    }

    /// Memory of such a process, MiB, if there are some.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.isolate.then_some(self.isolate_memory)
    }

    /// As many programs at once as there may be processes.
    pub(crate) fn bounded(&self, mut settings: Settings) -> Settings {
        if self.isolate {
            settings.in_flight = settings.in_flight.min(PROCESSES);
        }
        settings
    }
}

/// What a process of [`Isolation::workers`] does.
#[derive(clap::Args)]
pub(crate) struct Worker {
    /// Memory it may take, MiB.
    #[arg(long)]
    memory: u64,
}

impl Worker {
    pub(crate) fn run(self) -> Result<bool> {
        bound_memory(self.memory)?;
        serve(&mut io::stdin().lock(), &mut io::stdout().lock())?;
        Ok(true)
    }
}

/// Bounds what this process may take beyond what it has now.
#[cfg(unix)]
fn bound_memory(mebibytes: u64) -> Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let bytes = Some(mebibytes.saturating_mul(1 << 20));
    let limit = Rlimit {
        current: bytes,
        maximum: bytes,
    };
    setrlimit(Resource::Data, limit).context("cannot bound the memory of the process")
}

#[cfg(not(unix))]
fn bound_memory(_: u64) -> Result<()> {
    bail!("the memory of a process can only be bounded on Unix")
}

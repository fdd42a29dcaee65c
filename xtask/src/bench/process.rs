//! Processes that are run to their end and watched.

use super::memory::resident_peak;
use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Time between two looks at a process; the system keeps its peak.
const PAUSE: Duration = Duration::from_millis(2);

/// What a process took.
pub(super) struct Whole {
    pub(super) seconds: f64,
    pub(super) peak_mib: f64,
}

/// Runs a process to its end, and watches it.
pub(super) fn watched(command: &mut Command, threads: usize) -> Result<(Vec<u8>, Whole)> {
    let threads = threads.to_string();
    command.env("OMP_NUM_THREADS", &threads);
    command.env("RAYON_NUM_THREADS", &threads);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("a process without an output")?;
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut said).map(|_| said)
    });
    let mut peak = 0;
    let status = loop {
        // It may end while it is looked at.
        peak = peak.max(resident_peak(&child).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(PAUSE);
    };
    let seconds = start.elapsed().as_secs_f64();
    let said = reader
        .join()
        .ok()
        .context("an output could not be read")??;
    ensure!(
        status.success(),
        "{:?} failed: {status}",
        command.get_program()
    );
    let peak_mib = peak as f64 / f64::from(1 << 20);
    Ok((said, Whole { seconds, peak_mib }))
}

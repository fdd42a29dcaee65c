//! Processes that are run to their end and watched.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Time between two looks at a process. The system keeps its peak, so only what it takes in its very last
/// moments can be missed.
const PAUSE: Duration = Duration::from_millis(2);

/// What a process took.
pub(super) struct Taken {
    /// Greatest resident memory, bytes; 0 where the system does not say.
    pub(super) peak: u64,
    pub(super) seconds: f64,
}

/// Runs a process to its end and watches it; what it wrote to standard output.
pub(super) fn watched(command: &mut Command) -> Result<(Vec<u8>, Taken)> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("a process without an output")?;
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut said).map(|_| said)
    });
    let id = child.id().to_string();
    let mut peak = 0;
    let status = loop {
        // It may end while it is looked at.
        peak = peak.max(resident_peak(&id).unwrap_or(0));
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
    Ok((said, Taken { peak, seconds }))
}

/// The greatest resident memory up to now of a process by its id, or of this one (`self`), bytes.
pub(super) fn resident_peak(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Bytes as MiB.
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

//! Processor time of processes, so that a bench can tell whether it had the machine to itself.

use anyhow::Result;
use std::io::Write;

/// Ticks of the kernel's clock; a ratio of two counts needs no unit.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    machine_busy: u64,
    machine_total: u64,
    ours: u64,
}

impl Usage {
    /// What the whole machine and the given processes have used so far; none where the system does
    /// not say (it is read from Linux's `/proc`).
    pub(crate) fn now(processes: &[u32]) -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        let fields: Vec<u64> = stat
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .take(8)
            .map_while(|f| f.parse().ok())
            .collect();
        let total: u64 = fields.iter().sum();
        // Fields 3 and 4 are idle time and time spent waiting for disks.
        let idle = fields.get(3)? + fields.get(4)?;
        let ours = processes
            .iter()
            .map(|&process| ticks(process))
            .sum::<Option<u64>>()?;
        Some(Self {
            machine_busy: total - idle,
            machine_total: total,
            ours,
        })
    }

    /// The part of the machine that others than the given processes used since then, 0 to 1; none
    /// where the system does not say.
    pub(crate) fn others_until_now(start: Option<Self>, processes: &[u32]) -> Option<f64> {
        start
            .zip(Self::now(processes))
            .map(|(start, end)| end.others_since(start))
    }

    /// The part of the machine that other processes used since then, 0 to 1.
    fn others_since(self, start: Self) -> f64 {
        let total = self
            .machine_total
            .saturating_sub(start.machine_total)
            .max(1);
        let busy = self.machine_busy.saturating_sub(start.machine_busy);
        let ours = self.ours.saturating_sub(start.ours);
        busy.saturating_sub(ours) as f64 / total as f64
    }
}

/// Says how much of the machine was in other hands, if that is known.
pub(crate) fn tell_others(out: &mut impl Write, others: Option<f64>) -> Result<()> {
    if let Some(others) = others {
        let others = others * 100.0;
        writeln!(
            out,
            "while sdvp ran, other processes used {others:.0} % of the machine"
        )?;
    }
    Ok(())
}

/// Processor time of one process with all its threads, and of those that it started and that have ended.
pub(crate) fn ticks(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the times are fields 14 to 17 of all.
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(4);
    let times: Vec<u64> = times.map_while(|field| field.parse().ok()).collect();
    (times.len() == 4).then(|| times.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn the_part_of_others_is_what_is_busy_but_not_ours() {
        let start = Usage {
            machine_busy: 100,
            machine_total: 1000,
            ours: 50,
        };
        let end = Usage {
            machine_busy: 280,
            machine_total: 1200,
            ours: 190,
        };
        assert!((end.others_since(start) - 0.2).abs() < 1e-12);
        // Clocks are read one after the other: never below 0.
        let skewed = Usage { ours: 400, ..end };
        assert_eq!(skewed.others_since(start), 0.0);
    }
}

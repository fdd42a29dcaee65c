//! Progress on standard error: bars on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sdvp_distill::{Observer, Phase};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shows phases as they go.
pub(crate) struct Progress {
    terminal: bool,
    started: Instant,
    current: Mutex<Option<Current>>,
}

struct Current {
    name: String,
    total: usize,
    done: usize,
    told: Instant,
    loss: Option<f32>,
    bar: ProgressBar,
}

/// Time between lines of one phase where there is no terminal.
const SILENCE: Duration = Duration::from_secs(20);

impl Progress {
    /// Chooses bars or lines by what standard error is.
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let started = Instant::now();
        Self {
            terminal,
            started,
            current: Mutex::new(None),
        }
    }

    /// Ends the current phase.
    pub(crate) fn end(&self) {
        if let Ok(mut current) = self.current.lock()
            && let Some(ended) = current.take()
        {
            ended.bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        tracing::info!("{:>6.1}s  {text}", self.started.elapsed().as_secs_f64());
    }
}

impl Observer for Progress {
    fn begin(&self, phase: &Phase) {
        self.end();
        let bar = if self.terminal {
            ProgressBar::new(phase.total as u64)
        } else {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
        };
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:<44!} {wide_bar} {pos}/{len} {eta:>4} {msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(phase.name.clone());
        if !self.terminal {
            self.line(&format!("{} ({})", phase.name, phase.total));
        }
        if let Ok(mut current) = self.current.lock() {
            *current = Some(Current {
                name: phase.name.clone(),
                total: phase.total,
                done: 0,
                told: Instant::now(),
                loss: None,
                bar,
            });
        }
    }

    fn advance(&self, done: usize) {
        let Ok(mut current) = self.current.lock() else {
            return;
        };
        let Some(phase) = current.as_mut() else {
            return;
        };
        phase.done += done;
        phase.bar.inc(done as u64);
        if !self.terminal && phase.told.elapsed() >= SILENCE {
            phase.told = Instant::now();
            let loss = phase
                .loss
                .map_or(String::new(), |loss| format!(", loss {loss:.3}"));
            let text = format!("{}: {} of {}{loss}", phase.name, phase.done, phase.total);
            drop(current);
            self.line(&text);
        }
    }

    fn note(&self, text: &str) {
        if self.terminal {
            if let Ok(current) = self.current.lock()
                && let Some(phase) = current.as_ref()
            {
                phase.bar.println(format!("{}: {text}", phase.name));
            }
        } else {
            self.line(text);
        }
    }

    fn loss(&self, _step: usize, loss: f32) {
        if let Ok(mut current) = self.current.lock()
            && let Some(phase) = current.as_mut()
        {
            phase.loss = Some(loss);
            phase.bar.set_message(format!("loss {loss:.3}"));
        }
    }
}

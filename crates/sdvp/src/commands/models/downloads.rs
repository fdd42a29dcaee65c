//! How downloads go on, on standard error: a bar a file on a terminal, plain lines elsewhere.

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sdvp_hub::Watch;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Time between lines of one file where there is no terminal.
const SILENCE: Duration = Duration::from_secs(20);

/// Shows files as they come.
pub(super) struct Downloads {
    terminal: bool,
    current: Mutex<Option<Current>>,
}

struct Current {
    file: String,
    bar: ProgressBar,
    told: Instant,
}

impl Downloads {
    /// Chooses bars or lines by what standard error is.
    pub(super) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            current: Mutex::new(None),
        }
    }

    /// Takes the current bar away, so that nothing is written over it.
    pub(super) fn clear(&self) {
        if let Some(ended) = self.take() {
            ended.bar.finish_and_clear();
        }
    }

    fn take(&self) -> Option<Current> {
        self.current.lock().ok()?.take()
    }

    fn with(&self, act: impl FnOnce(&mut Current)) {
        if let Ok(mut current) = self.current.lock()
            && let Some(current) = current.as_mut()
        {
            act(current);
        }
    }

    /// A line, above the bar if there is one.
    fn line(&self, text: &str) {
        let mut told = false;
        if self.terminal {
            self.with(|current| {
                current.bar.println(text);
                told = true;
            });
        }
        if !told {
            tracing::info!("{text}");
        }
    }
}

impl Watch for Downloads {
    fn begin(&self, file: &str, bytes: u64, already: u64) {
        self.clear();
        let bar = match self.terminal {
            true => ProgressBar::new(bytes),
            false => ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden()),
        };
        if let Ok(style) = ProgressStyle::with_template(
            "{prefix:<32!} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta:>4}",
        ) {
            bar.set_style(style);
        }
        bar.set_prefix(file.to_owned());
        bar.set_position(already);
        bar.reset_eta();
        if !self.terminal {
            let before = match already {
                0 => String::new(),
                _ => format!(", going on after {}", HumanBytes(already)),
            };
            self.line(&format!("{file} ({}{before})", HumanBytes(bytes)));
        }
        if let Ok(mut current) = self.current.lock() {
            *current = Some(Current {
                file: file.to_owned(),
                bar,
                told: Instant::now(),
            });
        }
    }

    fn advance(&self, bytes: u64) {
        let mut line = None;
        self.with(|current| {
            current.bar.inc(bytes);
            if !self.terminal && current.told.elapsed() >= SILENCE {
                current.told = Instant::now();
                let (done, total) = (current.bar.position(), current.bar.length().unwrap_or(0));
                let sizes = (HumanBytes(done), HumanBytes(total));
                line = Some(format!("{}: {} of {}", current.file, sizes.0, sizes.1));
            }
        });
        if let Some(line) = line {
            self.line(&line);
        }
    }

    fn restart(&self) {
        self.with(|current| current.bar.set_position(0));
        self.line("what came earlier is of no use: it comes anew");
    }

    fn end(&self) {
        if let Some(ended) = self.take() {
            ended.bar.finish();
        }
    }

    fn wait(&self, reason: &str, time: Duration) {
        self.line(&format!("{reason}; again in {:.1} s", time.as_secs_f64()));
    }

    fn queue(&self, file: &str) {
        self.line(&format!(
            "waiting for another process that downloads {file}"
        ));
    }
}

//! The states of one training.

use super::kept_step::{expect, said};
use super::{create, read_if_there, unusable, write};
use crate::error::Result;
use crate::train::Recorded;
use candle_core::{Device, Tensor};
use sdvp_core::Digest;
use sdvp_models::weights;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many states stay: if the last is damaged, there is one before it.
const STAY: usize = 2;
/// Writing takes no more than one part in so many of the time.
const SPARING: u32 = 20;

/// `NUMBER.json`: says of `NUMBER.safetensors` that it is whole.
#[derive(Serialize, Deserialize)]
struct Marker {
    /// The other file's bytes.
    digest: Digest,
    recorded: Recorded,
    /// Of `recorded`, as JSON.
    said: Digest,
}

/// Where the training of one module is kept while it is under way.
pub struct KeptTraining {
    folder: PathBuf,
    every: Duration,
}

/// A training's state: how far it is, and every number that it changes, by name.
pub(crate) struct TrainingState {
    pub(crate) recorded: Recorded,
    pub(crate) tensors: HashMap<String, Tensor>,
}

/// When a state is to be written next.
pub(crate) struct Pace {
    written: Instant,
    wait: Duration,
}

impl KeptTraining {
    pub(super) fn open(folder: PathBuf, every: Duration) -> Result<Self> {
        create(&folder)?;
        sdvp_core::remove_all_partial(&folder).map_err(|e| unusable(&folder, e.to_string()))?;
        Ok(Self { folder, every })
    }

    /// From now on.
    pub(crate) fn pace(&self) -> Pace {
        Pace {
            written: Instant::now(),
            wait: self.every,
        }
    }

    /// Writes a state if it is time to.
    pub(crate) fn keep(
        &self,
        pace: &mut Pace,
        state: impl FnOnce() -> Result<TrainingState>,
    ) -> Result<()> {
        if pace.written.elapsed() < pace.wait {
            return Ok(());
        }
        let began = Instant::now();
        self.write(&state()?)?;
        pace.written = Instant::now();
        pace.wait = self.every.max(match self.every.is_zero() {
            // Who wants every step wants every step.
            true => Duration::ZERO,
            false => began.elapsed() * SPARING,
        });
        Ok(())
    }

    fn write(&self, state: &TrainingState) -> Result<()> {
        let number = state.recorded.step;
        let path = self.tensors(number);
        let bytes = weights::to_safetensors(&state.tensors, &path)?;
        weights::write_whole(&path, &bytes)?;
        let at = self.marker(number);
        let marker = Marker {
            digest: Digest::of(&bytes),
            recorded: state.recorded.clone(),
            said: said(&at, &state.recorded)?,
        };
        write(&at, &marker)?;
        for old in self.numbers()?.into_iter().rev().skip(STAY) {
            // The marker first: what it speaks of must be there. One that stays is in nobody's way.
            let _ = std::fs::remove_file(self.marker(old));
            let _ = std::fs::remove_file(self.tensors(old));
        }
        Ok(())
    }

    /// The last state that is whole. Of one that is not a warning says so.
    pub(crate) fn latest(&self) -> Result<Option<TrainingState>> {
        for number in self.numbers()?.into_iter().rev() {
            match self.read(number) {
                Ok(Some(state)) => return Ok(Some(state)),
                Ok(None) => (),
                Err(error) => tracing::warn!("{error}; going on from an earlier state"),
            }
        }
        Ok(None)
    }

    /// `None` if the last file of it was never written.
    fn read(&self, number: usize) -> Result<Option<TrainingState>> {
        let at = self.marker(number);
        let Some(marker) = read_if_there::<Marker>(&at)? else {
            return Ok(None);
        };
        expect(&at, &marker.said, &said(&at, &marker.recorded)?)?;
        let path = self.tensors(number);
        let bytes = std::fs::read(&path).map_err(|error| unusable(&path, error.to_string()))?;
        expect(&path, &marker.digest, &Digest::of(&bytes))?;
        if marker.recorded.step != number {
            let reason = format!("expected step {number}, found {}", marker.recorded.step);
            return Err(unusable(&at, reason));
        }
        let name = path.display().to_string();
        Ok(Some(TrainingState {
            recorded: marker.recorded,
            tensors: weights::parse_safetensors(&bytes, &name, &Device::Cpu)?,
        }))
    }

    /// The steps after which a state was written, in order.
    fn numbers(&self) -> Result<Vec<usize>> {
        let failed = |error: std::io::Error| unusable(&self.folder, error.to_string());
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let name = PathBuf::from(entry.map_err(failed)?.file_name());
            let number = name
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok());
            if let Some(number) = number
                && name.extension().is_some_and(|it| it == "safetensors")
            {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn tensors(&self, number: usize) -> PathBuf {
        self.file(number, "safetensors")
    }

    fn marker(&self, number: usize) -> PathBuf {
        self.file(number, "json")
    }

    fn file(&self, number: usize, kind: &str) -> PathBuf {
        Path::new(&self.folder).join(format!("{number:08}.{kind}"))
    }
}

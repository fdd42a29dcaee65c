//! Where networks compute.

use crate::error::{ModelError, Result};
use candle_core::Device;
use std::fmt;
use std::str::FromStr;

/// A kind of device and, of graphics cards, which one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compute {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA card by its number; there if this was built with the feature `cuda`.
    Cuda(usize),
    /// An Apple one by its number; there if this was built with the feature `metal`.
    Metal(usize),
}

impl Compute {
    /// The device.
    ///
    /// # Errors
    /// If this was built without it, or the machine has none; the message says which.
    pub fn open(self) -> Result<Device> {
        let (device, feature) = match self {
            Compute::Cpu => return Ok(Device::Cpu),
            Compute::Cuda(number) => (Device::new_cuda(number), "cuda"),
            Compute::Metal(number) => (Device::new_metal(number), "metal"),
        };
        let built = match self {
            Compute::Metal(_) => cfg!(feature = "metal"),
            _ => cfg!(feature = "cuda"),
        };
        device.map_err(|error| {
            ModelError::Config(match built {
                true => format!("the device {self} cannot be used: {error}"),
                false => format!(
                    "the device {self} was left out when this was built; build with --features {feature}"
                ),
            })
        })
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compute::Cpu => f.write_str("cpu"),
            Compute::Cuda(number) => write!(f, "cuda:{number}"),
            Compute::Metal(number) => write!(f, "metal:{number}"),
        }
    }
}

impl FromStr for Compute {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong =
            || format!("expected cpu, cuda, cuda:NUMBER, metal or metal:NUMBER, found {text:?}");
        let (kind, number) = match text.split_once(':') {
            Some((kind, number)) => (kind, Some(number.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (kind, number) {
            ("cpu", None) => Ok(Compute::Cpu),
            ("cuda", number) => Ok(Compute::Cuda(number.unwrap_or(0))),
            ("metal", number) => Ok(Compute::Metal(number.unwrap_or(0))),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named() {
        for (text, compute) in [
            ("cpu", Compute::Cpu),
            ("cuda", Compute::Cuda(0)),
            ("cuda:3", Compute::Cuda(3)),
            ("metal:1", Compute::Metal(1)),
        ] {
            assert_eq!(text.parse(), Ok(compute));
            assert_eq!(compute.to_string().parse(), Ok(compute));
        }
        for wrong in ["", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x"] {
            let error = wrong.parse::<Compute>().unwrap_err();
            assert!(error.contains("cuda:NUMBER"), "{error}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn what_was_left_out_is_told() {
        let error = Compute::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
        assert!(Compute::Cpu.open().unwrap().is_cpu());
    }
}

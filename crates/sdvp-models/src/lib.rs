//! Networks: train-safe layers with fused CPU kernels, one file per architecture, low-rank
//! adaptation, optimisation, image processing, tokenizers and weights on disk.

pub mod architectures;
mod calibration;
mod compute;
mod dropout;
mod error;
mod generation;
pub mod gradient_check;
mod header;
mod kernels;
pub mod layers;
pub mod limits;
mod lora;
mod low_rank;
pub mod optimizer;
pub mod params;
mod patch_processor;
mod pattern;
mod peft;
mod processor;
mod processor_config;
mod products;
mod squared;
mod stored;
mod tokenizer;
pub mod vocabulary;
pub mod weights;

pub use calibration::{Calibration, FRAMEWORK_THRESHOLD, NotAProbability};
pub use compute::Compute;
pub use error::{ModelError, Result};
pub use generation::{Decoding, Written, generate};
pub use header::{TensorHeader, read_header};
pub use lora::{LoraConfig, is_addition};
pub use low_rank::strongest_directions;
pub use patch_processor::PatchProcessor;
pub use peft::{load_adapter, save_adapter};
pub use processor::{Fit, ImageProcessor, ImageSize, Resample, resized};
pub use processor_config::UnknownProcessor;
pub use products::{Products, multiply_in, products_on};
pub use stored::StoredTensor;
pub use tokenizer::{TokenBatch, Tokenizer};

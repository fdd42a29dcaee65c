//! Benchmarks that programs are run on: the built-in `picto` world and readers for published formats.
pub mod picto;

//! How precisely matrices are multiplied where it is no processor that does it.
//!
//! Mixed precision: weights, what is added up over many layers, softmax, normalisation, losses and updates
//! stay in single precision; factors and results of the products in linear layers and attention are rounded
//! (within a product, cards sum in single precision), and so are gradients there. bfloat16 has the range of
//! single precision, so gradients need no scaling.

use crate::compute::Compute;
use crate::error::{ModelError, Result};
use candle_core::{DType, Device, Tensor};
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// The precision of factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Products {
    /// Single precision.
    #[default]
    Single,
    /// bfloat16; cards since NVIDIA's Ampere, and Apple's, multiply it several times as fast.
    Brain,
}

/// Said once, before anything is computed: half a network must not be computed otherwise than the rest.
static CHOSEN: OnceLock<Products> = OnceLock::new();

/// Lets matrices be multiplied so from now on. A later call changes nothing.
///
/// # Errors
/// If the device is the processor, which multiplies in single precision.
pub fn multiply_in(products: Products, device: Compute) -> Result<()> {
    if products == Products::Brain && device == Compute::Cpu {
        return Err(ModelError::Config(format!(
            "products in {products} are for graphics cards, expected a device cuda or metal, found {device}"
        )));
    }
    let _ = CHOSEN.set(products);
    Ok(())
}

/// How precisely matrices are multiplied on a device.
pub fn products_on(device: &Device) -> Products {
    match device {
        Device::Cpu => Products::Single,
        _ => CHOSEN.get().copied().unwrap_or_default(),
    }
}

/// `a b`, in single precision or rounded, as chosen for their device; the result is a tensor in single
/// precision, and so are the gradients of both.
pub(crate) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match products_on(a.device()) {
        Products::Single => Ok(a.matmul(b)?),
        Products::Brain => rounded(a, b, DType::BF16),
    }
}

fn rounded(a: &Tensor, b: &Tensor, dtype: DType) -> Result<Tensor> {
    let product = a.to_dtype(dtype)?.matmul(&b.to_dtype(dtype)?)?;
    Ok(product.to_dtype(DType::F32)?)
}

impl fmt::Display for Products {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Products::Single => "f32",
            Products::Brain => "bf16",
        })
    }
}

impl FromStr for Products {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "f32" => Ok(Products::Single),
            "bf16" => Ok(Products::Brain),
            _ => Err(format!("expected f32 or bf16, found {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    /// The processor multiplies half precision, too, slowly; its arithmetic is the cards'.
    #[test]
    fn rounded_factors_give_the_product_and_gradients_in_single_precision() {
        let device = Device::Cpu;
        for dtype in [DType::F16, DType::BF16] {
            let a = Var::randn(0f32, 1f32, (2, 5, 40), &device).unwrap();
            let b = Var::randn(0f32, 1f32, (2, 40, 3), &device).unwrap();
            let probe = Tensor::randn(0f32, 1f32, (2, 5, 3), &device).unwrap();
            let of = |y: &Tensor| {
                let loss = (y * &probe).unwrap().sum_all().unwrap();
                let gradients = loss.backward().unwrap();
                [&a, &b].map(|it| gradients.get(it).unwrap().clone())
            };
            let exact = a.matmul(&b).unwrap();
            let close = rounded(&a, &b, dtype).unwrap();
            let pairs = of(&exact).into_iter().zip(of(&close));
            for (exact, close) in std::iter::once((exact, close)).chain(pairs) {
                assert_eq!(close.dtype(), DType::F32);
                let norm = |x: &Tensor| {
                    x.sqr()
                        .unwrap()
                        .sum_all()
                        .unwrap()
                        .to_scalar::<f32>()
                        .unwrap()
                };
                let away = norm(&(&exact - &close).unwrap()) / norm(&exact);
                // Factors are off by up to a 256th in bfloat16, and are so by chance.
                assert!(away.sqrt() < 0.01, "{dtype:?}: {away}");
                assert!(away > 0.0, "{dtype:?}: nothing was rounded");
            }
        }
    }

    #[test]
    fn the_processor_multiplies_in_single_precision_and_says_so() {
        let error = multiply_in(Products::Brain, Compute::Cpu)
            .unwrap_err()
            .to_string();
        assert!(error.contains("bf16") && error.contains("cpu"), "{error}");
        assert_eq!(products_on(&Device::Cpu), Products::Single);
        for products in [Products::Single, Products::Brain] {
            assert_eq!(products.to_string().parse(), Ok(products));
        }
        assert!("f16".parse::<Products>().unwrap_err().contains("bf16"));
    }
}

//! Where something is computed, as part of who answers: another device adds in another order, and may
//! say something else in the last bits.

use candle_core::{Device, DeviceLocation};
use sdvp_core::{Digest, Hasher};
use sdvp_models::{Products, products_on};

/// Identity of a module that computes on a device, of the identity of its weights and settings. On the
/// processor it is the same.
pub(crate) fn computed_on(device: &Device, module: Digest) -> Digest {
    rounded(products_on(device), computed_at(device.location(), module))
}

/// With rounded factors it says something else, too.
fn rounded(products: Products, module: Digest) -> Digest {
    match products {
        Products::Single => module,
        Products::Brain => Hasher::new("rounded factors")
            .part(products.to_string().as_bytes())
            .part(module.as_bytes())
            .finish(),
    }
}

fn computed_at(location: DeviceLocation, module: Digest) -> Digest {
    match location {
        DeviceLocation::Cpu => module,
        DeviceLocation::Cuda { gpu_id } => elsewhere("cuda", gpu_id, module),
        DeviceLocation::Metal { gpu_id } => elsewhere("metal", gpu_id, module),
    }
}

fn elsewhere(kind: &str, number: usize, module: Digest) -> Digest {
    Hasher::new("computed on")
        .part(kind.as_bytes())
        .part(&(number as u64).to_le_bytes())
        .part(module.as_bytes())
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_is_another_one_who_answers() {
        let module = Digest::of(b"weights");
        let at = |location| computed_at(location, module);
        let places = [
            computed_on(&Device::Cpu, module),
            at(DeviceLocation::Cuda { gpu_id: 0 }),
            at(DeviceLocation::Cuda { gpu_id: 1 }),
            at(DeviceLocation::Metal { gpu_id: 0 }),
            rounded(Products::Brain, at(DeviceLocation::Cuda { gpu_id: 0 })),
        ];
        assert_eq!(places[0], module);
        assert_eq!(rounded(Products::Single, places[1]), places[1]);
        let distinct: std::collections::BTreeSet<Digest> = places.into_iter().collect();
        assert_eq!(distinct.len(), places.len());
    }
}

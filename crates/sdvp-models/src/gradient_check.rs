//! Gradients of automatic differentiation against central finite differences.

use crate::error::{ModelError, Result};
use crate::params::Params;
use candle_core::{DType, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is wrong with a gradient before any comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The parameter has none: it is cut off from the loss.
    Missing,
    /// It is 0 everywhere.
    Zero,
    /// Part of it is infinite or no number.
    NotFinite,
}

/// One derivative computed in two ways.
#[derive(Clone, Debug)]
pub struct GradientReport {
    /// Full name of the parameter.
    pub name: String,
    /// The element of the flattened parameter that was moved; none where the whole parameter was
    /// moved along its gradient.
    pub element: Option<usize>,
    /// By automatic differentiation.
    pub analytic: f64,
    /// By finite differences.
    pub numeric: f64,
    /// Their difference over the greater of them, or over a floor where both are too small to be
    /// told from rounding; infinite where there is a fault.
    pub relative_error: f64,
    /// A gradient that cannot be right.
    pub fault: Option<Fault>,
}

/// Compares derivatives of a scalar loss for every trainable parameter: one along the whole
/// gradient, and single elements up to `samples_per_param` in all, chosen from the seed among
/// those with large gradients. The loss must be deterministic. Values are as before afterwards.
///
/// # Errors
/// If the loss fails or is no scalar.
pub fn check(
    params: &Params,
    loss: impl Fn() -> Result<Tensor>,
    samples_per_param: usize,
    seed: u64,
) -> Result<Vec<GradientReport>> {
    let value = loss()?;
    if value.elem_count() != 1 {
        return Err(ModelError::Config(format!(
            "expected a loss of one number, found {:?}",
            value.dims()
        )));
    }
    let size = f64::from(value.flatten_all()?.to_vec1::<f32>()?[0])
        .abs()
        .max(1.0);
    let gradients = value.backward()?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut reports = Vec::new();
    for (name, var) in params.trainable() {
        let gradient = match gradients.get(&var) {
            None => Err(Fault::Missing),
            Some(gradient) => sound(gradient.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?),
        };
        let gradient = match gradient {
            Ok(gradient) => gradient,
            Err(fault) => {
                let none = f64::NAN;
                reports.push(GradientReport {
                    name,
                    element: None,
                    analytic: none,
                    numeric: none,
                    relative_error: f64::INFINITY,
                    fault: Some(fault),
                });
                continue;
            }
        };
        for element in std::iter::once(None)
            .chain((1..samples_per_param).map(|_| Some(choose(&gradient, &mut rng))))
        {
            let (direction, analytic) = direction(&gradient, element);
            let numeric = derivative(&var, &direction, &loss)?;
            // Rounding of the loss disturbs a difference quotient by about 1e-5 of its size.
            let scale = analytic.abs().max(numeric.abs()).max(2e-3 * size);
            let relative_error = (analytic - numeric).abs() / scale;
            reports.push(GradientReport {
                name: name.clone(),
                element,
                analytic,
                numeric,
                relative_error,
                fault: None,
            });
        }
    }
    Ok(reports)
}

fn sound(gradient: Vec<f32>) -> std::result::Result<Vec<f32>, Fault> {
    if gradient.iter().any(|g| !g.is_finite()) {
        Err(Fault::NotFinite)
    } else if gradient.iter().all(|g| *g == 0.0) {
        Err(Fault::Zero)
    } else {
        Ok(gradient)
    }
}

/// The element of greatest gradient among some drawn at random.
fn choose(gradient: &[f32], rng: &mut ChaCha8Rng) -> usize {
    (0..16)
        .map(|_| rng.random_range(0..gradient.len()))
        .max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()))
        .unwrap_or(0)
}

/// A unit vector along one element or along the whole gradient, and the derivative along it.
fn direction(gradient: &[f32], element: Option<usize>) -> (Vec<f32>, f64) {
    if let Some(element) = element {
        let mut direction = vec![0f32; gradient.len()];
        direction[element] = 1.0;
        return (direction, f64::from(gradient[element]));
    }
    let length = gradient
        .iter()
        .map(|&g| f64::from(g).powi(2))
        .sum::<f64>()
        .sqrt();
    (
        gradient
            .iter()
            .map(|&g| (f64::from(g) / length) as f32)
            .collect(),
        length,
    )
}

/// Central differences at two step lengths, extrapolated to 0 (Richardson).
fn derivative(var: &Var, direction: &[f32], loss: &impl Fn() -> Result<Tensor>) -> Result<f64> {
    let start = var.copy()?.detach();
    let direction =
        Tensor::from_slice(direction, var.shape(), var.device())?.to_dtype(var.dtype())?;
    let at = |step: f64| -> Result<f64> {
        var.set(&(&start + (&direction * step)?)?)?;
        Ok(f64::from(
            loss()?
                .to_dtype(DType::F32)?
                .flatten_all()?
                .to_vec1::<f32>()?[0],
        ))
    };
    let slope = |step: f64| -> Result<f64> { Ok((at(step)? - at(-step)?) / (2.0 * step)) };
    let found = slope(2e-2).and_then(|wide| Ok((4.0 * slope(1e-2)? - wide) / 3.0));
    var.set(&start)?;
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Builder, Init};
    use candle_core::Device;

    #[test]
    fn right_gradients_pass_and_wrong_ones_are_named() {
        let b = Builder::fresh(2, &Device::Cpu);
        let get = |name| b.get((3, 4), name, Init::Normal(1.0)).unwrap();
        let (right, half, _unused, flat) = (get("right"), get("half"), get("unused"), get("flat"));
        let params = b.finish().unwrap();
        let before = params.snapshot().unwrap();
        let loss = || {
            // Half of what depends on `half` is hidden from differentiation.
            let half = (half.sqr()? + half.detach().sqr()?)?;
            Ok(((right.sin()? * half)? + (&flat * 0.0)?)?.sum_all()?)
        };
        let reports = check(&params, loss, 3, 0).unwrap();
        let of = |name: &str| {
            reports
                .iter()
                .filter(|r| r.name == name)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("right").len(), 3);
        assert!(
            of("right")
                .iter()
                .all(|r| r.relative_error < 1e-3 && r.fault.is_none()),
            "{:?}",
            of("right")
        );
        assert!(
            of("half").iter().all(|r| r.relative_error > 0.3),
            "{:?}",
            of("half")
        );
        assert!(matches!(
            of("unused")[..],
            [GradientReport {
                fault: Some(Fault::Missing),
                ..
            }]
        ));
        assert!(of("flat")[0].fault.is_some() && of("flat")[0].relative_error.is_infinite());
        for name in params.names() {
            let now = params.get(name).unwrap();
            assert_eq!(
                now.to_vec2::<f32>().unwrap(),
                before.get(name).unwrap().to_vec2::<f32>().unwrap()
            );
        }
    }
}

//! Parameters by name: made from a seed or from a file, trained in place.

use crate::error::{ModelError, Result};
use crate::lora::LoraConfig;
use candle_core::{DType, Device, Shape, Tensor, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::rc::Rc;

/// First values of a fresh parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same.
    Const(f32),
    /// Normal around 0 with this standard deviation.
    Normal(f32),
    /// Even between plus and minus this bound.
    Uniform(f32),
}

enum Origin {
    Fresh,
    Loaded(HashMap<String, Tensor>),
}

struct Shared {
    origin: Origin,
    seed: u64,
    made: BTreeMap<String, Var>,
    problems: Vec<String>,
    lora: Option<LoraConfig>,
}

/// Hands out the parameters of a network by name. Clones share what they hand out.
#[derive(Clone)]
pub struct Builder {
    shared: Rc<RefCell<Shared>>,
    path: String,
    device: Device,
}

impl Builder {
    fn of(origin: Origin, seed: u64, device: &Device) -> Self {
        let shared =
            Shared { origin, seed, made: BTreeMap::new(), problems: Vec::new(), lora: None };
        Self { shared: Rc::new(RefCell::new(shared)), path: String::new(), device: device.clone() }
    }

    /// Fresh parameters; each one's values depend on the seed and its full name alone.
    pub fn fresh(seed: u64, device: &Device) -> Self {
        Self::of(Origin::Fresh, seed, device)
    }

    /// Parameters with the given values, as single precision.
    pub fn load(tensors: HashMap<String, Tensor>, device: &Device) -> Self {
        Self::of(Origin::Loaded(tensors), 0, device)
    }

    /// Adds low-rank branches to the linear layers the configuration names; where no values are
    /// loaded for them they are fresh, from `seed`.
    #[must_use]
    pub fn with_lora(self, config: LoraConfig, seed: u64) -> Self {
        {
            let mut shared = self.shared.borrow_mut();
            shared.lora = Some(config);
            shared.seed = seed;
        }
        self
    }

    /// The builder of a part of the network.
    #[must_use]
    pub fn pp(&self, name: impl Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// Where parameters live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The low-rank configuration, if the layer at this path is to be adapted.
    pub(crate) fn lora_here(&self) -> Option<LoraConfig> {
        self.shared.borrow().lora.clone().filter(|config| config.adapts(&self.path))
    }

    /// One parameter. A missing or wrong one is noted for [`Builder::finish`], and zeros stand in.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn get(&self, shape: impl Into<Shape>, name: &str, init: Init) -> Result<Tensor> {
        self.parameter(shape.into(), name, init, false)
    }

    /// As [`Builder::get`], but a parameter that was not loaded is fresh.
    pub(crate) fn get_or_fresh(&self, shape: impl Into<Shape>, name: &str, init: Init) -> Result<Tensor> {
        self.parameter(shape.into(), name, init, true)
    }

    fn parameter(&self, shape: Shape, name: &str, init: Init, optional: bool) -> Result<Tensor> {
        let full = self.pp(name).path;
        let mut shared = self.shared.borrow_mut();
        let seed = shared.seed;
        let value = match &mut shared.origin {
            Origin::Fresh => fresh(seed, &full, &shape, init, &self.device)?,
            Origin::Loaded(values) => match values.remove(&full) {
                Some(value) if value.shape() == &shape => {
                    value.to_dtype(DType::F32)?.to_device(&self.device)?
                }
                None if optional => fresh(seed, &full, &shape, init, &self.device)?,
                found => {
                    let problem = match found {
                        Some(value) => format!("{full}: expected shape {:?}, found {:?}", shape.dims(), value.dims()),
                        None => format!("{full}: missing, expected shape {:?}", shape.dims()),
                    };
                    shared.problems.push(problem);
                    Tensor::zeros(&shape, DType::F32, &self.device)?
                }
            },
        };
        let var = Var::from_tensor(&value)?;
        let tensor = var.as_tensor().clone();
        shared.made.insert(full, var);
        Ok(tensor)
    }

    /// All parameters that were handed out.
    ///
    /// # Errors
    /// Lists every missing, wrong-shaped and left-over parameter at once.
    pub fn finish(self) -> Result<Params> {
        let mut shared = self.shared.borrow_mut();
        let mut problems = std::mem::take(&mut shared.problems);
        if let Origin::Loaded(left) = &shared.origin {
            let mut left: Vec<String> =
                left.iter().map(|(name, t)| format!("{name}: not part of the network, shape {:?}", t.dims())).collect();
            left.sort();
            problems.extend(left);
        }
        if problems.is_empty() {
            let entries = std::mem::take(&mut shared.made);
            Ok(Params { entries: entries.into_iter().map(|(name, var)| (name, (var, true))).collect() })
        } else {
            Err(ModelError::Parameters(problems))
        }
    }
}

fn fresh(seed: u64, name: &str, shape: &Shape, init: Init, device: &Device) -> Result<Tensor> {
    let digest = sdvp_core::Hasher::new("init").part(&seed.to_le_bytes()).part(name.as_bytes()).finish();
    let mut rng = ChaCha8Rng::seed_from_u64(digest.low_u64());
    let count = shape.elem_count();
    let values: Vec<f32> = match init {
        Init::Zeros => vec![0.0; count],
        Init::Ones => vec![1.0; count],
        Init::Const(value) => vec![value; count],
        Init::Normal(std) => match Normal::new(0.0, std) {
            Ok(normal) => normal.sample_iter(&mut rng).take(count).collect(),
            Err(_) => vec![0.0; count],
        },
        Init::Uniform(bound) => match Uniform::new_inclusive(-bound, bound) {
            Ok(uniform) => uniform.sample_iter(&mut rng).take(count).collect(),
            Err(_) => vec![0.0; count],
        },
    };
    Ok(Tensor::from_vec(values, shape.clone(), device)?)
}

/// The parameters of a network, in order of name.
#[derive(Clone)]
pub struct Params {
    entries: BTreeMap<String, (Var, bool)>,
}

impl Params {
    /// Full names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// One parameter.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.entries.get(name).map(|(var, _)| var)
    }

    /// Number of scalars.
    pub fn count(&self) -> usize {
        self.entries.values().map(|(var, _)| var.elem_count()).sum()
    }

    /// Those that training changes.
    pub fn trainable(&self) -> Vec<(String, Var)> {
        self.entries
            .iter()
            .filter(|(_, (_, trainable))| *trainable)
            .map(|(name, (var, _))| (name.clone(), var.clone()))
            .collect()
    }

    /// Chooses what training changes.
    pub fn set_trainable(&mut self, choose: impl Fn(&str) -> bool) {
        for (name, (_, trainable)) in &mut self.entries {
            *trainable = choose(name);
        }
    }

    /// The values, sharing memory with the parameters.
    pub fn to_tensors(&self) -> HashMap<String, Tensor> {
        self.entries.iter().map(|(name, (var, _))| (name.clone(), var.as_detached_tensor())).collect()
    }
}

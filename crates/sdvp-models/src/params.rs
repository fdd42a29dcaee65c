//! Parameters by name: made from a seed or from a file, trained in place.

use crate::error::{ModelError, Result};
use crate::kernels::MappedWeight;
use crate::lora::LoraConfig;
use crate::stored::{Stored, StoredTensor};
use candle_core::{DType, Device, Shape, Tensor, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    Loaded(HashMap<String, Stored>),
}

/// Scalars that may stand in for missing ones, if there are not as many in the whole file. A
/// configuration that asks for more is wrong, and so are all problems that it would bring.
const MOST_STAND_INS: usize = 1 << 24;
/// Problems after which no more are looked for.
const MOST_PROBLEMS: usize = 100;
/// Ends the list where there is no end.
const TOO_MANY: &str = "and more: the configuration and the weights are not of one network";

/// A parameter as a layer holds it, and whether training changes it.
pub(crate) struct Parameter {
    value: Tensor,
    trainable: Arc<AtomicBool>,
}

impl Parameter {
    /// One that learns.
    #[cfg(test)]
    pub(crate) fn learning(value: Tensor) -> Self {
        let trainable = Arc::new(AtomicBool::new(true));
        Self { value, trainable }
    }

    /// Whether training changes it now.
    pub(crate) fn learns(&self) -> bool {
        self.trainable.load(Ordering::Relaxed)
    }

    /// The value; outside of the graph while frozen, so that no gradient is computed for it.
    pub(crate) fn value(&self) -> Tensor {
        if self.learns() {
            self.value.clone()
        } else {
            self.value.detach()
        }
    }
}

/// A matrix as a layer holds it.
pub(crate) enum Matrix {
    /// In memory.
    Parameter(Parameter),
    /// In its file.
    Mapped(MappedWeight),
}

impl Matrix {
    /// What is in memory, as [`Parameter::value`] hands it out.
    pub(crate) fn held(&self) -> Option<Tensor> {
        match self {
            Matrix::Parameter(parameter) => Some(parameter.value()),
            Matrix::Mapped(_) => None,
        }
    }

    /// What is in a file.
    pub(crate) fn mapped(&self) -> Option<&MappedWeight> {
        match self {
            Matrix::Parameter(_) => None,
            Matrix::Mapped(weight) => Some(weight),
        }
    }
}

struct Trained {
    var: Var,
    /// None where it never is.
    trainable: Option<Arc<AtomicBool>>,
}

impl Trained {
    fn bytes(&self) -> usize {
        self.var.elem_count() * self.var.dtype().size_in_bytes()
    }

    fn learns(&self) -> bool {
        let trainable = self.trainable.as_ref();
        trainable.is_some_and(|it| it.load(Ordering::Relaxed))
    }
}

struct Shared {
    origin: Origin,
    seed: u64,
    frozen: bool,
    made: BTreeMap<String, Trained>,
    problems: Vec<String>,
    /// What was loaded and is known to be no parameter.
    left_out: Vec<String>,
    /// Scalars that may still stand in for missing ones.
    stand_ins: usize,
    lora: Option<LoraConfig>,
    precision: Option<DType>,
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
        let loaded = match &origin {
            Origin::Fresh => 0,
            Origin::Loaded(values) => values.values().map(|it| it.shape().elem_count()).sum(),
        };
        let shared = Shared {
            stand_ins: loaded.max(MOST_STAND_INS),
            origin,
            seed,
            frozen: false,
            made: BTreeMap::new(),
            problems: Vec::new(),
            left_out: Vec::new(),
            lora: None,
            precision: None,
        };
        Self {
            shared: Rc::new(RefCell::new(shared)),
            path: String::new(),
            device: device.clone(),
        }
    }

    /// Fresh parameters; each one's values depend on the seed and its full name alone.
    pub fn fresh(seed: u64, device: &Device) -> Self {
        Self::of(Origin::Fresh, seed, device)
    }

    /// Parameters with the given values, as single precision.
    pub fn load(tensors: HashMap<String, Tensor>, device: &Device) -> Self {
        let held = |(name, tensor)| (name, Stored::Held(tensor));
        let tensors = tensors.into_iter().map(held).collect();
        Self::of(Origin::Loaded(tensors), 0, device)
    }

    /// As [`Builder::load`], for a network that is only used: no graph for gradients is recorded,
    /// which saves time and memory. What it hands out is no part of [`Params`].
    pub fn frozen(tensors: HashMap<String, Tensor>, device: &Device) -> Self {
        let held = |(name, tensor): (String, Tensor)| (name, tensor.into());
        Self::frozen_stored(tensors.into_iter().map(held).collect(), device)
    }

    /// As [`Builder::frozen`], of tensors that may still be in their files: matrices that a layer multiplies
    /// by, or looks vectors up in, stay there if it computes in main memory.
    pub fn frozen_stored(tensors: HashMap<String, StoredTensor>, device: &Device) -> Self {
        let stored = tensors.into_iter().map(|(name, tensor)| (name, tensor.0));
        let builder = Self::of(Origin::Loaded(stored.collect()), 0, device);
        builder.shared.borrow_mut().frozen = true;
        builder
    }

    /// What is handed out [as it is stored][CompactLinear] is made this precise instead.
    ///
    /// [CompactLinear]: crate::layers::CompactLinear
    #[must_use]
    pub fn with_precision(self, precision: Option<DType>) -> Self {
        self.shared.borrow_mut().precision = precision;
        self
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
        let path = if self.path.is_empty() {
            name.to_string()
        } else {
            format!("{}.{name}", self.path)
        };
        Self {
            path,
            ..self.clone()
        }
    }

    /// Where parameters live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The low-rank configuration, if the layer at this path is to be adapted.
    pub(crate) fn lora_here(&self) -> Option<LoraConfig> {
        self.shared
            .borrow()
            .lora
            .clone()
            .filter(|config| config.adapts(&self.path))
    }

    /// Leaves out a tensor that files may have though the network needs none of that name: a copy of
    /// another, or numbers that are known.
    pub(crate) fn leave_out(&self, name: &str) {
        let full = self.pp(name).path;
        let shared = &mut *self.shared.borrow_mut();
        if let Origin::Loaded(values) = &mut shared.origin
            && values.remove(&full).is_some()
        {
            shared.left_out.push(full);
        }
    }

    /// One parameter. A missing or wrong one is noted for [`Builder::finish`], and zeros stand in.
    ///
    /// # Errors
    /// If a tensor cannot be made, or the network asks for far more than was loaded: nothing is
    /// allocated for what a configuration merely claims.
    pub fn get(&self, shape: impl Into<Shape>, name: &str, init: Init) -> Result<Tensor> {
        Ok(self.make(shape.into(), name, init, false)?.value)
    }

    /// A parameter that never learns, as precise as it was loaded (in single or half precision) or as
    /// [`Builder::with_precision`] says. A missing or wrong one is noted for [`Builder::finish`]; what
    /// stands in for it takes no memory.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub(crate) fn stored(&self, shape: impl Into<Shape>, name: &str) -> Result<Tensor> {
        let (shape, full) = (shape.into(), self.pp(name).path);
        let mut shared = self.shared.borrow_mut();
        let precision = shared.precision;
        let found = match &mut shared.origin {
            Origin::Fresh => None,
            Origin::Loaded(values) => values.remove(&full),
        };
        match found {
            Some(value) if value.shape() == shape && is_fraction(&value) => {
                let value = value.tensor()?;
                let kept = match value.dtype() {
                    dtype @ (DType::F32 | DType::F16 | DType::BF16) => dtype,
                    _ => DType::F32,
                };
                let value = value.to_dtype(precision.unwrap_or(kept))?;
                let value = value.to_device(&self.device)?;
                if shared.frozen {
                    return Ok(value.detach());
                }
                let var = Var::from_tensor(&value)?;
                let value = var.as_detached_tensor();
                let trainable = None;
                shared.made.insert(full, Trained { var, trainable });
                Ok(value)
            }
            found => {
                shared.problems.push(misfit(&full, &shape, found.as_ref()));
                let zero = Tensor::zeros((), DType::F32, &self.device)?;
                Ok(zero.broadcast_as(shape)?)
            }
        }
    }

    /// A matrix that a layer multiplies by or looks vectors up in: one that is still in its file stays there,
    /// if it fits and nothing is added to it.
    pub(crate) fn matrix(&self, sizes: (usize, usize), name: &str, init: Init) -> Result<Matrix> {
        if self.device.is_cpu() && self.lora_here().is_none() {
            let mut shared = self.shared.borrow_mut();
            let frozen = shared.frozen;
            if let Origin::Loaded(values) = &mut shared.origin
                && let Entry::Occupied(entry) = values.entry(self.pp(name).path)
                && let Stored::Mapped(weight) = entry.get()
                && weight.sizes() == sizes
                && frozen
            {
                let weight = weight.clone();
                entry.remove();
                return Ok(Matrix::Mapped(weight));
            }
        }
        Ok(Matrix::Parameter(self.parameter(sizes, name, init)?))
    }

    /// As [`Builder::get`], for layers that save work while the parameter is frozen.
    pub(crate) fn parameter(
        &self,
        shape: impl Into<Shape>,
        name: &str,
        init: Init,
    ) -> Result<Parameter> {
        self.make(shape.into(), name, init, false)
    }

    /// As [`Builder::parameter`], but one that was not loaded is fresh.
    pub(crate) fn parameter_or_fresh(
        &self,
        shape: impl Into<Shape>,
        name: &str,
        init: Init,
    ) -> Result<Parameter> {
        self.make(shape.into(), name, init, true)
    }

    /// The full name of the part of the network that parameters are handed out for.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What fresh parameters, and all else that is random about them, depend on.
    pub(crate) fn seed(&self) -> u64 {
        self.shared.borrow().seed
    }

    fn make(&self, shape: Shape, name: &str, init: Init, optional: bool) -> Result<Parameter> {
        let full = self.pp(name).path;
        let mut shared = self.shared.borrow_mut();
        let shared = &mut *shared;
        let seed = shared.seed;
        let value = match &mut shared.origin {
            Origin::Fresh => fresh(seed, &full, &shape, init, &self.device)?,
            Origin::Loaded(values) => match values.remove(&full) {
                Some(value) if value.shape() == shape && is_fraction(&value) => {
                    let value = value.tensor()?;
                    value.to_dtype(DType::F32)?.to_device(&self.device)?
                }
                None if optional => fresh(seed, &full, &shape, init, &self.device)?,
                found => {
                    shared.problems.push(misfit(&full, &shape, found.as_ref()));
                    let sizes = shape.dims().iter();
                    let count = sizes.copied().try_fold(1usize, usize::checked_mul);
                    let left = count.and_then(|count| shared.stand_ins.checked_sub(count));
                    let Some(left) = left.filter(|_| shared.problems.len() < MOST_PROBLEMS) else {
                        shared.problems.push(TOO_MANY.to_owned());
                        return Err(ModelError::Parameters(std::mem::take(&mut shared.problems)));
                    };
                    shared.stand_ins = left;
                    Tensor::zeros(&shape, DType::F32, &self.device)?
                }
            },
        };
        if shared.frozen {
            return Ok(Parameter {
                value: value.detach(),
                trainable: Arc::new(AtomicBool::new(false)),
            });
        }
        let var = Var::from_tensor(&value)?;
        let parameter = Parameter {
            value: var.as_tensor().clone(),
            trainable: Arc::new(AtomicBool::new(true)),
        };
        shared.made.insert(
            full,
            Trained {
                var,
                trainable: Some(parameter.trainable.clone()),
            },
        );
        Ok(parameter)
    }

    /// The names of what was loaded and turned out to be known, but no parameter.
    pub fn left_out(&self) -> Vec<String> {
        self.shared.borrow().left_out.clone()
    }

    /// All parameters that were handed out.
    ///
    /// # Errors
    /// Lists every missing, wrong-shaped and left-over parameter at once.
    pub fn finish(self) -> Result<Params> {
        let mut shared = self.shared.borrow_mut();
        let mut problems = std::mem::take(&mut shared.problems);
        if let Origin::Loaded(left) = &shared.origin {
            let mut left: Vec<String> = left
                .iter()
                .map(|(name, t)| {
                    let shape = t.shape();
                    format!("{name}: not part of the network, shape {:?}", shape.dims())
                })
                .collect();
            left.sort();
            problems.extend(left);
        }
        if problems.is_empty() {
            Ok(Params {
                entries: std::mem::take(&mut shared.made),
            })
        } else {
            Err(ModelError::Parameters(problems))
        }
    }
}

/// Whether values are numbers by themselves. Quantised ones need a scale, which no network here reads.
fn is_fraction(value: &Stored) -> bool {
    matches!(
        value.dtype(),
        DType::F16 | DType::BF16 | DType::F32 | DType::F64
    )
}

/// What is wrong with a parameter that was found instead of the expected one.
fn misfit(name: &str, shape: &Shape, found: Option<&Stored>) -> String {
    let expected = shape.dims();
    match found {
        Some(value) if value.shape() == *shape => format!(
            "{name}: expected fractions (F16, BF16, F32 or F64), found {:?}",
            value.dtype()
        ),
        Some(value) => format!(
            "{name}: expected shape {expected:?}, found {:?}",
            value.shape().dims()
        ),
        None => format!("{name}: missing, expected shape {expected:?}"),
    }
}

fn fresh(seed: u64, name: &str, shape: &Shape, init: Init, device: &Device) -> Result<Tensor> {
    let digest = sdvp_core::Hasher::new("init")
        .part(&seed.to_le_bytes())
        .part(name.as_bytes())
        .finish();
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

/// The parameters of a network, in order of name. Changing them changes the network.
#[derive(Default)]
pub struct Params {
    entries: BTreeMap<String, Trained>,
}

/// Values of parameters at some time; later training does not change them.
pub struct Snapshot(BTreeMap<String, Tensor>);

impl Snapshot {
    /// One value.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }
}

impl Params {
    /// Full names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// One parameter.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.entries.get(name).map(|entry| &entry.var)
    }

    /// Adds a trainable parameter, or replaces the one of that name; the network itself does not
    /// see it.
    pub fn insert(&mut self, name: impl Into<String>, var: Var) {
        self.entries.insert(
            name.into(),
            Trained {
                var,
                trainable: Some(Arc::new(AtomicBool::new(true))),
            },
        );
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.entries.values().map(Trained::bytes).sum()
    }

    /// Bytes of those that never learn, which copies share.
    pub fn fixed_bytes(&self) -> usize {
        let fixed = self.entries.values().filter(|it| it.trainable.is_none());
        fixed.map(Trained::bytes).sum()
    }

    /// Number of scalars.
    pub fn count(&self) -> usize {
        self.entries
            .values()
            .map(|entry| entry.var.elem_count())
            .sum()
    }

    /// Those that training changes.
    pub fn trainable(&self) -> Vec<(String, Var)> {
        self.entries
            .iter()
            .filter(|(_, entry)| entry.learns())
            .map(|(name, entry)| (name.clone(), entry.var.clone()))
            .collect()
    }

    /// Chooses what training changes. Of frozen linear layers no gradient is even computed.
    pub fn set_trainable(&mut self, choose: impl Fn(&str) -> bool) {
        for (name, entry) in &mut self.entries {
            if let Some(trainable) = &entry.trainable {
                trainable.store(choose(name), Ordering::Relaxed);
            }
        }
    }

    /// The values, sharing memory with the parameters: training changes them.
    pub fn to_tensors(&self) -> HashMap<String, Tensor> {
        let value = |entry: &Trained| match entry.trainable {
            Some(_) => entry.var.as_detached_tensor(),
            // As a variable, which a network that is made of it shares rather than copies.
            None => entry.var.as_tensor().clone(),
        };
        let entries = self.entries.iter();
        entries
            .map(|(name, entry)| (name.clone(), value(entry)))
            .collect()
    }

    /// A copy of all values.
    ///
    /// # Errors
    /// If memory cannot be had.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let copy =
            |(name, entry): (&String, &Trained)| Ok((name.clone(), entry.var.copy()?.detach()));
        self.entries
            .iter()
            .map(copy)
            .collect::<Result<_>>()
            .map(Snapshot)
    }

    /// Sets all values to those of a snapshot.
    ///
    /// # Errors
    /// Lists every parameter that the snapshot lacks or has in another shape; nothing is changed
    /// then.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        let problem = |(name, entry): (&String, &Trained)| match snapshot.0.get(name) {
            None => Some(format!("{name}: not in the snapshot")),
            Some(value) if value.shape() != entry.var.shape() => Some(format!(
                "{name}: expected shape {:?}, found {:?} in the snapshot",
                entry.var.dims(),
                value.dims()
            )),
            Some(_) => None,
        };
        let problems: Vec<String> = self.entries.iter().filter_map(problem).collect();
        if !problems.is_empty() {
            return Err(ModelError::Parameters(problems));
        }
        for (name, value) in &snapshot.0 {
            if let Some(entry) = self.entries.get(name) {
                entry.var.set(value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;

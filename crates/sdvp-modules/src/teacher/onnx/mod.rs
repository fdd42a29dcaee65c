//! Teachers from outside: any detector or classifier in an ONNX file, described by a TOML file.

mod description;
mod input;
mod output;

pub use description::{
    Activation, Channels, Corners, InputFit, Labels, Layout, OnnxDescription, OnnxInput, OnnxOutput,
};

use super::sighting::best_first;
use super::{Detector, Sighting, Vocabulary};
use crate::error::{Result, SetupError};
use crate::limits::ONNX_FILE;
use input::Placement;
use output::{Candidate, Numbers, Reader};
use rten::{Model, NodeId, ValueType};
use rten_tensor::{AsView, Layout as _, NdTensor, TensorView};
use sdvp_core::{BBox, Digest, Hasher, Image, View, read_within};
use sdvp_models::{Calibration, ModelError};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A network in an ONNX file.
pub struct OnnxDetector {
    description: OnnxDescription,
    vocabulary: Vocabulary,
    model: Model,
    input: NodeId,
    outputs: Vec<NodeId>,
    believed: Calibration,
    fingerprint: Digest,
}

/// What is less likely than this is not seen.
pub(super) const FLOOR: f32 = 0.02;
/// The most things seen in a view.
const MOST: usize = 300;
/// The likeliest candidates that are compared with each other.
const COMPARED: usize = 3000;
/// How far a probability may be beside 0 to 1 by rounding.
const ROUNDING: f32 = 1e-3;

impl OnnxDetector {
    /// Loads a description and its file.
    ///
    /// # Errors
    /// If one of them cannot be read, or they do not fit each other.
    pub fn load(path: &Path) -> Result<Self> {
        let description = OnnxDescription::read(path)?;
        let wrong = |reason: String| SetupError::Described {
            file: path.to_owned(),
            reason,
        };
        let file = &description.model;
        // Wherever it lies.
        let said = OnnxDescription {
            model: PathBuf::new(),
            ..description.clone()
        };
        let said = serde_json::to_string(&said).map_err(|e| wrong(e.to_string()))?;
        let fingerprint = Hasher::new("onnx").part(said.as_bytes());
        let fingerprint = with_files(fingerprint, file)?.finish();
        let refused = |reason: &dyn Display| {
            let file = file.display();
            wrong(format!("{file} is no ONNX file that runs here: {reason}"))
        };
        let model = catch_unwind(|| Model::load_file(file))
            .map_err(|_| refused(&"it breaks the reader"))?
            .map_err(|error| refused(&error))?;
        let among = |ids: &[NodeId], name: &str| {
            let named = |id: &&NodeId| {
                let info = model.node_info(**id);
                info.and_then(|info| info.name()) == Some(name)
            };
            ids.iter().find(named).copied()
        };
        let inputs = model.input_ids();
        let input = match (&description.input.name, inputs) {
            (Some(name), _) => among(inputs, name),
            (None, [only]) => Some(*only),
            _ => None,
        };
        let input = input.ok_or_else(|| {
            let there = names(&model, inputs);
            wrong(format!("input.name: expected one of {there}"))
        })?;
        let outputs = description.output.wanted();
        let outputs = outputs.iter().enumerate().map(|(at, (what, name))| {
            let id = match name {
                Some(name) => among(model.output_ids(), name),
                None => model.output_ids().get(at).copied(),
            };
            id.ok_or_else(|| {
                let there = names(&model, model.output_ids());
                wrong(format!("output.{what}: expected one of {there}"))
            })
        });
        let outputs = outputs.collect::<Result<_>>()?;
        let believed = Calibration::try_from(description.believed);
        let detector = Self {
            vocabulary: Vocabulary::new(
                description.names().to_vec(),
                description.categories().to_vec(),
                Vec::new(),
            ),
            believed: believed.map_err(|e| wrong(e.to_string()))?,
            description,
            model,
            input,
            outputs,
            fingerprint,
        };
        detector.try_out().map_err(|e| wrong(e.to_string()))?;
        Ok(detector)
    }

    /// Whether files and description fit each other shows when they are used.
    fn try_out(&self) -> std::result::Result<(), ModelError> {
        let blank = image::RgbImage::from_pixel(64, 48, image::Rgb([127; 3]));
        let blank = Image::new(blank)
            .map_err(|e| ModelError::Image(e.to_string()))?
            .view();
        let views = vec![&blank; self.description.input.batch];
        self.see(&views).map(|_| ())
    }

    /// What was said of it.
    pub fn description(&self) -> &OnnxDescription {
        &self.description
    }

    fn see(&self, views: &[&View]) -> std::result::Result<Vec<Vec<Sighting>>, ModelError> {
        let file = || self.description.model.display().to_string();
        let input = &self.description.input;
        let mut numbers = Vec::new();
        let places: Vec<Placement> = views
            .iter()
            .map(|view| input.place(view, &mut numbers))
            .collect::<std::result::Result<_, _>>()?;
        let pixels = NdTensor::<f32, 4>::from_data(input.shape(views.len()), numbers);
        let run = || {
            let inputs = vec![(self.input, pixels.view().into())];
            self.model.run(inputs, &self.outputs, None)
        };
        let found = catch_unwind(AssertUnwindSafe(run))
            .map_err(|_| ModelError::Config(format!("{}: breaks while it runs", file())))?
            .map_err(|e| ModelError::Config(format!("{}: {e}", file())))?;
        let wanted = self.description.output.wanted();
        let outputs = wanted.iter().zip(&found).map(|((what, _), value)| {
            let reals = TensorView::<f32>::try_from(value);
            let (shape, values) = match reals {
                Ok(reals) => (reals.shape().to_vec(), reals.to_vec()),
                // Class numbers.
                Err(_) => {
                    let whole = TensorView::<i32>::try_from(value).map_err(|e| e.to_string())?;
                    let values = whole.iter().map(|&number| number as f32).collect();
                    (whole.shape().to_vec(), values)
                }
            };
            Ok(Numbers {
                name: (*what).to_owned(),
                shape,
                values,
            })
        });
        let wrong = |reason: String| ModelError::Config(format!("{}: {reason}", file()));
        let outputs: Vec<Numbers> = outputs
            .collect::<std::result::Result<_, String>>()
            .map_err(wrong)?;
        let seen = places.iter().enumerate().map(|(image, place)| {
            let reader = Reader {
                image,
                images: views.len(),
                labels: self.vocabulary.names.len(),
            };
            let candidates = reader.read(&self.description.output, &outputs)?;
            self.sightings_of(candidates, *place)
        });
        seen.collect::<std::result::Result<_, String>>()
            .map_err(wrong)
    }

    /// The likeliest candidates, without those that overlap likelier ones of their class; best
    /// first.
    fn sightings_of(
        &self,
        candidates: Vec<Candidate>,
        place: Placement,
    ) -> std::result::Result<Vec<Sighting>, String> {
        let size = self.description.input.size();
        let (width, height) = (size.width as f32, size.height as f32);
        let normalized = self.description.output.normalized();
        let whole = BBox::new(0.0, 0.0, 1.0, 1.0);
        let mut seen = Vec::new();
        for Candidate { bbox, classes } in candidates {
            let names = probabilities(classes)?;
            let best = names.iter().copied().enumerate();
            let Some((class, probability)) = best.max_by(|a, b| a.1.total_cmp(&b.1)) else {
                continue;
            };
            let bbox = match normalized {
                true => bbox.scaled(width, height),
                false => bbox,
            };
            let edges = [bbox.x0, bbox.y0, bbox.x1, bbox.y1];
            let bbox = place.in_view(bbox).intersection(&whole);
            let sighted = edges.into_iter().all(f32::is_finite) && bbox.area() > 0.0;
            if probability >= FLOOR && sighted {
                let colors = Vec::new();
                let sighting = Sighting {
                    bbox,
                    names,
                    colors,
                };
                seen.push((probability, class, sighting));
            }
        }
        let mut kept = best_first(seen, COMPARED, self.description.overlap);
        kept.truncate(MOST);
        Ok(kept)
    }
}

/// Numbers as the probabilities they must be; what is no number is not likely.
fn probabilities(classes: Vec<f32>) -> std::result::Result<Vec<f32>, String> {
    let mut probabilities = classes;
    for p in &mut probabilities {
        if p.is_nan() {
            *p = 0.0;
        }
        if !(-ROUNDING..=1.0 + ROUNDING).contains(p) {
            return Err(format!(
                "expected probabilities from 0 to 1, found {p}: is another activation needed?"
            ));
        }
        *p = p.clamp(0.0, 1.0);
    }
    Ok(probabilities)
}

/// Adds a file's bytes, and those of what lies beside it as exporters name large weights.
fn with_files(hasher: Hasher, file: &Path) -> Result<Hasher> {
    let read = |path: &Path| {
        read_within(path, &ONNX_FILE).map_err(|source| SetupError::Io {
            path: path.to_owned(),
            source,
        })
    };
    let hasher = hasher.part(&read(file)?);
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let unreadable = |source| SetupError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut beside = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|e| e.starts_with("data") || e.starts_with("onnx_data")) {
            beside.push(path);
        }
    }
    beside.sort();
    beside
        .iter()
        .try_fold(hasher, |hasher, path| Ok(hasher.part(&read(path)?)))
}

/// Names of inputs or outputs, with what they hold.
fn names(model: &Model, ids: &[NodeId]) -> String {
    let name = |id: &NodeId| {
        let info = model.node_info(*id)?;
        let dtype = match info.dtype() {
            Some(ValueType::Tensor(dtype)) => format!(" ({dtype})"),
            _ => String::new(),
        };
        Some(format!("{}{dtype}", info.name()?))
    };
    let names: Vec<String> = ids.iter().filter_map(name).collect();
    match names.as_slice() {
        [] => "none, as the file has none".to_owned(),
        names => names.join(", "),
    }
}

impl Detector for OnnxDetector {
    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn believed(&self) -> Calibration {
        self.believed
    }

    fn parameters(&self) -> usize {
        self.model.total_params()
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn sightings(&self, views: &[&View]) -> std::result::Result<Vec<Vec<Sighting>>, ModelError> {
        let mut seen = Vec::with_capacity(views.len());
        for views in views.chunks(self.description.input.batch) {
            seen.extend(self.see(views)?);
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector() -> OnnxDetector {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
        let mut detector = OnnxDetector::load(&folder.join("yolo.toml")).unwrap();
        detector.description.overlap = 0.5;
        detector
    }

    /// Candidates in an input of 64 by 64 pixels, as they are seen in a view that fills it.
    fn seen(candidates: &[([f32; 4], [f32; 3])]) -> std::result::Result<Vec<Sighting>, String> {
        let candidates = candidates
            .iter()
            .map(|([x0, y0, x1, y1], classes)| Candidate {
                bbox: BBox::new(*x0, *y0, *x1, *y1),
                classes: classes.to_vec(),
            });
        let place = Placement {
            left: 0.0,
            top: 0.0,
            width: 64.0,
            height: 64.0,
        };
        detector().sightings_of(candidates.collect(), place)
    }

    #[test]
    fn of_things_of_one_class_that_overlap_the_likeliest_stays() {
        let seen = seen(&[
            ([0.0, 0.0, 32.0, 32.0], [0.5, 0.0, 0.0]),
            ([0.0, 0.0, 32.0, 30.0], [0.9, 0.0, 0.0]),
            ([0.0, 0.0, 32.0, 32.0], [0.0, 0.6, 0.0]),
            ([40.0, 40.0, 80.0, 80.0], [0.3, 0.0, 0.0]),
            ([0.0, 40.0, 9.0, 50.0], [0.0, 0.0, 0.01]),
        ])
        .unwrap();
        let likeliest: Vec<f32> = seen
            .iter()
            .map(|s| s.names.iter().copied().fold(0.0, f32::max))
            .collect();
        assert_eq!(likeliest, [0.9, 0.6, 0.3]);
        assert_eq!(seen[2].bbox, BBox::new(0.625, 0.625, 1.0, 1.0), "cut off");
    }

    #[test]
    fn what_is_no_number_is_not_seen_and_what_is_no_probability_refused() {
        let nan = f32::NAN;
        let seen_of = |bbox, classes| seen(&[(bbox, classes)]);
        assert!(seen_of([nan; 4], [0.9, 0.0, 0.0]).unwrap().is_empty());
        let doubtful = seen_of([0.0, 0.0, 9.0, 9.0], [-nan, 0.4, 0.0]).unwrap();
        assert_eq!(doubtful[0].names, [0.0, 0.4, 0.0]);
        assert!(seen_of([0.0, 0.0, 9.0, 9.0], [5.0, 0.0, 0.0]).is_err());
        assert_eq!(seen(&[]).unwrap(), []);
    }
}

//! Depth Anything behind the [`Module`] trait. It is run, not taught.
//!
//! What is said of a view is read off what the network says of the **whole picture**, as ViperGPT
//! does it: relative depth has a scale of each picture's own, so that two crops looked at apart could
//! not be compared. The network's numbers are resized to the picture's pixels (bicubic, as
//! transformers resizes them), those of the view's pixels are taken, and their median is the depth,
//! of an even number the nearer one of the middle two, as torch has it. Relative networks say inverse
//! depth, so its inverse is the answer: **the greater the farther**, whichever network it is.

use crate::checkpoint::{map_tensors, whole};
use crate::computed_on::computed_on;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use crate::student::{Memory, PROCESSOR, settings_text};
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, Hasher, Image, Module, ModuleError, Outcome, SubTask, SubTaskKind, View};
use sdvp_models::architectures::{DepthAnything, DepthAnythingConfig, DepthMeaning};
use sdvp_models::layers::Interpolation;
use sdvp_models::params::Builder;
use sdvp_models::{Fit, ImageProcessor, ImageSize, ModelError};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// Pictures of which is kept what was said (1.4 MB each of the published sizes).
const KEPT_PICTURES: usize = 64;
/// The least inverse depth that is told from none: what is said to be endlessly far away is a million
/// units away. So is what cubic interpolation puts beyond that, below 0; ViperGPT, which inverts
/// whatever there is, takes it for nearer than anything.
const ENDLESSLY_FAR: f32 = 1e-6;

/// What the network says of a picture: a number for each pixel of its input.
struct DepthMap {
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl DepthMap {
    /// The numbers of a view's pixels, row by row.
    fn of_view(&self, view: &View) -> Vec<f32> {
        let (image, region) = (view.image(), view.region());
        let cubic = Interpolation::Cubic;
        let rows = cubic.taps(self.height, image.height() as usize);
        let columns = cubic.taps(self.width, image.width() as usize);
        let rows = &rows[region.y0() as usize..region.y1() as usize];
        let columns = &columns[region.x0() as usize..region.x1() as usize];
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        let mut line = vec![0f32; self.width];
        for row in rows {
            line.fill(0.0);
            for (place, share) in row {
                let known = &self.values[place * self.width..(place + 1) * self.width];
                line.iter_mut()
                    .zip(known)
                    .for_each(|(sum, value)| *sum += share * value);
            }
            let between = columns.iter().map(|column| {
                let parts = column.iter().map(|(place, share)| share * line[*place]);
                parts.sum::<f32>()
            });
            values.extend(between);
        }
        values
    }
}

/// Of one picture, or why not.
type Said = std::result::Result<Arc<DepthMap>, String>;

/// Says how far away what views show is: in metres, or in a unit of each picture's own.
pub struct DepthEstimator {
    network: DepthAnything,
    processor: ImageProcessor,
    meaning: DepthMeaning,
    device: Device,
    fingerprint: Digest,
    maps: Memory<Digest, Said>,
}

impl DepthEstimator {
    /// From a checkpoint's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, device: &Device) -> Result<Self> {
        let config: DepthAnythingConfig = source.config(|_| DepthAnythingConfig::USUAL)?;
        let processor: ImageProcessor = source.processor()?;
        shows_whole_pictures(&processor, config.backbone.patch_size).map_err(|reason| {
            SetupError::Config {
                model: source.name(),
                file: PROCESSOR.to_owned(),
                reason,
            }
        })?;
        let tensors = map_tensors(source)?;
        let fingerprint = Hasher::new("depth anything")
            .part(sdvp_models::weights::fingerprint_of_stored(&tensors)?.as_bytes())
            .part(settings_text(&config, &processor).as_bytes())
            .finish();
        let b = Builder::frozen_stored(tensors, device);
        let network = DepthAnything::new(&config, &b)?;
        whole(b, source)?;
        Ok(Self {
            network,
            processor,
            meaning: config.meaning,
            device: device.clone(),
            fingerprint: computed_on(device, fingerprint),
            maps: Memory::new(KEPT_PICTURES),
        })
    }

    /// What the network says of a picture.
    fn map(&self, image: &Image) -> std::result::Result<DepthMap, ModelError> {
        let ImageSize { height, width } = self.processor.input_size(ImageSize {
            height: image.height(),
            width: image.width(),
        });
        let pixels = self.processor.process(&image.view())?;
        let (height, width) = (height as usize, width as usize);
        let pixels = Tensor::from_vec(pixels, (1, 3, height, width), &self.device)?;
        let values: Vec<f32> = self.network.forward(&pixels)?.flatten_all()?.to_vec1()?;
        if values.iter().any(|value| !value.is_finite()) {
            let message = "expected finite depths, found some that are not; are the weights whole?";
            return Err(ModelError::Config(message.to_owned()));
        }
        Ok(DepthMap {
            height,
            width,
            values,
        })
    }

    /// What the network says of every sub-task's picture, from memory or computed now; or why it says
    /// nothing.
    fn maps(&self, batch: &[SubTask]) -> HashMap<Digest, Said> {
        let own = batch.iter().filter(|task| task.kind == SubTaskKind::Depth);
        let images = own.map(|task| task.view.image());
        let images: HashMap<Digest, &Image> = images.map(|image| (image.digest(), image)).collect();
        // One at a time: a picture's own shape is its input's.
        let computed = self
            .maps
            .get_or_compute(images.keys().copied(), 1, |digests| {
                let said = |digest| match self.map(images[digest]) {
                    Ok(map) => Ok(Arc::new(map)),
                    Err(error) => Err(error.to_string()),
                };
                Ok::<_, Infallible>(digests.iter().map(said).collect())
            });
        match computed {
            Ok(maps) => maps,
            Err(never) => match never {},
        }
    }

    /// The median depth, of what the network says.
    fn median(&self, mut said: Vec<f32>) -> f32 {
        // The nearer of the middle two: the greater inverse depth, but the lesser depth.
        let middle = match self.meaning {
            DepthMeaning::Relative => said.len() / 2,
            DepthMeaning::Metric => said.len().saturating_sub(1) / 2,
        };
        let (_, median, _) = said.select_nth_unstable_by(middle, f32::total_cmp);
        match self.meaning {
            DepthMeaning::Relative => 1.0 / median.max(ENDLESSLY_FAR),
            DepthMeaning::Metric => *median,
        }
    }
}

/// Whether inputs show all of a picture and nothing else, in whole patches.
fn shows_whole_pictures(
    processor: &ImageProcessor,
    patch: usize,
) -> std::result::Result<(), String> {
    let ImageSize { height, width } = processor.size;
    let fits = |side: u32| (side as usize).is_multiple_of(patch);
    match processor.fit {
        Fit::Stretch if fits(height) && fits(width) => Ok(()),
        Fit::KeepAspect(of) | Fit::Multiples(of) if fits(of) => Ok(()),
        Fit::Stretch => Err(format!(
            "expected a size in multiples of {patch}, the network's patches, found {height} × {width}"
        )),
        Fit::KeepAspect(of) | Fit::Multiples(of) => Err(format!(
            "expected ensure_multiple_of a multiple of {patch}, the network's patches, found {of}"
        )),
        Fit::ShortestEdge(_) | Fit::Square => Err(
            "expected a size with keep_aspect_ratio, found one that cuts pictures or fills them up"
                .to_owned(),
        ),
    }
}

impl Module for DepthEstimator {
    fn name(&self) -> &str {
        "depth anything"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Depth]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let maps = self.maps(batch);
        let outcome = |task: &SubTask| match maps.get(&task.view.image().digest()) {
            _ if task.kind != SubTaskKind::Depth => Err(ModuleError::WrongKind {
                module: self.name().to_owned(),
                kind: task.kind,
            }),
            Some(Ok(map)) => Ok(Outcome::Depth(self.median(map.of_view(&task.view)))),
            said => Err(ModuleError::Failed {
                module: self.name().to_owned(),
                reason: match said {
                    Some(Err(reason)) => reason.clone(),
                    _ => "the network said nothing of the picture".to_owned(),
                },
            }),
        };
        batch.iter().map(outcome).collect()
    }
}

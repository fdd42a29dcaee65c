//! Set-matching detection loss for open-vocabulary boxes.

use super::matching::assign;
use crate::patch::{lies_in_middle, patch_center};
use candle_core::{D, Tensor};
use sdvp_core::BBox;
use sdvp_models::layers::{sigmoid, softplus};
use sdvp_models::{ModelError, Result};

/// One object to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectTarget {
    /// Where, in parts of the image's sides (`0..1`).
    pub bbox: BBox,
    /// The queries it answers, as indices of the batch's query list.
    pub queries: Vec<usize>,
}

/// What is known of one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageTargets {
    /// The objects.
    pub objects: Vec<ObjectTarget>,
    /// Queries of which it is known where they are and where not; all others are left alone.
    pub asked: Vec<usize>,
    /// Places of which nothing is known for a query: neither right nor wrong there.
    pub ignored: Vec<(usize, BBox)>,
}

/// What is known of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetectionTargets {
    /// One entry per image.
    pub images: Vec<ImageTargets>,
}

/// The parts of the loss.
pub struct DetectionLoss {
    /// What is minimised.
    pub total: Tensor,
    /// Number of predictions that were to claim an object.
    pub positives: usize,
}

/// Weights of box distance and box overlap beside the classification term (DETR's).
const L1_WEIGHT: f64 = 5.0;
const GIOU_WEIGHT: f64 = 2.0;
/// A prediction that overlaps an object this much answers for it too; duplicates are suppressed
/// when boxes are read off, and more predictions learn from each object …
const SHARED_IOU: f32 = 0.5;
/// … and so does one whose patch lies in this central part of the object (the centre sampling of
/// Tian et al. 2019, arXiv 1904.01355), which is what gets learning off the ground.
const CENTRAL: f32 = 0.5;

/// Each object is assigned one prediction (see [`assign`]) at a cost of box distance, overlap and
/// doubt; predictions that overlap it by more than half, or whose patch lies at its centre, answer for it as
/// well. Then
/// `Σ (t − p)² · BCE(p, t)` over all asked (prediction, query) pairs — the focal loss of Lin et al.
/// 2017 (arXiv 1708.02002) with γ = 2, unweighted — plus `5·L1 + 2·(1 − GIoU)` over the responsible
/// predictions, both divided by their number.
///
/// `logits` are `[batch, predictions, queries]`; `boxes` `[batch, predictions, 4]` as centre and
/// size in parts of the image.
///
/// # Errors
/// If shapes disagree.
pub fn detection_loss(
    logits: &Tensor,
    boxes: &Tensor,
    targets: &DetectionTargets,
) -> Result<DetectionLoss> {
    let (batch, predictions, queries) = logits.dims3()?;
    if targets.images.len() != batch {
        return Err(ModelError::Config(format!(
            "expected targets for {batch} images, found {}",
            targets.images.len()
        )));
    }
    let plan = Plan::new(logits, boxes, targets)?;
    let device = logits.device();
    let shape = (batch, predictions, queries);
    let wanted = Tensor::from_vec(plan.wanted, shape, device)?;
    let weight = Tensor::from_vec(plan.weight, shape, device)?;
    let scale = 1.0 / plan.rows.len().max(1) as f64;

    let classification = (focal_loss(logits, &wanted)?.mul(&weight)?.sum_all()? * scale)?;
    let positives = plan.rows.len();
    let total = if positives == 0 {
        classification
    } else {
        let rows = Tensor::from_vec(plan.rows, positives, device)?;
        let found = boxes
            .reshape((batch * predictions, 4))?
            .index_select(&rows, 0)?;
        let truth = Tensor::from_vec(plan.boxes, (positives, 4), device)?;
        let distance = (&found - &truth)?.abs()?.sum(D::Minus1)?;
        let overlap = generalised_iou(&found, &truth)?.affine(-1.0, 1.0)?;
        let each = ((distance * L1_WEIGHT)? + (overlap * GIOU_WEIGHT)?)?;
        (classification + (each.sum_all()? * scale)?)?
    };
    Ok(DetectionLoss { total, positives })
}

/// The decisions that carry no gradient: who answers for what.
struct Plan {
    wanted: Vec<f32>,
    weight: Vec<f32>,
    rows: Vec<u32>,
    boxes: Vec<f32>,
}

impl Plan {
    fn new(logits: &Tensor, boxes: &Tensor, targets: &DetectionTargets) -> Result<Self> {
        let (batch, predictions, queries) = logits.dims3()?;
        let scores = logits.detach().flatten_all()?.to_vec1::<f32>()?;
        let boxes = boxes.detach().flatten_all()?.to_vec1::<f32>()?;
        let size = predictions * queries;
        let mut plan = Self {
            wanted: vec![0.0; batch * size],
            weight: vec![0.0; batch * size],
            rows: Vec::new(),
            boxes: Vec::new(),
        };
        for (image, known) in targets.images.iter().enumerate() {
            let scores = &scores[image * size..(image + 1) * size];
            let found: Vec<BBox> = boxes[image * predictions * 4..(image + 1) * predictions * 4]
                .chunks_exact(4)
                .map(|b| BBox::from_center(b[0], b[1], b[2], b[3]))
                .collect();
            plan.add_image(image, known, scores, &found, queries);
        }
        Ok(plan)
    }

    fn add_image(
        &mut self,
        image: usize,
        known: &ImageTargets,
        scores: &[f32],
        found: &[BBox],
        queries: usize,
    ) {
        let base = image * found.len() * queries;
        for prediction in 0..found.len() {
            for &query in &known.asked {
                self.weight[base + prediction * queries + query] = 1.0;
            }
        }
        for (query, place) in &known.ignored {
            for (prediction, bbox) in found.iter().enumerate() {
                let (x, y) = bbox.center();
                if bbox.iou(place) > 0.2
                    || (x >= place.x0 && x < place.x1 && y >= place.y0 && y < place.y1)
                {
                    self.weight[base + prediction * queries + query] = 0.0;
                }
            }
        }
        for (prediction, owner) in responsible(known, scores, found, queries) {
            let object = &known.objects[owner];
            for &query in &object.queries {
                let at = base + prediction * queries + query;
                self.wanted[at] = 1.0;
                self.weight[at] = 1.0;
            }
            let (x, y) = object.bbox.center();
            self.rows.push((image * found.len() + prediction) as u32);
            self.boxes
                .extend([x, y, object.bbox.width(), object.bbox.height()]);
        }
    }
}

/// Pairs of prediction and the object it answers for.
fn responsible(
    known: &ImageTargets,
    scores: &[f32],
    found: &[BBox],
    queries: usize,
) -> Vec<(usize, usize)> {
    let cost: Vec<f32> = known
        .objects
        .iter()
        .flat_map(|object| {
            found.iter().enumerate().map(move |(prediction, bbox)| {
                let (ax, ay) = bbox.center();
                let (bx, by) = object.bbox.center();
                let distance = (ax - bx).abs()
                    + (ay - by).abs()
                    + (bbox.width() - object.bbox.width()).abs()
                    + (bbox.height() - object.bbox.height()).abs();
                let doubt: f32 = object
                    .queries
                    .iter()
                    .map(|q| 1.0 / (1.0 + scores[prediction * queries + q].exp()))
                    .sum::<f32>()
                    / object.queries.len().max(1) as f32;
                5.0 * distance - 2.0 * bbox.iou(&object.bbox) + doubt
            })
        })
        .collect();
    let mut owner: Vec<Option<usize>> = vec![None; found.len()];
    for (object, prediction) in assign(&cost, found.len()).into_iter().enumerate() {
        owner[prediction] = Some(object);
    }
    let grid = (found.len() as f32).sqrt().round() as usize;
    for (prediction, bbox) in found.iter().enumerate() {
        if owner[prediction].is_none() {
            let patch = (grid * grid == found.len()).then(|| patch_center(prediction, grid));
            owner[prediction] = known
                .objects
                .iter()
                .map(|object| closeness(bbox, patch, &object.bbox))
                .enumerate()
                .filter(|(_, closeness)| *closeness > 0.0)
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(object, _)| object);
        }
    }
    owner
        .into_iter()
        .enumerate()
        .filter_map(|(p, object)| object.map(|o| (p, o)))
        .collect()
}

/// How much a prediction has to do with an object it was not assigned; 0 for nothing.
fn closeness(bbox: &BBox, patch: Option<(f32, f32)>, object: &BBox) -> f32 {
    let iou = bbox.iou(object);
    let central = patch.is_some_and(|center| lies_in_middle(center, object, CENTRAL));
    if central || iou > SHARED_IOU {
        iou + f32::from(u8::from(central))
    } else {
        0.0
    }
}

/// `(t − σ(x))² · BCE(σ(x), t)`, element by element.
pub(crate) fn focal_loss(logits: &Tensor, wanted: &Tensor) -> Result<Tensor> {
    let entropy = (softplus(logits)? - logits.mul(wanted)?)?;
    Ok((sigmoid(logits)? - wanted)?.sqr()?.mul(&entropy)?)
}

/// Generalised IoU (Rezatofighi et al. 2019, arXiv 1902.09630) of boxes `[n, 4]` given as centre
/// and size; `[n]`, in `(-1, 1]`.
fn generalised_iou(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let corners = |boxes: &Tensor| -> Result<(Tensor, Tensor)> {
        let center = boxes.narrow(1, 0, 2)?;
        let half = (boxes.narrow(1, 2, 2)? * 0.5)?;
        Ok(((&center - &half)?, (center + half)?))
    };
    let area = |low: &Tensor, high: &Tensor| -> Result<Tensor> {
        let side = (high - low)?.relu()?;
        Ok(side
            .narrow(1, 0, 1)?
            .mul(&side.narrow(1, 1, 1)?)?
            .squeeze(1)?)
    };
    let ((a_low, a_high), (b_low, b_high)) = (corners(a)?, corners(b)?);
    let common = area(&a_low.maximum(&b_low)?, &a_high.minimum(&b_high)?)?;
    let union = ((area(&a_low, &a_high)? + area(&b_low, &b_high)?)? - &common)?;
    let union = (union + 1e-7)?;
    let hull = (area(&a_low.minimum(&b_low)?, &a_high.maximum(&b_high)?)? + 1e-7)?;
    let iou = common.div(&union)?;
    Ok((iou - (&hull - &union)?.div(&hull)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn scene() -> DetectionTargets {
        DetectionTargets {
            images: vec![ImageTargets {
                objects: vec![ObjectTarget {
                    bbox: BBox::from_center(0.25, 0.25, 0.2, 0.2),
                    queries: vec![1],
                }],
                asked: vec![0, 1],
                ignored: Vec::new(),
            }],
        }
    }

    fn boxes() -> Tensor {
        Tensor::new(
            &[[[0.25f32, 0.25, 0.2, 0.2], [0.75, 0.75, 0.2, 0.2]]],
            &Device::Cpu,
        )
        .unwrap()
    }

    fn value(logits: [[[f32; 3]; 2]; 1]) -> f32 {
        let logits = Tensor::new(&logits, &Device::Cpu).unwrap();
        detection_loss(&logits, &boxes(), &scene())
            .unwrap()
            .total
            .to_scalar()
            .unwrap()
    }

    #[test]
    fn right_and_sure_costs_least() {
        let right = value([[[-8.0, 8.0, 0.0], [-8.0, -8.0, 0.0]]]);
        assert!(right < 1e-3, "{right}");
        assert!(
            value([[[8.0, -8.0, 0.0], [-8.0, -8.0, 0.0]]]) > 5.0,
            "wrong name"
        );
        assert!(
            value([[[-8.0, 8.0, 0.0], [-8.0, 8.0, 0.0]]]) > 5.0,
            "found twice"
        );
        let unasked = value([[[-8.0, 8.0, 9.0], [-8.0, -8.0, -9.0]]]);
        assert!(
            (right - unasked).abs() < 1e-6,
            "queries not asked are left alone"
        );
    }

    #[test]
    fn giou_of_known_boxes() {
        let a = Tensor::new(&[[0.5f32, 0.5, 1.0, 1.0]], &Device::Cpu).unwrap();
        let far = Tensor::new(&[[2.5f32, 0.5, 1.0, 1.0]], &Device::Cpu).unwrap();
        let same: Vec<f32> = generalised_iou(&a, &a).unwrap().to_vec1().unwrap();
        assert!((same[0] - 1.0).abs() < 1e-5);
        // Union 2, hull 3, no overlap: -(3-2)/3.
        let apart: Vec<f32> = generalised_iou(&a, &far).unwrap().to_vec1().unwrap();
        assert!((apart[0] + 1.0 / 3.0).abs() < 1e-5, "{apart:?}");
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let device = Device::Cpu;
        let start = [0.3f32, -0.7, 0.1, -1.2, 0.9, 0.4];
        let offset = [0.31f32, 0.22, 0.26, 0.17, 0.7, 0.8, 0.3, 0.2];
        let loss = |l: &[f32], b: &[f32]| {
            let logits =
                Var::from_tensor(&Tensor::from_slice(l, (1, 2, 3), &device).unwrap()).unwrap();
            let boxes =
                Var::from_tensor(&Tensor::from_slice(b, (1, 2, 4), &device).unwrap()).unwrap();
            let total = detection_loss(&logits, &boxes, &scene()).unwrap().total;
            (total, logits, boxes)
        };
        let (total, logits, boxes) = loss(&start, &offset);
        let grads = total.backward().unwrap();
        let check = |name: &str, grad: Vec<f32>, at: &dyn Fn(usize, f32) -> f32| {
            for (i, g) in grad.iter().enumerate() {
                let numeric = (at(i, 1e-2) - at(i, -1e-2)) / 2e-2;
                assert!(
                    (g - numeric).abs() < 2e-2 * (1.0 + numeric.abs()),
                    "{name}[{i}]: {g} and {numeric}"
                );
            }
        };
        let scalar = |t: Tensor| t.to_scalar::<f32>().unwrap();
        let moved = |values: &[f32], i: usize, by: f32| {
            let mut values = values.to_vec();
            values[i] += by;
            values
        };
        let flat = |v: &Var| {
            grads
                .get(v)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        check("logits", flat(&logits), &|i, by| {
            scalar(loss(&moved(&start, i, by), &offset).0)
        });
        check("boxes", flat(&boxes), &|i, by| {
            scalar(loss(&start, &moved(&offset, i, by)).0)
        });
    }

    #[test]
    fn images_without_objects_still_teach_absence() {
        let targets = DetectionTargets {
            images: vec![ImageTargets {
                asked: vec![0],
                ..Default::default()
            }],
        };
        let logits = Tensor::new(&[[[4.0f32], [-4.0]]], &Device::Cpu).unwrap();
        let loss = detection_loss(&logits, &boxes(), &targets).unwrap();
        assert_eq!(loss.positives, 0);
        assert!(loss.total.to_scalar::<f32>().unwrap() > 3.0);
    }
}

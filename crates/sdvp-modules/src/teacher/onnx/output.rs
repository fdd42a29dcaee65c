//! What an ONNX file's outputs say was seen.

use super::description::{Activation, Corners, OnnxOutput};
use sdvp_core::BBox;

/// A box in parts of the input's sides or in its pixels, and a probability a class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) bbox: BBox,
    pub(super) classes: Vec<f32>,
}

/// The numbers of one output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Numbers {
    /// One image's part as rows: `dims` numbers of its shape are its own; a first dimension for the
    /// images may be missing if there is but one.
    fn part(&self, image: usize, images: usize, dims: usize) -> Result<(&[usize], &[f32]), String> {
        let own = match self.shape.split_first() {
            Some((&first, own)) if own.len() == dims && first == images => own,
            _ if images == 1 && self.shape.len() == dims => &self.shape,
            _ => {
                return Err(format!(
                    "output {}: expected {dims} dimensions beside one for {images} image(s), found {:?}",
                    self.name, self.shape
                ));
            }
        };
        let size: usize = own.iter().product();
        let values = self.values.get(image * size..(image + 1) * size);
        Ok((own, values.unwrap_or_default()))
    }

    fn wrong(&self, expected: &str) -> String {
        format!(
            "output {}: expected {expected}, found {:?}",
            self.name, self.shape
        )
    }
}

impl Activation {
    fn apply(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Activation::None => logits.to_vec(),
            Activation::Sigmoid => logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            Activation::Softmax => {
                let greatest = logits.iter().copied().fold(f32::MIN, f32::max);
                let weights: Vec<f32> = logits.iter().map(|x| (x - greatest).exp()).collect();
                let total: f32 = weights.iter().sum();
                weights.iter().map(|weight| weight / total).collect()
            }
        }
    }
}

impl OnnxOutput {
    /// The outputs that are needed: what they are to the form, and their names if they have any.
    pub(super) fn wanted(&self) -> Vec<(&'static str, Option<&str>)> {
        match self {
            OnnxOutput::Yolo { predictions, .. } => vec![("predictions", predictions.as_deref())],
            OnnxOutput::Detr { logits, boxes, .. } => {
                vec![("logits", logits.as_deref()), ("boxes", boxes.as_deref())]
            }
            OnnxOutput::Ssd {
                boxes,
                scores,
                classes,
                ..
            } => {
                let mut wanted = vec![("boxes", boxes.as_deref()), ("scores", scores.as_deref())];
                if let Some(classes) = classes {
                    wanted.push(("classes", Some(classes)));
                }
                wanted
            }
            OnnxOutput::Classes { logits, .. } => vec![("logits", logits.as_deref())],
        }
    }

    /// Whether boxes are in parts of the input's sides.
    pub(super) fn normalized(&self) -> bool {
        match self {
            OnnxOutput::Yolo { .. } => false,
            OnnxOutput::Detr { .. } | OnnxOutput::Classes { .. } => true,
            OnnxOutput::Ssd { normalized, .. } => *normalized,
        }
    }

    /// What one image's outputs say, in the order of [`OnnxOutput::wanted`].
    pub(super) fn read(
        &self,
        outputs: &[Numbers],
        image: usize,
        images: usize,
        labels: usize,
    ) -> Result<Vec<Candidate>, String> {
        match (self, outputs) {
            (OnnxOutput::Yolo { activation, .. }, [predictions]) => {
                yolo(predictions, image, images, labels, *activation)
            }
            (OnnxOutput::Detr { activation, .. }, [logits, boxes]) => {
                let (shape, logits) = rows(logits, image, images, "classes")?;
                let (_, boxes) = rows_of(boxes, image, images, 4, shape.0)?;
                let nothing = usize::from(*activation == Activation::Softmax);
                if shape.1 != labels + nothing {
                    return Err(outputs[0].wrong(&format!("{} classes", labels + nothing)));
                }
                let classes = logits
                    .chunks_exact(shape.1)
                    .map(|row| activation.apply(row));
                let seen = classes.zip(boxes.chunks_exact(4)).map(|(mut classes, at)| {
                    classes.truncate(labels);
                    let bbox = BBox::from_center(at[0], at[1], at[2], at[3]);
                    Candidate { bbox, classes }
                });
                Ok(seen.collect())
            }
            (
                OnnxOutput::Ssd {
                    first_class,
                    corners,
                    ..
                },
                [boxes, scores, classes @ ..],
            ) => {
                let ((count, _), at) = rows(boxes, image, images, "4")?;
                if at.len() != 4 * count {
                    return Err(boxes.wrong("4 numbers a box"));
                }
                let classes = match classes {
                    [] => every_class(scores, image, images, count, labels, *first_class)?,
                    [classes, ..] => one_class(
                        [scores, classes],
                        image,
                        images,
                        count,
                        labels,
                        *first_class,
                    )?,
                };
                let bbox = |at: &[f32]| match corners {
                    Corners::Xyxy => BBox::new(at[0], at[1], at[2], at[3]),
                    Corners::Yxyx => BBox::new(at[1], at[0], at[3], at[2]),
                };
                let boxes = at.chunks_exact(4).map(bbox);
                let seen = boxes.zip(classes);
                Ok(seen
                    .map(|(bbox, classes)| Candidate { bbox, classes })
                    .collect())
            }
            (OnnxOutput::Classes { activation, .. }, [logits]) => {
                let (shape, values) = logits.part(image, images, 1)?;
                if shape != [labels] {
                    return Err(logits.wrong(&format!("{labels} classes")));
                }
                Ok(vec![Candidate {
                    bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
                    classes: activation.apply(values),
                }])
            }
            _ => Err("the file has fewer outputs than this form needs".to_owned()),
        }
    }
}

/// Rows of one image, and how many of how many numbers.
fn rows<'a>(
    numbers: &'a Numbers,
    image: usize,
    images: usize,
    columns: &str,
) -> Result<((usize, usize), &'a [f32]), String> {
    let (shape, values) = numbers.part(image, images, 2)?;
    match *shape {
        [count, width] if width > 0 => Ok(((count, width), values)),
        _ => Err(numbers.wrong(&format!("rows of {columns}"))),
    }
}

/// As [`rows`], of so many numbers, and so many.
fn rows_of(
    numbers: &Numbers,
    image: usize,
    images: usize,
    width: usize,
    count: usize,
) -> Result<((usize, usize), &[f32]), String> {
    let (shape, values) = rows(numbers, image, images, "boxes")?;
    if shape == (count, width) {
        Ok((shape, values))
    } else {
        Err(numbers.wrong(&format!("{count} rows of {width}")))
    }
}

fn yolo(
    numbers: &Numbers,
    image: usize,
    images: usize,
    labels: usize,
    activation: Activation,
) -> Result<Vec<Candidate>, String> {
    let ((height, width), values) = rows(numbers, image, images, "predictions")?;
    let fits = |side: usize| side == labels + 4 || side == labels + 5;
    // As YOLOv8 has it; and if both fit: so few boxes are unlikely.
    let columns = fits(height);
    if !columns && !fits(width) {
        let expected = format!("{} or {} numbers a box", labels + 4, labels + 5);
        return Err(numbers.wrong(&expected));
    }
    let (count, own) = if columns {
        (width, height)
    } else {
        (height, width)
    };
    let first = own - labels;
    Ok((0..count)
        .map(|row| {
            let number = |column: usize| {
                let at = if columns {
                    column * width + row
                } else {
                    row * width + column
                };
                values.get(at).copied().unwrap_or_default()
            };
            let scores: Vec<f32> = (first..own).map(number).collect();
            let mut classes = activation.apply(&scores);
            if first == 5 {
                let own = match activation {
                    Activation::None => number(4),
                    _ => 1.0 / (1.0 + (-number(4)).exp()),
                };
                classes.iter_mut().for_each(|class| *class *= own);
            }
            Candidate {
                bbox: BBox::from_center(number(0), number(1), number(2), number(3)),
                classes,
            }
        })
        .collect())
}

/// Probabilities of all labels, where every class has a score.
fn every_class(
    scores: &Numbers,
    image: usize,
    images: usize,
    count: usize,
    labels: usize,
    first: usize,
) -> Result<Vec<Vec<f32>>, String> {
    let (shape, values) = rows(scores, image, images, "scores")?;
    if shape.0 != count || shape.1 < first + labels {
        let expected = format!("{count} rows of at least {} scores", first + labels);
        return Err(scores.wrong(&expected));
    }
    let own = |row: &[f32]| row.iter().skip(first).take(labels).copied().collect();
    Ok(values.chunks_exact(shape.1).map(own).collect())
}

/// Probabilities of all labels, where one class has a score. Classes without a label are nothing.
fn one_class(
    [scores, classes]: [&Numbers; 2],
    image: usize,
    images: usize,
    count: usize,
    labels: usize,
    first: usize,
) -> Result<Vec<Vec<f32>>, String> {
    let mut numbers = Vec::with_capacity(2);
    for output in [scores, classes] {
        let (shape, values) = output.part(image, images, 1)?;
        if shape != [count] {
            return Err(output.wrong(&format!("one number for each of {count} boxes")));
        }
        numbers.push(values);
    }
    let [scores, classes] = numbers[..] else {
        return Ok(Vec::new());
    };
    let own = |(&score, &class): (&f32, &f32)| {
        let mut own = vec![0.0; labels];
        // Some files fill up with -1.
        let class = class.round() - first as f32;
        if class >= 0.0
            && let Some(slot) = own.get_mut(class as usize)
        {
            *slot = score;
        }
        own
    };
    Ok(scores.iter().zip(classes).map(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> OnnxOutput {
        toml::from_str(text).unwrap()
    }

    fn numbers(shape: &[usize], values: &[f32]) -> Numbers {
        assert_eq!(shape.iter().product::<usize>(), values.len());
        Numbers {
            name: "out".to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        }
    }

    fn candidate(bbox: [f32; 4], classes: &[f32]) -> Candidate {
        let [x0, y0, x1, y1] = bbox;
        Candidate {
            bbox: BBox::new(x0, y0, x1, y1),
            classes: classes.to_vec(),
        }
    }

    #[test]
    fn yolo_rows_may_lie_either_way_and_have_a_score_of_their_own() {
        let yolo = form("form = \"yolo\"");
        let boxes = [
            candidate([8.0, 18.0, 12.0, 22.0], &[0.9, 0.1]),
            candidate([1.0, 1.0, 3.0, 3.0], &[0.2, 0.7]),
            candidate([0.0, 0.0, 2.0, 2.0], &[0.0, 0.0]),
        ];
        let columns = numbers(
            &[1, 6, 3],
            &[
                10.0, 2.0, 1.0, 20.0, 2.0, 1.0, 4.0, 2.0, 2.0, 4.0, 2.0, 2.0, 0.9, 0.2, 0.0, 0.1,
                0.7, 0.0,
            ],
        );
        assert_eq!(yolo.read(&[columns], 0, 1, 2).unwrap(), boxes);
        let rows = numbers(&[1, 1, 7], &[10.0, 20.0, 4.0, 4.0, 0.5, 0.9, 0.1]);
        assert_eq!(
            yolo.read(&[rows], 0, 1, 2).unwrap(),
            [candidate([8.0, 18.0, 12.0, 22.0], &[0.45, 0.05])]
        );
        let error = yolo.read(&[numbers(&[1, 3, 9], &[0.0; 27])], 0, 1, 2);
        let error = error.unwrap_err();
        assert!(
            error.contains("6 or 7") && error.contains("[1, 3, 9]"),
            "{error}"
        );
    }

    #[test]
    fn detr_has_a_class_for_nothing_and_its_kin_has_none() {
        let logits = numbers(&[2, 1, 3], &[9.0, 9.0, 9.0, 0.0, 1.0, 1.0]);
        let boxes = numbers(&[2, 1, 4], &[0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 1.0]);
        let seen = form("form = \"detr\"")
            .read(&[logits.clone(), boxes.clone()], 1, 2, 2)
            .unwrap();
        let [seen] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(seen.bbox, BBox::new(0.25, 0.0, 0.75, 1.0));
        let e = std::f32::consts::E;
        let total = 1.0 + 2.0 * e;
        assert!((seen.classes[0] - 1.0 / total).abs() < 1e-6 && seen.classes.len() == 2);
        assert!((seen.classes[1] - e / total).abs() < 1e-6);

        let sigmoid = form("form = \"detr\"\nactivation = \"sigmoid\"");
        let seen = sigmoid
            .read(&[logits.clone(), boxes.clone()], 1, 2, 3)
            .unwrap();
        assert_eq!(seen[0].classes[0], 0.5);
        assert!(sigmoid.read(&[logits, boxes], 1, 2, 2).is_err());
    }

    #[test]
    fn ssd_has_class_numbers_or_a_score_a_class() {
        let boxes = numbers(
            &[3, 4],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0, 0.0, 0.0, 0.0],
        );
        let scores = numbers(&[3], &[0.9, 0.8, 0.7]);
        let classes = numbers(&[3], &[2.0, 0.0, -1.0]);
        let torchvision = form("form = \"ssd\"\nclasses = \"labels\"\nfirst_class = 1");
        assert_eq!(
            torchvision
                .read(&[boxes.clone(), scores.clone(), classes], 0, 1, 2)
                .unwrap(),
            [
                candidate([1.0, 2.0, 3.0, 4.0], &[0.0, 0.9]),
                candidate([5.0, 6.0, 7.0, 8.0], &[0.0, 0.0]),
                candidate([0.0, 0.0, 0.0, 0.0], &[0.0, 0.0]),
            ]
        );
        let tensorflow = form("form = \"ssd\"\ncorners = \"yxyx\"\nfirst_class = 1");
        let scores = numbers(&[3, 2], &[0.1, 0.9, 0.4, 0.6, 0.5, 0.5]);
        assert_eq!(
            tensorflow.read(&[boxes.clone(), scores], 0, 1, 1).unwrap()[0],
            candidate([2.0, 1.0, 4.0, 3.0], &[0.9])
        );
        let fewer = numbers(&[1, 2], &[0.1, 0.9]);
        assert!(tensorflow.read(&[boxes, fewer], 0, 1, 1).is_err());
    }

    #[test]
    fn a_classifier_sees_the_whole_view() {
        let classes = form("form = \"classes\"");
        let seen = classes
            .read(&[numbers(&[1, 2], &[1.0, 1.0])], 0, 1, 2)
            .unwrap();
        assert_eq!(seen, [candidate([0.0, 0.0, 1.0, 1.0], &[0.5, 0.5])]);
        assert!(
            classes
                .read(&[], 0, 1, 2)
                .unwrap_err()
                .contains("fewer outputs")
        );
    }
}

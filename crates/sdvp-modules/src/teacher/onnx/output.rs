//! What an ONNX file's outputs say was seen.

use super::super::sighting::{sigmoid, softmax};
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
            Activation::Sigmoid => logits.iter().map(|&x| sigmoid(x)).collect(),
            Activation::Softmax => softmax(logits),
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
}

/// Reads one image's part of the outputs of several.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    /// Which image.
    pub(super) image: usize,
    /// Of how many.
    pub(super) images: usize,
    /// How many classes have names.
    pub(super) labels: usize,
}

impl Reader {
    /// What the outputs say, in the order of [`OnnxOutput::wanted`].
    pub(super) fn read(
        self,
        form: &OnnxOutput,
        outputs: &[Numbers],
    ) -> Result<Vec<Candidate>, String> {
        match (form, outputs) {
            (OnnxOutput::Yolo { activation, .. }, [predictions]) => {
                self.yolo(predictions, *activation)
            }
            (OnnxOutput::Detr { activation, .. }, [logits, boxes]) => {
                self.detr(logits, boxes, *activation)
            }
            (
                OnnxOutput::Ssd {
                    first_class,
                    corners,
                    ..
                },
                [boxes, scores, classes @ ..],
            ) => self.ssd(boxes, scores, classes.first(), *first_class, *corners),
            (OnnxOutput::Classes { activation, .. }, [logits]) => {
                let (shape, values) = self.part(logits, 1)?;
                if shape != [self.labels] {
                    return Err(logits.wrong(&format!("{} classes", self.labels)));
                }
                Ok(vec![Candidate {
                    bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
                    classes: activation.apply(values),
                }])
            }
            _ => Err("the file has fewer outputs than this form needs".to_owned()),
        }
    }

    /// The image's own numbers, of so many dimensions; a first one for the images may be missing if
    /// there is but one.
    fn part(self, numbers: &Numbers, dims: usize) -> Result<(&[usize], &[f32]), String> {
        let Self { image, images, .. } = self;
        let own = match numbers.shape.split_first() {
            Some((&first, own)) if own.len() == dims && first == images => own,
            _ if images == 1 && numbers.shape.len() == dims => &numbers.shape,
            _ => {
                return Err(numbers.wrong(&format!(
                    "{dims} dimensions beside one for {images} image(s)"
                )));
            }
        };
        let size: usize = own.iter().product();
        let values = numbers.values.get(image * size..(image + 1) * size);
        Ok((own, values.unwrap_or_default()))
    }

    /// The image's rows: how many, of how many numbers, and the numbers.
    fn rows<'a>(
        self,
        numbers: &'a Numbers,
        columns: &str,
    ) -> Result<((usize, usize), &'a [f32]), String> {
        let (shape, values) = self.part(numbers, 2)?;
        match *shape {
            [count, width] if width > 0 => Ok(((count, width), values)),
            _ => Err(numbers.wrong(&format!("rows of {columns}"))),
        }
    }

    fn yolo(self, numbers: &Numbers, activation: Activation) -> Result<Vec<Candidate>, String> {
        let labels = self.labels;
        let ((height, width), values) = self.rows(numbers, "predictions")?;
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
        let candidate = |row: usize| {
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
                    _ => sigmoid(number(4)),
                };
                classes.iter_mut().for_each(|class| *class *= own);
            }
            Candidate {
                bbox: BBox::from_center(number(0), number(1), number(2), number(3)),
                classes,
            }
        };
        Ok((0..count).map(candidate).collect())
    }

    fn detr(
        self,
        logits: &Numbers,
        boxes: &Numbers,
        activation: Activation,
    ) -> Result<Vec<Candidate>, String> {
        let ((count, width), classes) = self.rows(logits, "classes")?;
        let (shape, at) = self.rows(boxes, "boxes")?;
        if shape != (count, 4) {
            return Err(boxes.wrong(&format!("{count} rows of 4")));
        }
        let nothing = usize::from(activation == Activation::Softmax);
        if width != self.labels + nothing {
            return Err(logits.wrong(&format!("{} classes", self.labels + nothing)));
        }
        let classes = classes.chunks_exact(width).map(|row| activation.apply(row));
        let seen = classes.zip(at.as_chunks::<4>().0);
        Ok(seen
            .map(|(mut classes, &[x, y, w, h])| {
                classes.truncate(self.labels);
                Candidate {
                    bbox: BBox::from_center(x, y, w, h),
                    classes,
                }
            })
            .collect())
    }

    fn ssd(
        self,
        boxes: &Numbers,
        scores: &Numbers,
        classes: Option<&Numbers>,
        first: usize,
        corners: Corners,
    ) -> Result<Vec<Candidate>, String> {
        let ((count, _), at) = self.rows(boxes, "4")?;
        if at.len() != 4 * count {
            return Err(boxes.wrong("4 numbers a box"));
        }
        let classes = match classes {
            None => self.every_class(scores, count, first)?,
            Some(classes) => self.one_class(scores, classes, count, first)?,
        };
        let bbox = |&[a, b, c, d]: &[f32; 4]| match corners {
            Corners::Xyxy => BBox::new(a, b, c, d),
            Corners::Yxyx => BBox::new(b, a, d, c),
        };
        let boxes = at.as_chunks::<4>().0.iter().map(bbox);
        Ok(boxes
            .zip(classes)
            .map(|(bbox, classes)| Candidate { bbox, classes })
            .collect())
    }

    /// Probabilities of all labels, where every class has a score.
    fn every_class(
        self,
        scores: &Numbers,
        count: usize,
        first: usize,
    ) -> Result<Vec<Vec<f32>>, String> {
        let labels = self.labels;
        let (shape, values) = self.rows(scores, "scores")?;
        if shape.0 != count || shape.1 < first + labels {
            let expected = format!("{count} rows of at least {} scores", first + labels);
            return Err(scores.wrong(&expected));
        }
        let own = |row: &[f32]| row.iter().skip(first).take(labels).copied().collect();
        Ok(values.chunks_exact(shape.1).map(own).collect())
    }

    /// Probabilities of all labels, where one class has a score. Classes without a label are nothing.
    fn one_class(
        self,
        scores: &Numbers,
        classes: &Numbers,
        count: usize,
        first: usize,
    ) -> Result<Vec<Vec<f32>>, String> {
        let each = |output| -> Result<&[f32], String> {
            let (shape, values) = self.part(output, 1)?;
            if shape != [count] {
                return Err(output.wrong(&format!("one number for each of {count} boxes")));
            }
            Ok(values)
        };
        let own = |(&score, &class): (&f32, &f32)| {
            let mut own = vec![0.0; self.labels];
            // Some files fill up with -1.
            let class = class.round() - first as f32;
            if class >= 0.0
                && let Some(slot) = own.get_mut(class as usize)
            {
                *slot = score;
            }
            own
        };
        let scores = each(scores)?;
        Ok(scores.iter().zip(each(classes)?).map(own).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> OnnxOutput {
        toml::from_str(text).unwrap()
    }

    impl OnnxOutput {
        fn read(
            &self,
            outputs: &[Numbers],
            image: usize,
            images: usize,
            labels: usize,
        ) -> Result<Vec<Candidate>, String> {
            let reader = Reader {
                image,
                images,
                labels,
            };
            reader.read(self, outputs)
        }
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

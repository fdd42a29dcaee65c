//! Photographs are prepared as transformers prepares them. `tools/processor_golden.py` and
//! `tools/qwen3_vl_golden.py` make the numbers; the photographs are not part of the repository.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use candle_core::Device;
use sdvp_core::{DecodeLimits, Image};
use sdvp_models::{ImageProcessor, ImageSize, PatchProcessor};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Places looked at in every photograph.
const POINTS: usize = 24;
/// Of values from 0 to 255: greatest mean difference of all, …
const MEAN: f64 = 1.0;
/// … and greatest difference of one.
const GREATEST: f64 = 3.0;

#[derive(Deserialize)]
struct Golden {
    ways: BTreeMap<String, serde_json::Value>,
    photographs: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
}

/// As in the script: column and row.
fn points(width: usize, height: usize) -> Vec<(usize, usize)> {
    let spread =
        (0..POINTS - 1).map(|i| ((37 * i * i + 11 * i) % width, (53 * i * i + 7 * i) % height));
    spread.chain([(width - 1, height - 1)]).collect()
}

fn archive(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(file);
    if path.exists() {
        Some(path)
    } else {
        println!("skipped: {} is not there", path.display());
        None
    }
}

fn photographs(archive: &Path) -> Vec<(String, Image)> {
    let mut tar = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let mut photographs = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if name.ends_with(".jpg") {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let image = Image::decode(&bytes, &DecodeLimits::default()).unwrap();
            photographs.push((name, image));
        }
    }
    photographs
}

fn golden(file: &str) -> Golden {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    let mut golden: Golden = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for settings in golden.ways.values_mut() {
        // Values from 0 to 255 again.
        settings["image_mean"] = serde_json::json!([0.0, 0.0, 0.0]);
        settings["image_std"] = serde_json::json!([1.0 / 255.0, 1.0 / 255.0, 1.0 / 255.0]);
    }
    golden
}

fn all_photographs() -> Vec<(String, Image)> {
    ["gqa/images-9.tar", "coco128/images-val.tar"]
        .into_iter()
        .filter_map(archive)
        .flat_map(|file| photographs(&file))
        .collect()
}

/// The boxes of YOLO's text files by the name of their photograph: class, centre, width and height, of
/// which each is a share of the picture's.
fn labels(archive: &Path) -> BTreeMap<String, Vec<(usize, [f64; 4])>> {
    let mut tar = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let mut labels = BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let Some(stem) = name.strip_suffix(".txt") else {
            continue;
        };
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let boxes = text.lines().map(|line| {
            let (class, place) = line.split_once(' ').unwrap();
            let place: Vec<f64> = place.split(' ').map(|n| n.parse().unwrap()).collect();
            (class.parse().unwrap(), place.try_into().unwrap())
        });
        labels.insert(format!("{stem}.jpg"), boxes.collect());
    }
    labels
}

#[test]
fn every_photograph_of_coco_has_its_boxes_and_they_lie_within_it() {
    let (Some(images), Some(texts)) = (
        archive("coco128/images-val.tar"),
        archive("coco128/labels-val.tar"),
    ) else {
        return;
    };
    let (photographs, labels) = (photographs(&images), labels(&texts));
    assert_eq!((photographs.len(), labels.len()), (128, 128));
    let mut count = 0;
    for (name, image) in &photographs {
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        for (class, [x, y, w, h]) in &labels[name] {
            assert!(*class < 80, "{name}: {class}");
            assert!(*w > 0.0 && *h > 0.0, "{name}: {w} {h}");
            // Files have six digits, which is less than a pixel.
            let (left, right) = ((x - w / 2.0) * width, (x + w / 2.0) * width);
            let (top, bottom) = ((y - h / 2.0) * height, (y + h / 2.0) * height);
            assert!(left > -0.01 && top > -0.01, "{name}: {left} {top}");
            assert!(right < width + 0.01 && bottom < height + 0.01, "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 898);
}

#[test]
fn photographs_are_cut_into_patches_as_transformers_does() {
    let (golden, photographs) = (golden("patch_processor.json"), all_photographs());
    for (way, settings) in &golden.ways {
        let processor: PatchProcessor = serde_json::from_value(settings.clone()).unwrap();
        let (side, merge) = (processor.patch as usize, processor.merge as usize);
        let (mut sum, mut count, mut greatest) = (0.0, 0usize, 0f64);
        for (name, image) in &photographs {
            let expected = &golden.photographs[name][way];
            let (patches, grid) = processor.process(&image.view(), &Device::Cpu).unwrap();
            let (height, width) = (grid.rows * side, grid.columns * side);
            assert_eq!(expected[..2], [height as f64, width as f64], "{name}");
            let patches = patches.to_vec2::<f32>().unwrap();
            let places: Vec<(usize, usize)> = grid.in_squares(merge).collect();
            for ((x, y), expected) in points(width, height)
                .into_iter()
                .zip(expected[2..].chunks(3))
            {
                let patch = places.iter().position(|at| *at == (y / side, x / side));
                let patch = &patches[patch.unwrap()];
                for (channel, expected) in expected.iter().enumerate() {
                    let at = (channel * side + y % side) * side + x % side;
                    let difference = (f64::from(patch[at]) - expected).abs();
                    sum += difference;
                    count += 1;
                    greatest = greatest.max(difference);
                }
            }
        }
        assert_eq!(count, 3 * POINTS * photographs.len());
        let mean = sum / count.max(1) as f64;
        println!("{way}: {count} values, mean difference {mean:.3}, greatest {greatest:.1}");
        assert!(
            mean <= MEAN && greatest <= GREATEST,
            "{way}: {mean} {greatest}"
        );
    }
}

#[test]
fn photographs_are_prepared_as_transformers_does() {
    let (golden, photographs) = (golden("processor.json"), all_photographs());
    let mut compared = 0;
    for (way, settings) in &golden.ways {
        let processor: ImageProcessor = serde_json::from_value(settings.clone()).unwrap();
        let (mut sum, mut count, mut greatest) = (0.0, 0usize, 0f64);
        for (name, image) in &photographs {
            let expected = &golden.photographs[name][way];
            let pixels = processor.process(&image.view()).unwrap();
            let (height, width) = (image.height(), image.width());
            let size = processor.input_size(ImageSize { height, width });
            let (height, width) = (size.height as usize, size.width as usize);
            let found = points(width, height).into_iter().flat_map(|(x, y)| {
                let plane = width * height;
                let pixels = &pixels;
                (0..3).map(move |channel| f64::from(pixels[channel * plane + y * width + x]))
            });
            for (found, expected) in found.zip(expected) {
                let difference = (found - expected).abs();
                sum += difference;
                count += 1;
                greatest = greatest.max(difference);
            }
        }
        if count > 0 {
            let mean = sum / count as f64;
            println!("{way}: {count} values, mean difference {mean:.3}, greatest {greatest:.1}");
            assert!(mean <= MEAN, "{way}: {mean}");
            assert!(greatest <= GREATEST, "{way}: {greatest}");
            compared += count;
        }
    }
    assert!(compared == 0 || compared == golden.ways.len() * 3 * POINTS * photographs.len());
}

use super::*;
use crate::shared_data::shared;
use proptest::prelude::*;
use sdvp_core::{DecodeLimits, Image};
use std::collections::BTreeSet;

#[test]
fn the_development_split_is_read() {
    let Some(path) = shared("nlvr/dev.jsonl") else {
        return;
    };
    let statements = read_statements(&path).unwrap();
    assert_eq!(statements.len(), 989);
    let sentences: BTreeSet<&str> = statements.iter().map(|s| s.sentence.as_str()).collect();
    assert_eq!(sentences.len(), 249);
    let first = &statements[0];
    assert_eq!(
        (first.identifier.as_str(), first.label),
        ("1572-0", Some(true))
    );
    assert_eq!(
        first.pictures,
        NlvrPictures::Orders {
            directory: Some("2".to_owned())
        }
    );
    assert_eq!(
        first.image_file("dev", PanelOrder::ALL[3]),
        "dev-1572-0-3.png"
    );
    for statement in &statements {
        for item in statement.boxes.iter().flatten().flatten() {
            assert!(item.x >= 0.0 && item.x + item.size <= 100.0, "{item:?}");
        }
    }
}

#[test]
fn records_of_single_pictures_are_read() {
    let Some(path) = shared("nlvr/train1000.jsonl") else {
        return;
    };
    let statements = read_statements(&path).unwrap();
    assert_eq!(statements.len(), 1000);
    assert!(
        statements
            .iter()
            .all(|s| s.label.is_some() && s.boxes.is_none())
    );
    assert_eq!(statements[0].identifier, "2321-0");
    assert!(matches!(
        &statements[0].pictures,
        NlvrPictures::One { file, order } if file == "52/train-2321-0-4.png" && order.number() == 4
    ));
}

/// Every picture, its order undone, has in its boxes what the record says, at the right places.
#[test]
fn the_order_of_boxes_is_undone() {
    let (Some(records), Some(pictures)) = (shared("nlvr/dev.jsonl"), shared("nlvr/dev-images.tar"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let unpacked = std::process::Command::new("tar")
        .arg("-xf")
        .arg(&pictures)
        .arg("-C")
        .arg(dir.path())
        .status();
    assert!(unpacked.unwrap().success());
    let mut seen = 0;
    for statement in read_statements(&records).unwrap() {
        let NlvrPictures::Orders {
            directory: Some(directory),
        } = &statement.pictures
        else {
            panic!("{statement:?}");
        };
        for order in PanelOrder::ALL {
            let path = dir
                .path()
                .join(directory)
                .join(statement.image_file("dev", order));
            let picture = Image::open(&path, &DecodeLimits::default()).unwrap();
            let shown = panels(&path, &picture, order).unwrap();
            for (panel, items) in shown.iter().zip(statement.boxes.iter().flatten()) {
                for item in items {
                    let half = item.size / 2.0;
                    let (x, y) = ((item.x + half) as u32, (item.y + half) as u32);
                    let right = match item.color.as_str() {
                        "Yellow" => [255, 255, 0],
                        "Black" => [0, 0, 0],
                        "#0099ff" => [0, 0x99, 0xff],
                        other => panic!("{other}"),
                    };
                    assert_eq!(panel.rgb().get_pixel(x, y).0, right, "{}", path.display());
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 5934);
}

#[test]
fn orders_are_all_the_permutations_and_panels_need_their_size() {
    let all: BTreeSet<[usize; 3]> = PanelOrder::ALL.map(PanelOrder::shown).into();
    assert_eq!(all.len(), 6);
    assert!(PanelOrder::ALL.map(PanelOrder::shown).is_sorted());
    assert_eq!(PanelOrder::new(6), None);

    let mut picture = image::RgbImage::new(400, 100);
    for (place, shade) in [(0, 10), (150, 20), (300, 30)] {
        picture.put_pixel(place, 5, image::Rgb([shade; 3]));
    }
    let picture = Image::new(picture).unwrap();
    let order = PanelOrder::new(3).unwrap();
    let boxes = panels(Path::new("a.png"), &picture, order).unwrap();
    // The left place shows the middle box, the middle one the right box.
    let shades = boxes.map(|panel| panel.rgb().get_pixel(0, 5).0[0]);
    assert_eq!(shades, [30, 10, 20]);

    let small = Image::new(image::RgbImage::new(300, 100)).unwrap();
    let error = panels(Path::new("a.png"), &small, order).unwrap_err();
    assert!(error.to_string().contains("300 by 100"), "{error}");
}

#[test]
fn errors_name_line_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dev.json");
    for (line, what) in [
        (r#"{"identifier": "1-0", "label": "true"}"#, "sentence"),
        (r#"{"identifier": "../1-0", "sentence": "x"}"#, "identifier"),
        (
            r#"{"identifier": "1-0", "sentence": "x", "label": "maybe"}"#,
            "label",
        ),
        (
            r#"{"identifier": "1-0", "sentence": "x", "structured_rep": [[], []]}"#,
            "structured_rep",
        ),
        (
            r#"{"image": "../a/dev-1-0-3.png", "sentence": "x"}"#,
            "image",
        ),
        (r#"{"image": "a/dev-1-0-6.png", "sentence": "x"}"#, "image"),
    ] {
        std::fs::write(&path, format!("\n{line}\n")).unwrap();
        let error = read_statements(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains(what), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn changed_bytes_are_read_or_refused(
        changes in proptest::collection::vec((0usize..400, any::<u8>()), 0..8),
        which in 0usize..3,
    ) {
        let mut text = [
            r##"{"sentence": "It is red.", "label": "true", "identifier": "5-1", "directory": "3", "structured_rep": [[{"y_loc": 80, "type": "square", "color": "#0099ff", "x_loc": 8, "size": 20}], [], []]}"##,
            r#"{"image": "3/dev-5-1-0.png", "sentence": "It is red.", "label": "true"}"#,
            r#"{"identifier": "train-5-1-0", "sentence": "It is red.", "label": "True", "directory": 3}"#,
        ][which].as_bytes().to_vec();
        for (at, byte) in changes {
            let length = text.len();
            text[at % length] = byte;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dev.json");
        std::fs::write(&path, &text).unwrap();
        for statement in read_statements(&path).unwrap_or_default() {
            // Nothing that is read leads out of the folder of pictures.
            let below = |file: &str| file.split('/').all(is_file_stem);
            prop_assert!(is_file_stem(&statement.image_file("dev", PanelOrder::ALL[0])));
            let stays = match &statement.pictures {
                NlvrPictures::One { file, .. } => below(file),
                NlvrPictures::Orders { directory } => directory.as_deref().is_none_or(below),
            };
            prop_assert!(stays);
        }
        let _ = crate::nlvr2::read_statements(&path);
        if let Ok(found) = crate::Benchmark::open(dir.path(), &Default::default()) {
            let _ = crate::check(&found, false);
        }
    }
}

use super::*;
use sdvp_core::{AnswerOutcome, BBox, Image, Region};

const PICTURE: &str = "a4e73042d72714bba348687515663fc8374b49d1e6aa086f7c321e883b866715";

/// The picture of `tools/labels_golden.py`, and a part of it.
fn views() -> [View; 2] {
    let picture = image::RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let whole = Image::new(picture).unwrap().view();
    let part = whole.crop(Region::new(3, 2, 20, 14).unwrap()).unwrap();
    [whole, part]
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/labels")
        .join(name)
}

fn teacher(file: &Arc<LabelFile>, kind: SubTaskKind) -> Arc<dyn Teacher> {
    file.teacher(kind).unwrap()
}

/// Labels in text of the given name, loaded.
fn written(name: &str, text: impl AsRef<[u8]>) -> std::result::Result<LabelFile, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    LabelFile::load(&path).map_err(|error| error.to_string())
}

/// Lines with the picture's digest for `PICTURE`.
fn lines(text: &str) -> std::result::Result<LabelFile, String> {
    written("labels.jsonl", text.replace("PICTURE", PICTURE))
}

#[test]
fn every_format_says_the_same() {
    let [whole, part] = views();
    for (name, labels) in [
        ("labels.jsonl", 6),
        ("none.parquet", 6),
        ("snappy.parquet", 6),
        ("zstd.parquet", 6),
    ] {
        let file = Arc::new(LabelFile::load(&golden(name)).unwrap());
        assert_eq!((file.labels(), file.records()), (labels, 7), "{name}");
        assert_eq!(file.teaches(), SubTaskKind::TAUGHT);

        let locate = teacher(&file, SubTaskKind::Locate);
        let found = |x0, y0, x1, y1, score| Detection {
            bbox: BBox::new(x0, y0, x1, y1),
            score,
        };
        let half = sdvp_models::Calibration::try_from(0.5).unwrap();
        let asked = [
            (&whole, "dog"),
            (&whole, "cat"),
            (&part, "hat"),
            (&part, "dog"),
        ];
        let labels = locate.label(&asked.map(|(view, text)| SubTask::locate(view.clone(), text)));
        let expected = [
            Some(vec![
                found(20.0, 4.0, 24.0, 12.0, 0.75),
                found(2.0, 1.0, 9.5, 8.0, 0.25),
            ]),
            Some(Vec::new()),
            Some(vec![found(0.0, 0.0, 5.0, 5.0, half.score_of(0.5))]),
            None,
        ];
        assert_eq!(
            labels,
            expected.map(|found| found.map(Outcome::Boxes)),
            "{name}"
        );
        assert_eq!(
            locate.repertoire(),
            ["dog", "cat"],
            "what is known by id has no text"
        );
        assert_eq!(locate.texts_about(&whole), ["dog", "cat"]);
        assert!(locate.texts_about(&part).is_empty());

        let answer = teacher(&file, SubTaskKind::Answer);
        let asked = ["What color is it?", "Is it a hat?", "Is it?"];
        let labels = answer.label(&asked.map(|text| SubTask::answer(part.clone(), text)));
        let weighed = |top: &[(&str, f32)]| {
            Some(Outcome::Answer(AnswerOutcome {
                text: top[0].0.to_owned(),
                confidence: top[0].1,
                top: top
                    .iter()
                    .map(|(text, p)| ((*text).to_owned(), *p))
                    .collect(),
            }))
        };
        let expected = [
            weighed(&[("blue", 0.625), ("red", 0.25), ("plaid", 0.0625)]),
            weighed(&[("no", 0.875)]),
            None,
        ];
        assert_eq!(labels, expected, "{name}");

        let matching = teacher(&file, SubTaskKind::Match);
        let asked = ["a red dog", "a blue dog"];
        let asked = asked.map(|text| SubTask::matching(whole.clone(), text));
        assert_eq!(
            matching.label(&asked),
            [Some(Outcome::Score(0.5)), None],
            "{name}"
        );
        let run = matching.run(&asked);
        assert!(
            run[0].is_ok() && run[1].is_err(),
            "a module says that it does not know"
        );
        assert_eq!(answer.label(&asked), [None, None], "another kind");
    }
}

#[test]
fn what_is_harvested_is_found_again() {
    let [whole, part] = views();
    let call = SubTask::locate(part.clone(), "a \"hat\"");
    let record = CallRecord::of(&call);
    assert_eq!(record.image, format!("images/{PICTURE}.png"));
    let mut line = serde_json::json!(record);
    line["boxes"] = serde_json::json!([{"box": [1, 2, 3, 4]}]);
    let by_id = serde_json::json!({"id": record.id, "boxes": line["boxes"]});
    line.as_object_mut().unwrap().remove("id");
    for line in [line, by_id] {
        let file = Arc::new(lines(&format!("\u{feff}\n{line}\r\n\n")).unwrap());
        let locate = teacher(&file, SubTaskKind::Locate);
        let bbox = BBox::new(1.0, 2.0, 3.0, 4.0);
        let found = vec![Detection { bbox, score: 1.0 }];
        let other = SubTask::locate(whole.clone(), "a \"hat\"");
        let labels = locate.label(&[call.clone(), other]);
        assert_eq!(labels, [Some(Outcome::Boxes(found)), None]);
    }
}

#[test]
fn records_known_by_id_are_checked_when_they_are_used() {
    let [_, part] = views();
    let call = SubTask::locate(part, "hat");
    let id = call.key();
    let label = |label: &str| {
        let file = Arc::new(lines(&format!("{{\"id\": \"{id}\", {label}}}")).unwrap());
        let kind = file.teaches()[0];
        let mut labels = teacher(&file, kind).label(std::slice::from_ref(&call));
        // As a file whose records are of the wrong kind is asked by accident.
        labels.push(file.label(&call));
        labels
    };
    assert_eq!(
        label("\"boxes\": [{\"box\": [17, 0, 20, 9]}]"),
        [None, None]
    );
    assert_eq!(label("\"answer\": \"yes\""), [None, None]);
    assert!(label("\"boxes\": []")[0].is_some());
}

#[test]
fn the_same_twice_is_the_same_and_the_fingerprint_is_that_of_the_bytes() {
    let one = "{\"kind\": \"match\", \"image\": \"PICTURE\", \"region\": [0, 0, 9, 9], \"text\": \"a\", \"probability\": 0.5}\n";
    let once = lines(one).unwrap();
    let twice = lines(&one.repeat(2)).unwrap();
    assert_eq!((twice.labels(), twice.records()), (1, 2));
    assert_ne!(once.fingerprint(), twice.fingerprint());
    assert_eq!(once.fingerprint(), lines(one).unwrap().fingerprint());
    let other = one.replace("0.5", "0.6");
    let error = lines(&format!("{one}\n{other}")).err().unwrap();
    assert!(error.contains("line 1 and line 3"), "{error}");
}

#[test]
fn faults_of_lines_are_named() {
    let call = |kind: &str, label: &str| {
        format!(
            "\n{{\"kind\": \"{kind}\", \"image\": \"PICTURE\", \"region\": [2, 2, 10, 12], \"text\": \"a\", {label}}}"
        )
    };
    let locate = |boxes: &str| call("locate", &format!("\"boxes\": [{boxes}]"));
    let answer = |label: &str| call("answer", label);
    let deep = format!("\"boxes\": {}{}", "[".repeat(200), "]".repeat(200));
    let wide = format!(
        "\"answer\": \"{}\"",
        "x".repeat(crate::limits::LABEL_LINE.size())
    );
    let id = format!(
        "\n{{\"id\": \"{}\", \"kind\": \"match\", \"image\": \"PICTURE\", \"region\": [2, 2, 10, 12], \"text\": \"a\", \"probability\": 0}}",
        "0".repeat(64)
    );
    for (text, parts) in [
        ("".to_owned(), vec!["labels.jsonl", "found nothing"]),
        (
            call("match", "\"id\": null"),
            vec!["1 records without a label"],
        ),
        ("[]".to_owned(), vec!["line 1", "one JSON object a line"]),
        (
            call("match", "\"probability\": NaN"),
            vec!["line 2", "NaN is no number in JSON"],
        ),
        (
            call("match", "\"proba\": 1"),
            vec!["line 2, column", "unknown field `proba`", "`probability`"],
        ),
        (
            call("match", "\"probability\": \"1\""),
            vec!["line 2, column", "invalid type: string", "f64"],
        ),
        (
            call("locate", &deep),
            vec!["line 2", "the limit json-depth is 64 levels"],
        ),
        (
            answer(&wide),
            vec![
                "line 2",
                "found 1048",
                "the limit label-line is 1048576 bytes",
            ],
        ),
        (
            call("depth", "\"probability\": 1"),
            vec![
                "line 2",
                "kind",
                "one of locate, match, answer",
                "\"depth\"",
            ],
        ),
        (
            call("match", "\"probability\": 1.5"),
            vec!["field probability", "from 0 to 1, found 1.5"],
        ),
        (
            call("match", "\"answer\": \"yes\""),
            vec!["field answer", "probability, as the call's kind is match"],
        ),
        (
            call("match", "\"probability\": 1, \"answer\": \"yes\""),
            vec!["field probability", "one label a call"],
        ),
        (
            locate("{\"box\": [1, 2, 3], \"score\": 1}"),
            vec!["field boxes[0].box", "four numbers", "[1.0, 2.0, 3.0]"],
        ),
        (locate("{\"box\": [1, 2, 3, 1e99]}"), vec!["finite"]),
        (locate("{\"box\": [5, 2, 3, 4]}"), vec!["left < right"]),
        (
            locate("{\"box\": [0.1, 0.2, 0.5, 0.9]}"),
            vec!["parts of the sides"],
        ),
        (
            locate("{\"box\": [0, 0, 4, 4]}, {\"box\": [8, 2, 11, 4]}"),
            vec!["boxes[1].box", "within its 8×10", "[8.0, 2.0, 11.0, 4.0]"],
        ),
        (
            locate("{\"box\": [0, 0, 4, 4], \"score\": -1}"),
            vec!["boxes[0].score", "found -1"],
        ),
        (
            locate("{\"box\": [0, 0, 4, 4], \"believed\": 1}"),
            vec!["unknown field `believed`"],
        ),
        (
            call("locate", "\"boxes\": [], \"believed\": 1"),
            vec!["field believed", "found 1"],
        ),
        (
            answer("\"answer\": \" \""),
            vec!["field answer: expected an answer"],
        ),
        (
            answer("\"confidence\": 1"),
            vec!["field answer", "found nothing"],
        ),
        (
            answer("\"answer\": \"a\", \"confidence\": 2"),
            vec!["field confidence", "found 2"],
        ),
        (
            answer(
                "\"answers\": [{\"answer\": \"a\", \"probability\": 0.7}, {\"answer\": \"b\", \"probability\": 0.7}]",
            ),
            vec!["field answers", "at most 1, found 1.4"],
        ),
        (
            answer(
                "\"answers\": [{\"answer\": \"a\", \"probability\": 0.7}, {\"answer\": \"A \", \"probability\": 0.1}]",
            ),
            vec!["answers[1].answer", "every answer once"],
        ),
        (
            answer("\"answers\": [{\"answer\": \"a\", \"probability\": 0.7}], \"confidence\": 0.2"),
            vec!["field confidence", "answer beside it"],
        ),
        (
            "{\"probability\": 1}".to_owned(),
            vec!["field kind: expected an id, or kind, image"],
        ),
        (
            call("match", "\"probability\": 1").replace("\"region\": [2, 2, 10, 12], ", ""),
            vec!["field region", "found nothing"],
        ),
        (
            call("match", "\"probability\": 1").replace("[2, 2,", "[2.5, 2,"),
            vec!["field region", "whole pixels", "2.5"],
        ),
        (
            call("match", "\"probability\": 1").replace("[2, 2,", "[12, 2,"),
            vec!["field region", "left < right"],
        ),
        (
            call("match", "\"probability\": 1").replace("PICTURE", "images/cat.png"),
            vec!["field image", "images/DIGEST.png", "\"images/cat.png\""],
        ),
        (
            "{\"id\": \"7\", \"probability\": 1}".to_owned(),
            vec!["field id", "\"7\""],
        ),
        (
            id,
            vec![
                "field id",
                "as kind, image, region and text are",
                "00000000",
            ],
        ),
    ] {
        let error = lines(&text).err().unwrap();
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}

#[test]
fn faults_of_tables_are_named() {
    for (name, parts) in [
        ("gzip.parquet", vec!["gzip.parquet", "gzip"]),
        ("column.parquet", vec!["columns of id, kind,", "\"proba\""]),
        (
            "nan.parquet",
            vec!["row 1", "probability", "from 0 to 1, found NaN"],
        ),
        (
            "number.parquet",
            vec!["row 0", "probability", "a number", "0.5"],
        ),
        (
            "flat.parquet",
            vec!["row 0", "boxes[0]", "a struct, found 2.0"],
        ),
    ] {
        let error = LabelFile::load(&golden(name)).err().unwrap().to_string();
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
    let whole = std::fs::read(golden("zstd.parquet")).unwrap();
    for text in [
        &b"PAR1 but nothing else"[..],
        &whole[..whole.len() / 2],
        b"",
    ] {
        let error = written("cut.parquet", text).err().unwrap();
        assert!(error.contains("cut.parquet: no Parquet file"), "{error}");
    }
    let missing = LabelFile::load(Path::new("nowhere.parquet")).err().unwrap();
    assert!(missing.to_string().contains("nowhere.parquet"));
}

#[test]
fn detections_in_pictures_answer_calls_about_them_and_their_parts() {
    let [whole, part] = views();
    let elsewhere = Image::new(image::RgbImage::new(9, 9)).unwrap();
    // The second box reaches over the edge; the part holds the first one only.
    let seen = "{\"image\": \"images/PICTURE.png\", \"believed\": 0.25, \"detections\": [\
                {\"label\": \"hot dog\", \"box\": [20, 12, 30, 20], \"score\": 0.25}, \
                {\"label\": \"dog\", \"box\": [4, 2, 8, 12], \"score\": 0.75}]}\n";
    let nothing = seen.replace("PICTURE", &elsewhere.digest().to_string());
    let nothing = format!("{}[]}}", &nothing[..nothing.find('[').unwrap()]);
    let mut files = vec![lines(&format!("{seen}{nothing}")).unwrap()];
    files.push(LabelFile::load(&golden("detections.parquet")).unwrap());
    for file in files {
        let file = Arc::new(file);
        let ask = |view: &View, text: &str| {
            let task = SubTask::locate(view.clone(), text);
            teacher(&file, SubTaskKind::Locate).label(&[task]).remove(0)
        };
        let boxes = |view: &View, text: &str| match ask(view, text) {
            Some(Outcome::Boxes(found)) => found,
            other => panic!("{other:?}"),
        };
        let [dog] = boxes(&whole, "a dog")[..] else {
            panic!("{:?}", boxes(&whole, "a dog"));
        };
        assert_eq!(dog.bbox.center(), (6.0, 7.0));
        assert!(dog.score > 0.4, "{dog:?}");
        let hot_dog = boxes(&whole, "hot dogs")[0];
        assert_eq!((hot_dog.bbox.x1, hot_dog.bbox.y1), (24.0, 16.0));
        assert!((hot_dog.score - 0.1).abs() < 1e-6, "{hot_dog:?}");
        assert_eq!(boxes(&part, "dog")[0].bbox.center(), (3.0, 5.0));
        assert!(boxes(&part, "hot dog").is_empty());
        assert!(ask(&whole, "red dog").is_none(), "it knows no colours");
        assert!(ask(&whole, "cat").is_none());

        let other = Image::new(image::RgbImage::new(9, 8)).unwrap().view();
        assert!(ask(&other, "dog").is_none(), "nobody has looked at it");
        let locate = teacher(&file, SubTaskKind::Locate);
        assert!(locate.run(&[SubTask::locate(other.clone(), "dog")])[0].is_err());
        assert!(locate.texts_about(&other).is_empty());
        let mut texts = locate.texts_about(&whole);
        texts.sort();
        assert_eq!(texts, ["dog", "hot dog"]);

        let count = SubTask::answer(part.clone(), "How many dogs are there?");
        let answer = teacher(&file, SubTaskKind::Answer)
            .label(&[count])
            .remove(0);
        assert!(matches!(answer, Some(Outcome::Answer(answer)) if answer.text == "1"));
    }
    let unseen =
        "\n{\"image\": \"PICTURE\", \"detections\": null}".replace("PICTURE", &"0".repeat(64));
    let file = Arc::new(lines(&format!("{seen}{nothing}{unseen}")).unwrap());
    assert_eq!((file.labels(), file.records()), (2, 3));
    let empty = SubTask::locate(elsewhere.view(), "dog");
    let found = teacher(&file, SubTaskKind::Locate)
        .label(&[empty])
        .remove(0);
    assert_eq!(
        found,
        Some(Outcome::Boxes(Vec::new())),
        "looked at, and nothing there"
    );

    let call = "{\"id\": \"0000000000000000000000000000000000000000000000000000000000000000\", \"probability\": 1}";
    for (text, parts) in [
        (
            format!("{seen}{call}"),
            ["line 2", "detections in pictures"],
        ),
        (format!("{call}\n{seen}"), ["line 2", "labels of calls"]),
        (
            format!("{seen}{}", seen.replace("0.75", "0.7")),
            ["line 1 and line 2", "differently"],
        ),
        (
            format!("{seen}{}", nothing.replace("0.25", "0.3")),
            ["line 2, field believed", "0.25, as in line 1, found 0.3"],
        ),
        (
            seen.replace("{\"image\"", "{\"text\": \"dog\", \"image\""),
            ["field text", "their image only"],
        ),
        (
            seen.replace("\"hot dog\"", "\" \""),
            ["detections[0].label", "a name"],
        ),
        (
            seen.replace("[4, 2, 8, 12]", "[-4, 2, -1, 12]"),
            ["detections[1].box", "not all before it"],
        ),
        (
            seen.replace("\"image\": \"images/PICTURE.png\",", ""),
            ["field image", "found nothing"],
        ),
    ] {
        let error = lines(&text).err().unwrap();
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
    // That a box is outside shows when the picture is there.
    let file = Arc::new(lines(&seen.replace("[4, 2, 8, 12]", "[24, 2, 30, 12]")).unwrap());
    let call = SubTask::locate(whole, "dog");
    assert_eq!(teacher(&file, SubTaskKind::Locate).label(&[call]), [None]);
}

/// Whatever is wrong with a table: an error, or labels, and never the end of the process.
#[test]
fn damaged_tables_are_errors() {
    let whole = std::fs::read(golden("zstd.parquet")).unwrap();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(23) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        refused += usize::from(written("damaged.parquet", damaged).is_err());
    }
    assert!(refused > whole.len() / 23 / 5, "{refused}");
}

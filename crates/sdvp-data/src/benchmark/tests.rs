use super::*;
use crate::Programs;
use crate::shared_data::shared;
use sdvp_core::DecodeLimits;
use std::path::Path;

pub(crate) fn write(root: &Path, file: &str, text: impl AsRef<[u8]>) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn picture(root: &Path, file: &str, width: u32, height: u32) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let image = image::RgbImage::from_pixel(width, height, image::Rgb([90, 20, 30]));
    image
        .save_with_format(path, image::ImageFormat::Png)
        .unwrap();
}

pub(crate) fn question(id: &str, image: &str, entailed: &str) -> String {
    format!(
        r#""{id}": {{"question": "Is it {id}?", "answer": "yes", "imageId": "{image}",
        "isBalanced": true, "entailed": [{entailed}], "equivalent": [], "semantic": [],
        "types": {{"structural": "verify", "semantic": "obj", "detailed": "exist"}},
        "groups": {{"global": null, "local": "a"}}, "semanticStr": ""}}"#
    )
}

fn open(root: &Path) -> Benchmark {
    Benchmark::open(root, &OpenOptions::default()).unwrap()
}

fn names(benchmark: &Benchmark) -> Vec<(&str, Layout, usize)> {
    let parts = benchmark.parts.iter();
    parts
        .map(|part| (part.name.as_str(), part.layout, part.files.len()))
        .collect()
}

#[test]
fn gqa_is_found_where_its_archives_put_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for n in [0, 1, 10, 2] {
        let text = format!("{{{}}}", question(&n.to_string(), "1", ""));
        write(
            root,
            &format!("questions/train_all_questions/train_all_questions_{n}.json"),
            text,
        );
    }
    let text = format!("{{{}}}", question("7", "2", "\"8\""));
    write(root, "questions/val_balanced_questions.json", &text);
    write(
        root,
        "sceneGraphs/val_sceneGraphs.json",
        r#"{"2": {"width": 4, "height": 4, "objects": {}}}"#,
    );
    write(
        root,
        "val_choices.json",
        r#"{"7": {"valid": ["yes"], "plausible": []}}"#,
    );
    write(
        root,
        "val_attentions.json",
        r#"[{"questionId": "7", "attention": [[1.0]]}]"#,
    );
    write(root, "readme.txt", "not looked at");
    write(root, "notes.json", r#"{"about": {"x": 1}}"#);
    picture(root, "images/2.jpg", 4, 4);
    let found = open(root);
    assert_eq!(
        names(&found),
        [
            ("train_all", Layout::Gqa, 4),
            ("val_balanced", Layout::Gqa, 1)
        ]
    );
    assert!(found.parts[0].files[3].ends_with("train_all_questions_10.json"));
    assert_eq!(found.graphs[0].split, "val");
    assert_eq!((found.choices.len(), found.attentions.len()), (1, 1));
    assert_eq!(found.unread, [root.join("notes.json")]);

    let part = found.part(Some("val_balanced")).unwrap();
    let records = found
        .records(part, &Programs::default(), 9, |_| true)
        .unwrap();
    assert_eq!(records[0].images, [root.join("images/2.jpg")]);
    assert_eq!(
        (records[0].kind.as_str(), records[0].id.as_str()),
        ("exist", "7")
    );
    let error = found.part(None).unwrap_err().to_string();
    assert!(error.contains("train_all, val_balanced"), "{error}");
    let error = found.part(Some("test")).unwrap_err().to_string();
    assert!(error.contains("\"test\""), "{error}");
}

#[test]
fn nlvr2_is_found_with_its_balanced_parts_and_folders_of_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let line = |id: &str, more: &str| {
        format!(
            "{{\"validation\": {{\"1\": \"True\"}}, \"identifier\": \"{id}\", \"sentence\": \"Dogs.\", \"label\": \"True\"{more}}}\n"
        )
    };
    write(root, "data/dev.json", line("dev-1-0-0", ""));
    write(
        root,
        "data/train.json",
        line("train-2-0-0", ", \"directory\": 37"),
    );
    write(
        root,
        "data/balanced/balanced_dev.json",
        line("dev-1-0-0", ""),
    );
    write(
        root,
        "data/unbalanced/unbalanced_dev.json",
        line("dev-1-0-0", ""),
    );
    picture(root, "images/train/37/train-2-0-img0.png", 4, 4);
    picture(root, "images/train/37/train-2-0-img1.png", 4, 4);
    picture(root, "dev/dev-1-0-img0.png", 4, 4);
    let found = open(root);
    let all = ["dev", "train", "balanced_dev", "unbalanced_dev"];
    assert_eq!(names(&found), all.map(|name| (name, Layout::Nlvr2, 1)));
    let train = found.part(Some("train")).unwrap();
    let records = found
        .records(train, &Programs::default(), 9, |_| true)
        .unwrap();
    let inputs = records[0].inputs(&DecodeLimits::default()).unwrap();
    assert_eq!(
        [inputs[0].0.as_str(), inputs[1].0.as_str()],
        ["LEFT", "RIGHT"]
    );
    let dev = found.part(Some("balanced_dev")).unwrap();
    let records = found
        .records(dev, &Programs::default(), 9, |_| true)
        .unwrap();
    assert_eq!(records[0].images[0], root.join("dev/dev-1-0-img0.png"));
    assert_eq!(split_of_part("unbalanced_dev"), "dev");
}

#[test]
fn nlvr_has_a_record_for_each_order_and_programs_by_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let line = r#"{"sentence": "It is red.", "label": "true", "identifier": "5-1", "directory": "3", "structured_rep": [[], [], []]}"#;
    write(root, "dev/dev.json", line);
    write(
        root,
        "programs.jsonl",
        "{\"sentence\": \"It is red.\", \"program\": \"P\"}\n",
    );
    for order in 0..6 {
        picture(root, &format!("dev/images/3/dev-5-1-{order}.png"), 400, 100);
    }
    let found = open(root);
    assert_eq!(names(&found), [("dev", Layout::Nlvr, 1)]);
    let programs = programs_of(&found, None).unwrap();
    let part = found.part(None).unwrap();
    let records = found.records(part, &programs, 99, |_| true).unwrap();
    let ids: Vec<&str> = records.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["5-1-0", "5-1-1", "5-1-2", "5-1-3", "5-1-4", "5-1-5"]);
    assert!(records.iter().all(|r| r.program.as_deref() == Some("P")));
    let inputs = records[4].inputs(&DecodeLimits::default()).unwrap();
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["LEFT", "MIDDLE", "RIGHT"]);
    assert_eq!((inputs[0].1.width(), inputs[0].1.height()), (100, 100));
    assert_eq!(
        found
            .records(part, &programs, 4, |id| id.ends_with('3'))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn tables_and_the_built_in_world_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        "mine.csv",
        "image,question,answer\na.png,What is it?,dog\na.png,It is red.,true\n",
    );
    let found = open(&root.join("mine.csv"));
    assert_eq!(names(&found), [("mine", Layout::Table, 1)]);
    let part = found.part(None).unwrap();
    let records = found
        .records(part, &Programs::default(), 9, |_| true)
        .unwrap();
    assert_eq!(records[1].gold, crate::Gold::Bool(true));
    write(
        root,
        "lines.jsonl",
        "{\"image\": \"a.png\", \"query\": \"?\", \"answer\": \"dog\"}\n",
    );
    assert_eq!(names(&open(root)).len(), 2);

    let made = root.join("made");
    let asked = crate::questions(crate::Task::Gqa, crate::picto::Split::Val, 5, 3);
    crate::dataset::write(&made, crate::Task::Gqa, &asked).unwrap();
    let found = open(&made);
    assert_eq!(names(&found), [("questions", Layout::Gqa, 1)]);
    assert_eq!(found.task, Some(crate::Task::Gqa));
    assert_eq!((found.graphs.len(), found.programs.len()), (1, 1));
}

#[test]
fn answers_that_are_kept_back_and_folders_without_records_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let error = Benchmark::open(root, &OpenOptions::default()).unwrap_err();
    assert!(error.to_string().contains("no file of records"), "{error}");
    write(
        root,
        "test_all_questions.json",
        r#"{"9": {"question": "?", "imageId": "1", "isBalanced": true}}"#,
    );
    let found = open(root);
    let part = found.part(None).unwrap();
    let error = found
        .records(part, &Programs::default(), 9, |_| true)
        .unwrap_err();
    assert!(
        error.to_string().contains("\"9\"") && error.to_string().contains("kept back"),
        "{error}"
    );
    let mut seen = 0;
    found
        .each_record(part, |record| {
            assert_eq!(record.unwrap().gold, None);
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 1);
    // Who does not score has no need of it.
    write(
        root,
        "data/test1.json",
        r#"{"identifier": "test1-0-0-0", "sentence": "Dogs."}"#,
    );
    let found = open(root);
    let mut asked = Vec::new();
    for part in &found.parts {
        found
            .each_asked(
                part,
                &Programs::default(),
                |_| true,
                |record| {
                    asked.push((record.id, record.gold));
                    std::ops::ControlFlow::Continue(())
                },
            )
            .unwrap();
    }
    assert_eq!(
        asked,
        [
            ("9".to_owned(), crate::Gold::default()),
            ("test1-0-0-0".to_owned(), crate::Gold::Bool(false))
        ]
    );
}

/// Everything under ../shared/data is read; the counts are those of its table.
#[test]
fn shared_records_are_counted_as_their_table_says() {
    let Some(data) = shared("") else { return };
    let mut found = Vec::new();
    for folder in ["gqa", "nlvr", "nlvr2"] {
        let benchmark = open(&data.join(folder));
        for part in &benchmark.parts {
            let mut ids = std::collections::HashSet::new();
            benchmark
                .each_record(part, |record| {
                    let record = record.unwrap();
                    assert!(record.gold.is_some());
                    assert!(ids.insert(record.record.id));
                    std::ops::ControlFlow::Continue(())
                })
                .unwrap();
            found.push((part.name.clone(), part.layout, ids.len()));
        }
        if folder == "nlvr" {
            assert_eq!(benchmark.programs, [data.join("nlvr/dev_programs.jsonl")]);
            assert_eq!(
                crate::read_programs(&benchmark.programs[0]).unwrap().len(),
                249
            );
        }
    }
    let right = [
        ("exovip_val_2327", Layout::Gqa, 2327),
        ("fixture", Layout::Gqa, 1),
        ("full_records_50", Layout::Gqa, 50),
        // Six pictures a statement.
        ("dev", Layout::Nlvr, 6 * 989),
        ("train1000", Layout::Nlvr, 1000),
        ("dev", Layout::Nlvr2, 6982),
        ("labelled-pairs-16", Layout::Nlvr2, 16),
    ];
    assert_eq!(
        found,
        right.map(|(name, layout, count)| (name.to_owned(), layout, count))
    );
    let programs = data.join("programs");
    assert_eq!(
        crate::read_programs(&programs.join("viper_2000.jsonl"))
            .unwrap()
            .len(),
        2000
    );
    assert_eq!(
        crate::read_programs(&programs.join("visprog_examples.jsonl"))
            .unwrap()
            .len(),
        55
    );
}

use super::*;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;
use std::path::Path;

/// The table in a Parquet file, as JSON.
fn parquet(path: &Path) -> (Vec<Value>, usize) {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let fields = row.get_column_iter().map(|(name, field)| {
            let value = match field {
                Field::Null => Value::Null,
                Field::Str(text) => text.as_str().into(),
                Field::Long(number) => (*number).into(),
                Field::Double(number) => (*number).into(),
                Field::Bool(truth) => (*truth).into(),
                other => panic!("{other:?}"),
            };
            (name.clone(), value)
        });
        Value::Object(fields.collect())
    });
    (rows.collect(), reader.num_row_groups())
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn all_formats_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut writer = RunWriter::open_or_create(&path("run"), &configuration()).unwrap();
    writer
        .record(&(0..12).rev().map(question).collect::<Vec<_>>())
        .unwrap();
    drop(writer);
    let reader = RunReader::open(&path("run")).unwrap();
    for (what, count) in [(Exported::Questions, 12), (Exported::SubTasks, 24)] {
        let [json, parquet_file, csv_file] = ["t.jsonl", "t.parquet", "t.csv"].map(path);
        assert_eq!(
            export(&reader, what, ExportFormat::JsonLines, &json).unwrap(),
            count
        );
        assert_eq!(
            export(&reader, what, ExportFormat::Parquet, &parquet_file).unwrap(),
            count
        );
        assert_eq!(
            export(&reader, what, ExportFormat::Csv, &csv_file).unwrap(),
            count
        );
        let lines = lines(&json);
        assert_eq!(lines, parquet(&parquet_file).0);
        let mut table = csv::Reader::from_path(&csv_file).unwrap();
        let names = table.headers().unwrap().clone();
        let records: Vec<_> = table.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), lines.len());
        for (record, line) in records.iter().zip(&lines) {
            let line = line.as_object().unwrap();
            assert_eq!(names.len(), line.len());
            for (name, field) in names.iter().zip(record) {
                let same = match &line[name] {
                    Value::Null => field.is_empty(),
                    Value::String(text) => field == text,
                    Value::Number(number) => field.parse::<f64>().ok() == number.as_f64(),
                    Value::Bool(truth) => field.parse() == Ok(*truth),
                    other => panic!("{other}"),
                };
                assert!(same, "{name}: {field:?} and {}", line[name]);
            }
        }
    }
    let rows = lines(&path("t.jsonl"));
    assert_eq!(
        (&rows[0]["question"], &rows[0]["id"]),
        (&0.into(), &"q00000".into())
    );
    assert_eq!(rows[1]["text"], "What is the 0, \"exactly\"?\nSay it.");
    assert_eq!(
        (&rows[9]["outcome"], &rows[9]["source"]),
        (&Value::Null, &"unknown".into())
    );
    assert_eq!(rows[8]["confidence"], 0.75);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 4, "no partial file stays");
}

#[test]
fn what_cannot_be_exported_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    RunWriter::open_or_create(&run, &configuration()).unwrap();
    let reader = RunReader::open(&run).unwrap();
    let out = folder.path().join("no/such/folder.csv");
    let error = export(&reader, Exported::Questions, ExportFormat::Csv, &out).unwrap_err();
    assert!(error.to_string().contains("folder.csv"), "{error}");
    assert!(
        export(&reader, Exported::Questions, ExportFormat::Csv, &run).is_err(),
        "a folder"
    );
    std::fs::create_dir_all(run.join("images/ab")).unwrap();
    let before = std::fs::read(run.join("run.sqlite")).unwrap();
    let mut of_run = [
        "run.sqlite",
        "run.sqlite-wal",
        "run.lock",
        "images/ab/c.csv",
    ]
    .map(|name| run.join(name))
    .to_vec();
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(run.join("run.sqlite"), &link).unwrap();
        of_run.push(link);
    }
    for path in of_run {
        let error = export(&reader, Exported::Questions, ExportFormat::Csv, &path).unwrap_err();
        assert!(error.to_string().contains("of the run itself"), "{error}");
    }
    assert_eq!(std::fs::read(run.join("run.sqlite")).unwrap(), before);
    let empty = folder.path().join("empty.parquet");
    assert_eq!(
        export(&reader, Exported::SubTasks, ExportFormat::Parquet, &empty).unwrap(),
        0
    );
    assert!(parquet(&empty).0.is_empty());
    #[cfg(target_os = "linux")]
    {
        let mut writer = RunWriter::open_or_create(&run, &configuration()).unwrap();
        writer.record(&[question(0)]).unwrap();
        let reader = RunReader::open(&run).unwrap();
        for format in [
            ExportFormat::Csv,
            ExportFormat::JsonLines,
            ExportFormat::Parquet,
        ] {
            let full = export(&reader, Exported::Questions, format, Path::new("/dev/full"));
            assert!(full.is_err(), "{format:?}");
        }
    }
}

#[test]
fn many_sub_tasks_are_written_counted_and_exported_in_several_groups() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut writer = RunWriter::open_or_create(&run, &configuration()).unwrap();
    let numbers: Vec<u32> = (0..35_000).collect();
    for numbers in numbers.chunks(500) {
        let questions: Vec<QuestionRecord> = numbers.iter().copied().map(question).collect();
        writer.record(&questions).unwrap();
    }
    drop(writer);
    let reader = RunReader::open(&run).unwrap();
    let summary = reader.summary(5).unwrap();
    assert_eq!((summary.questions, summary.failed), (35_000, 7_000));
    assert_eq!(summary.score, 0.4);
    let sub_tasks = &summary.sub_tasks[1];
    assert_eq!(
        (sub_tasks.asked, sub_tasks.computed, sub_tasks.cached),
        (35_000, 7, 34_993)
    );
    let out = folder.path().join("all.parquet");
    assert_eq!(
        export(&reader, Exported::SubTasks, ExportFormat::Parquet, &out).unwrap(),
        70_000
    );
    let (rows, groups) = parquet(&out);
    assert_eq!((rows.len(), groups), (70_000, 2));
    assert_eq!(rows[69_999]["id"], "q34999");
    let found = compare(&reader, &reader, 5).unwrap();
    assert_eq!(
        (found.common, found.both_right, found.other_traces),
        (35_000, 14_000, 0)
    );
}

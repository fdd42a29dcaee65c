use super::*;
use crate::stream::collect;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

fn table(name: &str, text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn rows(name: &str, text: &[u8], columns: &Columns) -> Result<Vec<Row>, String> {
    let (_dir, path) = table(name, text);
    collect(|each| each_row(&path, columns, each)).map_err(|error| error.to_string())
}

#[test]
fn the_usual_columns_are_found() {
    let text = "\u{feff}question,image,answer,type,id\n\"Is it, \"\"new\"\"?\",a/b.png,yes,verify,q7\nWhat?,c.png,,,\n";
    let found = rows("a.csv", text.as_bytes(), &Columns::default()).unwrap();
    assert_eq!(
        found[0],
        Row {
            id: "q7".to_owned(),
            images: vec!["a/b.png".to_owned()],
            question: "Is it, \"new\"?".to_owned(),
            answer: Some("yes".to_owned()),
            kind: "verify".to_owned(),
        }
    );
    assert_eq!((found[1].id.as_str(), &found[1].answer), ("2", &None));

    let text = "left\tright\tstatement\tlabel\nl.png\tr.png\tBoth are red.\tTrue\n";
    let found = rows("a.tsv", text.as_bytes(), &Columns::default()).unwrap();
    assert_eq!(found[0].images, ["l.png", "r.png"]);
    assert_eq!(found[0].answer.as_deref(), Some("True"));

    let text = b"{\"image_1\": \"b\", \"image_0\": \"a\", \"question\": \"?\", \"answer\": 3}\n\n{\"images\": [\"a\", \"b\", \"c\"], \"question\": \"?\", \"answer\": true}\n";
    let found = rows("a.jsonl", text, &Columns::default()).unwrap();
    assert_eq!(found[0].images, ["a", "b"]);
    assert_eq!(found[0].answer.as_deref(), Some("3"));
    assert_eq!(found[1].images.len(), 3);
    assert_eq!(
        (found[1].id.as_str(), found[1].answer.as_deref()),
        ("2", Some("True"))
    );
}

#[test]
fn columns_may_have_any_name() {
    let columns = Columns {
        images: vec!["photo".to_owned()],
        question: Some("frage".to_owned()),
        answer: Some("antwort".to_owned()),
        ..Columns::default()
    };
    let found = rows("a.csv", b"photo,frage,antwort\na.png,Was?,hund\n", &columns).unwrap();
    assert_eq!(found[0].question, "Was?");
    let error = rows("a.csv", b"photo,frage\na.png,Was?\n", &columns).unwrap_err();
    assert!(
        error.contains("\"antwort\"") && error.contains("photo, frage"),
        "{error}"
    );
}

/// A Parquet file with optional columns of text, `None` for empty cells, and one of bytes.
fn parquet_file(names: &[&str], rows: &[&[Option<&str>]], compression: Compression) -> Vec<u8> {
    let columns: String = names
        .iter()
        .map(|name| format!("optional binary {name} (UTF8);\n"))
        .collect();
    let schema = format!("message table {{ {columns} optional binary pixels; }}");
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let settings = WriterProperties::builder().set_compression(compression);
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::new(settings.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for at in 0..=names.len() {
        // The last column is the one of bytes.
        let cells: Vec<Option<&str>> = rows
            .iter()
            .map(|row| row.get(at).copied().unwrap_or(Some("\u{1}\u{2}")))
            .collect();
        let values: Vec<ByteArray> = cells.iter().flatten().map(|&cell| cell.into()).collect();
        let there: Vec<i16> = cells.iter().map(|cell| cell.is_some().into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        let typed = column.typed::<ByteArrayType>();
        typed.write_batch(&values, Some(&there), None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_files_are_tables() {
    let names = ["left", "right", "sentence", "label", "identifier"];
    let cells: [&[Option<&str>]; 2] = [
        &[
            Some("l.png"),
            Some("r.png"),
            Some("Both are red."),
            Some("True"),
            Some("a-1"),
        ],
        &[Some("l.png"), Some("s.png"), Some("None is."), None, None],
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let bytes = parquet_file(&names, &cells, compression);
        let found = rows("A.Parquet", &bytes, &Columns::default()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].images, ["l.png", "r.png"]);
        assert_eq!(found[0].answer.as_deref(), Some("True"));
        assert_eq!((found[1].id.as_str(), &found[1].answer), ("2", &None));
        let mut cut = bytes.clone();
        cut.truncate(bytes.len() / 2);
        let error = rows("a.parquet", &cut, &Columns::default()).unwrap_err();
        assert!(
            error.contains("a.parquet") && error.contains("expected Parquet"),
            "{error}"
        );
    }
    let bytes = parquet_file(
        &["image", "question"],
        &[&[Some("/etc/x"), Some("?")]],
        Compression::SNAPPY,
    );
    let error = rows("a.parquet", &bytes, &Columns::default()).unwrap_err();
    assert!(error.contains("line 1, field image"), "{error}");
    let columns = Columns {
        images: vec!["pixels".to_owned()],
        ..Columns::default()
    };
    let error = rows("a.parquet", &bytes, &columns).unwrap_err();
    assert!(error.contains("field pixels"), "{error}");
    let columns = Columns {
        answer: Some("reply".to_owned()),
        ..Columns::default()
    };
    let error = rows("a.parquet", &bytes, &columns).unwrap_err();
    assert!(
        error.contains("\"reply\"") && error.contains("image, question, pixels"),
        "{error}"
    );
}

#[test]
fn columns_packed_otherwise_are_refused_by_name() {
    let mut bytes = parquet_file(
        &["image", "question"],
        &[&[Some("a.png"), Some("?")]],
        Compression::SNAPPY,
    );
    // The codec, and that the number of values comes after it; 2 is gzip, written as 4.
    let mut changed = 0;
    for at in 0..bytes.len() - 3 {
        if bytes[at..at + 3] == [0x15, 0x02, 0x16] {
            bytes[at + 1] = 0x04;
            changed += 1;
        }
    }
    assert_eq!(changed, 3);
    let error = rows("a.parquet", &bytes, &Columns::default()).unwrap_err();
    assert!(
        error.contains("SNAPPY, ZSTD or nothing") && error.contains("GZIP in image"),
        "{error}"
    );
}

#[test]
fn wrong_tables_are_refused_with_their_line() {
    for (name, text, what) in [
        (
            "a.csv",
            "image,question\na.png\n",
            "line 2: expected 2 cells, found 1",
        ),
        (
            "a.csv",
            "image,question\nb.png,?\n../a.png,?\n",
            "line 3: expected a picture's path",
        ),
        ("a.csv", "image,question\na.png,\n", "expected a question"),
        (
            "a.csv",
            "picture,question\n",
            "expected one to 3 columns of pictures",
        ),
        ("a.csv", "", "expected one to 3 columns of pictures"),
        (
            "a.jsonl",
            "{\"image\": \"a\"}\n",
            "expected a column \"question\"",
        ),
        (
            "a.jsonl",
            "\n{\"image\": \"/a\", \"question\": \"?\"}",
            "line 2, field image",
        ),
        (
            "a.jsonl",
            "{\"images\": [], \"question\": \"?\"}",
            "field images",
        ),
        ("a.parquet", "PAR1", "expected Parquet"),
        ("a.ods", "PK", "found .ods"),
    ] {
        let error = rows(name, text.as_bytes(), &Columns::default()).unwrap_err();
        assert!(error.contains(what), "{error}");
    }
    let bad = rows(
        "a.csv",
        b"image,question\na.png,\xff\n",
        &Columns::default(),
    )
    .unwrap_err();
    assert!(bad.contains("line 2") && bad.contains("UTF-8"), "{bad}");
}

#[test]
fn a_quote_that_is_never_closed_ends_at_the_limit() {
    let mut text = b"image,question\na.png,\"".to_vec();
    text.resize(20 << 20, b'x');
    let error = rows("a.csv", &text, &Columns::default()).unwrap_err();
    assert!(error.contains("the limit line-bytes is"), "{error}");
}

#[test]
fn tables_that_claim_more_than_is_allowed_are_refused() {
    let cells: &[&[Option<&str>]] = &[&[Some("a.png"), Some("What?")]];
    let whole = parquet_file(&["image", "question"], cells, Compression::UNCOMPRESSED);
    assert_eq!(
        rows("a.parquet", &whole, &Columns::default())
            .unwrap()
            .len(),
        1
    );
    // A footer whose list of columns has 2^31 - 1 entries.
    let claim = [
        0x15, 4, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x18, 0, 0,
    ];
    let length = (claim.len() as u32).to_le_bytes();
    let lie = [b"PAR1", &claim[..], &length, b"PAR1"].concat();
    let error = rows("a.parquet", &lie, &Columns::default()).unwrap_err();
    assert!(error.contains("2147483647 entries"), "{error}");
    // The first page's header starts behind the mark: its kind, and how much it unpacks to.
    assert_eq!(whole[..7], *b"PAR1\x15\x04\x15");
    let size = whole[7..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let mut lie = whole.clone();
    // It becomes longer, so that what follows is elsewhere; it is refused before that matters.
    lie.splice(7..7 + size, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    let error = rows("a.parquet", &lie, &Columns::default()).unwrap_err();
    assert!(
        error.contains("found 2147483") && error.contains("the limit table-bytes is"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_read_or_refused(
        changes in proptest::collection::vec((0usize..80, any::<u8>()), 0..8),
        csv in any::<bool>(),
    ) {
        let (name, text) = if csv {
            ("a.csv", "id,image,question,answer\n1,a/b.png,\"What, now?\",dog\n2,c.png,Is it?,yes\n")
        } else {
            ("a.jsonl", "{\"id\": 1, \"image\": [\"a/b.png\"], \"question\": \"What?\", \"answer\": \"dog\"}\n")
        };
        let mut text = text.as_bytes().to_vec();
        for (at, byte) in changes {
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
        }
        for row in rows(name, &text, &Columns::default()).unwrap_or_default() {
            // Nothing that is read leads out of the folder of pictures.
            prop_assert!(row.images.iter().all(|image| stays_below(image)));
            prop_assert!((1..=3).contains(&row.images.len()));
        }
    }
}

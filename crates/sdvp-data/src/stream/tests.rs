use super::*;
use proptest::prelude::*;

/// A reader that gives a few bytes at a time, so that every place is once the end of a piece.
struct Slow<'a>(&'a [u8], usize);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

const BOUNDS: Bounds = Bounds {
    bytes: 1 << 12,
    depth: 20,
};

fn entries(text: &[u8], step: usize) -> Result<Vec<(Option<String>, Value)>, DatasetError> {
    let path = Path::new("a.json");
    let mut entries = Entries::new(path, Slow(text, step), "an object or a list", BOUNDS)?;
    let mut all = Vec::new();
    while let Some(entry) = entries.next()? {
        let value = parse_value(path, entry.line, entry.column, entry.text)?;
        all.push((entry.key, value));
    }
    Ok(all)
}

#[test]
fn entries_are_what_serde_reads() {
    let text = br#" {"a": {"b": "}\"]\\"}, "\u00e9\"": [1, [2]], "n": -1.5e3 ,"t":true,"s":"x{","e":{}}  "#;
    let whole: serde_json::Map<String, Value> = serde_json::from_slice(text).unwrap();
    for step in 1..9 {
        let found = entries(text, step).unwrap();
        assert_eq!(found.len(), whole.len());
        for ((key, value), (wanted, right)) in found.iter().zip(&whole) {
            assert_eq!((key.as_ref(), value), (Some(wanted), right));
        }
    }
    let list = entries(b"\xef\xbb\xbf[1, \"a\", null]", 2).unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(entries(b"[]", 1).unwrap(), []);
    assert_eq!(entries(b"{ }\n", 1).unwrap(), []);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, line, column, what) in [
        ("{\n \"a\" 1}", 2, 6, "expected `:`, found `1`"),
        ("{\"a\": 1\n\"b\": 2}", 2, 1, "expected `,` or `}`"),
        ("[1 2]", 1, 4, "expected `,` or `]`, found `2`"),
        ("[1]\n x", 2, 2, "the end of the file"),
        ("{\"a\":\n {\"b\": [", 2, 9, "the end of record \"a\""),
        ("[1,]", 1, 4, "expected a value, found `]`"),
        ("{\"a\": {\"b\": ]}}", 1, 13, "expected value"),
        ("{\"a\":\n{\"b\":\n 01}}", 3, 3, "invalid number"),
        ("{3: 1}", 1, 2, "a key in quotes"),
    ] {
        match entries(text.as_bytes(), 3) {
            Err(DatasetError::Json {
                line: found_line,
                column: found_column,
                reason,
                ..
            }) => {
                assert!(reason.contains(what), "{text}: {reason}");
                assert_eq!(
                    (found_line, found_column),
                    (line, column),
                    "{text}: {reason}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["", "  ", "3", "\"a\""] {
        let error = entries(text.as_bytes(), 1).unwrap_err();
        assert!(matches!(error, DatasetError::Layout { .. }), "{error}");
    }
}

#[test]
fn limits_hold_before_memory_is_taken() {
    // Quotation marks count, too.
    let text = |letters: usize| format!("{{\"a\": \"{}\"}}", "x".repeat(letters));
    let longest = BOUNDS.bytes - 2;
    assert_eq!(entries(text(longest).as_bytes(), 1000).unwrap().len(), 1);
    let error = entries(text(longest + 1).as_bytes(), 1000).unwrap_err();
    let error = error.to_string();
    for part in [
        "a.json, record \"a\"",
        "more than 4096 bytes, the limit record-bytes is",
        "--allow record-bytes=",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let nested = |levels| format!("[{}{}]", "[".repeat(levels), "]".repeat(levels));
    let deepest = BOUNDS.depth;
    assert_eq!(entries(nested(deepest).as_bytes(), 7).unwrap().len(), 1);
    let error = entries(nested(deepest + 1).as_bytes(), 7).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("more than 20 levels, the limit json-depth is 20 levels"),
        "{error}"
    );

    let path = Path::new("a.jsonl");
    let mut lines = Lines::new(path, &b"12345\n\n123456\n"[..], 5);
    assert_eq!(lines.next().unwrap().unwrap().text, b"12345");
    let error = lines.next().err().unwrap().to_string();
    assert!(
        error.contains("line 3: found more than 5 bytes, the limit line-bytes is 5 bytes"),
        "{error}"
    );
}

#[test]
fn lines_and_whole_files_are_not_nested_deeper_than_is_allowed() {
    use crate::programs::read_programs;
    use crate::subset::Manifest;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let deepest = sdvp_core::limits::JSON_DEPTH.size();
    // The record is a level itself.
    let write = |levels: usize| {
        let nested = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        let line = format!("{{\"id\": \"1\", \"program\": \"p\", \"more\": {nested}}}\n");
        std::fs::write(&path, line).unwrap();
    };
    write(deepest);
    assert_eq!(read_programs(&path).unwrap().len(), 1);
    write(deepest + 1);
    let manifest = Manifest::read(&path).unwrap_err();
    for error in [read_programs(&path).unwrap_err(), manifest] {
        let error = error.to_string();
        assert!(error.contains("the limit json-depth is"), "{error}");
    }
}

proptest! {
    /// Whatever is changed in a good file, it is read or refused; what is read, serde reads, too.
    #[test]
    fn changed_bytes_are_read_or_refused(
        changes in proptest::collection::vec((0usize..60, any::<u8>()), 0..6),
        cut in 0usize..60,
        step in 1usize..9,
    ) {
        let mut text = br#"{"1": {"a": [1, "x\"y"], "b": null}, "2": [3.5, {}], "3":"z"}"#.to_vec();
        for (at, byte) in changes {
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
        }
        text.truncate(text.len() - cut.min(text.len()) * usize::from(cut > 40));
        if let Ok(found) = entries(&text, step) {
            let whole: Value = serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text)).unwrap();
            match whole {
                // Equal keys are handed out one by one; serde keeps the last.
                Value::Object(fields) => prop_assert!(found.len() >= fields.len()),
                Value::Array(items) => prop_assert_eq!(found.len(), items.len()),
                other => prop_assert!(false, "{} is no object", other),
            }
        }
    }
}

use super::super::{VisProgSettings, check};
use super::*;
use proptest::prelude::*;

fn pictures() -> Vec<String> {
    ["IMAGE", "LEFT", "MIDDLE", "RIGHT"]
        .map(String::from)
        .into()
}

/// What is left of a text after the longest prefix that is taken, and the state there.
fn taken(text: &str) -> (Prefix, &str) {
    let mut prefix = Prefix::new(&pictures()).unwrap();
    for (at, byte) in text.bytes().enumerate() {
        let before = prefix.clone();
        if prefix.advance(byte).is_err() {
            assert_eq!(before.finish(), prefix.finish(), "a refusal changed it");
            return (prefix, &text[at..]);
        }
    }
    (prefix, "")
}

fn assert_taken(program: &str) {
    let (prefix, rest) = taken(program.trim_end());
    assert!(rest.is_empty(), "{program}\nrefused at {rest:?}");
    assert!(prefix.is_complete(), "{program}");
}

fn assert_program(source: &str) {
    let faults = check(source, &VisProgSettings::default());
    assert!(faults.is_empty(), "{source}\n{faults:?}");
}

const PROGRAMS: [&str; 5] = [
    "BOX0=LOC(image=IMAGE,object='dog')
IMAGE0=CROP_RIGHTOF(image=IMAGE,box=BOX0)
ANSWER0=VQA(image=IMAGE0,question='What color is it?')
ANSWER1=EVAL(expr=\"'yes' if {ANSWER0} == 'red' else 'no'\")
FINAL_RESULT=RESULT(var=ANSWER1)",
    "ANSWER0=VQA(image=LEFT,question='Is there a dog?')
ANSWER1=VQA(image=RIGHT,question=\"Is there the dogs' bowl?\")
ANSWER2=EVAL(expr='{ANSWER0} xor {ANSWER1}')
ANSWER3=EVAL(expr='({ANSWER0}) + ({ANSWER1}) == 1 and not ({ANSWER2} or {ANSWER0} > 2.5)')
FINAL_ANSWER=RESULT(var=ANSWER3)",
    "ANSWER0=VQA(image=LEFT,question='Say \\'café\\' \\\\ once')
ANSWER1=EVAL(expr=\"'{ANSWER0}' == 'black' and '{ANSWER0}' != '3'\")
FINAL_ANSWER=RESULT(var=ANSWER1)",
    "F=LOC(image=IMAGE,object='TOP')
FI=COUNT(box=F)
FINAL_A=CROP(image=IMAGE,box=F)
FINAL_ANSWER=RESULT(var=FINAL_A)",
    "A=LOC(image=MIDDLE,object='x')
FINAL_RESULT=RESULT(var=A)",
];

#[test]
fn plain_programs_are_taken() {
    for program in PROGRAMS {
        assert_program(program);
        assert_taken(program);
    }
}

/// Programs of the world outside, as far as they are correct, in their plain spelling.
#[test]
fn programs_of_others_are_taken() {
    let mut count = 0;
    for file in ["programs/visprog_examples.jsonl", "nlvr/dev_programs.jsonl"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/data")
            .join(file);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                println!("skipped: {}: {error}", path.display());
                continue;
            }
        };
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let source = record["program"].as_str().unwrap();
            let settings = VisProgSettings::default();
            if let Ok(program) = super::super::VisProgProgram::parse(source, &settings) {
                assert_taken(&program.to_string());
                count += 1;
            }
        }
    }
    println!("{count} programs");
}

/// Where each text is first refused.
#[test]
fn what_is_refused() {
    for (text, rest) in [
        ("a", "a"),
        ("_", "_"),
        ("1", "1"),
        ("IMAGE=", "="),
        ("FINAL_ANSWER=", "="),
        ("A=RESULT", "RESULT"),
        ("A=COUNT", "COUNT"),
        ("A=EVAL", "EVAL"),
        ("A=VQA(image=IMG", "G"),
        ("A=VQA(image=IMAGE)", ")"),
        ("A=VQA(image=IMAGE,question='')", "')"),
        ("A=VQA(image=IMAGE,question=' a", " a"),
        ("A=VQA(image=IMAGE,question='a\nb", "\nb"),
        ("A=VQA(image=IMAGE,question='a\\n", "n"),
        ("A=VQA(image=IMAGE,question='a')\nA=", "="),
        ("A=VQA(image=IMAGE,question='a')\nB=COUNT", "COUNT"),
        ("A=VQA(image=IMAGE,question='a')\nB=VQA(image=A", "A"),
        ("A=VQA(image=IMAGE,question='a')\nFINAL_ANSWER=VQA", "VQA"),
        (
            "A=VQA(image=IMAGE,question='a')\nFINAL_ANSWER=RESULT(var=I",
            "I",
        ),
        (
            "A=VQA(image=IMAGE,question='a')\nFINAL_ANSWER=RESULT(var=A)\n",
            "\n",
        ),
        ("A=LOC(image=IMAGE,object='a')\nB=EVAL", "EVAL"),
    ] {
        assert_eq!(taken(text).1, rest, "{text}");
    }
    for (expression, rest) in [
        ("'{B}", "B}"),
        ("'{A} == not", "not"),
        ("'{A} and not not", "not"),
        ("'{A} if {A}'", "'"),
        ("'({A} if", "f"),
        ("'({A}'", "'"),
        ("'{A})", ")"),
        ("'01", "1"),
        ("'1.'", "'"),
        ("'\"\"", "\""),
        ("'\"{x", "x"),
        ("'\"a}", "}"),
        ("'{A}==", "=="),
        ("'{A} if {A} else {A} if", "f"),
        ("'((((({A}", "({A}"),
    ] {
        let source = format!("A=VQA(image=IMAGE,question='a')\nB=EVAL(expr={expression}");
        assert_eq!(taken(&source).1, rest, "{expression}");
    }
    // The first two bytes of a character, then no third; a lone continuation.
    for bytes in [
        &b"\xE2\x82a"[..],
        b"\x80",
        b"\xC0\xAF",
        b"\xED\xA0\x80",
        b"\xF5",
    ] {
        assert!(!taken("A=VQA(image=IMAGE,question='a").0.allows(bytes));
    }
}

#[test]
fn pictures_need_names() {
    let new =
        |names: &[&str]| Prefix::new(&names.iter().map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(new(&["photo_1", "_B"]).is_ok());
    assert_eq!(new(&[]).unwrap_err(), PicturesError::Count { found: 0 });
    for name in [
        "",
        "1A",
        "a b",
        "é",
        "and",
        "True",
        "FINAL_ANSWER",
        "A'",
        &"A".repeat(25),
    ] {
        let error = new(&["IMAGE", name]).unwrap_err();
        assert_eq!(
            error,
            PicturesError::Name {
                name: name.to_owned()
            }
        );
    }
}

#[test]
fn the_shortest_program() {
    let finish = Prefix::new(&pictures()).unwrap().finish();
    let text = String::from_utf8(finish).unwrap();
    assert_program(&text);
    assert_eq!(
        text,
        "A=VQA(image=LEFT,question='a')\nFINAL_ANSWER=RESULT(var=A)"
    );
}

/// After many lines only the last may come, and lines and expressions keep the check's limits.
#[test]
fn programs_are_bounded() {
    let mut source = String::new();
    for line in 0..MAX_LINES {
        source.push_str(&format!("A{line}=VQA(image=IMAGE,question='a')\n"));
    }
    let (prefix, rest) = taken(&source);
    assert!(rest.is_empty());
    assert!(
        !prefix.allows(b"B") && !prefix.allows(b"FB") && prefix.allows(b"FINAL_RESULT=RESULT(")
    );
    let long = format!("{source}X");
    assert_eq!(taken(&long).1, "X");
    let mut expression = "A=VQA(image=IMAGE,question='a')\nB=EVAL(expr='{A}".to_owned();
    expression.push_str(&" + {A}".repeat(1_000));
    let (prefix, rest) = taken(&expression);
    assert!(expression.len() - rest.len() < 600);
    let finished = expression[..expression.len() - rest.len()].to_owned()
        + std::str::from_utf8(&prefix.finish()).unwrap();
    assert_program(&finished);
}

/// A walk through what is allowed: `choices` picks one of the allowed bytes each time. Of the bytes
/// that a text could have, some thirty are offered, so that other places are reached, too.
fn walk(choices: &[u16]) -> Vec<u8> {
    let mut prefix = Prefix::new(&pictures()).unwrap();
    let mut bytes = Vec::new();
    for &choice in choices {
        if prefix.is_complete() {
            break;
        }
        let allowed: Vec<u8> = (0..=255).filter(|&byte| prefix.allows(&[byte])).collect();
        assert!(!allowed.is_empty(), "{}", String::from_utf8_lossy(&bytes));
        // Every third byte is one that leads to the end: else hardly a walk gets out of a text.
        let byte = if choice % 3 == 0 {
            prefix.finishing()
        } else {
            allowed[usize::from(choice / 3) % allowed.len()]
        };
        prefix.advance(byte).unwrap();
        bytes.push(byte);
    }
    let finish = prefix.finish();
    assert!(prefix.allows(&finish));
    bytes.extend(finish);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_walk_is_a_program(choices in prop::collection::vec(any::<u16>(), 0..900)) {
        let bytes = walk(&choices);
        let source = String::from_utf8(bytes).unwrap();
        assert_program(&source);
        let mut prefix = Prefix::new(&pictures()).unwrap();
        for byte in source.bytes() {
            prop_assert!(prefix.advance(byte).is_ok());
        }
        prop_assert!(prefix.is_complete());
    }

    /// A prefix of a program, then any byte: it is taken, or refused and nothing is changed; and
    /// what comes of it can be finished.
    #[test]
    fn every_prefix_can_be_finished(
        program in prop::sample::select(PROGRAMS.to_vec()),
        cut in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let cut = cut.index(program.len());
        let mut prefix = Prefix::new(&pictures()).unwrap();
        let mut written = Vec::new();
        for byte in program.bytes().take(cut).chain(bytes) {
            if prefix.advance(byte).is_ok() {
                written.push(byte);
            }
        }
        written.extend(prefix.finish());
        assert_program(&String::from_utf8(written).unwrap());
    }

    /// What is said of free text is so.
    #[test]
    fn free_text_is_free(text in "[a-zA-Z0-9 .,?!{}()#=;éß€😀-]{1,40}") {
        let (prefix, _) = taken("A=VQA(image=IMAGE,question='a");
        prop_assert!(prefix.free_text() > 160);
        let mut after = prefix.clone();
        for byte in text.bytes() {
            prop_assert!(after.advance(byte).is_ok());
        }
        prop_assert_eq!(after.free_text(), prefix.free_text() - text.len());
        prop_assert_eq!(after.finish(), prefix.finish());
    }
}

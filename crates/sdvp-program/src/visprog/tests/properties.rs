use super::*;
use proptest::prelude::*;

/// Text as questions have it, with everything that quoting must survive.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "cat", "Disney's", " ", "(", ")", ",", "=", "'", "\"", "\\", "\n", "é", "#", ";", "{",
            "}", "x=", "', a=",
        ]),
        0..8,
    )
    .prop_map(|words| words.concat().trim().to_owned())
}

/// A correct program, in the plain spelling.
fn program() -> impl Strategy<Value = String> {
    let crops = prop::sample::select(vec!["CROP", "CROP_LEFTOF", "CROP_BEHIND", "CROP_ABOVE"]);
    let expressions = prop::sample::select(vec![
        "{C} > 1",
        "'yes' if {Q} == 'a' else \"no\"",
        "'{Q}' xor {C}",
    ]);
    (text(), text(), crops, expressions).prop_map(|(object, question, crop, expression)| {
        let line = |variable: &str, step: &str, rest: String| format!("{variable}={step}({rest})");
        let quote = |text: &str| {
            let escaped = text
                .replace('\\', "\\\\")
                .replace('\'', "\\'")
                .replace('\n', "\\n");
            format!("'{escaped}'")
        };
        [
            line("B", "LOC", format!("image=IMAGE,object={}", quote(&object))),
            line("I", crop, "image=IMAGE,box=B".to_owned()),
            line("C", "COUNT", "box=B".to_owned()),
            line("Q", "VQA", format!("image=I,question={}", quote(&question))),
            line("E", "EVAL", format!("expr={}", quote(expression))),
            line("F", "RESULT", "var=E".to_owned()),
        ]
        .join("\n")
    })
}

/// Changes at random places: deletions, repetitions and foreign characters.
fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        0u8..3,
        prop::sample::select(vec![
            '\'', '"', '(', ')', ',', '=', '{', '}', '\\', '\n', 'Z', 'é', ' ', '#',
        ]),
    );
    (program(), prop::collection::vec(change, 0..6)).prop_map(|(source, changes)| {
        let mut chars: Vec<char> = source.chars().collect();
        for (place, kind, c) in changes {
            if chars.is_empty() {
                break;
            }
            let at = place.index(chars.len());
            match kind {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, c),
                _ => chars[at] = c,
            }
        }
        chars.into_iter().collect()
    })
}

/// Every fault points into the text (or just after a line).
fn places_are_real(source: &str, errors: &[ProgramError]) {
    for error in errors {
        assert!(!error.message.is_empty());
        let line = source.lines().nth(error.line - 1).unwrap_or("");
        let length = line.chars().count();
        assert!(
            (1..=length + 1).contains(&error.column),
            "{source:?}: {error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_text_never_panics(source in "\\PC{0,80}|[A-C=(){}',\"\\\\\n` #;L]{0,60}") {
        let errors = check(&source, &VisProgSettings::default());
        places_are_real(&source, &errors);
    }

    #[test]
    fn mutated_programs_never_panic_and_what_parses_runs(source in mutated()) {
        match VisProgProgram::parse(&source, &VisProgSettings::default()) {
            Err(errors) => {
                prop_assert!(!errors.0.is_empty());
                places_are_real(&source, &errors.0);
            }
            Ok(program) => {
                let (value, _) = run(&program, &[("IMAGE", image(9, 7))], |asked| Ok(match asked.kind {
                    SubTaskKind::Locate => boxes(&[([1.0, 1.0, 5.0, 4.0], 0.9)]),
                    _ => answer("it's"),
                }));
                // Only an expression can still fail.
                if let Err(error) = value {
                    prop_assert!(matches!(error, RunError::Expression { .. }), "{}", error);
                }
            }
        }
    }

    #[test]
    fn printing_round_trips(source in program()) {
        let first = parse(&source);
        let printed = first.to_string();
        let second = parse(&printed);
        prop_assert_eq!(&first.0.lines, &second.0.lines, "{}", printed);
        prop_assert_eq!(second.to_string(), printed);
    }

    /// Spelling changes nothing: blanks, case of arguments, other quotes, comments, line ends.
    #[test]
    fn tolerated_spelling_means_the_same(source in program()) {
        let first = parse(&source);
        let loose: Vec<String> = first.0.lines.iter().map(|line| {
            let plain = line.to_string();
            let (head, rest) = plain.split_once('(').unwrap();
            let head = head.replace('=', " = ");
            let rest = rest.replacen("image=", " Image = ", 1).replacen("var=", "VAR =", 1);
            format!("  {head} ({rest} ; # note")
        }).collect();
        let loose = format!("Program:\r\n```\r\n{}\r\n```\r\n", loose.join("\r\n\r\n"));
        let second = parse(&loose);
        prop_assert_eq!(&first.0.lines, &second.0.lines, "{}", loose);
    }
}

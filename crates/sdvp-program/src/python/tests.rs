use super::*;
use proptest::prelude::*;

pub(crate) const LIMITS: PythonLimits = PythonLimits {
    time: Duration::from_secs(1),
    memory: 4 << 20,
    length: 4_000,
    depth: 64,
};

fn eval(code: &str) -> Result<String, String> {
    Expression::compile(code, Vec::new(), LIMITS)
        .map_err(|fault| fault.message)?
        .evaluate(&[])
        .map(|value| format!("{}={value}", value.type_name()))
}

#[test]
fn values_come_back_with_their_types() {
    assert_eq!(eval("1 + True"), Ok("a whole number=2".into()));
    assert_eq!(eval("14 / 4"), Ok("a number=3.5".into()));
    assert_eq!(eval("'a' == 'a'"), Ok("a truth value=True".into()));
    assert_eq!(eval("None"), Ok("nothing=None".into()));
    assert_eq!(eval("['x', (1, 2)]"), Ok("a list=[x, [1, 2]]".into()));
    assert_eq!(eval("'yes' if 3 > 0 else 'no'"), Ok("text=yes".into()));
}

#[test]
fn truth_values_count() {
    for (code, value) in [
        ("True + True", "2"),
        ("1 + True - 0.5", "1.5"),
        ("5 % True", "0"),
        ("(1 == 1) + (2 == 2) + (2 == 3) == 2", "True"),
        ("sum([True, False, True])", "2"),
        ("sum(x > 1 for x in [1, 2, 3])", "2"),
        ("sum((x > 1 for x in [1, 2, 3]), True + 1)", "4"),
        ("'a' + 'b' + str(1)", "ab1"),
        ("[1] + [2]", "[1, 2]"),
        ("7 % int('3')", "1"),
        ("int('7') % 4 * 2", "6"),
        ("1 - (not False)", "0"),
    ] {
        let found = eval(code).unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(found.split_once('=').map(|(_, v)| v), Some(value), "{code}");
    }
    let error = eval("str(1) + 1").unwrap_err();
    assert!(error.starts_with("TypeError"), "{error}");
}

#[test]
fn python_gives_its_own_errors() {
    let error = eval("'many' > 3").unwrap_err();
    assert!(error.starts_with("TypeError: '>' not supported"), "{error}");
    assert!(eval("1 / 0").unwrap_err().starts_with("ZeroDivisionError"));
    assert!(eval("nowhere + 1").unwrap_err().starts_with("NameError"));
}

#[test]
fn statements_and_host_access_are_refused() {
    for code in [
        "x = 1",
        "import os",
        "1; 2",
        "1 # one",
        ") + (",
        "open('/etc/passwd').read()",
        "__import__('os')",
        "exec('1')",
        "print",
        "",
        " ",
    ] {
        assert!(eval(code).is_err(), "{code}");
    }
}

#[test]
fn inputs_are_values_not_code() {
    let expression = Expression::compile("a == b", vec!["a".into(), "b".into()], LIMITS).unwrap();
    let hostile = Value::Text("' or True or '".into());
    let result = expression.evaluate(&[hostile, Value::Text("x".into())]);
    assert!(matches!(result, Ok(Value::Bool(false))));
}

#[test]
fn faults_say_where() {
    let at = |code: &str| {
        Expression::compile(code, Vec::new(), LIMITS)
            .unwrap_err()
            .at
    };
    assert_eq!(at("1 > 0 and else 2"), Some(10));
    assert_eq!(at("(1 + 2"), Some(0));
    assert_eq!(at("1 + 2)"), Some(5));
    assert_eq!(at("(1 + 2]"), Some(6));
    assert_eq!(at("x == 'abc"), Some(5));
}

#[test]
fn large_values_and_long_work_are_cut_off() {
    for code in [
        "'a' * 10 ** 12",
        "[0] * 10 ** 11",
        "2 ** 10 ** 9",
        "10 ** 10 ** 10 ** 10",
        "1 << 10 ** 10",
        "list(range(10 ** 13))",
        "'%1000000000d' % 1",
        "'a'.ljust(10 ** 11)",
    ] {
        let begin = std::time::Instant::now();
        assert!(eval(code).is_err(), "{code}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{code}");
    }
    let short = PythonLimits {
        time: Duration::from_millis(20),
        ..LIMITS
    };
    let endless = Expression::compile("sum(1 for _ in range(10 ** 15))", Vec::new(), short);
    let error = endless.unwrap().evaluate(&[]).unwrap_err();
    assert!(error.contains("time limit"), "{error}");
}

/// Depth is refused before the interpreter's own recursion could matter, even on a small stack.
#[test]
fn deep_nesting_is_refused_on_a_small_stack() {
    let deep = || {
        let n = 1_300;
        for code in [
            "(".repeat(n),
            format!("{}1{}", "(".repeat(n), ")".repeat(n)),
            format!("{}1", "not ".repeat(900)),
            format!("{}1", "-".repeat(n)),
            format!("{}1", "2 ** ".repeat(700)),
            format!("{}1", "1 if 1 else ".repeat(300)),
            format!("{}1", "lambda: ".repeat(400)),
            format!("{}1{}", "[not ".repeat(400), "]".repeat(400)),
        ] {
            let error = eval(&code).unwrap_err();
            assert!(error.contains("--allow expression-depth="), "{error}");
        }
        // Long chains to the left nest too; they must give a value or an error.
        for code in [
            format!("1{}", " + 1".repeat(900)),
            format!("f{}", "()".repeat(1_500)),
            format!("f{}", "[0]".repeat(1_000)),
            format!("f{}", ".a".repeat(1_500)),
            format!("1{}", " < 2".repeat(900)),
            format!("1{}", " and 1".repeat(600)),
        ] {
            let _ = eval(&code);
        }
        assert!(
            eval(&"1".repeat(5_000))
                .unwrap_err()
                .contains("--allow expression-length=")
        );
    };
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(deep)
        .unwrap()
        .join()
        .unwrap();
}

/// Sums, products and comparisons of small numbers.
fn arithmetic() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec![
        "0",
        "1",
        "2",
        "7",
        "0.5",
        "int('3')",
        "len('ab')",
        "(4)",
    ]);
    number
        .prop_map(String::from)
        .prop_recursive(4, 24, 3, |inner| {
            let operator = prop::sample::select(vec!["+", "-", "*", "%", "//", "/", "**"]);
            prop_oneof![
                (inner.clone(), operator, inner.clone())
                    .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
                inner.clone().prop_map(|a| format!("({a})")),
                inner.clone().prop_map(|a| format!("-{a}")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("sum([{a}, {b}])")),
            ]
        })
}

proptest! {
    /// What makes truth values count changes nothing where there are none.
    #[test]
    fn numbers_are_left_alone(code in arithmetic()) {
        let plain = MontyRun::new(code.clone(), "plain", Vec::new(), CompileOptions::default()).unwrap();
        let limits = ResourceLimits::default().max_memory(LIMITS.memory);
        let plain = plain.run(Vec::new(), ResourceTracker::new(limits), PrintWriter::Disabled);
        let expected = plain.map_err(|e| e.summary()).and_then(convert::from_python).map(|v| v.to_string());
        let found = Expression::compile(&code, Vec::new(), LIMITS).unwrap().evaluate(&[]).map(|v| v.to_string());
        prop_assert_eq!(found, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_text_panics(code in "[-+*/%<>=!&|^~().,:0-9a-c'\"\\[\\]{}\\\\ #;@é]{0,40}") {
        let _ = eval(&code);
    }

    #[test]
    fn no_words_panic(words in prop::collection::vec(prop::sample::select(vec![
        "not", "-", "1", "2.5", "'a'", "(", ")", "and", "or", "if", "else", "lambda", "x", ":", "for",
        "in", "[", "]", ",", "**", "==", "!=", "<", "+", "*", "%", "is", "len", "True", "None", ".", "str",
        "yield", "await", "async", ":=", "f'{1}'", "b'a'", "...", "{", "}", "0x1", "1e400", "//",
    ]), 0..14)) {
        let _ = eval(&words.join(" "));
    }
}

use super::super::lines::StatementLine;
use super::super::syntax::Cursor;
use super::*;
use crate::visprog::VisProgSettings;
use proptest::prelude::*;

fn compile(source: &str) -> Result<EvalExpression, (usize, String)> {
    let quoted = Quoted::plain(source);
    EvalExpression::compile(&quoted, VisProgSettings::default().python_limits())
}

/// The filled-in text and the value or error, given the variables' values.
fn eval(source: &str, variables: &[(&str, Value)]) -> (String, Result<String, String>) {
    let expression = compile(source).unwrap_or_else(|error| panic!("{source}: {error:?}"));
    let values: Vec<Value> = expression
        .inputs()
        .iter()
        .map(|input| {
            let found = variables.iter().find(|(name, _)| *name == input.name);
            found.unwrap().1.clone()
        })
        .collect();
    let (filled, value) = expression.evaluate(&values);
    let value = value.map(|value| format!("{}: {value}", value.type_name()));
    (filled, value)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn check(source: &str, variables: &[(&str, Value)], filled: &str, value: &str) {
    assert_eq!(eval(source, variables), (filled.into(), Ok(value.into())));
}

#[test]
fn answers_become_what_they_mean() {
    let vars = [
        ("A", text("yes")),
        ("B", text("no")),
        ("C", text("03")),
        ("D", text("red")),
    ];
    check("{A}", &vars, "True", "a truth value: True");
    check(
        "{A} and not {B}",
        &vars,
        "True and not False",
        "a truth value: True",
    );
    check("{C} + 1", &vars, "3 + 1", "a whole number: 4");
    check(
        "{A} + {B} == 1",
        &vars,
        "True + False == 1",
        "a truth value: True",
    );
    check(
        "{D} == 'red'",
        &vars,
        "'red' == 'red'",
        "a truth value: True",
    );
    check("{ D }.upper()", &vars, "'red'.upper()", "text: RED");
    check(
        "({C} == 3) + ({C} == 3) == 2",
        &vars,
        "(3 == 3) + (3 == 3) == 2",
        "a truth value: True",
    );
    check(
        "'yes' if {C} > 0 else 'no'",
        &vars,
        "'yes' if 3 > 0 else 'no'",
        "text: yes",
    );
}

#[test]
fn other_values_stay_what_they_are() {
    let vars = [
        ("N", Value::Int(-2)),
        ("F", Value::Float(0.5)),
        ("T", Value::Bool(true)),
        ("L", Value::List(vec![Value::Int(1), text("it's")])),
        ("X", Value::None),
    ];
    check("{N} ** 2", &vars, "-2 ** 2", "a whole number: 4");
    check("{F} * 4", &vars, "0.5 * 4", "a number: 2.0");
    check("{T} xor {T}", &vars, "True != True", "a truth value: False");
    check("len({L})", &vars, r"len([1, 'it\'s'])", "a whole number: 2");
    check("{X} is None", &vars, "None is None", "a truth value: True");
}

#[test]
fn variables_inside_quotes_are_text() {
    let vars = [
        ("A", text("black")),
        ("N", Value::Int(2)),
        ("Y", text("yes")),
        ("Q", text("a'b\\")),
    ];
    check(
        "'{A}' == 'black'",
        &vars,
        "'black' == 'black'",
        "a truth value: True",
    );
    check(
        "'{N}' == \"2\"",
        &vars,
        "'2' == \"2\"",
        "a truth value: True",
    );
    check(
        "'{Y}' == 'yes'",
        &vars,
        "'yes' == 'yes'",
        "a truth value: True",
    );
    check(
        "'{A} and {N}!'",
        &vars,
        "'black and 2!'",
        "text: black and 2!",
    );
    check("\"{Q}\"", &vars, "\"a'b\\\\\"", "text: a'b\\");
    check("'{Q}'", &vars, r"'a\'b\\'", "text: a'b\\");
    check("'{}{ 1}'", &vars, "'{}{ 1}'", "text: {}{ 1}");
    check(
        "'{Y}' == {Y}",
        &vars,
        "'yes' == True",
        "a truth value: False",
    );
}

#[test]
fn answers_are_never_code() {
    let hostile = "' or True or '";
    let vars = [("A", text(hostile))];
    check(
        "{A} == 'x'",
        &vars,
        r"'\' or True or \'' == 'x'",
        "a truth value: False",
    );
    check(
        "'{A}' == 'x'",
        &vars,
        r"'\' or True or \'' == 'x'",
        "a truth value: False",
    );
}

#[test]
fn xor_is_a_word() {
    let vars = [("A", text("yes")), ("B", text("xor"))];
    check(
        "{A} xor False",
        &vars,
        "True != False",
        "a truth value: True",
    );
    check(
        "{B} == 'xor'",
        &vars,
        "'xor' == 'xor'",
        "a truth value: True",
    );
    let (_, result) = eval("xorx + 1", &vars);
    assert!(result.unwrap_err().contains("'xorx' is not defined"));
}

#[test]
fn python_refuses_what_does_not_compare() {
    let (filled, result) = eval("{A} > 3", &[("A", text("many"))]);
    assert_eq!(filled, "'many' > 3");
    assert!(result.unwrap_err().starts_with("TypeError"));
}

#[test]
fn faults_point_into_the_line() {
    // Columns count from the opening quote's next character, column 2.
    for (source, column, message) in [
        (
            "'yes' if {ANSWER0} > 0 and else 'no'",
            29,
            "faulty expression: SyntaxError",
        ),
        ("{A} + {", 8, "expected a variable in braces"),
        ("{A + B}", 2, "expected a variable in braces"),
        ("{A} }", 6, "`}` closes nothing"),
        ("{A} == f'{A}'", 9, "found one with the prefix `f`"),
        ("'''a'''", 2, "three quotes"),
        ("{A} == 'x", 9, "expected a closing '"),
        ("({A} == 1", 2, "expected a closing bracket for `(`"),
        ("{A} = 1", 6, "faulty expression: SyntaxError"),
        ("", 2, "expected an expression"),
    ] {
        let (found, error) = compile(source).unwrap_err();
        assert!(error.contains(message), "{source}: {error}");
        assert_eq!(found, column, "{source}: {error}");
    }
}

#[test]
fn columns_survive_escapes() {
    let line = r"'{A} == \'a\' and else 1')";
    let quoted = Cursor::new(StatementLine {
        number: 1,
        column: 10,
        text: line,
    })
    .quoted()
    .unwrap();
    let limits = VisProgSettings::default().python_limits();
    let (column, _) = EvalExpression::compile(&quoted, limits).unwrap_err();
    assert_eq!(column, 10 + line.find("else").unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn nothing_panics(source in "[-+*=<>(){}.,:'\" xorandtfA-C0-3\\\\é\n]{0,30}") {
        if let Ok(expression) = compile(&source) {
            let values = vec![text("it's"); expression.inputs().len()];
            let _ = expression.evaluate(&values);
        }
    }

    /// What is shown to people means what was evaluated.
    #[test]
    fn filled_text_has_the_same_value(
        source in prop::sample::select(vec![
            "{A} == {B}", "'{A}' == '{B}'", "[{A}, '{B} x', \"{A}\"]", "{A} != {B} and {B}", "{A} xor {B}",
        ]),
        a in "[yes'\"\\\\0-9 a]{0,5}", b in prop::sample::select(vec!["yes", "no", "7", "red", ""]),
    ) {
        let vars = [("A", text(&a)), ("B", text(b))];
        let (filled, value) = eval(source, &vars);
        prop_assert_eq!(eval(&filled, &[]).1, value, "{}", filled);
    }
}

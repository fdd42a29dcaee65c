use super::*;

/// A program of these lines and a RESULT has exactly this fault, whose message starts so.
fn single(lines: &str, expected: &str) {
    let found = faults(&format!("{lines}\nF=RESULT(var=IMAGE)"));
    assert!(
        found.len() == 1 && found[0].starts_with(expected),
        "{lines}\nexpected {expected}\nfound {found:#?}"
    );
}

#[test]
fn form() {
    single(
        "LOC(image=IMAGE,object='a')",
        "1:4 expected `=` after `LOC`, found `(`",
    );
    single(
        "A==LOC(image=IMAGE,object='a')",
        "1:3 expected a step such as `LOC`, found `=`",
    );
    single(
        "A=LOC image=IMAGE",
        "1:7 expected `(` after `LOC`, found `image`",
    );
    single(
        "A=LOC(image=IMAGE object='a')",
        "1:19 expected `,` or `)` (text goes in quotes), found `object`",
    );
    single(
        "A=LOC(image=IMAGE,object='a'",
        "1:29 expected `,` or `)`, found the end of the line",
    );
    single("A=LOC(image=IMAGE,object='a", "1:26 expected a closing '");
    single(
        "A=LOC(image=IMAGE,object=)",
        "1:26 expected a variable, text in quotes or a number, found `)`",
    );
    single(
        "A=LOC(IMAGE,object='a')",
        "1:12 expected `=` after the argument's name `IMAGE`, found `,`",
    );
    single(
        "A=COUNT(box=1.2.3)",
        "1:13 expected a number, found `1.2.3`",
    );
    single(
        "A=LOC(image=IMAGE,object='TOP') B=1",
        "1:26 expected a closing '",
    );
    single(
        "A=COUNT(box=B) C",
        "1:16 expected the end of the line after `)`, found `C`",
    );
    single(
        "Sure! Here it is",
        "1:5 expected `=` after `Sure`, found `!`",
    );
    single(
        "?",
        "1:1 expected a statement `VARIABLE=STEP(…)`, found `?`",
    );
}

#[test]
fn steps_and_arguments() {
    single(
        "A=LOCK(image=IMAGE,object='a')",
        "1:3 there is no step `LOCK`; did you mean LOC?",
    );
    single(
        "A=SEG(image=IMAGE)",
        "1:3 the step SEG is not available yet",
    );
    single(
        "A=LOC(image=IMAGE)",
        "1:3 LOC lacks its argument object='…'",
    );
    single(
        "A=LOC(image=IMAGE,object='a',size=3)",
        "1:30 LOC has no argument size; expected image and object",
    );
    single(
        "A=LOC(imge=IMAGE,object='a',image=IMAGE)",
        "1:7 LOC has no argument imge; expected image and object; did you mean image?",
    );
    single(
        "A=LOC(image=IMAGE,object='a',Image=IMAGE)",
        "1:30 the argument image of LOC is given twice",
    );
    single(
        "A=LOC(image=IMAGE,object=cat)",
        "1:26 LOC(object=…) expects text in quotes, found the name `cat`",
    );
    single(
        "A=LOC(image='IMAGE',object='a')",
        "1:13 LOC(image=…) expects a variable, found the text 'IMAGE'",
    );
    single(
        "A=LOC(image=-3,object='a')",
        "1:13 LOC(image=…) expects a variable, found the number -3",
    );
}

#[test]
fn variables() {
    single(
        "A=VQA(image=IMG,question='a')",
        "1:13 VQA(image=…): variable IMG is not defined; defined so far: IMAGE, LEFT, MIDDLE, RIGHT",
    );
    single(
        "A=COUNT(box=B)\nB=LOC(image=IMAGE,object='a')",
        "1:13 COUNT(box=…): variable B is not defined yet; line 2 defines it",
    );
    single(
        "ANSWER0=VQA(image=IMAGE,question='a')\nB=EVAL(expr='{ANSWER} and {ANSWER0}')",
        "2:14 variable ANSWER is not defined; defined so far: IMAGE, LEFT, MIDDLE, RIGHT, ANSWER0; did you mean ANSWER0?",
    );
    single(
        "A=VQA(image=IMAGE,question='a')\nB=CROP(image=IMAGE,box=A)",
        "2:24 CROP(box=…): expected boxes, found A, which holds text (line 1)",
    );
    single(
        "A=COUNT(box=LEFT)",
        "1:13 COUNT(box=…): expected boxes, found LEFT, which holds an image (an input)",
    );
    single(
        "A=LOC(image=IMAGE,object='a')\nB=EVAL(expr='{A} > 1')",
        "2:14 an expression can use text, numbers and truth values, found A, which holds boxes (line 1); COUNT them first",
    );
    single(
        "A=VQA(image=IMAGE,question='a')\nB=EVAL(expr='A > 1')",
        "2:14 a variable stands in braces in an expression: expected {A}, found A",
    );
}

#[test]
fn a_fault_is_reported_once() {
    single(
        "A=SEG(image=IMAGE)\nB=COUNT(box=A)\nC=EVAL(expr='{B} + {A}')",
        "1:3 the step SEG",
    );
    single(
        "A=LOC(\nB=COUNT(box=A)",
        "1:7 expected an argument `name=value`, found the end of the line",
    );
}

#[test]
fn the_last_step_is_result() {
    assert_eq!(
        faults("A=VQA(image=IMAGE,question='a')"),
        ["1:1 expected RESULT(var=…) as the last step, found the end of the program"]
    );
    assert_eq!(
        faults("F=RESULT(var=IMAGE)\n\n A=VQA(image=IMAGE,question='a')"),
        ["3:2 expected the end of the program after RESULT on line 1, found another step"]
    );
    for empty in ["", "\n\n", "# nothing", "```\n```"] {
        assert_eq!(
            faults(empty),
            ["1:1 expected a program of steps such as `ANSWER0=VQA(…)`, found nothing"]
        );
    }
}

#[test]
fn all_faults_are_listed_in_order() {
    let found = faults("A=VQA(image=IMG,question=b,c=1)\nB=EVAL(expr='{X} + {Y}')\nC=NO()\n");
    let places: Vec<&str> = found.iter().filter_map(|f| f.split(' ').next()).collect();
    assert_eq!(
        places,
        ["1:13", "1:26", "1:28", "2:14", "2:20", "3:1", "3:3"],
        "{found:#?}"
    );
}

#[test]
fn faults_are_many_but_limited() {
    let source = "A=NO()\n".repeat(1_900);
    assert_eq!(faults(&source).len(), 100);
}

#[test]
fn long_programs_are_refused() {
    let source = "A=VQA(image=IMAGE,question='a')\n".repeat(10_000);
    assert_eq!(
        faults(&source),
        [
            "2001:1 a program may have 2000 lines (limit program-lines, raised by --allow program-lines=…), found 10000"
        ]
    );
}

#[test]
fn errors_serialize_for_reports() {
    let errors = check("A=NO()", &VisProgSettings::default());
    let json = serde_json::to_value(ProgramErrors(errors)).unwrap();
    assert_eq!(json[0]["line"], 1);
    assert_eq!(json[0]["column"], 1);
    assert!(json[0]["message"].as_str().unwrap().contains("RESULT"));
}

#[test]
fn settings_come_from_files() {
    let settings: VisProgSettings =
        serde_json::from_str(r#"{"reference_side_crops": true}"#).unwrap();
    assert!(settings.reference_side_crops && settings.max_lines == 2_000);
    assert!(serde_json::from_str::<VisProgSettings>(r#"{"nmsiou": 1}"#).is_err());
}

#[test]
fn other_inputs_can_be_named() {
    let source = "A=VQA(image=PHOTO,question='a')\nF=RESULT(var=A)";
    assert_eq!(faults(source).len(), 1);
    let settings = VisProgSettings {
        inputs: vec!["PHOTO".into()],
        ..VisProgSettings::default()
    };
    assert_eq!(check(source, &settings), []);
}

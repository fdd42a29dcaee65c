//! Every operation compiles to programs that pass every check, whatever its arguments say; what is
//! faulty is refused with its question and step.

use crate::gqa::functional::{Functional, FunctionalError, compile_viper, compile_visprog};
use crate::picto::FunctionalStep;
use proptest::prelude::*;
use sdvp_program::viper::{self, ViperSettings};
use sdvp_program::visprog::{self, VisProgSettings};

/// Steps as `operation: argument [dependencies]`, as `semanticStr` writes them.
fn steps(text: &str) -> Vec<FunctionalStep> {
    let read = |step: &str| {
        let (step, on) = match step.trim_end().strip_suffix(']') {
            Some(rest) => rest.rsplit_once('[').unwrap(),
            None => (step, ""),
        };
        let (operation, argument) = step.split_once(':').unwrap();
        let on = on.split(',').map(str::trim).filter(|on| !on.is_empty());
        FunctionalStep {
            operation: operation.trim().to_owned(),
            dependencies: on.map(|on| on.parse().unwrap()).collect(),
            argument: argument.trim().to_owned(),
        }
    };
    text.split("->").map(read).collect()
}

/// A program of each family of operations; `ARG` stands for any words.
const FAMILIES: [&str; 60] = [
    "select: ARG (1)->exist: ? [0]",
    "select: ARG (-)->count: [0]",
    "select: ARG (1)->query: name [0]",
    "select: _->filter: ARG [0]->query: name [1]",
    "select: ARG (1)->query: color [0]",
    "select: ARG (1)->query: hposition [0]",
    "select: ARG (1)->query: vposition [0]",
    "select: ARG (1)->query: bbox [0]",
    "select: ARG (1)->query: material [0]",
    "select: ARG (1)->query: sportActivity [0]",
    "select: ARG (1)->query: ARG [0]",
    "select: scene->query: weather [0]",
    "select: scene->query: place [0]",
    "select: this->query: room [0]",
    "select: scene->query: ARG [0]",
    "select: scene->verify location: ARG [0]",
    "select: scene->verify weather: not(ARG) [0]",
    "select: scene->choose weather: ARG|ARG [0]",
    "select: scene->choose location: indoors|outdoors [0]",
    "select: ARG (1)->filter color: ARG [0]->filter size: ARG [1]->exist: ? [2]",
    "select: ARG (1)->filter ARG: not(ARG) [0]->exist: ? [1]",
    "select: ARG (1)->filter color: not(ARG) [0]->query: name [1]",
    "select: ARG (1)->filter hposition: left [0]->query: color [1]",
    "select: ARG (1)->filter vposition: not(top) [0]->query: ARG [1]",
    "select: ARG (1)->filter hposition: middle [0]->query: name [1]",
    "select: ARG (1)->filter activity: ARG ARG [0]->count: [1]",
    "select: ARG (1)->relate: ARG,to the left of,s (2) [0]->query: name [1]",
    "select: ARG (1)->relate: _,to the right of,o (2) [0]->query: name [1]",
    "select: ARG (1)->relate: person,ARG,s (2) [0]->query: name [1]",
    "select: ARG (1)->relate: _,ARG,o (2) [0]->query: name [1]",
    "select: ARG (1)->relate: ARG,on,s (2) [0]->exist: ? [1]",
    "select: ARG (1)->relate: ARG,on,s (2) [0]->filter hposition: left [1]->query: hposition [2]",
    "select: ARG (1)->relate: ARG,same color,_ (2) [0]->query: name [1]",
    "select: ARG (1)->relate: ARG,same ARG,_ (2) [0]->exist: ? [1]",
    "select: ARG (1)->relate: ARG,same material,_ (2) [0]->count: [1]",
    "select: ARG (1)->relate: ARG,on,s (2) [0]->relate: ARG,above,s (3) [1]->query: bbox [2]",
    "select: ARG (1)->relate: _,on,o (2) [0]->relate: ARG,behind,s (3) [1]->query: ARG [2]",
    "select: ARG (1)->verify color: ARG [0]",
    "select: ARG (1)->verify material: ARG [0]",
    "select: ARG (1)->verify: not(ARG) [0]",
    "select: ARG (1)->verify name: ARG [0]",
    "select: ARG (1)->verify hposition: right [0]",
    "select: ARG (1)->verify rel: ARG,ARG,o (-) [0]",
    "select: ARG (1)->verify rel: _,to the left of,s (-) [0]",
    "select: ARG (1)->choose color: ARG|ARG [0]",
    "select: ARG (1)->choose material: ARG|ARG|ARG [0]",
    "select: ARG (1)->choose name: ARG|ARG [0]",
    "select: ARG (1)->relate: _,on top of,o (2) [0]->choose name: ARG|ARG [1]",
    "select: ARG (1)->relate: _,above,s (2) [0]->choose name: ARG|ARG [1]",
    "select: ARG (1)->choose hposition: right|left [0]",
    "select: ARG (1)->choose vposition: top|middle [0]",
    "select: ARG (1)->choose rel: ARG,to the left of|to the right of,s (2) [0]",
    "select: ARG (1)->choose rel: ARG,ARG|behind,o (2) [0]",
    "select: ARG (1)->select: ARG (2)->choose healthier: [0, 1]",
    "select: ARG (1)->select: ARG (2)->choose less ARG: [0, 1]",
    "select: ARG (1)->select: ARG (2)->same color: [0, 1]->different ARG: [0, 1]->or: [2, 3]",
    "select: ARG (1,2)->same: ARG [0]->select: ARG (3,4)->different: color [2]->and: [1, 3]",
    "select: ARG (1)->select: ARG (2)->common: [0, 1]",
    "image: LEFT->select: ARG (1) [0]->count: [1]->image: RIGHT->select: ARG (-) [3]->count: [4]\
     ->plus: [2, 5]->compare: >= 2 [6]->compare: < [2, 5]->xor: [7, 8]",
    "select: ARG->exist: ? [0]->select: ARG->exist: ? [2]->list: ARG|ARG [1, 3]",
];

fn compiled(question: &str, steps: &[FunctionalStep]) -> Result<[String; 2], FunctionalError> {
    let functional = Functional::read(question, steps)?;
    Ok([compile_visprog(&functional), compile_viper(&functional)])
}

/// What is wrong with the programs.
fn faults([visprog, viper]: &[String; 2]) -> Vec<String> {
    let one = visprog::check(visprog, &VisProgSettings::default());
    let other = viper::check(viper, &ViperSettings::default());
    let said = |source: &String, error: &sdvp_program::ProgramError| format!("{error}\n{source}");
    let one = one.iter().map(|error| said(visprog, error));
    one.chain(other.iter().map(|error| said(viper, error)))
        .collect()
}

#[test]
fn every_family_compiles_to_checked_programs() {
    for family in FAMILIES {
        for words in ["dog", "glasses", "tissue box", "Disney's", "light blue"] {
            let steps = steps(&family.replace("ARG", words));
            let programs = compiled("q", &steps).unwrap_or_else(|e| panic!("{family}: {e}"));
            assert_eq!(faults(&programs), Vec::<String>::new(), "{family}");
            assert_eq!(programs, compiled("q", &steps).unwrap());
        }
    }
}

#[test]
fn programs_are_worded_as_people_ask() {
    let program = |text: &str| compiled("q", &steps(text)).unwrap();
    for (text, visprog, viper) in [
        (
            "select: table->query: material [0]",
            "VQA(image=IMAGE0,question='What is the table made of?')",
            "table_patch.simple_query('What is the table made of?')",
        ),
        (
            "select: man->query: faceExpression [0]",
            "question='What is the face expression of the man?'",
            "simple_query('What is the face expression of the man?')",
        ),
        (
            "select: dogs->query: species [0]",
            "question='What species are the dogs?'",
            "dogs_patch.simple_query('What species are the dogs?')",
        ),
        (
            "select: camera->relate: person,holding,s (2) [0]->query: name [1]",
            "question='Who is holding the camera?'",
            "around_camera.simple_query('Who is holding the camera?')",
        ),
        (
            "select: candles->relate: _,on,o (2) [0]->query: name [1]",
            "question='What are the candles on?'",
            "simple_query('What are the candles on?')",
        ),
        (
            "select: boy->select: girl->choose less healthy: [0, 1]",
            "question='Is the boy less healthy than the girl?'",
            "'boy' if image_patch.simple_query",
        ),
        (
            "select: shirt->relate: girl,wearing,s [0]->relate: cat,to the left of,s [1]->exist: [2]",
            "object='girl wearing the shirt'",
            "patch.horizontal_center < girl_patch.horizontal_center",
        ),
        (
            "select: scene->verify weather: cloudy [0]",
            "VQA(image=IMAGE,question='Is it cloudy?')",
            "image_patch.simple_query('Is it cloudy?') == 'yes'",
        ),
        (
            "select: animal->same: type [0]",
            "question='Are all the animals the same type?'",
            "simple_query('What type of animal is this?') for patch in animal_patches",
        ),
        (
            "select: box->filter color: red [0]->filter size: large [1]->count: [2]",
            "LOC(image=IMAGE,object='large red box')",
            "len(box_patches)",
        ),
    ] {
        let [one, other] = program(text);
        assert!(one.contains(visprog), "{visprog}\n{one}");
        assert!(other.contains(viper), "{viper}\n{other}");
    }
}

#[test]
fn what_is_asked_twice_is_written_once() {
    let [visprog, viper] = compiled(
        "q",
        &steps("select: dog->verify color: red [0]->verify size: big [0]->and: [1, 2]"),
    )
    .unwrap();
    assert_eq!(visprog.matches("LOC(").count(), 1, "{visprog}");
    assert_eq!(viper.matches(".find(").count(), 1, "{viper}");
    // Sums of the same sums stay short.
    let mut text = "select: dog->count: [0]".to_owned();
    for n in 1..29 {
        text += &format!("->plus: [{n}, {n}]");
    }
    let doubled = compiled("q", &steps(&text)).unwrap();
    assert!(doubled.iter().all(|program| program.len() < 2000));
    assert_eq!(faults(&doubled), Vec::<String>::new());
}

#[test]
fn faulty_steps_are_refused_by_question_and_step() {
    for (text, expected) in [
        (
            "select: dog->paint: red [0]",
            "question 17, step 1: there is no operation `paint`",
        ),
        (
            "selekt: dog",
            "question 17, step 0: there is no operation `selekt`",
        ),
        (
            "select: dog->exist: [3]",
            "step 1 (exist): depends on step 3; the last step is 1",
        ),
        (
            "select: dog->exist: [1]",
            "step 1 (exist): depends on step 1; expected an earlier step",
        ),
        (
            "and: [1, 2]->exist: [2]->select: dog",
            "step 0 (and): depends on step 1; expected an earlier step",
        ),
        (
            "select: dog->exist:",
            "step 1 (exist): expected 1 dependencies, found 0",
        ),
        (
            "select: dog->exist: [0, 0]",
            "step 1 (exist): expected 1 dependencies, found 2",
        ),
        (
            "select: dog->and: [0, 0]",
            "step 1 (and): expected a truth value from step 0, which gives objects",
        ),
        (
            "select: scene->exist: [0]",
            "step 1 (exist): expected objects from step 0",
        ),
        (
            "select: dog",
            "step 0 (select): expected a last step that answers",
        ),
        ("select: ", "step 0 (select): expected a name"),
        (
            "select: dog->relate: cat,on [0]->exist: [1]",
            "step 1 (relate): expected a name, a relation",
        ),
        (
            "select: dog->relate: cat,on,x [0]->exist: [1]",
            "found \"cat,on,x\"",
        ),
        (
            "select: dog->verify rel: cat,on|in,s [0]",
            "step 1 (verify rel): expected one relation",
        ),
        (
            "select: dog->choose rel: cat,on,s [0]",
            "at least two relations",
        ),
        (
            "select: dog->choose color: red [0]",
            "step 1 (choose color): expected at least two options",
        ),
        (
            "select: dog->query: [0]",
            "step 1 (query): expected an attribute",
        ),
        (
            "select: dog->count: [0]->compare: about 3 [1]",
            "step 2 (compare): expected ==",
        ),
        (
            "select: dog->count: [0]->compare: == x [1]",
            "a comparison and a whole number",
        ),
        (
            "select: dog->exist: [0]->list: a|b [1]",
            "step 2 (list): expected 2 (one a name)",
        ),
        ("image: UP", "step 0 (image): expected LEFT or RIGHT"),
    ] {
        let error = compiled("17", &steps(text)).unwrap_err().to_string();
        assert!(error.contains("question 17"), "{text}: {error}");
        assert!(error.contains(expected), "{text}: {error}");
    }
    let none = compiled("17", &[]).unwrap_err();
    assert!(matches!(none, FunctionalError::Empty { .. }), "{none}");
    let many = compiled("17", &steps(&"select: dog->".repeat(40)[..40 * 13 - 2])).unwrap_err();
    assert!(matches!(many, FunctionalError::TooLong { .. }), "{many}");
    let long = format!("select: {}->exist: [0]", "x".repeat(121));
    let long = compiled("17", &steps(&long)).unwrap_err().to_string();
    assert!(long.contains("at most 120 characters"), "{long}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_words_are_compiled_to_checked_programs_or_refused(
        family in 0..FAMILIES.len(),
        words in proptest::collection::vec("[a-z'\"\\\\{}`#()=,é京 \u{2028}]{1,12}|\\PC{1,20}|\\{ANSWER0\\}|```|TOP", 1..6),
    ) {
        let mut nth = 0;
        let mut given = steps(FAMILIES[family]);
        for step in &mut given {
            for text in [&mut step.operation, &mut step.argument] {
                while text.contains("ARG") {
                    // Between marks that mean something to steps, other marks may mean less.
                    let word = words[nth % words.len()].replace("ARG", "");
                    nth += 1;
                    *text = text.replacen("ARG", &word, 1);
                }
            }
        }
        if let Ok(programs) = compiled("q", &given) {
            prop_assert_eq!(faults(&programs), Vec::<String>::new());
        }
    }

    #[test]
    fn any_steps_are_compiled_to_checked_programs_or_refused(
        given in proptest::collection::vec(
            (
                "(select|filter|filter color|relate|exist|query|verify|verify rel|choose|choose rel|choose older|same|different color|common|and|or|xor|plus|compare|list|image|count|\\PC{0,6})",
                proptest::collection::vec(0usize..6, 0..3),
                "(dog|scene|name|a\\|b|cat,on,s|cat,on\\|above,o|== 2|LEFT|not\\(red\\)|)",
            ),
            0..7,
        ),
    ) {
        let given: Vec<FunctionalStep> = given
            .into_iter()
            .map(|(operation, dependencies, argument)| FunctionalStep { operation, dependencies, argument })
            .collect();
        match compiled("q", &given) {
            Ok(programs) => prop_assert_eq!(faults(&programs), Vec::<String>::new()),
            Err(error) => prop_assert!(error.to_string().starts_with("question q")),
        }
    }
}

#[test]
fn most_words_are_compiled() {
    // So that the properties above are not about refusals only.
    let texts = [
        "it's",
        "a \"b\" c",
        "x\\",
        "{ANSWER0}",
        "naïve 京",
        "`",
        "# no",
        "TOP",
    ];
    for family in FAMILIES {
        for words in texts {
            let steps = steps(&family.replace("ARG", words));
            let programs = compiled("q", &steps).unwrap_or_else(|e| panic!("{family}: {e}"));
            assert_eq!(faults(&programs), Vec::<String>::new(), "{family}");
        }
    }
}

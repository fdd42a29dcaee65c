//! Programs written by a stand-in for a model: found, sent back, voted on, kept, put into files.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

mod fake_endpoint;

use fake_endpoint::{FakeEndpoint, Fault};
use sdvp_language::{
    Asker, AskerSettings, Ballot, Choice, Endpoint, EndpointSettings, Form, Framework, Journal,
    Prompt, Question, Ran, Syntax, Unwatched, Vote, Writer, WriterSettings, Written, program_line,
};
use sdvp_language::{Completion, LanguageError, LanguageModel, Message, Sampling};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(EndpointSettings {
        url: url.to_owned(),
        key_variable: "SDVP_TEST_NO_SUCH_KEY".to_owned(),
        answer_within: Duration::from_millis(500),
        ..EndpointSettings::default()
    })
    .unwrap()
}

fn quick() -> AskerSettings {
    AskerSettings {
        first_pause: Duration::from_millis(5),
        ..AskerSettings::default()
    }
}

const PROMPT: Prompt = Prompt {
    framework: Framework::VisProg,
    form: Form::Gqa,
    examples: 4,
    choice: Choice::Nearest,
};

fn question(text: &str) -> Question {
    Question {
        id: format!("id of {text}"),
        text: text.to_owned(),
        pictures: vec!["IMAGE".to_owned()],
    }
}

fn program(object: &str) -> String {
    format!(
        "BOX0=LOC(image=IMAGE,object='{object}')\nANSWER0=COUNT(box=BOX0)\nFINAL_RESULT=RESULT(var=ANSWER0)"
    )
}

/// What the user said in a conversation after the examples, oldest first.
fn asked(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().unwrap();
    let said = messages.iter().filter(|message| message["role"] == "user");
    let said: Vec<String> = said
        .map(|m| m["content"].as_str().unwrap().to_owned())
        .collect();
    said[PROMPT.examples..].to_vec()
}

/// A program for the object that is the question's last word, in prose; in the first so many tries one
/// with a fault.
fn writes(faulty: usize) -> FakeEndpoint {
    FakeEndpoint::new(Duration::from_millis(1), move |body| {
        let asked = asked(body);
        let object = asked[0].split(' ').next_back().unwrap();
        let program = program(object);
        if asked.len() > faulty {
            format!("Here it is:\n```\n{program}\n```\nIt counts {object}.")
        } else {
            program.replace("COUNT", "CONT")
        }
    })
}

fn write(fake: &FakeEndpoint, settings: WriterSettings, text: &str) -> Written {
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, quick(), &Unwatched);
    let writer = Writer::new(&asker, PROMPT, settings).unwrap();
    writer.write(&question(text))
}

#[test]
fn a_faulty_program_is_sent_back_with_its_fault() {
    let fake = writes(2);
    let written = write(&fake, WriterSettings::default(), "How many dogs");
    assert_eq!(written.program.as_ref().unwrap(), &program("dogs"));
    assert_eq!((written.repairs(), written.votes), (2, 1));
    let bodies = fake.asked();
    assert_eq!(bodies.len(), 3);
    let said = asked(&bodies[2].body);
    assert_eq!(said.len(), 3);
    assert!(
        said[1].contains("line 2, column 9") && said[1].contains("CONT"),
        "{}",
        said[1]
    );
}

#[test]
fn patience_with_faults_ends_and_says_what_was_tried() {
    let fake = writes(9);
    let settings = WriterSettings {
        repairs: 1,
        ..WriterSettings::default()
    };
    let written = write(&fake, settings, "How many dogs");
    let error = written.program.unwrap_err().to_string();
    assert!(
        error.contains("2 attempts") && error.contains("CONT"),
        "{error}"
    );
    assert_eq!(fake.asked().len(), 2);
    assert_eq!(written.samples[0].attempts.len(), 2);
}

/// Runs what waits by `run`, and sends back what fails, until nothing is left to be done; how many
/// programs were run each time.
fn settled(
    writer: &Writer<'_>,
    ballots: &mut [Ballot],
    run: impl Fn(&Question, &str) -> Ran,
) -> Vec<usize> {
    let mut rounds = Vec::new();
    loop {
        let mut count = 0;
        for ballot in ballots.iter_mut() {
            let waiting = ballot.waiting().map(|(number, program)| {
                let ran =
                    program.map_or(Ran::Impossible, |program| run(ballot.question(), program));
                (number, ran)
            });
            for (number, ran) in waiting.collect::<Vec<_>>() {
                ballot.ran(number, ran);
                count += 1;
            }
        }
        rounds.push(count);
        let mut all: Vec<&mut Ballot> = ballots.iter_mut().collect();
        if writer.mend_failed(&mut all) == 0 {
            return rounds;
        }
    }
}

fn ballots(writer: &Writer<'_>, questions: &[Question], vote: Vote) -> Vec<Ballot> {
    let written = writer.write_all(questions).into_iter();
    let ballot = |(question, written): (&Question, Written)| {
        Ballot::new(question.clone(), written, vote, writer.settings().repairs)
    };
    questions.iter().zip(written).map(ballot).collect()
}

/// What is left of a program's object is how often it fails: `dog3` fails, `dog0` is answered.
fn bites(program: &str) -> Ran {
    let object = program.split('\'').nth(1).unwrap();
    let (name, left) = object.split_at(object.len() - 1);
    match left {
        "0" => Ran::Answered(format!("a {name}")),
        _ => Ran::Failed(format!("line 1: {object} bites")),
    }
}

/// Writes a program for the object in the question's last word, which bites less often each time it is
/// sent back.
fn tames() -> FakeEndpoint {
    FakeEndpoint::new(Duration::from_millis(1), |body| {
        let asked = asked(body);
        let object = asked[0].split(' ').next_back().unwrap();
        let (name, bites) = object.split_at(object.len() - 1);
        let left = bites.parse::<usize>().unwrap() + 1 - asked.len();
        program(&format!("{name}{left}"))
    })
}

#[test]
fn what_fails_when_run_is_sent_back_of_many_questions_at_once() {
    let questions: Vec<Question> = ["cat0", "dog1", "cow2", "yak3", "ant1"]
        .iter()
        .map(|object| question(&format!("How many {object}")))
        .collect();
    let lines = |settings: AskerSettings, fake: &FakeEndpoint, folder: &Path| {
        let model = endpoint(&fake.url);
        let journal = Journal::open(folder).unwrap();
        let asker = Asker::new(&model, Some(journal), settings, &Unwatched);
        let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
        let mut all = ballots(&writer, &questions, Vote::Programs);
        let rounds = settled(&writer, &mut all, |_, program| bites(program));
        // Five as they were written; four that failed; the two that failed again; no third time.
        assert_eq!(rounds, [5, 4, 2]);
        let lines: Vec<String> = all
            .iter()
            .map(|ballot| program_line(ballot.question(), ballot.written(), "m").unwrap())
            .collect();
        let repaired: Vec<bool> = all.iter().map(Ballot::is_repaired).collect();
        assert_eq!(repaired, [false, true, true, false, true]);
        let failed: Vec<bool> = all.iter().map(Ballot::has_failed).collect();
        assert_eq!(failed, [false, false, false, true, false]);
        assert!(
            all.iter()
                .all(|ballot| ballot.is_settled() && ballot.unasked().is_none())
        );
        (lines, asker.spent().requests)
    };
    let fake = tames();
    let folder = tempfile::tempdir().unwrap();
    let (calm, requests) = lines(quick(), &fake, folder.path());
    assert_eq!(requests, 5 + 4 + 2);
    assert_eq!(fake.asked().len(), 11);
    let said = asked(&fake.asked()[10].body);
    assert_eq!(said.len(), 3);
    assert!(
        said[1].contains("bites") && said[2].contains("bites"),
        "{said:?}"
    );
    // Of the one that fails to the end the last program is kept, with its failure.
    let yak: Value = serde_json::from_str(&calm[3]).unwrap();
    assert_eq!(yak["program"], program("yak1"));
    assert_eq!(yak["samples"][0]["error"], "line 1: yak1 bites");
    assert_eq!(yak["samples"][0]["repairs"], 2);
    let dog: Value = serde_json::from_str(&calm[1]).unwrap();
    assert_eq!(dog["program"], program("dog0"));
    assert_eq!(dog["samples"][0]["error"], Value::Null);

    // Once more nothing is asked, and in whichever order it is asked the same comes of it.
    let offline = AskerSettings {
        offline: true,
        ..quick()
    };
    assert_eq!(lines(offline, &fake, folder.path()), (calm.clone(), 0));
    for concurrency in [1, 5] {
        let (fake, folder) = (tames(), tempfile::tempdir().unwrap());
        fake.fault("Question: How many dog1", &[Fault::Status(500, None)]);
        let settings = AskerSettings {
            concurrency,
            ..quick()
        };
        assert_eq!(lines(settings, &fake, folder.path()), (calm.clone(), 12));
    }
}

#[test]
fn what_could_not_be_asked_is_told_from_what_failed() {
    let questions = [question("How many dog2"), question("How many cow9")];
    let fake = tames();
    let folder = tempfile::tempdir().unwrap();
    let run = |requests: Option<u64>| {
        let model = endpoint(&fake.url);
        let journal = Journal::open(folder.path()).unwrap();
        let settings = AskerSettings {
            requests,
            concurrency: 1,
            ..quick()
        };
        let asker = Asker::new(&model, Some(journal), settings, &Unwatched);
        let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
        let mut all = ballots(&writer, &questions, Vote::Programs);
        settled(&writer, &mut all, |_, program| bites(program));
        let unasked = all.iter().map(|b| b.unasked().map(ToString::to_string));
        let programs = all.iter().map(|b| b.written().program.clone().ok());
        (
            unasked.collect::<Vec<_>>(),
            programs.collect::<Vec<_>>(),
            asker.spent().requests,
        )
    };
    // One program is not even written.
    let (unasked, programs, _) = run(Some(1));
    assert!(
        unasked
            .iter()
            .all(|why| why.as_ref().unwrap().contains("budget of 1 requests"))
    );
    assert_eq!(programs, [Some(program("dog2")), None]);
    // One is sent back once, the other not at all.
    let (unasked, programs, requests) = run(Some(2));
    assert_eq!(requests, 2);
    assert!(unasked.iter().all(Option::is_some));
    assert_eq!(programs, [Some(program("dog1")), Some(program("cow9"))]);
    let (unasked, programs, requests) = run(None);
    assert_eq!(requests, 3);
    assert_eq!(unasked, [None, None]);
    assert_eq!(programs, [Some(program("dog0")), Some(program("cow7"))]);
}

#[test]
fn a_question_that_was_settled_before_is_asked_and_run_no_more() {
    let fake = tames();
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, quick(), &Unwatched);
    let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
    let questions: Vec<Question> = (0..3).map(|n| question(&format!("{n}: dog1"))).collect();
    let mut all = ballots(&writer, &questions, Vote::Programs);
    all[0].recall(Some(program("dog0")), false);
    all[1].recall(Some(program("dog1")), true);
    all[2].recall(Some(program("dog1")), false);
    assert_eq!(settled(&writer, &mut all, |_, _| unreachable!()), [0]);
    let found = all.iter().map(|b| (b.is_repaired(), b.has_failed()));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [(true, false), (false, true), (false, false)]
    );
    assert_eq!(*all[0].written().program.as_ref().unwrap(), program("dog0"));
    assert_eq!(fake.asked().len(), 3);
}

/// A program for each seed from 7 on; where it is sent back another one.
fn drawn(objects: &'static [&'static str]) -> FakeEndpoint {
    FakeEndpoint::new(Duration::ZERO, move |body| match asked(body).len() {
        1 => program(objects[body["seed"].as_u64().unwrap() as usize - 7]),
        _ => program("cow0"),
    })
}

#[test]
fn answers_vote_ties_go_to_the_first_and_failures_do_not_count() {
    for (objects, repairs, chosen, votes) in [
        // Two different programs agree, and outvote two equal ones that fail.
        (&["dog1", "cat0", "dog1", "cat 0"][..], 0, 1, 2),
        (&["dog0", "cat0", "cat0", "dog0"], 0, 0, 2),
        (&["dog1", "yak0", "cat0", "dog1"], 0, 1, 1),
        // Two that fail are mended, and then outvote the others.
        (&["dog0", "cat1", "yak0", "ant1"], 1, 1, 2),
        (&["dog1", "cat1", "yak1", "ant1"], 0, 0, 0),
    ] {
        let fake = drawn(objects);
        let model = endpoint(&fake.url);
        let asker = Asker::new(&model, None, quick(), &Unwatched);
        let settings = WriterSettings {
            samples: 4,
            repairs,
            temperature: 0.7,
            seed: 7,
            ..WriterSettings::default()
        };
        let writer = Writer::new(&asker, PROMPT, settings).unwrap();
        let mut all = ballots(&writer, &[question("How many")], Vote::Answers);
        let rounds = settled(&writer, &mut all, |_, program| {
            match bites(&program.replace(' ', "")) {
                Ran::Answered(answer) => Ran::Answered(answer.replace("a cat", "cat")),
                other => other,
            }
        });
        let [ballot] = &all[..] else { panic!() };
        assert_eq!(rounds[0], 4, "all of them are run");
        let written = ballot.written();
        assert_eq!(
            (ballot.chosen(), written.votes),
            (chosen, votes),
            "{objects:?}"
        );
        assert_eq!(written.vote, Vote::Answers);
        assert_eq!(ballot.has_failed(), votes == 0);
        assert_eq!(ballot.is_repaired(), repairs == 1);
        let expected = &written.samples[chosen].program.as_ref().unwrap().program;
        assert_eq!(written.program.as_ref().unwrap(), expected);
        let line = program_line(ballot.question(), written, "m").unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["vote"], &line["votes"]),
            (&"answers".into(), &votes.into())
        );
    }
}

#[test]
fn a_missing_picture_is_no_fault_of_the_program() {
    let fake = tames();
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, quick(), &Unwatched);
    let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
    let mut all = ballots(&writer, &[question("How many dog1")], Vote::Programs);
    assert_eq!(settled(&writer, &mut all, |_, _| Ran::Impossible), [1]);
    assert!(all[0].is_settled() && !all[0].has_failed() && !all[0].is_repaired());
    assert_eq!(fake.asked().len(), 1);
}

#[test]
fn a_program_that_fails_when_run_is_sent_back_by_whoever_ran_it() {
    let fake = FakeEndpoint::new(Duration::ZERO, |body| match asked(body).len() {
        1 => program("dog"),
        _ => program("cat"),
    });
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, quick(), &Unwatched);
    let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
    let first = writer.write(&question("How many"));
    assert_eq!(first.program.as_ref().unwrap(), &program("dog"));
    let mended = writer.mend(
        &question("How many"),
        &first.samples[0],
        "line 1: dogs bite",
    );
    assert_eq!(mended.program.unwrap().program, program("cat"));
    assert_eq!(mended.attempts.len(), 2);
    assert!(asked(&fake.asked()[1].body)[1].contains("dogs bite"));
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn samples_vote_and_spelling_does_not_count() {
    // By seed: two equal programs that differ in spelling, two that differ, and none.
    let fake = FakeEndpoint::new(Duration::ZERO, |body| {
        match body["seed"].as_u64().unwrap() {
            7 => program("cat"),
            8 => program("dog"),
            9 => "I cannot.".to_owned(),
            10 => program("dog").replace("BOX0", "B").replace('\'', "\""),
            _ => program("cow"),
        }
    });
    let settings = WriterSettings {
        samples: 5,
        repairs: 0,
        temperature: 0.7,
        seed: 7,
        ..WriterSettings::default()
    };
    let written = write(&fake, settings.clone(), "How many");
    assert_eq!(written.program.unwrap(), program("dog"));
    assert_eq!(
        (written.chosen, written.votes, written.samples.len()),
        (1, 2, 5)
    );
    assert!(written.samples[2].program.is_err());
    assert_eq!(
        written.samples[0].program.as_ref().unwrap().program,
        program("cat")
    );
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, quick(), &Unwatched);
    let cold = WriterSettings {
        temperature: 0.0,
        ..settings
    };
    let error = Writer::new(&asker, PROMPT, cold).err().unwrap().to_string();
    assert!(error.contains("5 at temperature 0"), "{error}");
}

/// Programs for ten questions through faults, with answers kept in a folder.
fn run(fake: &FakeEndpoint, folder: &Path, settings: AskerSettings) -> (String, u64) {
    let model = endpoint(&fake.url);
    let journal = Journal::open(folder).unwrap();
    let asker = Asker::new(&model, Some(journal), settings, &Unwatched);
    let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
    let questions: Vec<Question> = (0..10)
        .map(|n| question(&format!("How many of {n}")))
        .collect();
    let written = writer.write_all(&questions);
    let lines = questions.iter().zip(&written);
    let lines =
        lines.map(|(q, written)| program_line(q, written, &model.identity()).unwrap() + "\n");
    (lines.collect(), asker.spent().requests)
}

#[test]
fn files_of_programs_are_the_same_whatever_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let fake = writes(1);
    let (calm, requests) = run(&fake, folder.path(), quick());
    assert_eq!(requests, 20);
    let offline = AskerSettings {
        offline: true,
        ..quick()
    };
    assert_eq!(run(&fake, folder.path(), offline), (calm.clone(), 0));

    let stormy = writes(1);
    for n in 0..10 {
        let faults = [Fault::Truncated, Fault::Status(500, None), Fault::Empty];
        stormy.fault(&format!("Question: How many of {n}"), &faults[..n % 4]);
    }
    let another = tempfile::tempdir().unwrap();
    let (lines, requests) = run(&stormy, another.path(), quick());
    // The address is another one.
    assert_eq!(lines.replace(&stormy.url, &fake.url), calm);
    assert_eq!(requests, 20 + (0..10).map(|n| n % 4).sum::<u64>());

    let first: Value = serde_json::from_str(calm.lines().next().unwrap()).unwrap();
    assert_eq!(first["id"], "id of How many of 0");
    assert_eq!(first["query"], "How many of 0");
    assert_eq!(first["program"], program("0"));
    assert_eq!(first["samples"][0]["repairs"], 1);
    assert_eq!(calm.lines().count(), 10);
}

/// Is bound to VisProg, and says what it was bound to.
struct Bound;

impl LanguageModel for Bound {
    fn identity(&self) -> String {
        "bound".to_owned()
    }

    fn obeys(&self, _: &Syntax) -> bool {
        true
    }

    fn complete(
        &self,
        _: &[Message],
        _: &Sampling,
        syntax: &Syntax,
    ) -> Result<Completion, LanguageError> {
        assert_eq!(*syntax, Syntax::VisProg(vec!["IMAGE".to_owned()]));
        Ok(Completion {
            text: program("dog"),
            prompt_tokens: 0,
            completion_tokens: 0,
            ended: true,
        })
    }
}

#[test]
fn a_model_that_can_be_bound_is() {
    let asker = Asker::new(&Bound, None, quick(), &Unwatched);
    let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
    assert!(writer.write(&question("How many")).program.is_ok());
    // It does not say how many tokens there were.
    assert!(asker.spent().prompt_tokens > 100 && asker.spent().completion_tokens > 10);
}

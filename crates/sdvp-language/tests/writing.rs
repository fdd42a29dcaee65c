//! Programs written by a stand-in for a model: found, sent back, voted on, kept, put into files.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

mod fake_endpoint;

use fake_endpoint::{FakeEndpoint, Fault};
use sdvp_language::{
    Asker, AskerSettings, Choice, Endpoint, EndpointSettings, Form, Framework, Journal, Prompt,
    Question, Syntax, Unwatched, Writer, WriterSettings, Written, program_lines,
};
use sdvp_language::{Completion, LanguageError, LanguageModel, Message, Sampling};
use serde_json::Value;
use std::path::Path;
use std::sync::Mutex;
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

#[test]
fn a_program_that_fails_when_run_is_sent_back_too() {
    let fake = FakeEndpoint::new(Duration::ZERO, |body| match asked(body).len() {
        1 => program("dog"),
        _ => program("cat"),
    });
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, quick(), &Unwatched);
    let runs = Mutex::new(Vec::new());
    let trial = |_: &Question, program: &str| {
        runs.lock().unwrap().push(program.to_owned());
        match program.contains("dog") {
            true => Err("line 1: dogs bite".to_owned()),
            false => Ok(()),
        }
    };
    let writer = Writer::new(&asker, PROMPT, WriterSettings::default()).unwrap();
    let written = writer.tried(&trial).write(&question("How many"));
    assert_eq!(written.program.unwrap(), program("cat"));
    assert_eq!(*runs.lock().unwrap(), [program("dog"), program("cat")]);
    assert!(asked(&fake.asked()[1].body)[1].contains("dogs bite"));

    // Or later, by whoever ran it.
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
    // All of that had been said before.
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
    (
        program_lines(&questions, &written, &model.identity()),
        asker.spent().requests,
    )
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

//! Asking an endpoint that fails in every way that endpoints do.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

mod fake_endpoint;

use fake_endpoint::{FakeEndpoint, Fault};
use sdvp_language::{
    Answered, Ask, Asker, AskerSettings, Endpoint, EndpointSettings, Estimate, Journal,
    LanguageError, LanguageModel, Message, Role, Sampling, Syntax, Unwatched, Watch,
};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A variable that cargo sets for tests, in the place of one with a key.
const VARIABLE: &str = "CARGO_PKG_NAME";
const KEY: &str = env!("CARGO_PKG_NAME");

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(EndpointSettings {
        url: url.to_owned(),
        model: "m".to_owned(),
        key_variable: VARIABLE.to_owned(),
        answer_within: Duration::from_millis(400),
        max_answer: 100_000,
        ..EndpointSettings::default()
    })
    .unwrap()
}

fn ask(question: &str) -> Ask {
    let message = |role, content: &str| Message {
        role,
        content: content.to_owned(),
    };
    Ask {
        conversation: vec![
            message(Role::System, "Say it backwards."),
            message(Role::User, question),
        ],
        sampling: Sampling {
            temperature: 0.0,
            top_p: 1.0,
            tokens: 20,
            seed: 3,
        },
        syntax: Syntax::Free,
    }
}

fn asks(count: usize) -> Vec<Ask> {
    (0..count).map(|n| ask(&format!("question {n}"))).collect()
}

fn backwards(n: usize) -> String {
    format!("question {n}").chars().rev().collect()
}

fn settings() -> AskerSettings {
    AskerSettings {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_secs(3),
        ..AskerSettings::default()
    }
}

/// How often each question was answered with words.
fn answers(fake: &FakeEndpoint) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for asked in fake.asked() {
        *counts.entry(asked.question).or_default() += usize::from(asked.answered);
    }
    counts
}

#[derive(Default)]
struct Counted {
    done: AtomicUsize,
    waited: AtomicUsize,
    /// Of these, because nobody was there.
    refused: AtomicUsize,
    damaged: AtomicUsize,
}

impl Watch for Counted {
    fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
    fn waiting(&self, reason: &str, _: Duration) {
        assert!(!reason.contains(KEY), "{reason}");
        self.waited.fetch_add(1, Ordering::Relaxed);
        let refused = reason.contains("cannot reach");
        self.refused
            .fetch_add(usize::from(refused), Ordering::Relaxed);
    }
    fn damaged(&self, _: &Path) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
    }
}

/// Every fault that passes.
fn passing() -> Vec<Fault> {
    vec![
        Fault::Status(429, Some("0.02")),
        Fault::Status(500, None),
        Fault::Status(503, Some("0")),
        Fault::Status(408, None),
        Fault::Status(409, None),
        Fault::Silence(Duration::from_millis(600)),
        Fault::Truncated,
        Fault::Broken,
        Fault::Disconnect,
        Fault::Empty,
    ]
}

#[test]
fn nothing_is_lost_and_nothing_is_asked_again_that_was_answered() {
    let fake = FakeEndpoint::backwards();
    let faults = passing();
    for n in 0..30 {
        let two = [
            faults[n % faults.len()].clone(),
            faults[(n * 7 + 3) % faults.len()].clone(),
        ];
        match n % 3 {
            0 => fake.fault(&format!("question {n}"), &two),
            1 => fake.fault(&format!("question {n}"), &two[..1]),
            _ => fake.fault(
                &format!("question {n}"),
                &[Fault::Slow(Duration::from_millis(4))],
            ),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (model, watch) = (endpoint(&fake.url), Counted::default());
    let journal = Journal::open(folder.path()).unwrap();
    let asker = Asker::new(&model, Some(journal.clone()), settings(), &watch);
    let said = asker.ask_all(&asks(30));
    for (n, said) in said.iter().enumerate() {
        assert_eq!(said.as_ref().unwrap().completion.text, backwards(n));
    }
    let counts = answers(&fake);
    assert_eq!(counts.len(), 30);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    let spent = asker.spent();
    assert_eq!(spent.requests, fake.asked().len() as u64);
    assert_eq!(spent.failed, 10 * 2 + 10);
    assert_eq!((spent.prompt_tokens, spent.completion_tokens), (300, 150));
    assert_eq!(watch.done.load(Ordering::Relaxed), 30);
    assert_eq!(watch.waited.load(Ordering::Relaxed), 30);
    assert!(fake.most_at_once() <= settings().concurrency);

    // The same once more, with nobody there.
    let nobody = AskerSettings {
        offline: true,
        ..settings()
    };
    let again = Asker::new(&model, Some(journal), nobody, &Unwatched);
    let estimate = Estimate::of(&again, &asks(31), None).unwrap();
    assert_eq!((estimate.requests, estimate.kept), (1, 30));
    for (n, said) in again.ask_all(&asks(30)).iter().enumerate() {
        let said = said.as_ref().unwrap();
        assert!(said.kept);
        assert_eq!(said.completion.text, backwards(n));
    }
    assert_eq!((again.spent().requests, again.spent().kept), (0, 30));
    let missing = again.ask(&ask("something else")).unwrap_err();
    assert!(
        matches!(missing, LanguageError::Offline { .. }),
        "{missing}"
    );
    assert_eq!(fake.asked().len() as u64, spent.requests);
    no_key_in(folder.path());
}

fn no_key_in(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => no_key_in(&path),
            false => assert!(!std::fs::read_to_string(&path).unwrap().contains(KEY)),
        }
    }
}

#[test]
fn the_same_question_of_many_is_asked_once() {
    let fake = FakeEndpoint::backwards();
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, settings(), &Unwatched);
    let same: Vec<Ask> = (0..20)
        .map(|n| ask(&format!("question {}", n % 2)))
        .collect();
    for (n, said) in asker.ask_all(&same).into_iter().enumerate() {
        assert_eq!(said.unwrap().completion.text, backwards(n % 2));
    }
    assert_eq!(fake.asked().len(), 2);
    assert_eq!(asker.spent().kept, 18);
}

#[test]
fn the_key_and_the_settings_go_to_the_endpoint_and_nowhere_else() {
    let fake = FakeEndpoint::backwards();
    let elsewhere = FakeEndpoint::backwards();
    fake.fault(
        "away",
        &[Fault::Elsewhere(format!(
            "{}/chat/completions",
            elsewhere.url
        ))],
    );
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, settings(), &Unwatched);
    asker.ask(&ask("here")).unwrap();
    let asked = &fake.asked()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(
        asked.authorization.as_deref(),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(asked.body["seed"], 3);
    assert_eq!(asked.body["max_tokens"], 20);
    let error = asker.ask(&ask("away")).unwrap_err();
    assert!(
        matches!(error, LanguageError::Redirected { status: 307, .. }),
        "{error}"
    );
    assert!(elsewhere.asked().is_empty());
    // Every question would be sent away.
    let error = asker.ask(&ask("another")).unwrap_err();
    assert!(matches!(error, LanguageError::Stopped { .. }), "{error}");
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn what_does_not_pass_is_said_at_once_in_the_servers_words_and_without_the_key() {
    let fake = FakeEndpoint::backwards();
    let cases = [
        (
            400,
            "does not take the request (400; it says: because of 400)",
        ),
        (
            401,
            "the key in CARGO_PKG_NAME was sent; it says: because of 401",
        ),
        (403, "because of 403"),
        (404, "no model \"m\""),
        (422, "because of 422"),
    ];
    for (status, expected) in cases {
        fake.fault("q", &[Fault::Status(status, None)]);
        let before = fake.asked().len();
        let model = endpoint(&fake.url);
        let asker = Asker::new(&model, None, settings(), &Unwatched);
        let error = asker.ask(&ask("q")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(
            !text.contains(KEY) && !format!("{error:?}").contains(KEY),
            "{text}"
        );
        assert!(!format!("{model:?}").contains(KEY));
        assert_eq!(fake.asked().len(), before + 1, "{status}");
    }
    fake.fault("q", &[Fault::Huge(200_000)]);
    let model = endpoint(&fake.url);
    let error = model.complete(&ask("q").conversation, &ask("q").sampling, &Syntax::Free);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("100000 bytes"), "{error}");
}

#[test]
fn nobody_there_is_said_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let model = endpoint(&format!("http://{port}/v1"));
    let asker = Asker::new(&model, None, settings(), &Unwatched);
    let said = asker.ask_all(&asks(40));
    let unreachable = |error: &LanguageError| matches!(error, LanguageError::Unreachable { .. });
    let first = said
        .iter()
        .filter(|said| said.as_ref().is_err_and(unreachable))
        .count();
    let stopped = |error: &LanguageError| matches!(error, LanguageError::Stopped { .. });
    let after = said
        .iter()
        .filter(|said| said.as_ref().is_err_and(stopped))
        .count();
    assert!(first >= 1 && first <= settings().concurrency, "{first}");
    assert_eq!(first + after, 40);
    assert_eq!(asker.spent().requests, first as u64);
}

#[test]
fn a_server_that_vanishes_and_comes_back_is_waited_for() {
    let fake = FakeEndpoint::backwards();
    fake.fault("question 9", &[Fault::Vanish(Duration::from_secs(1))]);
    let (model, watch) = (endpoint(&fake.url), Counted::default());
    let patient = AskerSettings {
        first_pause: Duration::from_millis(60),
        ..settings()
    };
    let asker = Asker::new(&model, None, patient, &watch);
    for (n, said) in asker.ask_all(&asks(24)).into_iter().enumerate() {
        assert_eq!(said.unwrap().completion.text, backwards(n));
    }
    assert!(watch.refused.load(Ordering::Relaxed) >= 1);
    assert!(answers(&fake).values().all(|count| *count == 1));
}

#[test]
fn questions_given_up_in_a_row_end_all_asking_but_not_with_an_answer_between() {
    let impatient = AskerSettings {
        concurrency: 1,
        tries: 2,
        ..settings()
    };
    let given_up =
        |said: &Result<Answered, LanguageError>| matches!(said, Err(LanguageError::GivenUp { .. }));
    let fake = FakeEndpoint::backwards();
    for n in 0..40 {
        let always = vec![Fault::Status(500, None); 2];
        fake.fault(&format!("question {n}"), &always);
    }
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, impatient.clone(), &Unwatched);
    let said = asker.ask_all(&asks(40));
    assert!(said[..8].iter().all(given_up));
    let stopped = |error: &LanguageError| matches!(error, LanguageError::Stopped { .. });
    assert!(
        said[8..]
            .iter()
            .all(|said| said.as_ref().is_err_and(stopped))
    );
    assert_eq!(fake.asked().len(), 16);

    let fake = FakeEndpoint::backwards();
    for n in (0..15).filter(|n| *n != 7) {
        let always = vec![Fault::Status(500, None); 2];
        fake.fault(&format!("question {n}"), &always);
    }
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, impatient, &Unwatched);
    let said = asker.ask_all(&asks(15));
    assert_eq!(said.iter().filter(|said| given_up(said)).count(), 14);
    assert_eq!(said[7].as_ref().unwrap().completion.text, backwards(7));
}

#[test]
fn answers_without_words_are_paid_for_and_asked_again_only_if_that_may_help() {
    for (choice, why) in [
        (
            json!({"message": {"content": null}, "finish_reason": "length"}),
            "--llm-tokens",
        ),
        (
            json!({"message": {"content": ""}, "finish_reason": "content_filter"}),
            "a filter",
        ),
        (
            json!({"message": {"content": null, "refusal": "I cannot"}, "finish_reason": "stop"}),
            "a refusal",
        ),
        (
            json!({"message": {"content": null, "tool_calls": []}, "finish_reason": "tool_calls"}),
            "a tool_calls",
        ),
    ] {
        let fake = FakeEndpoint::backwards();
        fake.fault("q", &[Fault::Wordless(choice)]);
        let model = endpoint(&fake.url);
        let asker = Asker::new(&model, None, settings(), &Unwatched);
        let error = asker.ask(&ask("q")).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(fake.asked().len(), 1, "{why}");
        let spent = asker.spent();
        assert_eq!((spent.prompt_tokens, spent.completion_tokens), (10, 5));
        // The next question is asked all the same.
        asker.ask(&ask("another")).unwrap();
    }
    let fake = FakeEndpoint::backwards();
    let silent = json!({"message": {"content": " "}, "finish_reason": "stop"});
    fake.fault("q", &[Fault::Wordless(silent)]);
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, settings(), &Unwatched);
    assert_eq!(asker.ask(&ask("q")).unwrap().completion.text, "q");
    assert_eq!((asker.spent().requests, asker.spent().tokens()), (2, 30));
}

#[test]
fn tokens_of_answers_without_words_use_up_the_budget() {
    let fake = FakeEndpoint::backwards();
    for n in 0..20 {
        let cut = json!({"message": {"content": null}, "finish_reason": "length"});
        fake.fault(&format!("question {n}"), &[Fault::Wordless(cut)]);
    }
    let model = endpoint(&fake.url);
    let poor = AskerSettings {
        concurrency: 1,
        tokens: Some(100),
        ..settings()
    };
    let asker = Asker::new(&model, None, poor, &Unwatched);
    let said = asker.ask_all(&asks(20));
    // Each takes 15; a request needs 27 left, by estimate.
    assert_eq!(fake.asked().len(), 5);
    assert_eq!(asker.spent().tokens(), 75);
    let last = said[19].as_ref().unwrap_err().to_string();
    assert!(last.contains("100 tokens"), "{last}");
}

#[test]
fn a_server_that_says_now_is_not_asked_at_once() {
    let fake = FakeEndpoint::backwards();
    fake.fault("q", &vec![Fault::Status(429, Some("0")); 2]);
    let model = endpoint(&fake.url);
    let slow = AskerSettings {
        first_pause: Duration::from_millis(100),
        ..settings()
    };
    let asker = Asker::new(&model, None, slow, &Unwatched);
    let started = Instant::now();
    asker.ask(&ask("q")).unwrap();
    // Pauses of 100 and 200 ms, each a quarter shorter at most.
    assert!(started.elapsed() >= Duration::from_millis(225));
}

#[test]
fn a_pause_that_is_too_long_for_one_is_too_long_for_all() {
    let fake = FakeEndpoint::backwards();
    for n in 0..60 {
        let later = Fault::Status(429, Some("3600"));
        fake.fault(&format!("question {n}"), &[later]);
    }
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, settings(), &Unwatched);
    let said = asker.ask_all(&asks(60));
    let count = |is: fn(&LanguageError) -> bool| {
        let errors = said.iter().filter_map(|said| said.as_ref().err());
        errors.filter(|error| is(error)).count()
    };
    let first = count(|error| matches!(error, LanguageError::TooLong { .. }));
    let after = count(|error| matches!(error, LanguageError::Stopped { .. }));
    assert_eq!(fake.asked().len(), first);
    assert_eq!(first + after, 60);
    assert!((1..=2 * settings().concurrency).contains(&first), "{first}");
}

#[test]
fn patience_ends_and_nobody_waits_for_an_hour() {
    let fake = FakeEndpoint::backwards();
    fake.fault("q", &vec![Fault::Status(500, None); 9]);
    let model = endpoint(&fake.url);
    let few = AskerSettings {
        tries: 3,
        ..settings()
    };
    let asker = Asker::new(&model, None, few, &Unwatched);
    let error = asker.ask(&ask("q")).unwrap_err().to_string();
    assert!(
        error.contains("3 tries") && error.contains("because of 500"),
        "{error}"
    );
    assert_eq!(fake.asked().len(), 3);
    fake.fault("r", &[Fault::Status(429, Some("3600"))]);
    let error = asker.ask(&ask("r")).unwrap_err();
    assert!(matches!(error, LanguageError::TooLong { .. }), "{error}");
    assert_eq!(fake.asked().len(), 4);
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let fake = FakeEndpoint::backwards();
    fake.fault("q", &[Fault::Status(429, Some("1"))]);
    let model = endpoint(&fake.url);
    let asker = Asker::new(&model, None, settings(), &Unwatched);
    assert_eq!(asker.width(), 4);
    let started = Instant::now();
    asker.ask(&ask("q")).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(asker.width() <= 2, "{}", asker.width());
}

#[test]
fn budgets_hold_and_what_was_paid_for_is_kept() {
    let fake = FakeEndpoint::backwards();
    let folder = tempfile::tempdir().unwrap();
    let model = endpoint(&fake.url);
    let with = |requests, tokens| AskerSettings {
        requests,
        tokens,
        ..settings()
    };
    let asker = |settings| {
        let journal = Journal::open(folder.path()).unwrap();
        Asker::new(&model, Some(journal), settings, &Unwatched)
    };
    let first = asker(with(Some(7), None));
    let said = first.ask_all(&asks(20));
    assert_eq!(said.iter().filter(|said| said.is_ok()).count(), 7);
    let error = said.into_iter().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("7 requests"), "{error}");
    assert_eq!(fake.asked().len(), 7);

    // 15 tokens a question are used; 7 read and 20 written are what one may take by estimate.
    let second = asker(with(None, Some(100)));
    let said = second.ask_all(&asks(20));
    let answered = said.iter().filter(|said| said.is_ok()).count();
    assert_eq!(second.spent().kept, 7);
    assert_eq!(answered as u64, 7 + second.spent().requests);
    assert!(second.spent().tokens() <= 100 && second.spent().requests >= 4);
    let error = said.into_iter().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("100 tokens"), "{error}");

    let third = asker(settings());
    assert!(third.ask_all(&asks(20)).iter().all(Result::is_ok));
    assert_eq!(third.spent().kept as usize, answered);
    assert!(answers(&fake).values().all(|count| *count == 1));
}

#[test]
fn kept_answers_are_those_of_the_model_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (here, there) = (FakeEndpoint::backwards(), FakeEndpoint::backwards());
    let model = endpoint(&here.url);
    let asker = Asker::new(&model, Some(journal.clone()), settings(), &Unwatched);
    asker.ask(&ask("q")).unwrap();
    let moved = endpoint(&there.url);
    assert_ne!(model.identity(), moved.identity());
    let asker = Asker::new(&moved, Some(journal.clone()), settings(), &Unwatched);
    assert!(asker.ask(&ask("q")).unwrap().kept);
    assert!(there.asked().is_empty());
    // Another model says something else.
    let other = Endpoint::new(EndpointSettings {
        url: there.url.clone(),
        model: "n".to_owned(),
        ..EndpointSettings::default()
    });
    let other = other.unwrap();
    let asker = Asker::new(&other, Some(journal), settings(), &Unwatched);
    assert!(!asker.ask(&ask("q")).unwrap().kept);
}

#[test]
fn a_damaged_entry_is_asked_for_again() {
    let fake = FakeEndpoint::backwards();
    let folder = tempfile::tempdir().unwrap();
    let (model, watch) = (endpoint(&fake.url), Counted::default());
    let ask_all = || {
        let journal = Journal::open(folder.path()).unwrap();
        let asker = Asker::new(&model, Some(journal), settings(), &watch);
        let said = asker.ask_all(&asks(3));
        let texts: Vec<String> = said
            .into_iter()
            .map(|s| s.unwrap().completion.text)
            .collect();
        (texts, asker.spent())
    };
    let (texts, _) = ask_all();
    let group = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let entry = std::fs::read_dir(group.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let whole = std::fs::read(entry.path()).unwrap();
    std::fs::write(entry.path(), &whole[..whole.len() - 5]).unwrap();
    let (again, spent) = ask_all();
    assert_eq!(texts, again);
    assert_eq!((spent.requests, spent.damaged), (1, 1));
    assert_eq!(watch.damaged.load(Ordering::Relaxed), 1);
    let (_, spent) = ask_all();
    assert_eq!((spent.requests, spent.kept), (0, 3));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_kept_is_used_and_ends_asking() {
    let fake = FakeEndpoint::backwards();
    let folder = tempfile::tempdir().unwrap();
    let model = endpoint(&fake.url);
    // Where folders would be made, links lead nowhere.
    for group in 0..256 {
        let link = folder.path().join(format!("{group:02x}"));
        std::os::unix::fs::symlink("/no/such/folder", link).unwrap();
    }
    let single = AskerSettings {
        concurrency: 1,
        ..settings()
    };
    let journal = Journal::open(folder.path()).unwrap();
    let asker = Asker::new(&model, Some(journal), single, &Unwatched);
    let said = asker.ask_all(&asks(3));
    assert_eq!(said[0].as_ref().unwrap().completion.text, backwards(0));
    let error = said[1].as_ref().unwrap_err().to_string();
    assert!(
        error.contains("not asked") && error.contains("make the folder"),
        "{error}"
    );
    assert_eq!(fake.asked().len(), 1);
}

#[test]
fn results_do_not_depend_on_who_is_done_first() {
    let texts = |faults: bool, concurrency| {
        let fake = FakeEndpoint::backwards();
        for n in (0..20).filter(|_| faults) {
            let pause = Duration::from_millis((20 - n) / 3);
            fake.fault(&format!("question {n}"), &[Fault::Slow(pause)]);
        }
        let model = endpoint(&fake.url);
        let settings = AskerSettings {
            concurrency,
            ..settings()
        };
        let asker = Asker::new(&model, None, settings, &Unwatched);
        let said = asker.ask_all(&asks(20)).into_iter();
        said.map(|said| said.unwrap().completion.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(true, 8), texts(false, 1));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let with = |change: &dyn Fn(&mut EndpointSettings)| {
        let mut settings = EndpointSettings::default();
        change(&mut settings);
        Endpoint::new(settings).unwrap_err().to_string()
    };
    let error = with(&|settings| settings.url = "localhost".to_owned());
    assert!(error.contains("http://localhost:8080/v1"), "{error}");
    let error = with(&|settings| {
        settings.extra.insert("messages".to_owned(), "x".into());
    });
    assert!(error.contains("\"messages\""), "{error}");
    // The description has blanks.
    let error = with(&|settings| settings.key_variable = "CARGO_PKG_DESCRIPTION".to_owned());
    assert!(error.contains("CARGO_PKG_DESCRIPTION"), "{error}");
    assert!(!error.contains(env!("CARGO_PKG_DESCRIPTION")), "{error}");
}

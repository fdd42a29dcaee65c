//! A stand-in for an OpenAI-compatible endpoint, for tests: threads that answer HTTP on this machine,
//! well or badly, as they are told.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How an answer goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A status with `Retry-After`, if it is given.
    Status(u16, Option<&'static str>),
    /// Nothing for so long.
    Silence(Duration),
    /// Half of the JSON.
    Truncated,
    /// Fewer bytes than announced, then the connection breaks.
    Broken,
    /// The connection breaks before anything is said.
    Disconnect,
    /// No choices.
    Empty,
    /// This choice, which is paid for as words would be.
    Wordless(Value),
    /// Nothing more is said, and nobody listens for so long.
    Vanish(Duration),
    /// The right answer, a piece at a time.
    Slow(Duration),
    /// A redirection.
    Elsewhere(String),
    /// An answer of so many bytes.
    Huge(usize),
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The last message.
    pub question: String,
    pub body: Value,
    pub authorization: Option<String>,
    pub path: String,
    /// Whether it was answered with words.
    pub answered: bool,
}

type Answer = Box<dyn Fn(&Value) -> String + Send + Sync>;

/// The stand-in; it goes on until the test ends.
pub struct FakeEndpoint {
    pub url: String,
    state: Arc<State>,
}

struct State {
    answer: Answer,
    faults: Mutex<HashMap<String, Vec<Fault>>>,
    asked: Mutex<Vec<Asked>>,
    inside: Mutex<(usize, usize)>,
    pace: Duration,
    address: SocketAddr,
    /// Whether nobody is there, and for how long whoever listens is to be away.
    is_away: AtomicBool,
    away: Mutex<Option<Duration>>,
}

impl FakeEndpoint {
    /// Answers every conversation by `answer`, after a pause.
    pub fn new(pace: Duration, answer: impl Fn(&Value) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/v1");
        let state = Arc::new(State {
            answer: Box::new(answer),
            faults: Mutex::default(),
            asked: Mutex::default(),
            inside: Mutex::default(),
            pace,
            address,
            is_away: AtomicBool::new(false),
            away: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || listen(listener, &shared));
        Self { url, state }
    }

    /// Says the question backwards.
    pub fn backwards() -> Self {
        Self::new(Duration::from_millis(2), |body| {
            last(body).chars().rev().collect()
        })
    }

    /// A question goes wrong in these ways, one after the other, before it goes well.
    pub fn fault(&self, question: &str, faults: &[Fault]) {
        let mut all = self.state.faults.lock().unwrap();
        all.insert(question.to_owned(), faults.to_vec());
    }

    /// Everything that was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// How many were asked at the same time at most.
    pub fn most_at_once(&self) -> usize {
        self.state.inside.lock().unwrap().1
    }
}

/// The last message of a conversation.
pub fn last(body: &Value) -> String {
    let messages = body["messages"].as_array().unwrap();
    let said = &messages[messages.len() - 1]["content"];
    said.as_str().unwrap().to_owned()
}

/// Serves whoever comes, but while it is away.
fn listen(mut listener: TcpListener, state: &Arc<State>) {
    loop {
        let Ok((connection, _)) = listener.accept() else {
            continue;
        };
        let away = state.away.lock().unwrap().take();
        if let Some(time) = away {
            drop((connection, listener));
            std::thread::sleep(time);
            listener = TcpListener::bind(state.address).unwrap();
            state.is_away.store(false, Ordering::SeqCst);
            continue;
        }
        let state = Arc::clone(state);
        std::thread::spawn(move || state.serve(connection));
    }
}

impl State {
    /// Has nobody listen for so long.
    fn vanish(&self, time: Duration) {
        self.is_away.store(true, Ordering::SeqCst);
        *self.away.lock().unwrap() = Some(time);
        // Who listens finds out when somebody comes.
        let _woken = TcpStream::connect(self.address);
    }

    fn serve(&self, connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let mut writer = connection;
        while let Some(mut asked) = read(&mut reader) {
            if self.is_away.load(Ordering::SeqCst) {
                return;
            }
            {
                let mut inside = self.inside.lock().unwrap();
                inside.0 += 1;
                inside.1 = inside.1.max(inside.0);
            }
            std::thread::sleep(self.pace);
            let fault = {
                let mut faults = self.faults.lock().unwrap();
                let left = faults.get_mut(&asked.question);
                left.filter(|left| !left.is_empty())
                    .map(|left| left.remove(0))
            };
            asked.answered = matches!(fault, None | Some(Fault::Slow(_)));
            let body = completion(&(self.answer)(&asked.body));
            self.asked.lock().unwrap().push(asked);
            self.inside.lock().unwrap().0 -= 1;
            if let Some(Fault::Vanish(time)) = fault {
                self.vanish(time);
                return;
            }
            if !reply(&mut writer, fault, &body) {
                return;
            }
        }
    }
}

fn completion(text: &str) -> String {
    let message = json!({"role": "assistant", "content": text});
    answer_of(&json!({"message": message, "finish_reason": "stop"}))
}

fn answer_of(choice: &Value) -> String {
    json!({
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    })
    .to_string()
}

/// Whether the connection goes on.
fn reply(writer: &mut TcpStream, fault: Option<Fault>, body: &str) -> bool {
    let mut send = |status: u16, more: &str, announced: usize, body: &str| {
        let head = format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n{more}\r\n"
        );
        let sent = writer.write_all(format!("{head}{body}").as_bytes());
        sent.and_then(|()| writer.flush()).is_ok()
    };
    match fault {
        None => send(200, "", body.len(), body),
        Some(Fault::Status(status, after)) => {
            let after = after.map_or(String::new(), |after| format!("retry-after: {after}\r\n"));
            let body = json!({"error": {"message": format!("because of {status}")}}).to_string();
            send(status, &after, body.len(), &body)
        }
        Some(Fault::Silence(time)) => {
            std::thread::sleep(time);
            false
        }
        Some(Fault::Truncated) => send(200, "", body.len() / 2, &body[..body.len() / 2]),
        Some(Fault::Broken) => {
            send(200, "", body.len(), &body[..body.len() / 2]);
            false
        }
        Some(Fault::Disconnect | Fault::Vanish(_)) => false,
        Some(Fault::Empty) => {
            let body = json!({"choices": []}).to_string();
            send(200, "", body.len(), &body)
        }
        Some(Fault::Wordless(choice)) => {
            let body = answer_of(&choice);
            send(200, "", body.len(), &body)
        }
        Some(Fault::Slow(pause)) => {
            send(200, "", body.len(), "");
            body.as_bytes().chunks(40).all(|piece| {
                std::thread::sleep(pause);
                writer
                    .write_all(piece)
                    .and_then(|()| writer.flush())
                    .is_ok()
            })
        }
        Some(Fault::Elsewhere(to)) => send(307, &format!("location: {to}\r\n"), 0, ""),
        Some(Fault::Huge(bytes)) => {
            let body = " ".repeat(bytes);
            send(200, "", bytes, &body)
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        reader
            .read_line(&mut header)
            .ok()
            .filter(|read| *read > 0)?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).unwrap();
    Some(Asked {
        question: last(&body),
        body,
        authorization,
        path,
        answered: false,
    })
}

//! A stand-in for the hub, for tests: a thread that answers HTTP on this machine as the hub does. Large
//! files are at a second address, to which the first one sends.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// Whether it was asked of the second address.
    pub elsewhere: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn is_for(&self, file: &str) -> bool {
        self.path.ends_with(&format!("/{file}"))
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The connection breaks after so many bytes of the body.
    pub broken_after: Option<usize>,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            broken_after: None,
        }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn broken_after(mut self, bytes: usize) -> Self {
        self.broken_after = Some(bytes);
        self
    }
}

/// One file of a repository.
#[derive(Clone)]
pub struct File {
    pub bytes: Vec<u8>,
    /// Whether it is in large-file storage.
    pub large: bool,
}

impl File {
    pub fn tag(&self) -> String {
        let digest = if self.large {
            digest(&SHA256, &self.bytes)
        } else {
            let before = format!("blob {}\0", self.bytes.len()).into_bytes();
            digest(
                &SHA1_FOR_LEGACY_USE_ONLY,
                &[before, self.bytes.clone()].concat(),
            )
        };
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

pub const COMMIT: &str = "00112233445566778899aabbccddeeff00112233";

/// A repository with one commit, which `main` and `refs/pr/3` mean.
#[derive(Clone, Default)]
pub struct Repository {
    pub id: String,
    pub files: BTreeMap<String, File>,
}

impl Repository {
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            files: BTreeMap::new(),
        }
    }

    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let large = name.ends_with(".safetensors") || name.ends_with(".bin");
        let bytes = bytes.into();
        self.files.insert(name.to_owned(), File { bytes, large });
        self
    }

    /// The files in a folder.
    pub fn with_folder(mut self, folder: &Path) -> Self {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            self = self.with(&name, std::fs::read(&path).unwrap());
        }
        self
    }

    /// As the hub answers.
    fn answer(&self, request: &Request, elsewhere: &str) -> Reply {
        let missing = |code: &str| {
            let reply = Reply::new(404).with("X-Error-Code", code);
            reply.with("X-Error-Message", "not here")
        };
        if request.elsewhere {
            let tag = request.path.trim_start_matches("/cdn/");
            return match self.files.values().find(|file| file.tag() == tag) {
                Some(file) => part(&file.bytes, request),
                None => Reply::new(403),
            };
        }
        let revisions = ["main", "refs%2Fpr%2F3", COMMIT];
        if let Some(revision) = request
            .path
            .strip_prefix(&format!("/api/models/{}/revision/", self.id))
        {
            if !revisions.contains(&revision) {
                return missing("RevisionNotFound");
            }
            let names = self.files.keys();
            let siblings: Vec<_> = names
                .map(|name| serde_json::json!({"rfilename": name}))
                .collect();
            let said = serde_json::json!({"id": self.id, "sha": COMMIT, "siblings": siblings});
            return Reply::new(200).body(said.to_string());
        }
        // Small files come from another path of the hub's own.
        let cached = format!("/api/resolve-cache/models/{}/{COMMIT}/", self.id);
        if let Some(name) = request.path.strip_prefix(&cached) {
            return match self.files.get(name) {
                Some(file) => {
                    part(&file.bytes, request).with("ETag", format!("\"{}\"", file.tag()))
                }
                None => missing("EntryNotFound"),
            };
        }
        let resolve = format!("/{}/resolve/{COMMIT}/", self.id);
        let Some(name) = request.path.strip_prefix(&resolve) else {
            return missing("RepoNotFound");
        };
        let Some(file) = self.files.get(name) else {
            return missing("EntryNotFound");
        };
        let reply = Reply::new(if file.large { 302 } else { 307 })
            .with("X-Repo-Commit", COMMIT)
            .with("X-Linked-Size", file.bytes.len())
            .with("X-Linked-Etag", format!("\"{}\"", file.tag()));
        match file.large {
            true => reply.with("Location", format!("http://{elsewhere}/cdn/{}", file.tag())),
            false => reply.with("Location", format!("{cached}{name}")),
        }
    }
}

/// Bytes from where a range begins.
fn part(bytes: &[u8], request: &Request) -> Reply {
    let range = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes="));
    let Some(from) = range.map(|range| range.trim_end_matches('-').parse::<usize>().unwrap())
    else {
        return Reply::new(200).body(bytes);
    };
    let whole = bytes.len();
    if from >= whole {
        return Reply::new(416).with("Content-Range", format!("bytes */{whole}"));
    }
    let range = format!("bytes {from}-{}/{whole}", whole - 1);
    Reply::new(206)
        .with("Content-Range", range)
        .body(&bytes[from..])
}

/// Changes an answer before it is given.
type Twist = Box<dyn FnMut(&Request, Reply) -> Reply + Send>;

/// The running stand-in.
pub struct StandIn {
    pub endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    /// Answers for a repository; `twist` may change every answer.
    pub fn start(
        repository: Repository,
        twist: impl FnMut(&Request, Reply) -> Reply + Send + 'static,
    ) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, elsewhere] =
            [0, 1].map(|at: usize| listeners[at].local_addr().unwrap().to_string());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let twist: Arc<Mutex<Twist>> = Arc::new(Mutex::new(Box::new(twist)));
        for (listener, is_elsewhere) in listeners.into_iter().zip([false, true]) {
            let (repository, requests) = (repository.clone(), Arc::clone(&requests));
            let (twist, elsewhere) = (Arc::clone(&twist), elsewhere.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let Ok(mut stream) = stream else { return };
                    let Some(request) = read_request(&stream, is_elsewhere) else {
                        continue;
                    };
                    let reply = repository.answer(&request, &elsewhere);
                    let reply = (twist.lock().unwrap())(&request, reply);
                    requests.lock().unwrap().push(request.clone());
                    write_reply(&mut stream, &request, &reply);
                }
            });
        }
        Self {
            endpoint: format!("http://{address}"),
            requests,
        }
    }

    /// Answers as the hub does.
    pub fn honest(repository: Repository) -> Self {
        Self::start(repository, |_, reply| reply)
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream, elsewhere: bool) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Some(Request {
        method,
        path,
        headers,
        elsewhere,
    })
}

fn write_reply(stream: &mut TcpStream, request: &Request, reply: &Reply) {
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    head += &format!("Content-Length: {}\r\n", reply.body.len());
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let sent = reply
        .broken_after
        .unwrap_or(usize::MAX)
        .min(reply.body.len());
    let body: &[u8] = if request.method == "HEAD" {
        &[]
    } else {
        &reply.body[..sent]
    };
    // Whoever asked may have gone.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // Until the other side has read it all: closing earlier may take it back.
    let _ = stream.read(&mut [0]);
}

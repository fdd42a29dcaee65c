//! Requests to the hub and to where it keeps large files. Redirections are followed here: what the hub
//! says of a file stands in the headers of its own answers, and the token goes to no one else.

use crate::Watch;
use crate::error::{HubError, Result};
use crate::id::{Commit, ModelId};
use crate::limits::HUB_LISTING;
use crate::patience::{Failure, Patience};
use crate::refusal::{Refused, failure};
use crate::settings::Settings;
use crate::url::{Endpoint, redirected};
use std::time::Duration;
use ureq::http::{HeaderMap, Uri};
use ureq::{Agent, Body};

/// Redirections followed in a row.
const REDIRECTIONS: usize = 8;

/// Asks.
pub(crate) struct Client {
    agent: Agent,
    pub(crate) endpoint: Endpoint,
    token: Option<String>,
}

/// What a request is about, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: &'a ModelId,
    pub(crate) file: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Get,
    /// Of a file: what the hub says of it is wanted, not what is there.
    Head,
}

/// What the hub's own answers say of a file, across redirections.
#[derive(Default)]
struct Linked {
    commit: Option<String>,
    linked_tag: Option<String>,
    tag: Option<String>,
    size: Option<String>,
}

impl Linked {
    fn read(&mut self, headers: &HeaderMap) {
        let said = |name: &str| header(headers, name).map(str::to_owned);
        self.commit = self.commit.take().or_else(|| said("x-repo-commit"));
        self.linked_tag = self.linked_tag.take().or_else(|| said("x-linked-etag"));
        self.tag = said("etag").or_else(|| self.tag.take());
        self.size = self.size.take().or_else(|| said("x-linked-size"));
    }
}

/// An answer that may be used: of status 200, 206 or 416, or a redirection elsewhere if only headers
/// were wanted.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    linked: Linked,
}

/// What is known of a file before it comes.
pub(crate) struct FileHead {
    pub(crate) tag: String,
    pub(crate) bytes: u64,
}

pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("sdvp/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build();
        Self {
            agent: config.into(),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        }
    }

    /// The list of a repository's files, as JSON text.
    pub(crate) fn listing(&self, id: &ModelId, watch: &dyn Watch) -> Result<Vec<u8>> {
        let url = self.endpoint.listing(id);
        let subject = Subject { id, file: None };
        let mut patience = Patience::default();
        loop {
            let read = self.ask(subject, Method::Get, &url, 0).and_then(|reply| {
                let body = reply.body.into_with_config().limit(HUB_LISTING.value());
                body.read_to_vec().map_err(|error| failure(error, &url))
            });
            match read {
                Ok(bytes) => return Ok(bytes),
                Err(failure) => patience.wait(failure, &url, watch)?,
            }
        }
    }

    /// What the hub says of a file.
    pub(crate) fn head(
        &self,
        id: &ModelId,
        commit: &Commit,
        file: &str,
        watch: &dyn Watch,
    ) -> Result<FileHead> {
        let url = self.endpoint.file(id, commit, file);
        let subject = Subject {
            id,
            file: Some(file),
        };
        let mut patience = Patience::default();
        let reply = loop {
            match self.ask(subject, Method::Head, &url, 0) {
                Ok(reply) => break reply,
                Err(failure) => patience.wait(failure, &url, watch)?,
            }
        };
        let wrong = |expected, found: Option<&str>| HubError::Answer {
            url: url.clone(),
            expected,
            found: found.map_or("nothing".to_owned(), |found| format!("{found:?}")),
        };
        let linked = &reply.linked;
        if let Some(other) = linked
            .commit
            .as_deref()
            .filter(|said| *said != commit.as_str())
        {
            return Err(wrong(
                "the commit that was asked for in X-Repo-Commit",
                Some(other),
            ));
        }
        let tag = linked.linked_tag.as_deref().or(linked.tag.as_deref());
        let tag = tag.ok_or_else(|| wrong("an ETag or X-Linked-Etag", None))?;
        let length = (reply.status == 200).then(|| header(&reply.headers, "content-length"));
        let size = linked.size.as_deref().or(length.flatten());
        let bytes = size.and_then(|size| size.trim().parse().ok());
        Ok(FileHead {
            tag: tag.to_owned(),
            bytes: bytes.ok_or_else(|| wrong("a size in X-Linked-Size or Content-Length", size))?,
        })
    }

    /// A file from some byte on, tried once.
    pub(crate) fn file(
        &self,
        subject: Subject<'_>,
        url: &str,
        from: u64,
    ) -> std::result::Result<Reply, Failure> {
        self.ask(subject, Method::Get, url, from)
    }

    fn ask(
        &self,
        subject: Subject<'_>,
        method: Method,
        url: &str,
        from: u64,
    ) -> std::result::Result<Reply, Failure> {
        let answer = |expected, found: &str| HubError::Answer {
            url: url.to_owned(),
            expected,
            found: format!("{found:?}"),
        };
        let mut uri: Uri = url.parse().map_err(|_| answer("an address", url))?;
        let mut linked = Linked::default();
        for _ in 0..=REDIRECTIONS {
            let own = self.endpoint.owns(&uri);
            let mut request = match method {
                Method::Get => self.agent.get(&uri),
                Method::Head => self.agent.head(&uri),
            };
            // Sizes and digests are of the bytes as they are.
            request = request.header("accept-encoding", "identity");
            if let Some(token) = self.token.as_deref().filter(|_| own) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            if from > 0 {
                request = request.header("range", format!("bytes={from}-"));
            }
            let reply = request.call().map_err(|error| failure(error, url))?;
            let status = reply.status().as_u16();
            let (parts, body) = reply.into_parts();
            if own {
                linked.read(&parts.headers);
            }
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                let location = header(&parts.headers, "location").unwrap_or_default();
                uri = redirected(&uri, location)
                    .ok_or_else(|| answer("a redirection to a web address", location))?;
                if method == Method::Get || self.endpoint.owns(&uri) {
                    continue;
                }
            } else if !matches!(status, 200 | 206 | 416) {
                let refused = Refused {
                    subject,
                    url,
                    status,
                    headers: &parts.headers,
                };
                return Err(match own {
                    true => refused.by_the_hub(&self.endpoint, self.token.is_some()),
                    false => refused.elsewhere(),
                });
            }
            return Ok(Reply {
                status,
                url: url.to_owned(),
                headers: parts.headers,
                body,
                linked,
            });
        }
        Err(answer("at most 8 redirections", "more").into())
    }
}

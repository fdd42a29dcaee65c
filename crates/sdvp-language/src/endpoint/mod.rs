//! Models behind an OpenAI-compatible endpoint: `POST {base}/chat/completions`.
//!
//! A request is tried once; who asks many questions decides when to try again
//! ([`Asker`](crate::Asker)). The key goes to the configured address only: redirections are refused.

mod address;
mod http_date;
mod key;
mod refusal;
mod settings;
mod wire;

pub use settings::EndpointSettings;

use crate::{Completion, LanguageError, LanguageModel, Message, Sampling, Syntax};
use address::Address;
use key::Key;
use std::time::Duration;
use ureq::Agent;
use ureq::http::HeaderMap;

/// The greatest part read of an answer that says why not.
const LONGEST_REFUSAL: u64 = 64 << 10;

/// A model behind an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    settings: EndpointSettings,
    address: Address,
    key: Option<Key>,
    agent: Agent,
}

impl Endpoint {
    /// An endpoint; nothing is asked of it yet.
    ///
    /// # Errors
    /// If the address is none, an extra member is one of ours, or the key cannot be sent.
    pub fn new(settings: EndpointSettings) -> Result<Self, LanguageError> {
        let address = Address::parse(&settings.url)?;
        let is_ours = |(name, value): &(&String, &serde_json::Value)| {
            let name = name.as_str();
            wire::OWN.contains(&name) || (wire::OPTIONAL.contains(&name) && !value.is_null())
        };
        if let Some((name, _)) = settings.extra.iter().find(is_ours) {
            return Err(LanguageError::Setting {
                setting: "extra parameters of the language model",
                expected: "none of model, messages and stream, and nothing but null (to leave it out) for temperature, top_p, max_tokens and seed",
                found: name.clone(),
            });
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("sdvp/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(settings.connect_within))
            .timeout_connect(Some(settings.connect_within))
            .timeout_global(Some(settings.answer_within))
            // As many as there may be questions at once.
            .max_idle_connections_per_host(32)
            .max_idle_age(Duration::from_secs(5))
            .build();
        Ok(Self {
            key: Key::from_environment(&settings.key_variable)?,
            agent: config.into(),
            address,
            settings,
        })
    }

    /// What was done about the key, for messages.
    fn key_said(&self) -> String {
        let variable = &self.settings.key_variable;
        match self.key {
            Some(_) => format!("the key in {variable} was sent"),
            None => format!("no key was sent: {variable} is not set"),
        }
    }

    /// The extra parameters, where a model is told of.
    fn extra_said(&self) -> String {
        let extra = &self.settings.extra;
        match extra.is_empty() {
            true => String::new(),
            false => format!(" with {}", serde_json::Value::Object(extra.clone())),
        }
    }

    /// A server's words, without the key.
    fn shown(&self, said: &str) -> String {
        match &self.key {
            Some(key) => key.hidden_in(said),
            None => said.to_owned(),
        }
    }

    /// Why an answer of another status than 200 is none.
    fn refusal(&self, url: String, status: u16, headers: &HeaderMap, body: &[u8]) -> LanguageError {
        let said = self.shown(&wire::saying(body));
        match status {
            300..=399 => LanguageError::Redirected {
                url,
                status,
                to: self.shown(refusal::header(headers, "location").unwrap_or("nowhere")),
            },
            401 | 403 => LanguageError::Denied {
                url,
                status,
                key: self.key_said(),
                said,
            },
            404 => LanguageError::NotFound {
                url,
                model: self.settings.model.clone(),
                said,
            },
            408 | 409 | 425 | 429 | 500..=599 => LanguageError::Busy {
                url,
                status,
                said,
                after: refusal::asked_pause(headers, std::time::SystemTime::now()),
            },
            _ => LanguageError::Refused { url, status, said },
        }
    }
}

impl LanguageModel for Endpoint {
    fn identity(&self) -> String {
        let model = &self.settings.model;
        format!("{model} at {}{}", self.address, self.extra_said())
    }

    /// Without the address: the same model is the same wherever it runs.
    fn cached_as(&self) -> String {
        self.settings.model.clone() + &self.extra_said()
    }

    /// The interface has no common way to bind a model's words.
    fn obeys(&self, syntax: &Syntax) -> bool {
        *syntax == Syntax::Free
    }

    fn complete(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
        syntax: &Syntax,
    ) -> Result<Completion, LanguageError> {
        if !self.obeys(syntax) {
            return Err(LanguageError::Setting {
                setting: "syntax",
                expected: "free words, as an endpoint binds them to nothing",
                found: format!("{syntax:?}"),
            });
        }
        let url = self.address.completions();
        let body = wire::request(&self.settings, conversation, sampling);
        let mut request = self
            .agent
            .post(&url)
            .header("accept-encoding", "identity")
            .content_type("application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", key.header());
        }
        let failed = |error| refusal::failure(error, &url);
        let reply = request.send(body).map_err(failed)?;
        let status = reply.status().as_u16();
        let (parts, body) = reply.into_parts();
        let most = match status {
            200 => self.settings.max_answer,
            _ => LONGEST_REFUSAL,
        };
        let read = body.into_with_config().limit(most).read_to_vec();
        if status != 200 {
            // Why not is told even if the rest of the answer does not come.
            let said = read.unwrap_or_default();
            return Err(self.refusal(url, status, &parts.headers, &said));
        }
        let body = read.map_err(|error| refusal::failure(error, &url))?;
        wire::completion(&body).map_err(|unreadable| LanguageError::Answer {
            url: url.clone(),
            expected: unreadable.expected,
            found: self.shown(&unreadable.found),
            lasting: unreadable.lasting,
            prompt_tokens: unreadable.prompt_tokens,
            completion_tokens: unreadable.completion_tokens,
        })
    }
}

//! The settings of an endpoint.

use crate::limits::ENDPOINT_ANSWER;
use serde_json::{Map, Value};
use std::time::Duration;

/// Where a model is asked, and how long it is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSettings {
    /// Base address, such as `http://localhost:8080/v1`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// The variable of the environment that has the key; it may be unset, for servers that want
    /// none.
    pub key_variable: String,
    /// More members of every request, such as `{"top_k": 20}`. Of ours, `temperature`, `top_p`,
    /// `max_tokens` and `seed` may be null here, which leaves them out for servers that do not take
    /// them; others may not be here. Part of what answers are kept under.
    pub extra: Map<String, Value>,
    /// Greatest time until there is a connection.
    pub connect_within: Duration,
    /// Greatest time from the request to the end of its answer.
    pub answer_within: Duration,
    /// Greatest size of an answer, bytes (`endpoint-answer`).
    pub max_answer: u64,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            url: "http://localhost:8080/v1".to_owned(),
            model: "default".to_owned(),
            key_variable: "OPENAI_API_KEY".to_owned(),
            extra: Map::new(),
            connect_within: Duration::from_secs(20),
            answer_within: Duration::from_secs(300),
            max_answer: ENDPOINT_ANSWER.value(),
        }
    }
}

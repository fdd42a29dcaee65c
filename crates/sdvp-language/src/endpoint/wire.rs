//! Requests and answers of the interface, as JSON.

use super::EndpointSettings;
use crate::{Completion, Message, Sampling};
use sdvp_core::admit_json;
use serde_json::{Map, Value, json};

/// Members of every request that are ours.
pub(super) const OWN: [&str; 3] = ["model", "messages", "stream"];
/// Members that are ours, too, but may be left out for servers that do not take them.
pub(super) const OPTIONAL: [&str; 4] = ["temperature", "top_p", "max_tokens", "seed"];

/// A request's body.
pub(super) fn request(
    settings: &EndpointSettings,
    conversation: &[Message],
    sampling: &Sampling,
) -> String {
    let mut body: Map<String, Value> = settings.extra.clone();
    let own = json!({
        "model": settings.model,
        "messages": conversation,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.tokens,
        // Servers read it as a signed number.
        "seed": sampling.seed & (u64::MAX >> 1),
        "stream": false,
    });
    if let Value::Object(own) = own {
        let left_out = |name: &String| settings.extra.get(name) == Some(&Value::Null);
        body.retain(|_, value| !value.is_null());
        body.extend(own.into_iter().filter(|(name, _)| !left_out(name)));
    }
    Value::Object(body).to_string()
}

/// What an answer lacks: what was expected, and what was found.
#[derive(Default)]
pub(super) struct Unreadable {
    pub(super) expected: &'static str,
    pub(super) found: String,
    /// Whether the same request would find the same.
    pub(super) lasting: bool,
    pub(super) prompt_tokens: usize,
    pub(super) completion_tokens: usize,
}

fn wrong(expected: &'static str, found: String) -> Unreadable {
    Unreadable {
        expected,
        found,
        ..Unreadable::default()
    }
}

/// Reads an answer of status 200.
pub(super) fn completion(body: &[u8]) -> Result<Completion, Unreadable> {
    admit_json(body).map_err(|exceeded| wrong("flatter JSON", exceeded.to_string()))?;
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let found = format!("{} bytes that are none ({error})", body.len());
        wrong("whole JSON", found)
    })?;
    let tokens = |name: &str| {
        let count = value.get("usage").and_then(|usage| usage.get(name));
        count.and_then(Value::as_u64).unwrap_or(0) as usize
    };
    let (prompt_tokens, completion_tokens) = (tokens("prompt_tokens"), tokens("completion_tokens"));
    match words(&value) {
        Ok((text, ended)) => Ok(Completion {
            text,
            prompt_tokens,
            completion_tokens,
            ended,
        }),
        // It is paid for all the same.
        Err(unreadable) => Err(Unreadable {
            prompt_tokens,
            completion_tokens,
            ..unreadable
        }),
    }
}

/// What is said in an answer, and whether it was said to the end.
fn words(answer: &Value) -> Result<(String, bool), Unreadable> {
    let choice = match answer.get("choices").and_then(Value::as_array) {
        None => return Err(wrong("choices", shortened(answer))),
        Some(choices) => choices
            .first()
            .ok_or_else(|| wrong("a choice", "none".to_owned()))?,
    };
    let message = choice.get("message");
    let text = match message.and_then(|message| message.get("content")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect(),
        Some(Value::Null) => String::new(),
        _ => return Err(wrong("text in message.content", shortened(choice))),
    };
    let reason = choice.get("finish_reason").and_then(Value::as_str);
    if !text.trim().is_empty() {
        return Ok((text, reason != Some("length")));
    }
    let is_there = |name: &str| {
        let member = message.and_then(|message| message.get(name));
        member.is_some_and(|member| !member.is_null())
    };
    let lasting = match reason {
        Some("length") => Some("the tokens it may write (--llm-tokens) ended before".to_owned()),
        Some("content_filter") => Some("a filter took them away".to_owned()),
        _ => ["refusal", "tool_calls", "function_call"]
            .iter()
            .find(|name| is_there(name))
            .map(|name| format!("a {name} in their place")),
    };
    let found = match &lasting {
        Some(why) => format!("none: {why}"),
        None => "none".to_owned(),
    };
    Err(Unreadable {
        lasting: lasting.is_some(),
        ..wrong("words in message.content", found)
    })
}

/// A server's words about why it refuses: the message of its error, else the text itself.
pub(super) fn saying(body: &[u8]) -> String {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let message = value.as_ref().and_then(|value| {
        let error = value.get("error").or_else(|| value.get("detail"));
        let error = error.unwrap_or(value);
        let message = error.get("message").unwrap_or(error);
        message.as_str().map(str::to_owned)
    });
    let said = message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let said: String = said
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    match said.is_empty() {
        true => "nothing".to_owned(),
        false => shortened_text(&said, LONGEST_SAYING),
    }
}

/// Letters repeated of what a server says.
const LONGEST_SAYING: usize = 300;

fn shortened(value: &Value) -> String {
    shortened_text(&value.to_string(), 120)
}

fn shortened_text(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    #[test]
    fn answers_are_not_nested_deeper_than_is_allowed() {
        // The answer is a level itself.
        let answer = |levels: usize| {
            let nested = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
            format!(r#"{{"more": {nested}, "choices": [{{"message": {{"content": "hi"}}}}]}}"#)
        };
        let most = sdvp_core::limits::JSON_DEPTH.size();
        assert!(completion(answer(most).as_bytes()).is_ok());
        let Err(refused) = completion(answer(most + 1).as_bytes()) else {
            panic!("it is read");
        };
        assert!(
            refused.found.contains("the limit json-depth is"),
            "{}",
            refused.found
        );
    }

    #[test]
    fn a_request_has_ours_whatever_else_it_has() {
        let settings = EndpointSettings {
            model: "m".to_owned(),
            extra: Map::from_iter([("top_k".to_owned(), json!(20))]),
            ..EndpointSettings::default()
        };
        let sampling = Sampling {
            temperature: 0.5,
            top_p: 0.9,
            tokens: 7,
            seed: u64::MAX,
        };
        let said = Message {
            role: Role::User,
            content: "hi".to_owned(),
        };
        let body: Value = serde_json::from_str(&request(&settings, &[said], &sampling)).unwrap();
        let expected = json!({
            "top_k": 20, "model": "m", "messages": [{"role": "user", "content": "hi"}],
            "temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": i64::MAX, "stream": false,
        });
        assert_eq!(body, expected);
        assert!(
            OWN.iter()
                .chain(&OPTIONAL)
                .all(|name| body.get(name).is_some())
        );
    }

    #[test]
    fn what_a_server_does_not_take_is_left_out() {
        let extra = json!({"max_tokens": null, "seed": null, "max_completion_tokens": 9});
        let settings = EndpointSettings {
            extra: extra.as_object().unwrap().clone(),
            ..EndpointSettings::default()
        };
        let sampling = Sampling {
            temperature: 0.0,
            top_p: 1.0,
            tokens: 7,
            seed: 1,
        };
        let body: Value = serde_json::from_str(&request(&settings, &[], &sampling)).unwrap();
        let mut names: Vec<&String> = body.as_object().unwrap().keys().collect();
        names.sort();
        let expected = [
            "max_completion_tokens",
            "messages",
            "model",
            "stream",
            "temperature",
            "top_p",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn answers_are_read() {
        let body = json!({
            "choices": [{"message": {"content": "A"}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        });
        let read = completion(body.to_string().as_bytes()).ok().unwrap();
        assert_eq!((read.text.as_str(), read.ended), ("A", false));
        assert_eq!((read.prompt_tokens, read.completion_tokens), (3, 4));
        let parts = json!({"choices": [{"message": {"content": [{"type": "text", "text": "B"}]}}]});
        let read = completion(parts.to_string().as_bytes()).ok().unwrap();
        assert_eq!((read.text.as_str(), read.ended), ("B", true));
    }

    #[test]
    fn what_is_no_answer_says_what_it_lacks() {
        for (body, expected) in [
            (r#"{"choices": [{"mess"#, "whole JSON"),
            (r#"{"choices": []}"#, "a choice"),
            (r#"{"object": "list"}"#, "choices"),
            (
                r#"{"choices": [{"message": {"content": null}}]}"#,
                "words in message.content",
            ),
            (
                r#"{"choices": [{"message": {"content": []}}]}"#,
                "words in message.content",
            ),
            (r#"{"choices": [{"text": "A"}]}"#, "text in message.content"),
        ] {
            let error = completion(body.as_bytes()).err().unwrap();
            assert_eq!(error.expected, expected, "{body}");
            assert!(!error.lasting, "{body}");
        }
    }

    #[test]
    fn an_answer_that_would_never_have_words_says_why_and_what_it_cost() {
        for (choice, found) in [
            (
                json!({"message": {"content": null, "reasoning_content": "hm"}, "finish_reason": "length"}),
                "--llm-tokens",
            ),
            (
                json!({"message": {"content": ""}, "finish_reason": "content_filter"}),
                "a filter",
            ),
            (
                json!({"message": {"content": null, "refusal": "I cannot"}}),
                "a refusal",
            ),
            (
                json!({"message": {"content": null, "refusal": null, "tool_calls": []}}),
                "a tool_calls",
            ),
        ] {
            let body =
                json!({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 9}});
            let error = completion(body.to_string().as_bytes()).err().unwrap();
            assert!(error.found.contains(found) && error.lasting, "{body}");
            assert_eq!((error.prompt_tokens, error.completion_tokens), (7, 9));
        }
    }

    #[test]
    fn servers_say_why_in_several_ways() {
        for (body, expected) in [
            (
                r#"{"error": {"message": "no\n such model"}}"#,
                "no such model",
            ),
            (r#"{"error": "bad"}"#, "bad"),
            (r#"{"detail": "Not Found"}"#, "Not Found"),
            (r#"{"message": "odd"}"#, "odd"),
            ("<h1>Gateway</h1>", "<h1>Gateway</h1>"),
            ("", "nothing"),
        ] {
            assert_eq!(saying(body.as_bytes()), expected);
        }
        assert_eq!(saying("x".repeat(999).as_bytes()).chars().count(), 301);
    }
}

//! What the environment says of the hub and of its cache: the variables of Python's
//! `huggingface_hub`, with their meanings there.

use crate::cache::Cache;
use crate::error::{HubError, Result};
use crate::url::Endpoint;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const HUB: &str = "https://huggingface.co";

/// Where the hub is, where its cache is, and who asks.
#[derive(Clone)]
pub struct Settings {
    /// The cache.
    pub cache: Cache,
    /// Nothing is to be asked of the hub.
    pub offline: bool,
    pub(crate) endpoint: Endpoint,
    pub(crate) token: Option<String>,
}

impl Settings {
    /// By `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE` and their kin.
    ///
    /// # Errors
    /// If a variable says something that cannot be, or there is no place for a cache.
    pub fn from_environment() -> Result<Self> {
        Self::read(|name| std::env::var_os(name))
    }

    /// As [`Settings::from_environment`], of variables by name.
    ///
    /// # Errors
    /// As there.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &'static str| -> Result<Option<String>> {
            let wrong = |found: OsString| HubError::Environment {
                variable: name,
                expected: "text",
                found: found.to_string_lossy().into_owned(),
            };
            said(name)
                .map(OsString::into_string)
                .transpose()
                .map_err(wrong)
        };
        let is_on = |name: &'static str| -> Result<bool> {
            let value = text(name)?.unwrap_or_default().to_uppercase();
            Ok(["1", "ON", "YES", "TRUE"].contains(&value.as_str()))
        };
        let home = home(&variable)?;
        let endpoint = text("HF_ENDPOINT")?;
        let endpoint = Endpoint::parse(endpoint.as_deref().unwrap_or(HUB))?;
        let token = if is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN")? {
            None
        } else {
            match (text("HF_TOKEN")?, text("HUGGING_FACE_HUB_TOKEN")?) {
                (Some(token), _) | (None, Some(token)) => cleaned(&token, "HF_TOKEN")?,
                (None, None) => {
                    let said = folder(&variable, "HF_TOKEN_PATH");
                    token_in(&said.unwrap_or_else(|| home.join("token")))?
                }
            }
        };
        Ok(Self {
            cache: cache(&variable, &home),
            offline: is_on("HF_HUB_OFFLINE")? || is_on("TRANSFORMERS_OFFLINE")?,
            endpoint,
            token,
        })
    }
}

impl Cache {
    /// Where `HF_HUB_CACHE` or `HF_HOME` says, or where it usually is. What else the environment says
    /// of the hub does not matter to whoever only looks into the cache.
    ///
    /// # Errors
    /// If there is no place for it.
    pub fn from_environment() -> Result<Self> {
        let variable = |name: &str| std::env::var_os(name);
        Ok(cache(variable, &home(variable)?))
    }
}

/// The folder of everything that is kept of the hub.
fn home(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    if let Some(home) = folder(&variable, "HF_HOME") {
        return Ok(home);
    }
    if let Some(caches) = folder(&variable, "XDG_CACHE_HOME") {
        return Ok(caches.join("huggingface"));
    }
    match user(&variable) {
        Some(user) => Ok(user.join(".cache").join("huggingface")),
        None => Err(HubError::Environment {
            variable: "HF_HOME",
            expected: "a folder for the cache, as HOME is not set",
            found: String::new(),
        }),
    }
}

fn cache(variable: impl Fn(&str) -> Option<OsString>, home: &Path) -> Cache {
    let said = folder(&variable, "HF_HUB_CACHE");
    let said = said.or_else(|| folder(&variable, "HUGGINGFACE_HUB_CACHE"));
    Cache::at(said.unwrap_or_else(|| home.join("hub")))
}

fn user(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let said = |name: &str| variable(name).filter(|value| !value.is_empty());
    said("HOME")
        .or_else(|| said("USERPROFILE"))
        .map(PathBuf::from)
}

/// A folder that a variable names; `~` is the user's.
fn folder(variable: impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(variable(name).filter(|value| !value.is_empty())?);
    match (path.strip_prefix("~"), user(&variable)) {
        (Ok(rest), Some(user)) => Some(user.join(rest)),
        _ => Some(path),
    }
}

/// The token in the file that `hf auth login` writes, if there is one.
fn token_in(file: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => cleaned(&text, "the token's file"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HubError::Io {
            doing: "read the token in",
            path: file.to_owned(),
            source,
        }),
    }
}

/// A token without what surrounds it. The message does not repeat it.
fn cleaned(token: &str, variable: &'static str) -> Result<Option<String>> {
    let token = token.trim();
    if token.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok((!token.is_empty()).then(|| token.to_owned()));
    }
    Err(HubError::Environment {
        variable,
        expected: "a token, in letters and digits",
        found: "other characters".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        for (variables, expected) in [
            (&[("HOME", "/u")][..], "/u/.cache/huggingface/hub"),
            (
                &[("HOME", "/u"), ("XDG_CACHE_HOME", "/x")],
                "/x/huggingface/hub",
            ),
            (&[("HOME", "/u"), ("HF_HOME", "/h")], "/h/hub"),
            (&[("HOME", "/u"), ("HF_HOME", "~/h")], "/u/h/hub"),
            (&[("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/o")], "/o"),
            (
                &[
                    ("HF_HOME", "/h"),
                    ("HF_HUB_CACHE", "/c"),
                    ("HUGGINGFACE_HUB_CACHE", "/o"),
                ],
                "/c",
            ),
            (
                &[("HF_HOME", ""), ("HOME", "/u")],
                "/u/.cache/huggingface/hub",
            ),
        ] {
            let settings = read(variables).unwrap();
            assert_eq!(settings.cache.folder(), Path::new(expected));
        }
        let error = read(&[]).err().unwrap().to_string();
        assert!(error.contains("HF_HOME"), "{error}");
    }

    #[test]
    fn tokens_come_from_the_environment_or_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let token =
            |more: &[(&str, &str)]| read(&[&[("HF_HOME", home)], more].concat()).unwrap().token;
        assert_eq!(token(&[]), None);
        std::fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        assert_eq!(token(&[]).as_deref(), Some("hf_file"));
        assert_eq!(
            token(&[("HF_TOKEN", "hf_said")]).as_deref(),
            Some("hf_said")
        );
        assert_eq!(token(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        let other = folder.path().join("other");
        std::fs::write(&other, "hf_other").unwrap();
        let path = other.to_str().unwrap();
        assert_eq!(
            token(&[("HF_TOKEN_PATH", path)]).as_deref(),
            Some("hf_other")
        );
        let error = read(&[("HF_HOME", home), ("HF_TOKEN", "se\ncret")])
            .err()
            .unwrap();
        let error = error.to_string();
        assert!(
            error.contains("HF_TOKEN") && !error.contains("cret"),
            "{error}"
        );
    }

    #[test]
    fn the_hub_may_be_another_one_and_may_be_silent() {
        let settings = read(&[("HOME", "/u"), ("HF_ENDPOINT", "http://127.0.0.1:9/hub/")]).unwrap();
        assert_eq!(settings.endpoint.to_string(), "http://127.0.0.1:9/hub");
        assert!(!settings.offline);
        assert!(
            read(&[("HOME", "/u"), ("HF_HUB_OFFLINE", "yes")])
                .unwrap()
                .offline
        );
        assert!(
            !read(&[("HOME", "/u"), ("HF_HUB_OFFLINE", "0")])
                .unwrap()
                .offline
        );
        let error = read(&[("HOME", "/u"), ("HF_ENDPOINT", "ftp://x")])
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("HF_ENDPOINT") && error.contains("ftp://x"),
            "{error}"
        );
    }
}

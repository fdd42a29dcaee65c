//! What asking will cost, and did.

use super::{Asker, Spent};
use crate::{Ask, LanguageError};
use serde::Serialize;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

/// What a million tokens cost, in any currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Price {
    /// Of those read.
    pub read: f64,
    /// Of those written.
    pub written: f64,
}

impl Price {
    /// What so many tokens cost.
    pub fn of(&self, read: u64, written: u64) -> f64 {
        (self.read * read as f64 + self.written * written as f64) / 1e6
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(',').and_then(|(read, written)| {
            let number = |text: &str| text.trim().parse::<f64>().ok();
            Some((number(read)?, number(written)?))
        });
        let is_price = |price: f64| price.is_finite() && price >= 0.0;
        match parts {
            Some((read, written)) if is_price(read) && is_price(written) => {
                Ok(Self { read, written })
            }
            _ => Err(format!(
                "expected prices of a million tokens, read and written, as in 0.15,0.60; found {text:?}"
            )),
        }
    }
}

/// What asking will take, before it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Requests.
    pub requests: u64,
    /// Answers that are kept, and cost nothing.
    pub kept: u64,
    /// Tokens read: a quarter of the characters.
    pub prompt_tokens: u64,
    /// Tokens written at most.
    pub completion_tokens: u64,
    /// What that costs at most, where there is a price.
    pub cost: Option<f64>,
}

impl Estimate {
    /// What it takes to have these answered, each for the first time and without failures.
    ///
    /// # Errors
    /// If a kept answer cannot be read.
    pub fn of<'a>(
        asker: &Asker<'_>,
        asks: impl IntoIterator<Item = &'a Ask>,
        price: Option<Price>,
    ) -> Result<Self, LanguageError> {
        let mut estimate = Self::default();
        let mut seen = HashSet::new();
        for ask in asks {
            if !seen.insert(ask.key(asker.model())?) || asker.knows(ask)? {
                estimate.kept += 1;
                continue;
            }
            estimate.requests += 1;
            estimate.prompt_tokens += ask.prompt_tokens() as u64;
            estimate.completion_tokens += ask.sampling.tokens as u64;
        }
        let (read, written) = (estimate.prompt_tokens, estimate.completion_tokens);
        estimate.cost = price.map(|price| price.of(read, written));
        Ok(estimate)
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests ({} answers are kept); by estimate {} tokens read (a quarter of the characters) and at most {} written",
            self.requests, self.kept, self.prompt_tokens, self.completion_tokens
        )?;
        if let Some(cost) = self.cost {
            write!(f, ", which cost at most {cost:.4} at the given prices")?;
        }
        f.write_str("; repairs come on top")
    }
}

impl Spent {
    /// What it cost.
    pub fn cost(&self, price: Price) -> f64 {
        price.of(self.prompt_tokens, self.completion_tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_two_numbers() {
        let price: Price = "0.15, 0.6".parse().unwrap();
        assert_eq!(price.of(2_000_000, 1_000_000), 0.9);
        for text in ["", "1", "1,x", "-1,2", "1,NaN", "1,inf"] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
    }
}

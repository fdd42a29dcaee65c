//! Which tokens keep a program well-formed.

use super::LocalError;
use super::vocabulary::{Vocabulary, with_byte};
use sdvp_program::visprog::prefix::Prefix;

/// Tokens that are nothing but characters which a program's text may have.
pub(super) struct PlainTokens {
    plain: Vec<u32>,
    /// The others that spell something, in the order of their bytes.
    others: Vec<u32>,
}

impl PlainTokens {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let (plain, others) = vocabulary
            .sorted()
            .iter()
            .partition(|&&id| is_plain(vocabulary.spelling(id)));
        Self { plain, others }
    }
}

fn is_plain(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\'' | '"' | '\\'))
    })
}

/// The program that is being written, token by token.
///
/// It always knows tokens that end the program, so that it comes to an end within the tokens that
/// may be written, whatever is drawn.
pub(super) struct Constraint<'a> {
    vocabulary: &'a Vocabulary,
    plain: &'a PlainTokens,
    prefix: Prefix,
    /// Tokens with which the program is complete.
    ending: Vec<u32>,
}

impl<'a> Constraint<'a> {
    /// # Errors
    /// If no program can be written over the pictures, or none in so few tokens.
    pub(super) fn new(
        pictures: &[String],
        tokens: usize,
        vocabulary: &'a Vocabulary,
        plain: &'a PlainTokens,
    ) -> Result<Self, LocalError> {
        let prefix = Prefix::new(pictures)?;
        let ending = vocabulary.cover(&prefix.finish());
        if ending.len() > tokens {
            return Err(LocalError::TooFewTokens {
                needed: ending.len(),
                given: tokens,
            });
        }
        Ok(Self {
            vocabulary,
            plain,
            prefix,
            ending,
        })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.prefix.is_complete()
    }

    /// The tokens that may come next, if `left` may be written, this one included.
    pub(super) fn allowed(&self, left: usize) -> Vec<u32> {
        let after = left.saturating_sub(1);
        let room = self.prefix.free_text();
        let mut allowed = Vec::new();
        if room > 0 {
            // Whatever of these comes next, the program is ended alike.
            if self.fits(&self.prefix, after) {
                let short = |id: &&u32| self.vocabulary.spelling(**id).len() <= room;
                allowed.extend(self.plain.plain.iter().filter(short));
            }
            self.walk(&self.plain.others, 0, &self.prefix, after, &mut allowed);
        } else {
            self.walk(
                self.vocabulary.sorted(),
                0,
                &self.prefix,
                after,
                &mut allowed,
            );
        }
        if let Some(first) = self.ending.first()
            && !allowed.contains(first)
        {
            allowed.push(*first);
        }
        allowed
    }

    /// Collects those of sorted `tokens`, whose first `depth` bytes lead to `prefix`, that may be
    /// written.
    fn walk(
        &self,
        tokens: &[u32],
        depth: usize,
        prefix: &Prefix,
        after: usize,
        allowed: &mut Vec<u32>,
    ) {
        let whole = tokens
            .iter()
            .take_while(|&&id| self.vocabulary.spelling(id).len() == depth)
            .count();
        let (ended, mut rest) = tokens.split_at_checked(whole).unwrap_or((tokens, &[]));
        if !ended.is_empty() && self.fits(prefix, after) {
            allowed.extend(ended);
        }
        while let Some(&first) = rest.first() {
            let Some(&byte) = self.vocabulary.spelling(first).get(depth) else {
                break;
            };
            let group = with_byte(self.vocabulary, rest, depth, byte);
            let mut next = prefix.clone();
            if next.advance(byte).is_ok() {
                self.walk(group, depth + 1, &next, after, allowed);
            }
            rest = rest.get(group.len().max(1)..).unwrap_or_default();
        }
    }

    /// Whether a program that begins so can be ended with so many more tokens.
    fn fits(&self, prefix: &Prefix, tokens: usize) -> bool {
        // A token spells at least a byte.
        if tokens >= Prefix::LONGEST_FINISH {
            return true;
        }
        let finish = prefix.finish();
        finish.len() <= tokens || self.vocabulary.cover(&finish).len() <= tokens
    }

    /// Takes the token that was drawn among the allowed ones.
    pub(super) fn push(&mut self, token: u32) {
        for &byte in self.vocabulary.spelling(token) {
            // Allowed tokens are never refused.
            if self.prefix.advance(byte).is_err() {
                return;
            }
        }
        let known = match self.ending.split_first() {
            Some((first, rest)) if *first == token => Some(rest.to_vec()),
            _ => None,
        };
        let other = self.vocabulary.cover(&self.prefix.finish());
        self.ending = match known {
            Some(known) if known.len() <= other.len() => known,
            _ => other,
        };
    }
}

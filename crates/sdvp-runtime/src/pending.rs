//! What the waiting executions need of one module, and what is worth running now.

use crate::active::Request;
use sdvp_core::Digest;
use std::collections::HashMap;

/// One request and everyone who waits for it.
pub(crate) struct Pending<'a> {
    pub(crate) request: &'a Request,
    /// Places of the waiting executions, oldest first.
    pub(crate) waiting: Vec<usize>,
}

/// The requests of one kind, oldest first.
#[derive(Default)]
pub(crate) struct Queue<'a> {
    pending: Vec<Pending<'a>>,
    known: HashMap<Digest, usize>,
}

impl<'a> Queue<'a> {
    /// Adds a request; an equal one shares its place if `deduplicate`.
    pub(crate) fn push(&mut self, place: usize, request: &'a Request, deduplicate: bool) {
        let next = self.pending.len();
        if deduplicate {
            let known = *self.known.entry(request.key).or_insert(next);
            if let Some(pending) = self.pending.get_mut(known) {
                pending.waiting.push(place);
                return;
            }
        }
        self.pending.push(Pending {
            request,
            waiting: vec![place],
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether full batches can be made.
    pub(crate) fn fills(&self, batch_size: usize) -> bool {
        self.len() >= batch_size
    }

    /// The oldest requests that fill whole batches, or all if they fill none; those on the same
    /// view stand next to each other, so that a module can share the view's features.
    pub(crate) fn take(mut self, batch_size: usize) -> Vec<Pending<'a>> {
        if self.fills(batch_size) {
            self.pending.truncate(self.len() / batch_size * batch_size);
        }
        // By the order in which views first appear, which is the order of admission.
        let mut views: HashMap<Digest, usize> = HashMap::new();
        self.pending.sort_by_cached_key(|pending| {
            let next = views.len();
            *views.entry(pending.request.view).or_insert(next)
        });
        self.pending
    }
}

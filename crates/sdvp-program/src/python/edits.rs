//! Changes to a program's text that leave its lines where they are.

use ruff_text_size::{TextRange, TextSize};

/// One change. At one place, what closes comes first, then what opens, then what is replaced; of
/// what opens, the longest first, and of what closes, the shortest.
struct Edit {
    range: TextRange,
    order: (u8, i64),
    text: String,
}

/// Changes to one text, made all at once.
#[derive(Default)]
pub(crate) struct Edits(Vec<Edit>);

impl Edits {
    /// Puts `open` and `close` around a range.
    pub(crate) fn surround(
        &mut self,
        range: TextRange,
        open: impl Into<String>,
        close: impl Into<String>,
    ) {
        let length = i64::from(range.len().to_u32());
        self.open(range.start(), length, open);
        self.0.push(Edit {
            range: TextRange::empty(range.end()),
            order: (0, length),
            text: close.into(),
        });
    }

    /// Puts a text where something of this length begins.
    pub(crate) fn open(&mut self, at: TextSize, length: i64, text: impl Into<String>) {
        self.0.push(Edit {
            range: TextRange::empty(at),
            order: (1, -length),
            text: text.into(),
        });
    }

    /// Puts a text where something ends that nothing else ends with.
    pub(crate) fn insert(&mut self, at: TextSize, text: impl Into<String>) {
        self.replace(TextRange::empty(at), text);
    }

    /// Replaces a range, inside which nothing else changes.
    pub(crate) fn replace(&mut self, range: TextRange, text: impl Into<String>) {
        self.0.push(Edit {
            range,
            order: (2, 0),
            text: text.into(),
        });
    }

    /// The changed text.
    pub(crate) fn apply(mut self, code: &str) -> String {
        self.0.sort_by_key(|edit| (edit.range.start(), edit.order));
        let added: usize = self.0.iter().map(|edit| edit.text.len()).sum();
        let mut out = String::with_capacity(code.len() + added);
        let mut done = 0;
        for edit in self.0 {
            let (start, end) = (edit.range.start().to_usize(), edit.range.end().to_usize());
            // What lies inside a replaced range is gone.
            if start >= done {
                out.push_str(code.get(done..start).unwrap_or_default());
                out.push_str(&edit.text);
                done = end;
            }
        }
        out.push_str(code.get(done..).unwrap_or_default());
        out
    }
}

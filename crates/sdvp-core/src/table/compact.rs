//! Thrift's compact protocol, as far as to pass over what it holds.

use crate::limits::TABLE_DEPTH;

/// Why something is not passed over.
pub(super) enum Fault {
    /// It is cut off, or another text.
    Malformed,
    /// A list that has not room for its entries.
    Claim {
        /// How many it says there are.
        entries: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// Structures within each other, deeper than is allowed.
    Deep,
}

type Result<T> = std::result::Result<T, Fault>;

/// What is left of it.
pub(super) struct Compact<'a>(pub(super) &'a [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().ok_or(Fault::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn pass(&mut self, count: u64) -> Result<()> {
        let count = usize::try_from(count).map_err(|_| Fault::Malformed)?;
        self.0 = self.0.get(count..).ok_or(Fault::Malformed)?;
        Ok(())
    }

    /// A number in groups of seven bits, the lowest first.
    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Fault::Malformed)
    }

    /// The fields of a structure, until the one that ends it. Its own whole numbers are told, by the number
    /// of the field.
    pub(super) fn fields(&mut self, depth: u64, tell: &mut dyn FnMut(u64, i64)) -> Result<()> {
        if depth > TABLE_DEPTH.value() {
            return Err(Fault::Deep);
        }
        let mut field: u64 = 0;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Ok(());
            }
            // The field's number is written out if it is far from the one before.
            field = match head >> 4 {
                0 => signed(self.number()?).unsigned_abs(),
                further => field.saturating_add(u64::from(further)),
            };
            match kind {
                // Whether it is true stands in the kind.
                1 | 2 => {}
                4..=6 => tell(field, signed(self.number()?)),
                _ => self.value(kind, depth)?,
            }
        }
    }

    fn value(&mut self, kind: u8, depth: u64) -> Result<()> {
        match kind {
            1..=3 => self.pass(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.number()?;
                self.pass(length)
            }
            9 | 10 => self.list(depth + 1),
            12 => self.fields(depth + 1, &mut |_, _| ()),
            // Maps, which no footer has.
            _ => Err(Fault::Malformed),
        }
    }

    fn list(&mut self, depth: u64) -> Result<()> {
        if depth > TABLE_DEPTH.value() {
            return Err(Fault::Deep);
        }
        let head = self.byte()?;
        let entries = match head >> 4 {
            15 => self.number()?,
            few => u64::from(few),
        };
        let left = self.0.len();
        if entries > left as u64 {
            return Err(Fault::Claim { entries, left });
        }
        for _ in 0..entries {
            self.value(head & 0x0f, depth)?;
        }
        Ok(())
    }
}

/// A number whose lowest bit says whether it is negative.
fn signed(number: u64) -> i64 {
    ((number >> 1) as i64) ^ -((number & 1) as i64)
}

//! What goes between a program's worker and the one who answers it: frames of a length and as many
//! bytes.

use super::{Failure, Limits, Returned, Stop};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// To a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// A new program; what ran before is forgotten.
    Start { code: String, limits: Limits },
    /// What the program stopped for.
    Resume(Returned),
}

/// From a worker.
pub(super) type Told = Result<Stop, Failure>;

/// Frames are no longer than this, whatever their length says: a program's values are bounded by far
/// less.
const LONGEST: u32 = 256 << 20;

pub(super) fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let mut frame = vec![0; 4];
    frame = postcard::to_extend(message, frame).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).ok();
    let length = length.filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("a message is too long"))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame)?;
    to.flush()
}

/// The next message; none at the end.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("a message is too long"));
    }
    let mut frame = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut frame)?;
    postcard::from_bytes(&frame)
        .map(Some)
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use monty_types::MontyObject;
    use proptest::prelude::*;

    #[test]
    fn what_is_sent_is_received() {
        let mut sent = Vec::new();
        let value = MontyObject::List(vec![MontyObject::Int(-3), MontyObject::None]);
        send(&mut sent, &Order::Resume(Returned::Value(value))).unwrap();
        send(&mut sent, &Order::Resume(Returned::Undefined)).unwrap();
        let mut from = sent.as_slice();
        let first: Order = receive(&mut from).unwrap().unwrap();
        assert!(matches!(
            first,
            Order::Resume(Returned::Value(MontyObject::List(items))) if items.len() == 2
        ));
        assert!(receive::<Order>(&mut from).unwrap().is_some());
        assert!(receive::<Order>(&mut from).unwrap().is_none());
    }

    #[test]
    fn a_length_alone_makes_nothing_large() {
        let claimed = (LONGEST + 1).to_le_bytes();
        assert!(receive::<Told>(&mut claimed.as_slice()).is_err());
        let claimed = LONGEST.to_le_bytes();
        assert!(receive::<Told>(&mut claimed.as_slice()).is_err());
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = receive::<Told>(&mut bytes.as_slice());
            let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
            framed.extend(bytes);
            let _ = receive::<Told>(&mut framed.as_slice());
        }
    }
}

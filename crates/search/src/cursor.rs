//! Where a search goes on. A token holds all that makes the next page fit the last one: the sizes
//! of the trails when the search began, the last event shown, the total and the moment of asking.
//!
//! A token is no secret and no permission: it can only move its holder within results that he may
//! see anyway. Its checksum tells a damaged token from a valid one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cairn_event::TrailRef;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::index::{Hit, Order};
use crate::page::Total;

/// Most trails that one search can span.
pub const TRAILS_MAX: usize = 1024;

/// Most characters of a token: every trail name at its longest.
pub const TOKEN_CHARS_MAX: usize = 256 << 10;

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 8;

/// A place between two events of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) question: Question,
    pub(crate) as_of: Timestamp,
    pub(crate) order: Order,
    pub(crate) total: Total,
    /// The size of each trail when the search began: later events don't shift the pages.
    pub(crate) snapshot: Vec<(TrailRef, u64)>,
    /// All events up to this one were shown or found not to match; `None` if none was looked at.
    pub(crate) after: Option<Hit>,
}

/// What was asked, as a hash: a cursor goes on with its own question only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question([u8; 16]);

impl Question {
    /// `text` is the canonical query with everything else that shapes the result.
    pub(crate) fn of(text: &str) -> Self {
        Self(first_bytes(&[b"cairn/search-question/v1\0", text.as_bytes()]))
    }
}

/// Why a token is no cursor for this search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Longer than any token.
    #[error("cursor longer than {TOKEN_CHARS_MAX} characters")]
    TooLong,
    /// Cut, changed, or something else altogether.
    #[error("not a cursor, or changed on its way: pass it on as it was given")]
    Malformed,
    /// From another version of this program.
    #[error("cursor of another version: search again without it")]
    Version,
    /// Made for another query, order or time range.
    #[error("cursor of another search: the query, order and times must stay the same")]
    OtherQuery,
    /// Made over trails that are not searched now.
    #[error("cursor over other trails than those that are searched")]
    OtherTrails,
}

impl Cursor {
    /// When the search began. A caller whose query or range holds relative times must read them
    /// with this as now: else it is another query on every page.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The token, in characters that need no escaping in a URL.
    #[must_use]
    pub fn to_token(&self) -> String {
        let mut body = Vec::with_capacity(128);
        body.extend(self.question.0);
        body.extend(self.as_of.as_second().to_be_bytes());
        body.extend(self.as_of.subsec_nanosecond().to_be_bytes());
        body.push(u8::from(self.order == Order::Oldest));
        body.push(u8::from(self.total.is_exact));
        body.extend(self.total.count.to_be_bytes());
        body.extend((self.snapshot.len() as u64).to_be_bytes());
        for (trail, size) in &self.snapshot {
            let name = trail.to_string();
            body.push(u8::try_from(name.len()).expect("two names of 63 bytes and a slash"));
            body.extend(name.as_bytes());
            body.extend(size.to_be_bytes());
        }
        if let Some(hit) = &self.after {
            let ordinal = self.snapshot.iter().position(|(trail, _)| *trail == hit.trail);
            let ordinal = ordinal.expect("a hit lies in a trail of the search") as u64;
            body.extend(ordinal.to_be_bytes());
            body.extend(hit.time_ns.to_be_bytes());
            body.extend(hit.index.to_be_bytes());
        }
        let mut bytes = vec![VERSION];
        bytes.extend(checksum(&body));
        bytes.extend(body);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token back.
    ///
    /// # Errors
    /// It is none, by [`CursorError`].
    pub fn parse(token: &str) -> Result<Self, CursorError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(CursorError::TooLong);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| CursorError::Malformed)?;
        let (version, rest) = bytes.split_first().ok_or(CursorError::Malformed)?;
        if *version != VERSION {
            return Err(CursorError::Version);
        }
        let (sum, body) = rest.split_at_checked(CHECKSUM_BYTES).ok_or(CursorError::Malformed)?;
        if checksum(body) != sum {
            return Err(CursorError::Malformed);
        }
        Reader(body).cursor().ok_or(CursorError::Malformed)
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    first_bytes(&[b"cairn/cursor/v1\0", body])
}

fn first_bytes<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|at| digest[at])
}

/// The bytes not read yet.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn cursor(mut self) -> Option<Cursor> {
        let question = Question(self.array()?);
        let second = i64::from_be_bytes(self.array()?);
        let as_of = Timestamp::new(second, i32::from_be_bytes(self.array()?)).ok()?;
        let order = if self.flag()? { Order::Oldest } else { Order::Newest };
        let is_exact = self.flag()?;
        let total = Total { count: self.number()?, is_exact };
        let trails = usize::try_from(self.number()?).ok().filter(|count| *count <= TRAILS_MAX)?;
        let mut snapshot: Vec<(TrailRef, u64)> = Vec::with_capacity(trails);
        for _ in 0..trails {
            let [length] = self.array()?;
            let name = std::str::from_utf8(self.take(length.into())?).ok()?;
            let trail: TrailRef = name.parse().ok()?;
            // In ascending order, so that no trail is named twice.
            if snapshot.last().is_some_and(|(last, _)| *last >= trail) {
                return None;
            }
            snapshot.push((trail, self.number()?));
        }
        let after = if self.0.is_empty() {
            None
        } else {
            let ordinal = usize::try_from(self.number()?).ok()?;
            let (trail, size) = snapshot.get(ordinal)?;
            let time_ns = i64::from_be_bytes(self.array()?);
            let index = self.number().filter(|index| index < size)?;
            Some(Hit { time_ns, trail: trail.clone(), index })
        };
        self.0.is_empty().then_some(Cursor { question, as_of, order, total, snapshot, after })
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        let trail = |name: &str| name.parse::<TrailRef>().expect("a name");
        Cursor {
            question: Question::of("actor:alice"),
            as_of: "2024-05-01T12:00:00.000000001Z".parse().expect("a time"),
            order: Order::Oldest,
            total: Total { count: 12, is_exact: true },
            snapshot: vec![(trail("a/main"), 7), (trail("b/main"), 9)],
            after: Some(Hit { time_ns: -5, trail: trail("b/main"), index: 8 }),
        }
    }

    #[test]
    fn a_token_reads_back_as_the_same_cursor() {
        for after in [None, cursor().after] {
            let cursor = Cursor { after, ..cursor() };
            assert_eq!(Cursor::parse(&cursor.to_token()), Ok(cursor));
        }
    }

    #[test]
    fn a_token_changed_in_any_bit_or_cut_anywhere_is_refused() {
        let bytes = URL_SAFE_NO_PAD.decode(cursor().to_token()).expect("a token");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Cursor::parse(&URL_SAFE_NO_PAD.encode(changed)).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Cursor::parse(&URL_SAFE_NO_PAD.encode(&bytes[..length])).is_err());
        }
    }

    #[test]
    fn what_is_no_token_is_refused_by_name() {
        assert_eq!(Cursor::parse(""), Err(CursorError::Malformed));
        assert_eq!(Cursor::parse("page=2"), Err(CursorError::Malformed));
        assert_eq!(Cursor::parse(&"A".repeat(TOKEN_CHARS_MAX + 1)), Err(CursorError::TooLong));
        assert_eq!(Cursor::parse(&URL_SAFE_NO_PAD.encode([9; 40])), Err(CursorError::Version));
    }

    #[test]
    fn a_forged_token_can_not_point_outside_its_own_snapshot() {
        let mut forged = cursor();
        forged.after.as_mut().expect("there is one").index = 9;
        assert_eq!(Cursor::parse(&forged.to_token()), Err(CursorError::Malformed));
        let mut twice = cursor();
        twice.snapshot[1].0 = twice.snapshot[0].0.clone();
        twice.after = None;
        assert_eq!(Cursor::parse(&twice.to_token()), Err(CursorError::Malformed));
    }
}

//! Names: of tenants and trails, of events, of positions in a trail, of values by their hash.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::invalid::{Invalid, describe};
use crate::json::Json;
use crate::limits;
use crate::text::{FromJson, string};

/// The identity of an event. The server assigns version 7 (RFC 9562); any UUID may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// A version 7 UUID from a clock reading (milliseconds since 1970) and ten random bytes,
    /// both of which the caller brings.
    #[must_use]
    pub fn from_parts(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The id from its 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for EventId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // The uuid crate also takes braces and URNs; an id has one spelling here.
        let uuid = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten();
        uuid.map(Self).ok_or_else(|| {
            Invalid::new(format!("string of {} bytes", text.len()), Self::WANT)
                .hint("leave id out and the server assigns one")
        })
    }
}

impl FromJson for EventId {
    const WANT: &'static str = "a UUID such as 01912d68-783e-7a03-8467-5661c1243ad4";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        string(value, Self::WANT)?.parse()
    }
}

/// Checks `[a-z0-9][a-z0-9-]{0,62}`.
fn checked_name(text: &str) -> Result<Arc<str>, Invalid> {
    let is_name = !text.is_empty()
        && text.len() <= limits::NAME_BYTES_MAX
        && !text.starts_with('-')
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if is_name {
        return Ok(text.into());
    }
    let got = format!("string of {} bytes", text.len());
    let want = "1 to 63 of a-z, 0-9 and -, not starting with -";
    Err(Invalid::new(got, want))
}

/// Who the data belongs to: `[a-z0-9][a-z0-9-]{0,62}`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(Arc<str>);

/// One append-only log inside a tenant: `[a-z0-9][a-z0-9-]{0,62}`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrailName(Arc<str>);

impl TenantName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TrailName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        checked_name(text).map(Self).map_err(|e| e.under("tenant"))
    }
}

impl FromStr for TrailName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        checked_name(text).map(Self).map_err(|e| e.under("trail"))
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TrailName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A trail by its full name, printed `tenant/trail`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrailRef {
    /// Whose trail.
    pub tenant: TenantName,
    /// Which of theirs.
    pub trail: TrailName,
}

impl fmt::Display for TrailRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.trail)
    }
}

impl FromStr for TrailRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some((tenant, trail)) = text.split_once('/') else {
            let got = format!("string of {} bytes", text.len());
            return Err(Invalid::new(got, "tenant/trail"));
        };
        Ok(Self { tenant: tenant.parse()?, trail: trail.parse()? })
    }
}

/// The place of an event in its trail, from 0, without holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Index(pub u64);

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Index {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let canonical = text == "0" || !text.starts_with(['0', '+']);
        canonical.then(|| text.parse().ok()).flatten().map(Self).ok_or_else(|| {
            let got = format!("string of {} bytes", text.len());
            Invalid::new(got, "an index: digits without leading zeros").under("index")
        })
    }
}

/// An event for ever, printed `tenant/trail@index`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The trail.
    pub trail: TrailRef,
    /// The place in it.
    pub index: Index,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.trail, self.index)
    }
}

impl FromStr for Position {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some((trail, index)) = text.split_once('@') else {
            let got = format!("string of {} bytes", text.len());
            return Err(Invalid::new(got, "tenant/trail@index"));
        };
        Ok(Self { trail: trail.parse()?, index: index.parse()? })
    }
}

/// A SHA-256 value, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest that was computed elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        lower_hex(text).map(Self).ok_or_else(|| Invalid::new(format!("string of {} bytes", text.len()), Self::WANT))
    }
}

impl FromJson for Digest {
    const WANT: &'static str = "SHA-256 as 64 lower-case hexadecimal digits";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        string(value, Self::WANT)?.parse()
    }
}

/// Reads exactly `2 * N` lower-case hexadecimal digits.
pub(crate) fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// An identifier of W3C Trace Context: lower-case hexadecimal, not all zeros.
macro_rules! trace_word {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $want:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromJson for $name {
            const WANT: &'static str = $want;

            fn from_json(value: Json) -> Result<Self, Invalid> {
                match value {
                    Json::String(text)
                        if lower_hex::<$bytes>(&text).is_some_and(|b| b != [0; $bytes]) =>
                    {
                        Ok(Self(text))
                    }
                    other => Err(Invalid::new(describe(&other), Self::WANT)
                        .hint("ids of other systems go into correlation_id or metadata")),
                }
            }
        }
    };
}

trace_word!(
    /// `trace-id` of W3C Trace Context.
    TraceId, 16, "32 lower-case hexadecimal digits, not all zero"
);
trace_word!(
    /// `parent-id` of W3C Trace Context: the span.
    SpanId, 8, "16 lower-case hexadecimal digits, not all zero"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_prints_and_parses_as_one_word() {
        for text in ["default/main@0", "a/b-1@18446744073709551615"] {
            let position: Position = text.parse().expect("valid");
            assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn other_spellings_of_a_position_are_refused() {
        let long = format!("{}/main@1", "a".repeat(64));
        for text in [
            "",
            "main@1",
            "a/b",
            "a/b@",
            "a/b@01",
            "a/b@+1",
            "a/b@-1",
            "A/b@1",
            "-a/b@1",
            "a/b/c@1",
            "a/b@1@2",
            "a/b@18446744073709551616",
            "ä/b@1",
            " a/b@1",
            &long,
        ] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_event_id_has_one_spelling_and_any_version() {
        let id = EventId::from_parts(0x0192_1d68_783e, [0xff; 10]);
        assert_eq!(id.to_string(), "01921d68-783e-7fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        let upper: EventId = "F47AC10B-58CC-4372-A567-0E02B2C3D479".parse().expect("v4");
        assert_eq!(upper.to_string(), "f47ac10b-58cc-4372-a567-0e02b2c3d479");
        for text in [
            "",
            "f47ac10b58cc4372a5670e02b2c3d479",
            "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
            "urn:uuid:f47ac10b-58cc-4372-a567-0e02b2c3d479",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_digest_is_lower_case_hex() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(empty.parse(), Ok(Digest::of(b"")));
        assert!(empty.to_uppercase().parse::<Digest>().is_err());
        assert!(empty[1..].parse::<Digest>().is_err());
    }

    #[test]
    fn trace_ids_are_those_of_w3c() {
        let read = |text: &str| TraceId::from_json(text.into());
        assert!(read("4bf92f3577b34da6a3ce929d0e0e4736").is_ok());
        assert!(read("4BF92F3577B34DA6A3CE929D0E0E4736").is_err());
        assert!(read(&"0".repeat(32)).is_err());
        assert!(SpanId::from_json("00f067aa0ba902b7".into()).is_ok());
        assert!(SpanId::from_json("f067aa0ba902b7".into()).is_err());
    }
}

//! What makes two deliveries the same one: how a record was identified, and the key that follows from it.
//!
//! The key is recomputed from a stored event alone, so an index of keys is a cache and never evidence.

use sha2::{Digest as _, Sha256};

use crate::canonical::{Numbers, canonical};
use crate::ids::{Digest, TrailRef, lower_hex};
use crate::json::{Json, JsonError, Object};
use crate::raw;

/// How a record is told apart from every other, in the order in which the ways are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// By the producer's own `idempotency_key`.
    Given(String),
    /// By the key of the whole request and the record's place in it, from 0.
    Request {
        /// The text of the `Idempotency-Key` header.
        key: String,
        /// The place of the record in the request.
        place: u32,
    },
    /// By what the source itself tells its records apart by, unique inside one source.
    Natural(String),
    /// By the id that the producer gave.
    Id,
    /// By its content, and how often the same content came before in the same request.
    Content {
        /// Equal records before it in the request.
        occurrence: u32,
    },
}

/// Where a record came from: the scope in which its identification is unique.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The trail it goes to.
    pub trail: &'a TrailRef,
    /// The authenticated principal.
    pub principal: &'a str,
    /// Kind and name of the source.
    pub source: (&'a str, &'a str),
}

/// The key under which a record is recognised when it comes again: SHA-256 over the way it was identified and the scope in
/// which that is unique, so that no producer can meet another's keys. `id` is the producer's id as text.
#[must_use]
pub fn key(scope: &Scope<'_>, identified: &Identified, id: Option<&str>, fingerprint: &[u8; 16]) -> [u8; 32] {
    let trail = scope.trail.to_string();
    let (principal, kind, name) = (scope.principal.as_bytes(), scope.source.0.as_bytes(), scope.source.1.as_bytes());
    let hashed = |way: &str, parts: &[&[u8]]| {
        let mut hasher = Sha256::new();
        hasher.update(b"cairn/idempotency/v1");
        // Each part with its length in front, so that no two lists of parts give the same bytes.
        for part in [way.as_bytes(), trail.as_bytes()].iter().chain(parts) {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    };
    match identified {
        Identified::Given(key) => hashed("given", &[principal, key.as_bytes()]),
        Identified::Request { key, place } => hashed("request", &[principal, key.as_bytes(), &place.to_be_bytes()]),
        Identified::Natural(key) => hashed("natural", &[kind, name, key.as_bytes()]),
        Identified::Id => hashed("id", &[id.unwrap_or_default().as_bytes()]),
        Identified::Content { occurrence } => {
            hashed("content", &[principal, kind, name, fingerprint, &occurrence.to_be_bytes()])
        }
    }
}

/// The key under which an event with a used key but other content is kept: found again when that event is sent again.
#[must_use]
pub fn conflict_key(key: &[u8; 32], fingerprint: &[u8; 16]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"cairn/conflict-key/v1");
    hasher.update(key);
    hasher.update(fingerprint);
    hasher.finalize().into()
}

/// Recomputes key and fingerprint of a stored event from the texts of its parts.
///
/// # Errors
/// If a text is not JSON, which means that the store is damaged.
pub fn of_stored(trail: &TrailRef, producer_text: &str, server_text: &str) -> Result<([u8; 32], [u8; 16]), JsonError> {
    let mut said = Json::parse(producer_text.as_bytes())?;
    let added = Json::parse(server_text.as_bytes())?;
    let id = said.as_object_mut().and_then(|said| said.remove("id"));
    let id = id.as_ref().and_then(Json::as_str);
    let raw_blob = added.pointer("/raw_blob/sha256").and_then(Json::as_str);
    let raw_blob: Option<Digest> = raw_blob.and_then(|sha256| sha256.parse().ok());
    // Protection changed the content: it is recognised by what it was before, which only the event can tell.
    let keyed = added.pointer("/producer/fingerprint").and_then(Json::as_str).and_then(lower_hex);
    let fingerprint = keyed.unwrap_or_else(|| match (added.get("raw"), raw_blob) {
        (Some(raw), _) => fingerprint_of_raw(&raw::bytes_of(raw)),
        (None, Some(sha256)) => short(sha256.as_bytes()),
        (None, None) => short(&Sha256::digest(canonical(&said, Numbers::AsWritten))),
    });
    let text = |pointer: &str| added.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    let scope = Scope {
        trail,
        principal: text("/producer/principal"),
        source: (text("/producer/source_kind"), text("/producer/source_name")),
    };
    let identified = Identified::from_json(added.pointer("/producer/key"), id.is_some());
    let key = key(&scope, &identified, id, &fingerprint);
    let conflicts = added.get("conflict_with").is_some();
    Ok((if conflicts { conflict_key(&key, &fingerprint) } else { key }, fingerprint))
}

/// The fingerprint of a record kept as received: over its canonical form if it is JSON, so that white space and the order
/// of members make no other record of it.
#[must_use]
pub(crate) fn fingerprint_of_raw(raw: &[u8]) -> [u8; 16] {
    match Json::parse(raw) {
        Ok(json) => short(&Sha256::digest(canonical(&json, Numbers::AsWritten))),
        Err(_) => short(&Sha256::digest(raw)),
    }
}

/// The first 16 bytes of a SHA-256: a fingerprint.
pub(crate) fn short(hash: &[u8]) -> [u8; 16] {
    hash[..16].try_into().expect("SHA-256 has 32 bytes")
}

impl Identified {
    /// The text that the record was identified by, if somebody chose one.
    pub fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Identified::Given(key) | Identified::Request { key, .. } | Identified::Natural(key) => Some(key),
            Identified::Id | Identified::Content { .. } => None,
        }
    }

    /// As a member of the producer object; nothing where the rest of the event says it.
    pub(crate) fn to_json(&self) -> Option<Json> {
        let mut object = Object::new();
        match self {
            Identified::Given(key) => object.insert("given", key.as_str()),
            Identified::Request { key, place } => {
                object.insert("place", u64::from(*place));
                object.insert("request", key.as_str())
            }
            Identified::Natural(key) => object.insert("natural", key.as_str()),
            Identified::Content { occurrence } if *occurrence > 0 => {
                object.insert("occurrence", u64::from(*occurrence))
            }
            Identified::Id | Identified::Content { .. } => return None,
        };
        Some(Json::Object(object))
    }

    fn from_json(json: Option<&Json>, has_id: bool) -> Identified {
        let text = |member: &str| json.and_then(|json| json.get(member)).and_then(Json::as_str).map(str::to_owned);
        let number = |member: &str| {
            let number = json.and_then(|json| json.get(member)).and_then(Json::as_u64);
            number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
        };
        if let Some(key) = text("given") {
            Identified::Given(key)
        } else if let Some(key) = text("request") {
            Identified::Request { key, place: number("place") }
        } else if let Some(key) = text("natural") {
            Identified::Natural(key)
        } else if has_id {
            Identified::Id
        } else {
            Identified::Content { occurrence: number("occurrence") }
        }
    }
}

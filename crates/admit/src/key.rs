//! What makes two deliveries the same one.
//!
//! In this order: the producer's own key, the key of the request, the source's natural key, an id the
//! producer gave, and at last the content itself with its occurrence number in the request.

use std::collections::HashMap;

use cairn_event::{Draft, Identified};

/// The key of a whole request and the place of one record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey<'a> {
    /// The text of the `Idempotency-Key` header.
    pub key: &'a str,
    /// The place of the record in the request, from 0.
    pub place: u32,
}

/// How often each content has come in one request.
#[derive(Debug, Default)]
pub struct Occurrences(HashMap<[u8; 16], u32>);

impl Occurrences {
    /// How often this content came before in the request; counts this time too.
    fn next(&mut self, fingerprint: [u8; 16]) -> u32 {
        let count = self.0.entry(fingerprint).or_insert(0);
        let before = *count;
        *count = count.checked_add(1).expect("a request holds fewer than 2^32 records");
        before
    }
}

/// What is known about a record's identity beside the draft.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Identity<'a> {
    pub(crate) natural_key: Option<&'a str>,
    pub(crate) request_key: Option<RequestKey<'a>>,
}

/// How the store will recognise the record when it comes again.
pub(crate) fn identify(
    draft: &Draft,
    identity: &Identity<'_>,
    fingerprint: [u8; 16],
    occurrences: &mut Occurrences,
) -> Identified {
    if let Some(key) = &draft.idempotency_key {
        return Identified::Given(key.as_str().to_owned());
    }
    if let Some(request) = identity.request_key {
        let RequestKey { key, place } = request;
        return Identified::Request { key: key.to_owned(), place };
    }
    if let Some(key) = identity.natural_key {
        return Identified::Natural(key.to_owned());
    }
    if draft.id.is_some() {
        return Identified::Id;
    }
    Identified::Content { occurrence: occurrences.next(fingerprint) }
}

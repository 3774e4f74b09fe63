//! The stages of one request, put together.
//!
//! The API server writes a request several times: when it arrives, when a long answer begins, when it
//! is done. Each writing repeats what is known so far, and all carry the same `auditID`. Whoever reads
//! a trail wants the request once, with how it ended; so the stages that one delivery holds become one
//! record, an array of them in the order of the delivery.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::detect::Glimpse;
use crate::frame::{Record, grouped};

/// Stages that are put together; a request has four at most.
const STAGES_MAX: usize = 4;

/// Puts records of the same request together where they are of different stages. Two records of one
/// stage are two deliveries of it and stay apart.
pub(super) fn together<'b>(records: impl Iterator<Item = Record<'b>>) -> impl Iterator<Item = Record<'b>> {
    grouped(records, requests)
}

fn requests(records: Vec<Record<'_>>) -> Vec<Record<'_>> {
    let mut requests: Vec<Vec<Record<'_>>> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for record in records {
        let Some((id, stage)) = identity(&record.bytes) else {
            requests.push(vec![record]);
            continue;
        };
        let is_other = |other: &Record<'_>| identity(&other.bytes).is_none_or(|(_, other)| other != stage);
        let fits = |stages: &Vec<Record<'_>>| stages.len() < STAGES_MAX && stages.iter().all(is_other);
        match by_id.get(&id).copied().filter(|at| fits(&requests[*at])) {
            Some(at) => requests[at].push(record),
            None => {
                by_id.insert(id, requests.len());
                requests.push(vec![record]);
            }
        }
    }
    requests.into_iter().map(one).collect()
}

fn identity(record: &[u8]) -> Option<(String, String)> {
    let seen = Glimpse::of(record);
    Some((seen.text("auditID")?.to_owned(), seen.text("stage")?.to_owned()))
}

fn one(mut stages: Vec<Record<'_>>) -> Record<'_> {
    if stages.len() == 1 {
        return stages.remove(0);
    }
    let parts: Vec<&[u8]> = stages.iter().map(|stage| stage.bytes.as_ref()).collect();
    let bytes = [b"[".as_slice(), &parts.join(b",".as_slice()), b"]"].concat();
    Record { bytes: Cow::Owned(bytes), range: stages[0].range.clone() }
}

/// How far a stage is in the life of a request.
pub(super) fn rank(stage: &str) -> u8 {
    match stage {
        "RequestReceived" => 0,
        "ResponseStarted" => 1,
        _ => 2,
    }
}

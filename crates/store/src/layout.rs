//! Names of the files in a data directory (`formats/directory.md`). No other module builds a path.

use cairn_event::{Digest, TrailRef};

pub(crate) const LOCK: &str = "LOCK";
pub(crate) const ID: &str = "cairn.id";
pub(crate) const WAL: &str = "wal";
pub(crate) const HEAD: &str = "wal/HEAD";
pub(crate) const TRAILS: &str = "trails";
pub(crate) const KEYS: &str = "keys";
pub(crate) const LOG_KEY: &str = "keys/log-1.key";
pub(crate) const LOG_VKEY: &str = "keys/log-1.vkey";
pub(crate) const TOKENS: &str = "keys/tokens.json";
pub(crate) const PROTECTION: &str = "keys/protection.json";
pub(crate) const POLICY: &str = "keys/policy.json";
pub(crate) const FIRST_TOKEN: &str = "keys/admin.token";

pub(crate) fn wal_file(first_seq: u64) -> String {
    format!("{WAL}/{first_seq:020}.wal")
}

/// The first sequence number in a WAL file's name, if it is one.
pub(crate) fn wal_seq(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal")?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

pub(crate) fn trail_dir(trail: &TrailRef) -> String {
    format!("{TRAILS}/{trail}")
}

pub(crate) fn checkpoint(trail: &TrailRef) -> String {
    format!("{TRAILS}/{trail}/checkpoint")
}

pub(crate) fn redactions(trail: &TrailRef) -> String {
    format!("{TRAILS}/{trail}/redactions.json")
}

pub(crate) fn seeds_dir(trail: &TrailRef) -> String {
    format!("{TRAILS}/{trail}/seeds")
}

pub(crate) fn seed_file(trail: &TrailRef, block: u64) -> String {
    format!("{TRAILS}/{trail}/seeds/{block:020}.seed")
}

pub(crate) fn blobs_dir(trail: &TrailRef) -> String {
    format!("{TRAILS}/{trail}/blobs")
}

pub(crate) fn blob(trail: &TrailRef, sha256: &Digest) -> String {
    format!("{TRAILS}/{trail}/blobs/{sha256}")
}

pub(crate) fn segments_dir(trail: &TrailRef) -> String {
    format!("{TRAILS}/{trail}/segments")
}

pub(crate) fn segment_name(first: u64, last: u64) -> String {
    format!("{first:020}-{last:020}.parquet")
}

pub(crate) fn segment(trail: &TrailRef, first: u64, last: u64) -> String {
    format!("{}/{}", segments_dir(trail), segment_name(first, last))
}

pub(crate) fn manifest(trail: &TrailRef, first: u64, last: u64) -> String {
    format!("{}/{first:020}-{last:020}.manifest.json", segments_dir(trail))
}

/// The index range in a manifest's or segment's file name, if it is one.
pub(crate) fn segment_range(name: &str, suffix: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(suffix)?.split_once('-')?;
    let number = |digits: &str| {
        (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse::<u64>().ok())?
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

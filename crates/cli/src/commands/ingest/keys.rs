//! Idempotency keys for records that bring none: the same file taken in again gives the same keys.

use std::collections::HashMap;

use cairn_event::Json;
use cairn_ledger::sha256;

/// Different records of one file whose occurrences are counted together. A longer file is counted in
/// spans of this many, so that memory has a bound; the spans begin at the same records each time.
const SPAN_RECORDS_MAX: usize = 4 << 20;

/// Counts how often each record occurred in a file so far.
#[derive(Debug, Default)]
pub(crate) struct Occurrences {
    seen: HashMap<[u8; 16], u32>,
    span: u64,
}

impl Occurrences {
    /// The key of the next record: SHA-256 of its bytes and how many equal ones came before it.
    pub(crate) fn key(&mut self, record: &[u8]) -> String {
        let hash = sha256(record);
        let mut short = [0; 16];
        short.copy_from_slice(&hash.0[..16]);
        if self.seen.len() == SPAN_RECORDS_MAX && !self.seen.contains_key(&short) {
            self.seen.clear();
            self.span += 1;
        }
        let count = self.seen.entry(short).or_default();
        let number = *count;
        *count = count.saturating_add(1);
        match self.span {
            0 => format!("sha256:{}/{number}", hash.to_hex()),
            span => format!("sha256:{}/{number}/{span}", hash.to_hex()),
        }
    }
}

/// A native record with a key of its own, if it is an object that brings neither key nor id.
pub(crate) fn with_key(record: &[u8], json: &Json, occurrences: &mut Occurrences) -> Option<Vec<u8>> {
    let members = json.as_object()?;
    if members.contains("idempotency_key") || members.contains("id") || members.is_empty() {
        return None;
    }
    let key = occurrences.key(record);
    let open = record.iter().position(|byte| *byte == b'{')?;
    let mut keyed = Vec::with_capacity(record.len() + key.len() + 24);
    keyed.extend_from_slice(&record[..=open]);
    keyed.extend_from_slice(b"\"idempotency_key\":\"");
    keyed.extend_from_slice(key.as_bytes());
    keyed.extend_from_slice(b"\",");
    keyed.extend_from_slice(&record[open + 1..]);
    Some(keyed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(record: &str, occurrences: &mut Occurrences) -> Option<String> {
        let json = Json::parse(record.as_bytes()).expect("JSON");
        with_key(record.as_bytes(), &json, occurrences).map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
    }

    #[test]
    fn equal_records_of_one_file_get_different_keys_and_the_same_ones_each_time() {
        let run = || {
            let mut occurrences = Occurrences::default();
            ["{\"a\":1}", "{\"a\":2}", "{\"a\":1}"].map(|record| keyed(record, &mut occurrences).expect("no key yet"))
        };
        let first = run();
        assert_eq!(first, run());
        assert_ne!(first[0], first[2]);
        for text in &first {
            let json = Json::parse(text.as_bytes()).expect("still JSON");
            assert!(
                json.get("idempotency_key").is_some_and(|key| key.as_str().is_some_and(|k| k.starts_with("sha256:")))
            );
            assert!(json.get("a").is_some());
        }
    }

    #[test]
    fn a_record_with_a_key_or_an_id_is_left_alone() {
        let mut occurrences = Occurrences::default();
        assert_eq!(keyed("{\"idempotency_key\":\"k\"}", &mut occurrences), None);
        assert_eq!(keyed("{\"id\":\"x\",\"a\":1}", &mut occurrences), None);
        assert_eq!(keyed("{}", &mut occurrences), None);
        assert_eq!(keyed("[1]", &mut occurrences), None);
    }
}

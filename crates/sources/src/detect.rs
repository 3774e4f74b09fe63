//! Recognises the kind of a body from its beginning.

use std::borrow::Cow;

use crate::SharedSource;
use crate::scan::{Members, skip_space, value_end};

/// How many bytes of a body are enough to look at; no more of a longer head is read.
pub const SNIFF_BYTES_MAX: usize = 64 * 1024;

/// How many records of a head are looked at: a broken first line must not hide the kind.
const SNIFF_RECORDS_MAX: usize = 16;

/// How much a body looks like one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    /// 0 (not at all) to 100 (it says so itself).
    pub score: u8,
    /// What was seen, for a person: `has eventSource, eventName and userIdentity`.
    pub reason: Cow<'static, str>,
}

impl Likeness {
    pub(crate) const NONE: Likeness = Likeness { score: 0, reason: Cow::Borrowed("nothing of it was seen") };

    pub(crate) fn new(score: u8, reason: impl Into<Cow<'static, str>>) -> Likeness {
        Likeness { score, reason: reason.into() }
    }
}

/// The kind that a body was taken for.
#[derive(Clone)]
pub struct Detected {
    /// The source of that kind.
    pub source: SharedSource,
    /// Why.
    pub likeness: Likeness,
}

impl std::fmt::Debug for Detected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detected").field("kind", &self.source.kind()).field("likeness", &self.likeness).finish()
    }
}

/// Of these kinds the one that `head` looks most like. Of equals the first one wins.
pub(crate) fn best<'s>(sources: impl Iterator<Item = &'s SharedSource>, head: &[u8]) -> Option<Detected> {
    let head = &head[..head.len().min(SNIFF_BYTES_MAX)];
    let mut best: Option<Detected> = None;
    for source in sources {
        let likeness = source.sniff(head);
        if likeness.score > best.as_ref().map_or(0, |best| best.likeness.score) {
            best = Some(Detected { source: source.clone(), likeness });
        }
    }
    best
}

/// An object seen in a head: which members it has, as far as the head reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glimpse<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Glimpse<'a> {
    /// The object that a record is.
    pub(crate) fn of(record: &'a [u8]) -> Glimpse<'a> {
        Glimpse { head: record, at: skip_space(record, 0) }
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.value_at(name).is_some()
    }

    pub(crate) fn has_all(self, names: &[&str]) -> bool {
        names.iter().all(|name| self.has(name))
    }

    /// Whether a member is there and holds an object.
    pub(crate) fn has_object(self, name: &str) -> bool {
        self.value_at(name).is_some_and(|at| self.head.get(at) == Some(&b'{'))
    }

    /// The string that a member holds, escapes unresolved.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        let at = self.value_at(name).filter(|at| self.head.get(*at) == Some(&b'"'))?;
        let end = value_end(self.head, at)?;
        std::str::from_utf8(&self.head[at + 1..end - 1]).ok()
    }

    /// `name` is a member, or a path of members joined by dots.
    fn value_at(self, name: &str) -> Option<usize> {
        let member = |at: usize, name: &str| {
            Members::of(self.head, at).find(|member| member.key == name.as_bytes()).map(|member| member.value_at)
        };
        member(self.at, name).or_else(|| name.split('.').try_fold(self.at, member))
    }
}

/// The likeness of the record that looks most like the kind: the first records of the head are shown
/// to `judge` one by one, those inside `envelope` if the head has it.
pub(crate) fn best_likeness(
    head: &[u8],
    envelopes: &[impl AsRef<str>],
    judge: impl Fn(Glimpse<'_>) -> Likeness,
) -> Likeness {
    let mut best = Likeness::NONE;
    for at in record_starts(head, envelopes) {
        let seen = judge(Glimpse { head, at });
        if seen.score > best.score {
            best = seen;
        }
    }
    best
}

fn record_starts(head: &[u8], envelopes: &[impl AsRef<str>]) -> Vec<usize> {
    let bom = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let start = skip_space(head, bom);
    match head.get(start) {
        Some(b'[') => element_starts(head, start + 1),
        Some(b'{') => {
            let inside = Members::of(head, start)
                .find(|member| envelopes.iter().any(|name| member.key == name.as_ref().as_bytes()))
                .filter(|member| head.get(member.value_at) == Some(&b'['));
            match inside {
                Some(member) => element_starts(head, member.value_at + 1),
                None => line_starts(head, start),
            }
        }
        _ => line_starts(head, start),
    }
}

fn element_starts(head: &[u8], at: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut next = skip_space(head, at);
    while starts.len() < SNIFF_RECORDS_MAX {
        starts.push(next);
        let Some(end) = value_end(head, next) else {
            break;
        };
        let comma = skip_space(head, end);
        if head.get(comma) != Some(&b',') {
            break;
        }
        next = skip_space(head, comma + 1);
    }
    starts
}

fn line_starts(head: &[u8], start: usize) -> Vec<usize> {
    let mut starts = vec![start];
    let newlines = (start..head.len()).filter(|at| head[*at] == b'\n');
    starts.extend(newlines.map(|at| skip_space(head, at + 1)).take(SNIFF_RECORDS_MAX - 1));
    starts
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[track_caller]
    fn check(head: &str, kind: Option<&str>) {
        let sources = Sources::builtin();
        let detect = |head: &[u8]| sources.detect(head);
        for (cut, _) in head.char_indices().chain([(head.len(), ' ')]) {
            let score = detect(&head.as_bytes()[..cut]).map_or(0, |found| found.likeness.score);
            assert!(score <= 100, "{head} cut at {cut}");
        }
        assert_eq!(detect(head.as_bytes()).as_ref().map(|found| found.source.kind()), kind, "{head}");
    }

    #[test]
    fn each_kind_is_known_by_its_own_members_however_it_is_framed() {
        let cloudtrail =
            r#"{"eventVersion":"1.08","userIdentity":{},"eventSource":"s3.amazonaws.com","eventName":"X"}"#;
        check(cloudtrail, Some("cloudtrail"));
        check(&format!(" [{cloudtrail}]"), Some("cloudtrail"));
        check(&format!("{{\"Records\":[{cloudtrail},"), Some("cloudtrail"));
        check(&format!("broken {{\n{cloudtrail}\n"), Some("cloudtrail"));
        let kubernetes = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","verb":"get"}"#;
        check(kubernetes, Some("kubernetes"));
        check(
            &format!("{{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"items\":[{kubernetes}]}}"),
            Some("kubernetes"),
        );
        let native = r#"{"action":"a.b","actor":{"id":"x"},"time":"2024-01-01T00:00:00Z"}"#;
        check(native, Some("native"));
        check(&format!("{native}\n{native}"), Some("native"));
    }

    #[test]
    fn a_foreign_record_inside_a_native_event_does_not_change_its_kind() {
        check(
            r#"{"action":"a.b","actor":{"id":"x"},"resource":{},"after":{"eventSource":"x","eventName":"y","userIdentity":{}}}"#,
            Some("native"),
        );
    }

    #[test]
    fn what_looks_like_nothing_is_nothing() {
        check("", None);
        check("hello", None);
        check(r#"{"message":"hi"}"#, None);
        check(r#"{"kind":"Event","apiVersion":"v1","involvedObject":{}}"#, None);
    }
}

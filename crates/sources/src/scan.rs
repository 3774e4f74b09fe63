//! Finds where JSON values begin and end, without judging what is inside them.
//!
//! Splitting needs the extent of a record before anything is known about its validity: a duplicate
//! key or a bad escape must spoil one record, not the body around it. So this scanner looks at quotes,
//! backslashes and brackets alone; each piece is then parsed by itself. It does not recurse, so depth
//! costs nothing.

/// The first position at or after `at` that is not JSON white space (RFC 8259 §2).
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Where `part` stands in the bytes for the first time.
pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The end (exclusive) of the string whose opening quote is at `at`, or `None` if it never closes.
pub(crate) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    debug_assert_eq!(bytes.get(at), Some(&b'"'));
    let mut i = at + 1;
    loop {
        match bytes.get(i)? {
            b'"' => return Some(i + 1),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
}

/// The end (exclusive) of the value that begins at `at`: a string, a bracketed value, or a run of
/// other bytes up to the next delimiter. `None` if the value is still open at the end of the bytes.
///
/// Brackets are counted, not matched by kind; that `[}` is an error is found when it is parsed.
pub(crate) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => bracket_end(bytes, at),
        _ => {
            let is_end = |b: &u8| matches!(b, b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\n' | b'\r');
            let len = bytes[at..].iter().position(is_end).unwrap_or(bytes.len() - at);
            Some(at + len)
        }
    }
}

fn bracket_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut i = at;
    loop {
        match bytes.get(i)? {
            b'"' => i = string_end(bytes, i)?,
            b'{' | b'[' => {
                depth += 1;
                i += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                i += 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => i += 1,
        }
    }
}

/// One member of an object as it stands: the key without its quotes (escapes unresolved) and where
/// its value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value_at: usize,
}

/// Walks the members of the object at `at`; ends quietly where the object ends or stops making sense.
/// With a head that was cut, it gives the members seen so far.
pub(crate) struct Members<'a> {
    bytes: &'a [u8],
    next_at: Option<usize>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(bytes: &'a [u8], at: usize) -> Members<'a> {
        let next_at = (bytes.get(at) == Some(&b'{')).then_some(at + 1);
        Members { bytes, next_at }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let bytes = self.bytes;
        let key_at = skip_space(bytes, self.next_at.take()?);
        if bytes.get(key_at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(bytes, key_at)?;
        let colon_at = skip_space(bytes, key_end);
        if bytes.get(colon_at) != Some(&b':') {
            return None;
        }
        let value_at = skip_space(bytes, colon_at + 1);
        // A value that is cut off has no successor, but is itself still worth seeing.
        self.next_at = value_end(bytes, value_at).and_then(|end| {
            let comma_at = skip_space(bytes, end);
            (bytes.get(comma_at) == Some(&b',')).then_some(comma_at + 1)
        });
        Some(Member { key: &bytes[key_at + 1..key_end - 1], value_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_brackets_close_whatever_its_strings_hold() {
        let cases: &[(&str, Option<usize>)] = &[
            (r#"{"a":"}]\"{"}x"#, Some(13)),
            (r#"[[1,2],{}] "#, Some(10)),
            (r#""a\\"b"#, Some(5)),
            ("12e3,", Some(4)),
            ("", None),
            ("[1", None),
            (r#"{"a":"\"#, None),
        ];
        for (text, end) in cases {
            assert_eq!(value_end(text.as_bytes(), 0), *end, "{text}");
        }
    }

    #[test]
    fn members_of_a_cut_object_are_those_seen_so_far() {
        let keys = |text: &str| -> Vec<String> {
            Members::of(text.as_bytes(), 0).map(|m| String::from_utf8_lossy(m.key).into_owned()).collect()
        };
        assert_eq!(keys(r#" { }"#), Vec::<String>::new());
        assert_eq!(keys(r#"{"a" : 1, "b":{"c":2}, "d":[3"#), ["a", "b", "d"]);
        assert_eq!(keys(r#"{"a":1 "b":2}"#), ["a"]);
    }

    proptest::proptest! {
        #[test]
        fn scanning_never_leaves_the_bytes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64), at in 0_usize..70) {
            if let Some(end) = value_end(&bytes, at) {
                assert!(end <= bytes.len());
            }
            for member in Members::of(&bytes, at) {
                assert!(member.value_at <= bytes.len());
            }
        }
    }
}

//! Applying what `diff` says to the state before gives the state after.

use proptest::prelude::*;

use super::*;
use crate::arbitrary;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The container at a pointer's parent and the last segment.
fn split<'a>(state: &'a mut Json, pointer: &str) -> (&'a mut Json, String) {
    let (parent, last) = pointer.rsplit_once('/').expect("not the root");
    let mut at = state;
    for segment in parent.split('/').skip(1) {
        let key = crate::json::unescape_segment(segment).into_owned();
        at = match at {
            Json::Object(object) => object.get_mut(&key).expect("a member"),
            Json::Array(items) => &mut items[key.parse::<usize>().expect("an index")],
            other => panic!("{pointer} runs through {other}"),
        };
    }
    (at, crate::json::unescape_segment(last).into_owned())
}

/// RFC 6902 section 4 for the operations that `diff` uses; `old` must be what is there.
fn apply(state: &mut Json, change: &Change) {
    if change.path().is_empty() {
        assert_eq!((change.op(), change.old()), (Op::Replace, Some(&*state)));
        *state = change.value().expect("a value").clone();
        return;
    }
    let (parent, key) = split(state, change.path());
    let value = change.value().cloned();
    let old = match (change.op(), parent) {
        (Op::Add, Json::Object(object)) => {
            assert_eq!(object.insert(key, value.expect("a value")), None);
            None
        }
        (Op::Replace, Json::Object(object)) => object.insert(key, value.expect("a value")),
        (Op::Remove, Json::Object(object)) => object.remove(&key),
        (op, Json::Array(items)) => {
            let at: usize = key.parse().expect("an index");
            match op {
                Op::Add => {
                    items.insert(at, value.expect("a value"));
                    None
                }
                Op::Replace => Some(std::mem::replace(&mut items[at], value.expect("a value"))),
                Op::Remove => Some(items.remove(at)),
                other => panic!("diff never writes {other}"),
            }
        }
        (op, other) => panic!("{op} in {other}"),
    };
    assert_eq!(change.old(), old.as_ref());
}

fn check(before: &str, after: &str, expected: &str) {
    let changes = diff(&json(before), &json(after)).expect("few");
    let mut text = String::new();
    changes.write(&mut text);
    assert_eq!(text, expected, "{before} to {after}");
}

#[test]
fn members_are_compared_one_by_one() {
    check(
        r#"{"spec":{"replicas":3,"image":"a"},"x":1,"a/b~":true}"#,
        r#"{"a/b~":false,"spec":{"image":"a","replicas":5},"y":null}"#,
        concat!(
            r#"[{"old":true,"op":"replace","path":"/a~1b~0","value":false},"#,
            r#"{"old":3,"op":"replace","path":"/spec/replicas","value":5},"#,
            r#"{"old":1,"op":"remove","path":"/x"},"#,
            r#"{"op":"add","path":"/y","value":null}]"#
        ),
    );
    check("null", "{}", r#"[{"old":null,"op":"replace","path":"","value":{}}]"#);
    check("[1]", "{}", r#"[{"old":[1],"op":"replace","path":"","value":{}}]"#);
}

#[test]
fn arrays_are_compared_between_their_common_ends() {
    check("[1,2,3]", "[1,2,3]", "[]");
    check("[1,2,3]", "[1,9,2,3]", r#"[{"op":"add","path":"/1","value":9}]"#);
    check("[1,2,3]", "[1,3]", r#"[{"old":2,"op":"remove","path":"/1"}]"#);
    check("[1,1]", "[1,1,1]", r#"[{"op":"add","path":"/2","value":1}]"#);
    check(
        "[1,2,3,4,5]",
        "[1,7,5]",
        r#"[{"old":2,"op":"replace","path":"/1","value":7},{"old":4,"op":"remove","path":"/3"},{"old":3,"op":"remove","path":"/2"}]"#,
    );
    check(r#"[{"a":1,"b":2},0]"#, r#"[{"a":1,"b":3},0]"#, r#"[{"old":2,"op":"replace","path":"/0/b","value":3}]"#);
}

#[test]
fn numbers_are_equal_if_their_canonical_texts_are() {
    check(r#"{"a":1.0,"b":[{"c":-0,"d":1}]}"#, r#"{"a":1,"b":[{"d":1e0,"c":0}]}"#, "[]");
    check(
        "9007199254740992",
        "9007199254740993",
        r#"[{"old":9007199254740992,"op":"replace","path":"","value":9007199254740993}]"#,
    );
}

#[test]
fn a_list_beyond_the_limits_is_not_made() {
    let numbers = |n: usize, value: u64| Json::Array(vec![value.into(); n]);
    let most = limits::CHANGES_MAX;
    let changes = diff(&numbers(most, 1), &numbers(most, 2)).expect("at the limit");
    assert_eq!(changes.as_slice().len(), most);
    assert_eq!(diff(&numbers(most + 1, 1), &numbers(most + 1, 2)), None);
    let wide = |value: u64| {
        let key = "k".repeat(limits::EVENT_BYTES_MAX / 64);
        Json::Object([(key, numbers(64, value))].into_iter().collect())
    };
    assert_eq!(diff(&wide(1), &wide(2)), None);
}

#[test]
fn given_operations_are_checked() {
    let read = |text: &str| Changes::from_json(json(text));
    for good in [
        "[]",
        r#"[{"op":"remove","path":"/a"},{"op":"move","path":"","from":"/a/0"}]"#,
        r#"[{"op":"replace","path":"/a~0b~1","value":null,"old":{}},{"op":"test","path":"","value":1}]"#,
    ] {
        assert!(read(good).is_ok(), "{good}");
    }
    for (bad, message) in [
        ("{}", "got object of 0 members, want an array of operations of RFC 6902"),
        (r#"[{"op":"remove"}]"#, "0.path: got nothing, want an RFC 6901 pointer"),
        (r#"[{"path":""}]"#, "0.op: got nothing, want one of add remove replace move copy test"),
        (r#"[{"op":"replac","path":""}]"#, "did you mean replace?"),
        (r#"[{"op":"add","path":"/a"}]"#, "0.value: got nothing, want a value with op add, replace and test only"),
        (r#"[{"op":"remove","path":"/a","value":1}]"#, "0.value: got a value"),
        (r#"[{"op":"move","path":"/a"}]"#, "0.from: got nothing"),
        (r#"[{"op":"test","path":"a","value":1}]"#, "0.path: got string of 1 bytes, want an RFC 6901 pointer"),
        (r#"[{"op":"test","path":"/~2","value":1}]"#, "0.path"),
        (r#"[{"op":"test","path":"/~","value":1}]"#, "0.path"),
        (r#"[{"op":"test","path":"","valu":1}]"#, "did you mean value?"),
    ] {
        let refused = read(bad).expect_err(bad).to_string();
        assert!(refused.contains(message), "{bad}: {refused}");
    }
}

#[test]
fn changed_paths_are_those_of_the_operations() {
    let event = json(r#"{"changes":[{"op":"move","path":"/b","from":"/a"},{"op":"add","path":"/c"},7]}"#);
    assert_eq!(changed_paths(&event).collect::<Vec<_>>(), ["/b", "/a", "/c"]);
    assert_eq!(changed_paths(&json("{}")).count(), 0);
    assert_eq!(changed_paths(&json(r#"{"changes":null}"#)).count(), 0);
}

/// `json` with one value inside replaced, removed or added, so that states are alike.
fn edited() -> impl Strategy<Value = (Json, Json)> {
    let pair = (arbitrary::json(), arbitrary::json(), any::<prop::sample::Index>(), 0..3_u8);
    pair.prop_map(|(before, new, place, how)| {
        let mut after = before.clone();
        match &mut after {
            Json::Array(items) if !items.is_empty() => {
                let at = place.index(items.len());
                match how {
                    0 => items[at] = new,
                    1 => drop(items.remove(at)),
                    _ => items.insert(at, new),
                }
            }
            Json::Object(object) if !object.is_empty() => {
                let at = place.index(object.len());
                let key = object.iter().nth(at).expect("in range").0.to_owned();
                match how {
                    0 => drop(object.insert(key, new)),
                    1 => drop(object.remove(&key)),
                    _ => drop(object.insert(key + "x", new)),
                }
            }
            other => *other = new,
        }
        (before, after)
    })
}

proptest! {
    #[test]
    fn applying_the_changes_gives_the_state_after(
        (before, after) in prop_oneof![edited(), (arbitrary::json(), arbitrary::json())]
    ) {
        let changes = diff(&before, &after).expect("few");
        let mut state = before.clone();
        for change in changes.as_slice() {
            apply(&mut state, change);
        }
        prop_assert_eq!(
            canonical(&state, Numbers::AsWritten),
            canonical(&after, Numbers::AsWritten)
        );
        let is_same = canonical(&before, Numbers::AsWritten) == canonical(&after, Numbers::AsWritten);
        prop_assert_eq!(changes.as_slice().is_empty(), is_same);
    }

    #[test]
    fn computed_changes_are_valid_changes((before, after) in edited()) {
        let changes = diff(&before, &after).expect("few");
        let mut text = String::new();
        changes.write(&mut text);
        prop_assert_eq!(Changes::from_json(json(&text)).map(|c| c.0.len()), Ok(changes.0.len()));
        prop_assert_eq!(&canonical(&json(&text), Numbers::AsWritten), &text);
    }
}

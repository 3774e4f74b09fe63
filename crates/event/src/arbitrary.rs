//! Generators shared by the property tests.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::json::{Json, Number, Object};

/// Numbers of every shape that JSON has, many of them beyond what a double can hold.
pub(crate) fn number() -> impl Strategy<Value = Json> {
    prop_oneof![
        3 => any::<i16>().prop_map(|n| n.to_string()),
        2 => any::<u64>().prop_map(|n| n.to_string()),
        1 => any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        2 => r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?",
        1 => Just("-0".to_owned()),
        1 => Just("9007199254740993".to_owned()),
    ]
    .prop_map(|literal| Number::from_literal(&literal).expect("generated").into())
}

/// Strings with controls, quotes, astral characters and all else that Rust strings hold.
pub(crate) fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{0,6}",
        1 => any::<String>(),
        1 => "[\u{0}-\u{22}\\\\\u{7f}\u{e000}\u{ffff}\u{10000}\u{1f600}]{0,4}",
    ]
}

/// Any JSON value that is not too deep to be read back.
pub(crate) fn json() -> impl Strategy<Value = Json> {
    let leaf =
        prop_oneof![Just(Json::Null), any::<bool>().prop_map(Json::from), number(), string().prop_map(Json::from),];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Json::Array),
            vec((string(), inner), 0..6).prop_map(|members| Json::Object(object(members))),
        ]
    })
}

fn object(members: Vec<(String, Json)>) -> Object {
    members.into_iter().collect()
}

fn text(pattern: &'static str) -> impl Strategy<Value = Json> {
    pattern.prop_map(Json::from)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Json> {
    proptest::sample::select(words).prop_map(Json::from)
}

fn ip() -> impl Strategy<Value = Json> {
    any::<std::net::IpAddr>().prop_map(|ip| ip.to_string().into())
}

/// An object in which each optional member is there half of the time.
fn members(
    required: Vec<(&'static str, BoxedStrategy<Json>)>,
    optional: Vec<(&'static str, BoxedStrategy<Json>)>,
) -> BoxedStrategy<Json> {
    let required = required.into_iter().map(|(k, v)| v.prop_map(move |v| Some((k, v))).boxed());
    let optional =
        optional.into_iter().map(|(k, v)| prop_oneof![Just(None), v.prop_map(move |v| Some((k, v)))].boxed());
    let all: Vec<BoxedStrategy<Option<(&'static str, Json)>>> = required.chain(optional).collect();
    all.prop_shuffle().prop_map(|members| members.into_iter().flatten().collect::<Object>().into()).boxed()
}

fn id() -> BoxedStrategy<Json> {
    string().prop_filter("not empty", |s| !s.is_empty()).prop_map(Json::from).boxed()
}

fn actor(levels: u32) -> BoxedStrategy<Json> {
    let auth = members(
        vec![],
        vec![("method", text("[a-z]{1,5}").boxed()), ("mfa", any::<bool>().prop_map(Json::from).boxed())],
    );
    let mut optional = vec![
        ("name", string().prop_map(Json::from).boxed()),
        ("email", text("[a-z]{1,5}@example\\.org").boxed()),
        ("ip", ip().boxed()),
        ("session", text("[a-z0-9]{1,8}").boxed()),
        ("auth", auth),
        ("via", word(crate::Via::WORDS).boxed()),
        ("approved_by", vec(id(), 1..3).prop_map(Json::from).boxed()),
    ];
    if levels > 0 {
        optional.push(("on_behalf_of", actor(levels - 1)));
    }
    members(vec![("id", id()), ("type", word(crate::ActorType::WORDS).boxed())], optional)
}

fn resource() -> BoxedStrategy<Json> {
    members(
        vec![("type", id()), ("id", id())],
        vec![
            ("name", string().prop_map(Json::from).boxed()),
            ("parent", string().prop_map(Json::from).boxed()),
            ("namespace", string().prop_map(Json::from).boxed()),
        ],
    )
}

fn time() -> impl Strategy<Value = Json> {
    (-62_135_596_800_i64..253_402_200_000, 0..1_000_000_000_i32).prop_map(|(second, nanosecond)| {
        let time = jiff::Timestamp::new(second, nanosecond).expect("in range");
        Json::from(time.to_string())
    })
}

/// A valid event as a producer sends it. Spellings are those that parts use, so that what comes
/// out can be compared with what went in.
pub(crate) fn event() -> BoxedStrategy<Json> {
    let metadata = vec((string(), json()), 0..4).prop_map(|m| Json::Object(object(m)));
    let origin = members(
        vec![],
        vec![
            ("ips", vec(ip(), 1..3).prop_map(Json::Array).boxed()),
            ("user_agent", string().prop_map(Json::from).boxed()),
            ("endpoint", string().prop_map(Json::from).boxed()),
            ("country", text("[A-Z]{2}").boxed()),
        ],
    );
    let flag = || any::<bool>().prop_map(Json::from).boxed();
    let label = || string().prop_map(Json::from).boxed();
    members(
        vec![
            ("time", time().boxed()),
            ("actor", actor(1)),
            ("action", text("[a-z0-9_-]{1,8}(\\.[a-z0-9_-]{1,8}){1,3}").boxed()),
            ("resource", resource()),
        ],
        vec![
            ("id", any::<[u8; 16]>().prop_map(|b| crate::EventId::from_bytes(b).to_string().into()).boxed()),
            ("operation", word(crate::Operation::WORDS).boxed()),
            ("related", vec(resource(), 1..3).prop_map(Json::Array).boxed()),
            ("outcome", word(crate::Outcome::WORDS).boxed()),
            ("outcome_reason", label()),
            ("request_id", label()),
            ("trace_id", text("[0-9a-f]{31}[1-9a-f]").boxed()),
            ("span_id", text("[0-9a-f]{15}[1-9a-f]").boxed()),
            ("session_id", label()),
            ("correlation_id", label()),
            ("cause", vec(id(), 1..3).prop_map(Json::Array).boxed()),
            ("origin", origin),
            ("environment", label()),
            ("region", label()),
            ("service", label()),
            ("before", json().boxed()),
            ("after", json().boxed()),
            ("effective_change", flag()),
            ("dry_run", flag()),
            ("class", word(crate::Class::WORDS).boxed()),
            ("severity", word(crate::Severity::WORDS).boxed()),
            ("schema", text("[a-z.]{1,9}@[0-9]").boxed()),
            ("metadata", metadata.boxed()),
            ("raw", label()),
        ],
    )
}

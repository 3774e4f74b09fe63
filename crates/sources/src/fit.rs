//! Gives what a mapping says the shape of a draft, whatever the record holds.
//!
//! A mapping names the members; what stands in them was written by strangers. Whoever can choose a
//! long user agent or a queer address must not be able to send the record of what he did into
//! quarantine. So what does not fit its place is left out of it (`raw` has it whole), and what people
//! search for goes to `metadata`: an address that is none, a time that can't be read.

use cairn_event::json::Object;
use cairn_event::{ActorType, Class, Json, Operation, Outcome, Severity, Via, limits};
use jiff::Timestamp;

use crate::{field, time};

/// Members that hold a text, with the most bytes it may have.
const TEXTS: &[(&str, usize)] = &[
    ("outcome_reason", limits::TEXT_BYTES_MAX),
    ("request_id", limits::ID_BYTES_MAX),
    ("session_id", limits::ID_BYTES_MAX),
    ("correlation_id", limits::ID_BYTES_MAX),
    ("environment", limits::LABEL_BYTES_MAX),
    ("region", limits::LABEL_BYTES_MAX),
    ("service", limits::LABEL_BYTES_MAX),
    ("schema", limits::LABEL_BYTES_MAX),
];

/// What stands for an identifier that the record does not give.
const ANY: &str = "*";
const UNKNOWN: &str = "unknown";

/// Fits `mapped` into the shape of a draft.
pub(crate) fn fit(mut mapped: Object, received_at: Timestamp) -> Object {
    let mut metadata = taken_object(&mut mapped, "metadata").unwrap_or_default();
    let mut fitted = Object::new();
    fitted.insert("time", time_of(mapped.remove("time"), received_at, &mut metadata).to_string());
    let mut origin = taken_object(&mut mapped, "origin").unwrap_or_default();
    let mut strange = Vec::new();
    let mut ips = addresses(origin.remove("ips"), &mut strange);
    let mut actor = actor(taken_object(&mut mapped, "actor").unwrap_or_default(), &mut strange);
    match (actor.get("ip").cloned(), ips.first()) {
        (Some(ip), None) => ips.push(ip),
        (None, Some(first)) => drop(actor.insert("ip", first.clone())),
        _ => {}
    }
    fitted.insert("actor", actor);
    fitted.insert("action", action(mapped.remove("action")));
    fitted.insert("resource", resource(taken_object(&mut mapped, "resource").unwrap_or_default()));
    if let Some(related) = list(mapped.remove("related")) {
        fitted.insert("related", related.into_iter().filter_map(into_object).map(resource).collect::<Vec<_>>());
    }
    put_word::<Operation>(&mut fitted, &mut mapped, "operation", Some(Operation::Other.as_str()));
    put_word::<Outcome>(&mut fitted, &mut mapped, "outcome", Some(Outcome::Unknown.as_str()));
    put_word::<Class>(&mut fitted, &mut mapped, "class", None);
    put_word::<Severity>(&mut fitted, &mut mapped, "severity", None);
    for (name, bytes_max) in TEXTS {
        put_text(&mut fitted, &mut mapped, name, *bytes_max);
    }
    put_hex(&mut fitted, &mut mapped, "trace_id", 32, &mut metadata);
    put_hex(&mut fitted, &mut mapped, "span_id", 16, &mut metadata);
    if let Some(cause) = list(mapped.remove("cause")) {
        fitted.insert("cause", cause.into_iter().filter_map(|id| scalar(id, limits::ID_BYTES_MAX)).collect::<Vec<_>>());
    }
    strange.extend(ips.split_off(ips.len().min(limits::LIST_ITEMS_MAX)));
    put_origin(&mut fitted, origin, ips);
    for name in ["before", "after"] {
        let state = mapped.remove(name).filter(|state| !state.is_null());
        field::put(&mut fitted, name, state.filter(|state| state.depth() <= limits::STATE_DEPTH_MAX));
    }
    for name in ["dry_run", "effective_change"] {
        field::put(&mut fitted, name, mapped.remove(name).as_ref().and_then(Json::as_bool));
    }
    if !strange.is_empty() {
        metadata.insert("source_addresses", strange);
    }
    put_metadata(&mut fitted, metadata);
    // What is left is no member of a draft, and reading the draft says so: the mapping is at fault.
    for (name, value) in mapped.into_iter().filter(|(_, value)| !value.is_null()) {
        fitted.insert(name, value);
    }
    fitted
}

/// The time of an event; its reception where the record has none that can be read, which is then said.
fn time_of(said: Option<Json>, received_at: Timestamp, metadata: &mut Object) -> Timestamp {
    let said = said.filter(|said| !said.is_null() && said.as_str() != Some(""));
    if let Some(time) = said.as_ref().and_then(|said| time::instant(said, received_at)) {
        return time;
    }
    metadata.insert("time_source", "received");
    if let Some(text) = said.and_then(|said| scalar(said, limits::ID_BYTES_MAX)) {
        metadata.insert("time_text", text);
    }
    received_at
}

fn actor(mut said: Object, strange: &mut Vec<Json>) -> Object {
    let mut actor = Object::new();
    let id = said.remove("id").and_then(|id| scalar(id, limits::ID_BYTES_MAX));
    let kind = said.remove("type").and_then(|kind| kind.as_str()?.parse::<ActorType>().ok());
    let default = if id.is_some() { ActorType::User } else { ActorType::Unknown };
    actor.insert("id", id.unwrap_or_else(|| UNKNOWN.to_owned()));
    actor.insert("type", kind.unwrap_or(default).as_str());
    for name in ["name", "email", "session"] {
        put_text(&mut actor, &mut said, name, limits::ID_BYTES_MAX);
    }
    if let Some(ip) = addresses(said.remove("ip"), strange).into_iter().next() {
        actor.insert("ip", ip);
    }
    put_word::<Via>(&mut actor, &mut said, "via", None);
    if let Some(mut auth) = said.remove("auth").and_then(into_object) {
        let mut fitted = Object::new();
        put_text(&mut fitted, &mut auth, "method", limits::LABEL_BYTES_MAX);
        field::put(&mut fitted, "mfa", auth.remove("mfa").as_ref().and_then(Json::as_bool));
        field::put_object(&mut actor, "auth", fitted);
    }
    if let Some(other) = said.remove("on_behalf_of").and_then(into_object).filter(|other| is_said(other, "id")) {
        actor.insert("on_behalf_of", self::actor(other, strange));
    }
    if let Some(ids) = list(said.remove("approved_by")) {
        let ids: Vec<String> = ids.into_iter().filter_map(|id| scalar(id, limits::ID_BYTES_MAX)).collect();
        field::put_list(&mut actor, "approved_by", ids);
    }
    rest(actor, said)
}

fn resource(mut said: Object) -> Object {
    let mut resource = Object::new();
    for (name, default) in [("type", UNKNOWN), ("id", ANY)] {
        let text = said.remove(name).and_then(|text| scalar(text, limits::ID_BYTES_MAX));
        resource.insert(name, text.unwrap_or_else(|| default.to_owned()));
    }
    for name in ["name", "parent", "namespace"] {
        put_text(&mut resource, &mut said, name, limits::ID_BYTES_MAX);
    }
    rest(resource, said)
}

/// Members that the mapping gave and the contract does not have: kept, so that the draft refuses them.
fn rest(mut fitted: Object, said: Object) -> Object {
    for (name, value) in said.into_iter().filter(|(_, value)| !value.is_null()) {
        fitted.insert(name, value);
    }
    fitted
}

/// Words joined to an action: a list, or a text that is taken apart at its dots.
fn action(said: Option<Json>) -> String {
    let words: Vec<String> = match said {
        Some(Json::Array(words)) => words.into_iter().filter_map(|word| scalar(word, limits::TEXT_BYTES_MAX)).collect(),
        Some(text) => scalar(text, limits::TEXT_BYTES_MAX)
            .map_or_else(Vec::new, |text| text.split('.').map(str::to_owned).collect()),
        None => Vec::new(),
    };
    let words: Vec<&str> = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => field::action(["other", "", "other"]),
        [only] => field::action(["other", "", only]),
        [first, middle @ .., last] => field::action([first, &middle.join("."), last]),
    }
}

fn put_origin(fitted: &mut Object, mut said: Object, ips: Vec<Json>) {
    let mut origin = Object::new();
    field::put_list(&mut origin, "ips", ips);
    put_text(&mut origin, &mut said, "user_agent", limits::TEXT_BYTES_MAX);
    put_text(&mut origin, &mut said, "endpoint", limits::TEXT_BYTES_MAX);
    let country = said.remove("country");
    let is_code = |text: &&str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    field::put(&mut origin, "country", country.as_ref().and_then(Json::as_str).filter(is_code));
    field::put_object(fitted, "origin", rest(origin, said));
}

/// The addresses of a text or a list, with their ports taken off; what is none goes to `strange`.
fn addresses(said: Option<Json>, strange: &mut Vec<Json>) -> Vec<Json> {
    let mut ips: Vec<Json> = Vec::new();
    for said in list(said).unwrap_or_default() {
        let Some(text) = said.as_str().map(str::trim).filter(|text| !text.is_empty()) else { continue };
        match field::address(text).map(str::to_owned).or_else(|| without_port(text)) {
            Some(ip) => ips.push(Json::String(ip)),
            None if strange.len() < limits::LIST_ITEMS_MAX => strange.push(Json::from(text)),
            None => {}
        }
    }
    ips
}

fn without_port(text: &str) -> Option<String> {
    let socket = text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::IpAddr>().ok();
    socket.or_else(bracketed).map(|ip| ip.to_string())
}

/// Free members without those that say nothing; none of them if they are too many or too deep, which
/// is then said.
fn put_metadata(fitted: &mut Object, metadata: Object) {
    let said: Object = metadata.into_iter().filter(|(_, value)| !is_empty(value)).collect();
    if said.is_empty() {
        return;
    }
    let json = Json::Object(said);
    let fits = json.depth() <= limits::METADATA_DEPTH_MAX && json.keys() <= limits::METADATA_KEYS_MAX;
    let only_raw = || Json::Object([("only_in_raw", true)].into_iter().collect());
    fitted.insert("metadata", if fits { json } else { only_raw() });
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn is_said(object: &Object, name: &str) -> bool {
    object.get(name).is_some_and(|value| !is_empty(value))
}

/// A text, a number or a truth value as a text that says something and is no longer than it may be.
pub(crate) fn scalar(value: Json, bytes_max: usize) -> Option<String> {
    let text = match value {
        Json::String(text) => text,
        Json::Number(number) => number.to_string(),
        Json::Bool(value) => value.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= bytes_max).then_some(text)
}

fn put_text(fitted: &mut Object, said: &mut Object, name: &str, bytes_max: usize) {
    field::put(fitted, name, said.remove(name).and_then(|text| scalar(text, bytes_max)));
}

/// Puts a word of a fixed list, in lower case; `other` stands for words that are not in it.
fn put_word<W: std::str::FromStr>(fitted: &mut Object, said: &mut Object, name: &str, other: Option<&str>) {
    let Some(word) = said.remove(name).and_then(|word| scalar(word, limits::LABEL_BYTES_MAX)) else { return };
    let word = word.to_ascii_lowercase();
    let known = word.parse::<W>().is_ok();
    field::put(fitted, name, if known { Some(word.as_str()) } else { other });
}

/// Puts an identifier of W3C trace context, lower-cased; one of another form is metadata. All zeros
/// means none there.
fn put_hex(fitted: &mut Object, said: &mut Object, name: &str, digits: usize, metadata: &mut Object) {
    let Some(text) = said.remove(name).and_then(|text| scalar(text, limits::ID_BYTES_MAX)) else { return };
    if text.bytes().all(|byte| byte == b'0') {
        return;
    }
    if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        fitted.insert(name, text.to_ascii_lowercase());
    } else {
        metadata.insert(name, text);
    }
}

fn list(said: Option<Json>) -> Option<Vec<Json>> {
    match said? {
        Json::Null => None,
        Json::Array(items) => Some(items),
        one => Some(vec![one]),
    }
}

fn into_object(json: Json) -> Option<Object> {
    match json {
        Json::Object(object) => Some(object),
        _ => None,
    }
}

fn taken_object(mapped: &mut Object, name: &str) -> Option<Object> {
    mapped.remove(name).and_then(into_object)
}

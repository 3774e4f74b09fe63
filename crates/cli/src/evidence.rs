//! Checks one event against the log: from the text that is shown to a signature over the tree's root.

use cairn_api::ExitCode;
use cairn_api::v1::ProofView;
use cairn_event::canonical::{Numbers, canonical};
use cairn_event::json::Object;
use cairn_event::{Json, Position};
use cairn_ledger::{Checkpoint, DisclosedSlot, Disclosure, Hash, Kind, Part, ProofText, entry, leaf_hash};

use crate::connect::{Session, TrailKey};
use crate::failure::Failure;
use crate::print::event::Found;
use crate::print::{Printer, Tone, escape, times};

/// An event whose every byte was checked.
#[derive(Debug, Clone)]
pub(crate) struct Proved {
    /// The checkpoint that it is included in.
    pub(crate) checkpoint: Checkpoint,
    /// The index that the proof is about.
    pub(crate) index: u64,
    /// The event as the log commits to it.
    pub(crate) event: Json,
    /// Members that are hidden: only what was committed to is shown.
    pub(crate) hidden: usize,
    /// Whether the key was known before the server was asked.
    pub(crate) pinned: bool,
}

impl Proved {
    /// One line for a person.
    pub(crate) fn line(&self) -> String {
        let hidden = match self.hidden {
            0 => String::new(),
            hidden => format!(", {}", times::plural(hidden as u64, "hidden member")),
        };
        let key = if self.pinned { "" } else { ", key as given by the server" };
        format!("✓ verified, checkpoint {}{hidden}{key}", times::count(self.checkpoint.size()))
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> Json {
        let mut json = Object::new();
        json.insert("verified", true);
        json.insert("tree_size", self.checkpoint.size());
        json.insert("index", self.index);
        json.insert("origin", self.checkpoint.origin());
        json.insert("key_pinned", self.pinned);
        json.insert("hidden_members", self.hidden as u64);
        Json::Object(json)
    }
}

/// Asks the server for the evidence of an event and checks it: disclosure → leaf → path → root →
/// signature, and that the event shown is the one disclosed.
///
/// # Errors
/// [`ExitCode::IntegrityFailure`] if anything does not hold; else what the server says.
pub(crate) fn check(session: &Session, found: &Found, key: &TrailKey) -> Result<Proved, Failure> {
    let proof = session.client.proof(&found.position)?;
    let proved = check_view(&proof, key).map_err(|why| broken(&found.position, &why))?;
    if proof.leaf_hash != found.leaf_hash {
        return Err(broken(&found.position, "the leaf hash is not the one that was shown with the event"));
    }
    if !same(&proved.event, &found.event) {
        return Err(broken(&found.position, "the event shown is not the one that the log commits to"));
    }
    Ok(proved)
}

/// The key of the trail that an event lies in.
///
/// # Errors
/// As [`Session::key_of`].
pub(crate) fn key_of(session: &Session, position: &str) -> Result<TrailKey, Failure> {
    let place: Position =
        position.parse().map_err(|error| Failure::error("the server gave a position that can't be read").why(error))?;
    session.key_of(&place.trail)
}

fn check_view(proof: &ProofView, key: &TrailKey) -> Result<Proved, String> {
    let said = |error: cairn_ledger::LedgerError| error.to_string();
    let disclosure = from_base64(&proof.disclosure).ok_or("the disclosure is not base64")?;
    let disclosure = Disclosure::decode(&disclosure).map_err(said)?;
    let leaf = leaf_hash(&entry(Kind::Event, &disclosure.root()));
    if Hash::from_base64(&proof.leaf_hash).map_err(said)? != leaf {
        return Err("the disclosed slots do not give the leaf hash".to_owned());
    }
    let checkpoint = proof.verify(&key.key).map_err(said)?;
    let (event, hidden) = reassemble(&disclosure)?;
    Ok(Proved { checkpoint, index: proof.index, event, hidden, pinned: key.pinned })
}

/// Checks a proof text (C2SP tlog-proof with the disclosure as `extra`), which needs no server.
///
/// # Errors
/// What does not hold.
pub(crate) fn check_text(proof: &ProofText, key: &TrailKey) -> Result<Proved, String> {
    let disclosure = proof.extra().ok_or("the proof has no extra line, so the event behind it is not known")?;
    let disclosure = Disclosure::decode(disclosure).map_err(|error| error.to_string())?;
    let entry = entry(Kind::Event, &disclosure.root());
    let checkpoint = proof.verify(&entry, std::slice::from_ref(&key.key)).map_err(|error| error.to_string())?;
    let (event, hidden) = reassemble(&disclosure)?;
    Ok(Proved { checkpoint, index: proof.index(), event, hidden, pinned: key.pinned })
}

/// The event that a disclosure shows: both parts with their slots put back in, and how many are hidden.
fn reassemble(disclosure: &Disclosure) -> Result<(Json, usize), String> {
    let mut event = Object::new();
    let mut hidden = 0;
    for part in [Part::Producer, Part::Server] {
        let mut slots = disclosure.part(part).iter();
        let Some(DisclosedSlot::Open { value, .. }) = slots.next() else {
            return Err("the core of a part is hidden".to_owned());
        };
        let mut core = Json::parse(value).map_err(|error| format!("the core of a part is not JSON: {error}"))?;
        for slot in slots {
            let DisclosedSlot::Open { path, value, .. } = slot else {
                hidden += 1;
                continue;
            };
            let value = Json::parse(value).map_err(|error| format!("slot {path} is not JSON: {error}"))?;
            let place = member_mut(&mut core, path).filter(|member| member.is_null());
            *place.ok_or_else(|| format!("slot {path} has no place in its part"))? = value;
        }
        let Json::Object(members) = core else {
            return Err("a part is not a JSON object".to_owned());
        };
        for (name, value) in members.iter() {
            if event.insert(name, value.clone()).is_some() {
                return Err(format!("both parts have a member {name:?}"));
            }
        }
    }
    Ok((Json::Object(event), hidden))
}

fn member_mut<'j>(json: &'j mut Json, pointer: &str) -> Option<&'j mut Json> {
    let names = pointer.strip_prefix('/')?.split('/');
    names
        .into_iter()
        .try_fold(json, |json, name| json.as_object_mut()?.get_mut(&name.replace("~1", "/").replace("~0", "~")))
}

/// Whether two events say the same, whatever the order of their members.
fn same(one: &Json, other: &Json) -> bool {
    canonical(one, Numbers::AsWritten) == canonical(other, Numbers::AsWritten)
}

fn broken(position: &str, why: &str) -> Failure {
    Failure::new(ExitCode::IntegrityFailure, format!("{position} is not what the log commits to"))
        .why(why)
        .next("keep a copy of the data directory as it is, then run `cairn verify trail` on it")
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

impl Printer {
    /// Says how an event stands with the log, as one line, and gives an integrity failure on.
    ///
    /// # Errors
    /// The failure that was found, after it was shown; what stdout says.
    pub(crate) fn proof_status(&mut self, indent: &str, checked: &Result<Proved, Failure>) -> std::io::Result<()> {
        let text = match checked {
            Ok(proved) => self.tint(Tone::Good, &proved.line()).into_owned(),
            Err(failure) if failure.exit == ExitCode::IntegrityFailure => {
                let why = failure.why.as_deref().unwrap_or(&failure.what);
                self.tint(Tone::Bad, &format!("✗ NOT VERIFIED: {}", escape::line(why))).into_owned()
            }
            Err(failure) => {
                let why = failure.why.as_deref().unwrap_or(&failure.what);
                self.tint(Tone::Warn, &format!("? not checked: {}", escape::line(why))).into_owned()
            }
        };
        self.line(&format!("{indent}{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &str, value: &str) -> DisclosedSlot {
        DisclosedSlot::Open { salt: [7; 16], path: path.to_owned(), value: value.as_bytes().to_vec() }
    }

    #[test]
    fn a_disclosure_gives_the_event_back() {
        let producer = vec![
            open("", r#"{"action":"a.b","actor":{"id":null,"type":"user"},"after":null}"#),
            open("/actor/id", "\"alice\""),
            open("/after", r#"{"n":12345678901234567890}"#),
        ];
        let server = vec![open("", r#"{"id":"x","raw":null}"#), DisclosedSlot::Hidden(Hash([1; 32]))];
        let disclosure = Disclosure::new(producer, server).expect("well formed");
        let (event, hidden) = reassemble(&disclosure).expect("well formed");
        let expected = r#"{"id":"x","raw":null,"after":{"n":12345678901234567890},"actor":{"type":"user","id":"alice"},"action":"a.b"}"#;
        assert!(same(&event, &Json::parse(expected.as_bytes()).expect("JSON")), "{}", event.to_text());
        assert_eq!(hidden, 1);
    }

    #[test]
    fn a_slot_can_only_fill_a_place_that_was_left_for_it() {
        let part = |core: &str, path: &str| {
            Disclosure::new(vec![open("", core), open(path, "1")], vec![open("", "{}")]).expect("well formed")
        };
        assert!(reassemble(&part(r#"{"a":null}"#, "/a")).is_ok());
        assert!(reassemble(&part(r#"{"a":2}"#, "/a")).is_err());
        assert!(reassemble(&part(r#"{"a":null}"#, "/b")).is_err());
    }
}

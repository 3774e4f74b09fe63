//! Replacing what the rules cover, place by place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aho_corasick::AhoCorasick;
use cairn_event::changes::Changes;
use cairn_event::json::{Object, push_segment, unescape_segment};
use cairn_event::{Draft, Json, Note, Place, Raw, hidden_with, slot_of};

use super::detect::Detector;
use super::rules::{Covering, Treatment};
use super::{Protection, keys, raw, text};

/// What stands in the place of a value that is not kept.
const MASK: &str = "[masked]";

/// A covered value of at least so many bytes is looked for in the whole event. A shorter one is too common a word; in the
/// raw record, where it may stand under another name, it is looked for as well.
const WORD_BYTES_MIN: usize = 4;

/// The work on one event.
pub(super) struct Treating<'a> {
    protection: Protection<'a>,
    action: String,
    /// The member that is being looked at.
    member: String,
    /// The slot that it lies in.
    slot: Option<&'static str>,
    notes: BTreeMap<(String, String, &'static str), u64>,
    withheld: BTreeSet<&'static str>,
    /// Values that rules by place or key cover, each with what stands for it.
    words: BTreeMap<String, String>,
    is_changed: bool,
    /// Detectors that are not asked about the value that is being looked at.
    exempt: &'a [Detector],
}

/// What becomes of a value.
enum Fate {
    /// It stays as it is.
    Stays,
    /// This stands in its place.
    Text(String),
    /// It is left out.
    Goes,
}

/// A rule that covers what is below a place: all of it, or only the items of lists.
#[derive(Clone, Copy)]
struct Over<'a> {
    covering: Covering<'a>,
    is_deep: bool,
}

impl<'a> Treating<'a> {
    pub(super) fn new(protection: Protection<'a>, action: &str) -> Treating<'a> {
        Treating {
            protection,
            action: action.to_owned(),
            member: String::new(),
            slot: None,
            notes: BTreeMap::new(),
            withheld: BTreeSet::new(),
            words: BTreeMap::new(),
            is_changed: false,
            exempt: &[],
        }
    }

    /// What was done, and the slots to withhold.
    pub(super) fn finish(self) -> (Vec<Note>, Vec<&'static str>) {
        let note = |((member, rule, action), count)| Note { member, rule, action, count };
        (self.notes.into_iter().map(note).collect(), self.withheld.into_iter().collect())
    }

    /// Everything in a draft, and the changes that were computed from its states.
    pub(super) fn draft(&mut self, draft: &mut Draft, mut computed: Option<&mut Changes>) {
        draft.places(&mut |path, place| self.place(path, place));
        for changes in draft.changes.as_mut().into_iter().chain(computed.as_deref_mut()) {
            self.changes(changes);
        }
        let record = draft.raw.take().map(|raw| self.record(raw));
        // Only now is it known which values are covered anywhere.
        let long = self.words.iter().filter(|(value, _)| value.len() >= WORD_BYTES_MIN);
        let words = Words::new(long);
        if !words.is_empty() {
            draft.places(&mut |path, place| self.replace_words(path, place, &words));
            for (_, values) in draft.changes.as_mut().into_iter().chain(computed).flat_map(Changes::values_mut) {
                values.into_iter().flatten().for_each(|value| {
                    words.replace_json(value);
                });
            }
        }
        draft.raw = match record {
            None | Some(Record::Gone) => None,
            Some(Record::Same(raw)) => Some(raw),
            Some(record) => record.without(&Words::new(self.words.iter())),
        };
    }

    /// The source's own record: a rule may cover all of it, or something in it.
    fn record(&mut self, raw: Raw) -> Record {
        self.at("/raw");
        let rules = self.protection.rules;
        if let Some(covering) = rules.of_path(&["raw"], &self.action) {
            return match self.treat(&String::from_utf8_lossy(raw.as_bytes()), covering) {
                Fate::Stays => Record::Same(raw),
                Fate::Goes => Record::Gone,
                Fate::Text(text) => Record::Text(vec![(text, Vec::new())]),
            };
        }
        let is_clean = self.words.is_empty() && !raw::is_suspect(rules, raw.as_bytes());
        if is_clean {
            return Record::Same(raw);
        }
        match raw::json(raw.as_bytes()) {
            Some(mut json) => {
                let before = std::mem::take(&mut self.is_changed);
                self.json(&mut json, &mut vec!["raw".to_owned()], None);
                let is_changed = std::mem::replace(&mut self.is_changed, before);
                Record::Json { json, raw, is_changed }
            }
            None => Record::Text(self.chunks(raw.as_bytes())),
        }
    }

    /// The pieces of a record that are text, each with the bytes behind it that are not.
    fn chunks(&mut self, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let treated = bytes.utf8_chunks().map(|chunk| match self.text(chunk.valid()) {
            Fate::Text(text) => (text, chunk.invalid().to_vec()),
            Fate::Stays | Fate::Goes => (chunk.valid().to_owned(), chunk.invalid().to_vec()),
        });
        treated.collect()
    }

    fn place(&mut self, path: &str, mut place: Place<'_>) {
        self.at(path);
        let segments: Vec<&str> = path[1..].split('/').collect();
        let key = segments.last().copied().unwrap_or_default();
        let rules = self.protection.rules;
        if let Place::Json(json) = place {
            let mut way = segments.iter().map(|segment| (*segment).to_owned()).collect();
            let over = rules.of_path(&segments, &self.action).map(|covering| Over { covering, is_deep: true });
            if self.json(json, &mut way, over) {
                *json = Json::Null;
            }
            return;
        }
        // What kind of thing it was is no value of anybody's; the words of the action are not either.
        let by_key = || if matches!(key, "type" | "action") { None } else { rules.of_key(key) };
        let covering = rules.of_path(&segments, &self.action).or_else(by_key);
        if let Place::Ips(_) | Place::Ip(_) = place {
            return self.addresses(&mut place, covering);
        }
        let Some(text) = place.text().map(|text| text.into_owned()) else { return };
        let fate = match covering {
            Some(covering) => self.whole(&text, covering),
            None => self.text(&text),
        };
        match fate {
            Fate::Stays => {}
            Fate::Goes if place.clear() => {}
            Fate::Goes => drop(place.replace(MASK)),
            Fate::Text(replaced) => {
                // Grammar or length of the member may not allow it; the hash of the whole is a short plain word.
                let fits = place.replace(&replaced) || place.replace(&self.protection.keys.hash(&text));
                if !fits && !place.clear() {
                    self.withhold();
                }
            }
        }
    }

    /// No token is an address, so that an address is withheld instead.
    fn addresses(&mut self, place: &mut Place<'_>, covering: Option<Covering<'_>>) {
        let Some(covering) = covering else { return };
        let addresses: Vec<String> = match &place {
            Place::Ips(ips) => ips.iter().map(ToString::to_string).collect(),
            other => other.text().map(|text| text.into_owned()).into_iter().collect(),
        };
        for address in &addresses {
            self.whole(address, covering);
        }
        if addresses.is_empty() || covering.treatment == Treatment::Keep {
            return;
        }
        if covering.treatment == Treatment::Drop || !self.withhold() {
            place.clear();
        }
    }

    fn at(&mut self, path: &str) {
        self.member = path[1..].split('/').next().unwrap_or_default().to_owned();
        self.slot = slot_of(path);
    }

    /// A value that a rule by place or key covers.
    fn whole(&mut self, value: &str, covering: Covering<'_>) -> Fate {
        if value.is_empty() || is_treated(value) {
            return Fate::Stays;
        }
        let fate = self.treat(value, covering);
        if covering.treatment != Treatment::Keep {
            let elsewhere = match &fate {
                Fate::Text(text) => text.clone(),
                Fate::Goes => String::new(),
                Fate::Stays => MASK.to_owned(),
            };
            self.words.entry(value.to_owned()).or_insert(elsewhere);
        }
        fate
    }

    fn treat(&mut self, value: &str, covering: Covering<'_>) -> Fate {
        let keys = self.protection.keys;
        let Covering { name, treatment } = covering;
        if treatment == Treatment::Keep {
            return Fate::Stays;
        }
        self.note(self.member.clone(), name, treatment);
        match treatment {
            Treatment::Commit if self.withhold() => Fate::Stays,
            // Kept ones are gone by now; what no slot holds can't be committed to.
            Treatment::Keep | Treatment::Commit | Treatment::Mask => Fate::Text(MASK.to_owned()),
            Treatment::Drop => Fate::Goes,
            Treatment::Tokenize => Fate::Text(keys.token(value)),
            Treatment::Hash => Fate::Text(keys.hash(value)),
        }
    }

    /// Counts that something was done.
    fn note(&mut self, member: String, rule: &str, treatment: Treatment) {
        self.is_changed = true;
        *self.notes.entry((member, rule.to_owned(), treatment.as_str())).or_insert(0) += 1;
    }

    /// Withholds the slot that is being looked at. False if there is none.
    fn withhold(&mut self) -> bool {
        let Some(slot) = self.slot else { return false };
        self.withheld.insert(slot);
        self.withheld.extend(hidden_with(slot));
        true
    }

    /// A text in which something may be covered.
    fn text(&mut self, value: &str) -> Fate {
        let mut pieces = Vec::new();
        for found in text::find(self.protection.rules, value, self.exempt) {
            let inside = &value[found.range.clone()];
            if is_treated(inside) {
                continue;
            }
            let fate = match found.is_named {
                true => self.whole(inside, found.covering),
                false => self.treat(inside, found.covering),
            };
            match fate {
                Fate::Stays => {}
                Fate::Text(text) => pieces.push((found.range, text)),
                Fate::Goes => pieces.push((found.range, String::new())),
            }
        }
        spliced(value, pieces).map_or(Fate::Stays, Fate::Text)
    }

    /// A value of JSON, which stands at `way`. True if it is to be left out.
    fn json(&mut self, json: &mut Json, way: &mut Vec<String>, over: Option<Over<'a>>) -> bool {
        match json {
            Json::Null | Json::Bool(_) => false,
            Json::String(value) => {
                let fate = self.scalar(value, over);
                becomes(json, fate)
            }
            Json::Number(number) => {
                let fate = self.scalar(&number.literal(), over);
                becomes(json, fate)
            }
            Json::Array(items) => {
                let treated = std::mem::take(items).into_iter().filter_map(|mut item| {
                    // Lists have no keys: what covers a list covers its items.
                    (!self.json(&mut item, way, over)).then_some(item)
                });
                *items = treated.collect();
                false
            }
            Json::Object(object) => {
                self.object(object, way, over.filter(|over| over.is_deep));
                false
            }
        }
    }

    fn scalar(&mut self, value: &str, over: Option<Over<'a>>) -> Fate {
        match over {
            Some(over) => self.whole(value, over.covering),
            None => self.text(value),
        }
    }

    fn object(&mut self, object: &mut Object, way: &mut Vec<String>, over: Option<Over<'a>>) {
        let rules = self.protection.rules;
        for (key, mut value) in std::mem::take(object) {
            way.push(key);
            let key = way.last().expect("it was pushed just now");
            let by_path = || {
                let segments: Vec<&str> = way.iter().map(String::as_str).collect();
                rules.of_path(&segments, &self.action).map(|covering| Over { covering, is_deep: true })
            };
            let by_key = || rules.of_key(key).map(|covering| Over { covering, is_deep: false });
            let over = over.or_else(by_path).or_else(by_key);
            let above = std::mem::replace(&mut self.exempt, rules.exempt(key));
            let goes = self.json(&mut value, way, over);
            self.exempt = above;
            let key = way.pop().expect("it was pushed a moment ago");
            if !goes {
                let key = self.key(key);
                object.insert(key, value);
            }
        }
    }

    /// A key may be a value itself, such as a mail address. It stays a key, and no two become one.
    fn key(&mut self, key: String) -> String {
        let found = text::find(self.protection.rules, &key, &[]);
        let Some(first) = found.first().filter(|found| found.covering.treatment != Treatment::Keep) else { return key };
        self.note(self.member.clone(), first.covering.name, first.covering.treatment);
        match first.covering.treatment {
            Treatment::Tokenize => self.protection.keys.token(&key),
            _ => self.protection.keys.hash(&key),
        }
    }

    /// What changed between the states: each path is one of theirs.
    fn changes(&mut self, changes: &mut Changes) {
        self.at("/changes");
        let rules = self.protection.rules;
        for (path, values) in changes.values_mut() {
            let names: Vec<String> = path.split('/').skip(1).map(|name| unescape_segment(name).into_owned()).collect();
            let of_state = |state: &str| {
                let segments: Vec<&str> = std::iter::once(state).chain(names.iter().map(String::as_str)).collect();
                rules.of_path(&segments, &self.action)
            };
            let by_path = of_state("after").or_else(|| of_state("before"));
            let by_path = by_path.map(|covering| Over { covering, is_deep: true });
            let by_key = || {
                let key = names.iter().rev().find(|name| name.parse::<usize>().is_err())?;
                rules.of_key(key).map(|covering| Over { covering, is_deep: false })
            };
            let over = by_path.or_else(by_key);
            for value in values.into_iter().flatten() {
                for state in ["before", "after"] {
                    let mut way: Vec<String> = std::iter::once(state.to_owned()).chain(names.iter().cloned()).collect();
                    if self.json(value, &mut way, over) {
                        *value = Json::Null;
                    }
                    if over.is_some() {
                        break;
                    }
                }
            }
            let kept: Vec<String> = names.iter().map(|name| self.key(name.clone())).collect();
            if kept != names {
                path.clear();
                kept.iter().for_each(|name| push_segment(path, name));
            }
        }
    }

    fn replace_words(&mut self, path: &str, mut place: Place<'_>, words: &Words) {
        self.at(path);
        // What was covered in a slot that is withheld is what is committed to.
        if self.slot.is_some_and(|slot| self.withheld.contains(slot)) || path.ends_with("/type") {
            return;
        }
        match &mut place {
            Place::Json(json) => drop(words.replace_json(json)),
            Place::Action(_) | Place::Label(_) | Place::Ip(_) | Place::Ips(_) => {}
            Place::Id(_) | Place::Name(_) | Place::Long(_) => {
                let replaced = place.text().and_then(|text| words.replace(&text));
                if let Some(replaced) = replaced
                    && !place.replace(&replaced)
                    && !place.clear()
                {
                    place.replace(MASK);
                }
            }
        }
    }

    /// Everything in an event as it is stored.
    pub(super) fn event(&mut self, event: &mut Object) {
        for (member, mut value) in std::mem::take(event) {
            self.at(&format!("/{member}"));
            match value.as_str() {
                Some(raw) if member == "raw" => match raw::json(raw.as_bytes()) {
                    Some(mut json) => drop(self.json(&mut json, &mut vec![member.clone()], None)),
                    None => drop(self.text(raw)),
                },
                _ if matches!(member.as_str(), "producer" | "protected") => {}
                _ => drop(self.json(&mut value, &mut vec![member.clone()], None)),
            }
        }
    }

    /// Whether a rule covers something in a text that identifies the record.
    pub(super) fn covers_identity(&mut self, value: &str) -> bool {
        let is_word = Words::new(self.words.iter()).replace(value).is_some();
        let found = text::find(self.protection.rules, value, self.exempt);
        let first = found.iter().find(|found| found.covering.treatment != Treatment::Keep);
        if let Some(first) = first {
            self.note("producer".to_owned(), first.covering.name, Treatment::Hash);
        }
        is_word || first.is_some()
    }
}

/// Gives a value of JSON its fate. True if it is to be left out.
fn becomes(json: &mut Json, fate: Fate) -> bool {
    match fate {
        Fate::Stays => false,
        Fate::Goes => true,
        Fate::Text(text) => {
            *json = Json::String(text);
            false
        }
    }
}

/// Whether a text is what stands in the place of a value already: it comes again when a quarantined record is tried again.
fn is_treated(text: &str) -> bool {
    text == MASK || keys::is_form(text)
}

/// A text with other texts in the place of some ranges, which rise; none if there are no ranges.
fn spliced(text: &str, pieces: impl IntoIterator<Item = (Range<usize>, impl AsRef<str>)>) -> Option<String> {
    let mut spliced = String::new();
    let mut copied = 0;
    for (range, with) in pieces {
        spliced.push_str(&text[copied..range.start]);
        spliced.push_str(with.as_ref());
        copied = range.end;
    }
    if copied == 0 {
        return None;
    }
    spliced.push_str(&text[copied..]);
    Some(spliced)
}

/// A source's own record, once the rules were asked.
enum Record {
    /// Nothing in it can be covered.
    Same(Raw),
    /// All of it is left out.
    Gone,
    /// JSON, in which something may have been changed.
    Json { json: Json, raw: Raw, is_changed: bool },
    /// Pieces of text, each with the bytes behind it that are none.
    Text(Vec<(String, Vec<u8>)>),
}

impl Record {
    /// The record without the values that are covered elsewhere.
    fn without(self, words: &Words) -> Option<Raw> {
        let bytes = match self {
            Record::Same(raw) => return Some(raw),
            Record::Gone => return None,
            Record::Json { mut json, raw, is_changed } => {
                if !words.replace_json(&mut json) && !is_changed {
                    return Some(raw);
                }
                json.to_text().into_bytes()
            }
            Record::Text(chunks) => {
                let chunk = |(text, behind): (String, Vec<u8>)| {
                    [words.replace(&text).unwrap_or(text).into_bytes(), behind].concat()
                };
                chunks.into_iter().flat_map(chunk).collect()
            }
        };
        // What was added may be more than was taken away; a record of the greatest size has no room for it.
        Some(Raw::new(bytes).unwrap_or_else(|_| Raw::new(MASK).expect("far less than a record may have")))
    }
}

/// Values to be replaced wherever they stand as whole words.
struct Words {
    found: Found,
    with: Vec<String>,
}

/// How the values are looked for: an automaton is worth what it costs to build only for many of them.
enum Found {
    Few(Vec<String>),
    Many(AhoCorasick),
}

/// Most values that are looked for one by one.
const FEW: usize = 32;

impl Words {
    fn new<'w>(words: impl Iterator<Item = (&'w String, &'w String)>) -> Words {
        let (values, with): (Vec<_>, Vec<_>) = words.map(|(value, with)| (value.clone(), with.clone())).unzip();
        let built = match values.len() {
            0..=FEW => None,
            _ => AhoCorasick::new(&values).ok(),
        };
        let found = built.map_or(Found::Few(values), Found::Many);
        Words { found, with }
    }

    fn is_empty(&self) -> bool {
        self.with.is_empty()
    }

    /// Where the values stand in a text, the first one first, and of those that begin together the longest. One that
    /// overlaps another comes as well: whether it counts depends on what is around it.
    fn places(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let mut places: Vec<(Range<usize>, usize)> = match &self.found {
            Found::Few(values) => {
                let of_one = |(number, value): (usize, &String)| {
                    text.match_indices(value.as_str()).map(move |(at, found)| (at..at + found.len(), number)).collect()
                };
                values.iter().enumerate().flat_map(|value| -> Vec<_> { of_one(value) }).collect()
            }
            Found::Many(searcher) => {
                searcher.find_overlapping_iter(text).map(|found| (found.range(), found.pattern().as_usize())).collect()
            }
        };
        places.sort_unstable_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        places
    }

    fn replace(&self, text: &str) -> Option<String> {
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let mut free = 0;
        let whole = self.places(text).into_iter().filter(|(range, _)| {
            let counts = range.start >= free
                && is_apart(text[..range.start].chars().next_back())
                && is_apart(text[range.end..].chars().next());
            free = if counts { range.end } else { free };
            counts
        });
        spliced(text, whole.map(|(range, number)| (range, &self.with[number])))
    }

    fn replace_json(&self, json: &mut Json) -> bool {
        let replaced = match json {
            Json::String(value) => self.replace(value),
            Json::Number(number) => self.replace(&number.literal()),
            Json::Array(items) => return items.iter_mut().fold(false, |any, item| self.replace_json(item) | any),
            Json::Object(object) => {
                return object.values_mut().fold(false, |any, value| self.replace_json(value) | any);
            }
            Json::Null | Json::Bool(_) => None,
        };
        replaced.map(|text| *json = Json::String(text)).is_some()
    }
}

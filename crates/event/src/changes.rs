//! What changed between two states, as operations of RFC 6902 that also carry the old values.

use std::cmp::Ordering;

use crate::actor::object;
use crate::canonical::{Numbers, canonical};
use crate::invalid::{Invalid, describe};
use crate::json::{Json, Object, push_segment};
use crate::limits;
use crate::text::{FromJson, string, words};

words! {
    /// The operations of RFC 6902 section 4.
    Op {
        /// Adds a value.
        Add = "add",
        /// Removes a value.
        Remove = "remove",
        /// Replaces a value.
        Replace = "replace",
        /// Moves a value from another place.
        Move = "move",
        /// Copies a value from another place.
        Copy = "copy",
        /// States what a value is.
        Test = "test",
    }
}

/// One operation. Which members it has depends on `op`, and is checked when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    op: Op,
    path: String,
    from: Option<String>,
    value: Option<Json>,
    old: Option<Json>,
}

impl Change {
    /// What it does.
    #[must_use]
    pub fn op(&self) -> Op {
        self.op
    }

    /// Where, as an RFC 6901 pointer into the state.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where a `move` or `copy` takes its value from.
    #[must_use]
    pub fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// The new value of an `add`, `replace` or `test`.
    #[must_use]
    pub fn value(&self) -> Option<&Json> {
        self.value.as_ref()
    }

    /// The value that was there before, of a `remove` or `replace`. Computed changes always have
    /// it; given ones may lack it.
    #[must_use]
    pub fn old(&self) -> Option<&Json> {
        self.old.as_ref()
    }

    fn new(op: Op, path: &str, old: Option<&Json>, value: Option<&Json>) -> Self {
        Self { op, path: path.to_owned(), from: None, value: value.cloned(), old: old.cloned() }
    }

    /// The operation as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.insert("op", self.op.as_str());
        object.insert("path", self.path.as_str());
        for (key, member) in [("value", &self.value), ("old", &self.old)] {
            if let Some(json) = member {
                object.insert(key, json.clone());
            }
        }
        if let Some(from) = &self.from {
            object.insert("from", from.as_str());
        }
        Json::Object(object)
    }
}

impl FromJson for Change {
    const WANT: &'static str = "an operation of RFC 6902";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        const MEMBERS: &[&str] = &["op", "path", "from", "value", "old"];
        let (mut op, mut path, mut from) = (None, None, None);
        let (mut value_, mut old) = (None, None);
        for (key, member) in object(value, Self::WANT)? {
            let under = |e: Invalid| e.under(&key);
            match key.as_str() {
                "op" => op = Some(Op::from_json(member).map_err(under)?),
                "path" => path = Some(pointer(member).map_err(under)?),
                "from" => from = Some(pointer(member).map_err(under)?),
                "value" => value_ = Some(shallow(member).map_err(under)?),
                "old" => old = Some(shallow(member).map_err(under)?),
                unknown => {
                    let advice = "RFC 6902 has no other";
                    return Err(Invalid::unknown_member(unknown, MEMBERS, advice));
                }
            }
        }
        let op = op.ok_or_else(|| Invalid::missing("op", Op::WANT))?;
        let path = path.ok_or_else(|| Invalid::missing("path", "an RFC 6901 pointer"))?;
        if matches!(op, Op::Move | Op::Copy) != from.is_some() {
            return Err(mismatch(from.is_some(), "move and copy only").under("from"));
        }
        if matches!(op, Op::Add | Op::Replace | Op::Test) != value_.is_some() {
            return Err(mismatch(value_.is_some(), "add, replace and test only").under("value"));
        }
        Ok(Self { op, path, from, value: value_, old })
    }
}

fn mismatch(is_there: bool, ops: &str) -> Invalid {
    let got = if is_there { "a value" } else { "nothing" };
    Invalid::new(got, format!("a value with op {ops}"))
}

/// Reads an RFC 6901 pointer.
fn pointer(value: Json) -> Result<String, Invalid> {
    const WANT: &str = "an RFC 6901 pointer";
    let text = string(value, WANT)?;
    let is_escaped = |rest: &str| rest.starts_with(['0', '1']);
    let is_pointer = (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(is_escaped);
    if is_pointer {
        return Ok(text);
    }
    Err(Invalid::new(format!("string of {} bytes", text.len()), WANT)
        .hint("write /spec/replicas, with ~1 for / and ~0 for ~ in a key"))
}

/// Checks that a state can be quoted in a change and read back.
pub(crate) fn shallow(value: Json) -> Result<Json, Invalid> {
    let depth = value.depth();
    if depth > limits::STATE_DEPTH_MAX {
        let want = format!("at most {} levels", limits::STATE_DEPTH_MAX);
        return Err(Invalid::new(format!("{} of {depth} levels", value.kind()), want));
    }
    Ok(value)
}

/// The `changes` of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// The operations, in the order in which they apply.
    #[must_use]
    pub fn as_slice(&self) -> &[Change] {
        &self.0
    }

    /// The path of each operation with its new and its old value, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = (&mut String, [Option<&mut Json>; 2])> {
        self.0.iter_mut().map(|change| (&mut change.path, [change.value.as_mut(), change.old.as_mut()]))
    }

    /// Appends the canonical text of the list.
    pub(crate) fn write(&self, out: &mut String) {
        out.push('[');
        for (at, change) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            crate::canonical::write(&change.to_json(), Numbers::AsWritten, out);
        }
        out.push(']');
    }
}

impl FromJson for Changes {
    const WANT: &'static str = "an array of operations of RFC 6902";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        let Json::Array(items) = value else {
            return Err(Invalid::new(describe(&value), Self::WANT));
        };
        if items.len() > limits::CHANGES_MAX {
            let want = format!("at most {} items", limits::CHANGES_MAX);
            return Err(Invalid::new(format!("array of {} items", items.len()), want));
        }
        let read = |(at, item)| Change::from_json(item).map_err(|e| e.under(&format!("{at}")));
        let changes: Result<_, _> = items.into_iter().enumerate().map(read).collect();
        changes.map(Self)
    }
}

/// The paths that an event's `changes` touch, as they are indexed.
pub fn changed_paths(event: &Json) -> impl Iterator<Item = &str> {
    event
        .get("changes")
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .flat_map(|change| [change.get("path"), change.get("from")])
        .flatten()
        .filter_map(Json::as_str)
}

/// The operations that lead from one state to the other. Objects are compared member by member;
/// arrays by position, once their common start and end are set aside. Numbers are equal if their
/// canonical texts are.
///
/// Returns `None` if there are more than [`limits::CHANGES_MAX`], or if their paths alone would
/// be larger than an event: then the two states say more than the list.
#[must_use]
pub fn diff(before: &Json, after: &Json) -> Option<Changes> {
    let mut diff = Diff { changes: Vec::new(), path: String::new(), path_bytes: 0 };
    diff.values(before, after)?;
    Some(Changes(diff.changes))
}

struct Diff {
    changes: Vec<Change>,
    path: String,
    path_bytes: usize,
}

impl Diff {
    fn values(&mut self, before: &Json, after: &Json) -> Option<()> {
        match (before, after) {
            (Json::Object(before), Json::Object(after)) => self.objects(before, after),
            (Json::Array(before), Json::Array(after)) => self.arrays(before, after),
            _ if same(before, after) => Some(()),
            _ => self.note(Op::Replace, Some(before), Some(after)),
        }
    }

    fn note(&mut self, op: Op, old: Option<&Json>, value: Option<&Json>) -> Option<()> {
        self.path_bytes += self.path.len();
        let is_too_much = self.changes.len() == limits::CHANGES_MAX || self.path_bytes > limits::EVENT_BYTES_MAX;
        if is_too_much {
            return None;
        }
        self.changes.push(Change::new(op, &self.path, old, value));
        Some(())
    }

    /// Runs `step` with `segment` at the end of the path.
    fn at(&mut self, segment: &str, step: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let length = self.path.len();
        push_segment(&mut self.path, segment);
        let result = step(self);
        self.path.truncate(length);
        result
    }

    fn objects(&mut self, before: &Object, after: &Object) -> Option<()> {
        let (before, after) = (before.sorted(), after.sorted());
        let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (Some((old_key, _)), Some((new_key, _))) => old_key.cmp(new_key),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Some(()),
            };
            let old = before.next_if(|_| order.is_le());
            let new = after.next_if(|_| order.is_ge());
            match (old, new) {
                (Some((key, old)), Some((_, new))) => self.at(key, |d| d.values(old, new))?,
                (Some((key, old)), None) => self.at(key, |d| d.note(Op::Remove, Some(old), None))?,
                (None, Some((key, new))) => self.at(key, |d| d.note(Op::Add, None, Some(new)))?,
                (None, None) => unreachable!("one side was peeked to have a member"),
            }
        }
    }

    fn arrays(&mut self, before: &[Json], after: &[Json]) -> Option<()> {
        let start = count_same(before.iter().zip(after));
        let (before, after) = (&before[start..], &after[start..]);
        let end = count_same(before.iter().rev().zip(after.iter().rev()));
        let before = &before[..before.len() - end];
        let after = &after[..after.len() - end];
        let both = before.len().min(after.len());
        for (at, (old, new)) in before.iter().zip(after).enumerate() {
            self.at(&(start + at).to_string(), |d| d.values(old, new))?;
        }
        // From the end, so that each index is the one the item had in the old state.
        for (at, old) in before.iter().enumerate().skip(both).rev() {
            self.at(&(start + at).to_string(), |d| d.note(Op::Remove, Some(old), None))?;
        }
        for (at, new) in after.iter().enumerate().skip(both) {
            self.at(&(start + at).to_string(), |d| d.note(Op::Add, None, Some(new)))?;
        }
        Some(())
    }
}

fn count_same<'a>(pairs: impl Iterator<Item = (&'a Json, &'a Json)>) -> usize {
    pairs.take_while(|(a, b)| same(a, b)).count()
}

/// Whether two values have the same canonical text, found without writing it.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => {
            x == y || canonical(a, Numbers::AsWritten) == canonical(b, Numbers::AsWritten)
        }
        (Json::Array(x), Json::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Json::Object(x), Json::Object(y)) => {
            let same_members = |((k, x), (l, y)): ((&str, &Json), (&str, &Json))| k == l && same(x, y);
            x.len() == y.len()
                && (x.iter().zip(y.iter()).all(same_members)
                    || x.sorted().into_iter().zip(y.sorted()).all(same_members))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests;

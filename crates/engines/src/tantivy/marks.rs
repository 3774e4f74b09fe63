//! What a commit says of itself: the trails by ordinal and how far each has come.

use cairn_event::json::Object;
use cairn_event::{Digest, Json, TrailRef};
use cairn_search::Reached;

use super::Ordinals;

/// Raised whenever an index of before can't be used any more: other fields, terms or words.
const VERSION: u64 = 1;

/// The trails of an index. Ordinals stand in the columns and never change.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    trails: Vec<Mark>,
    ordinals: Ordinals,
}

#[derive(Debug, Clone)]
struct Mark {
    trail: TrailRef,
    /// 0 until a commit names the trail.
    size: u64,
    last_leaf: Digest,
}

impl Marks {
    pub(super) fn ordinal_or_new(&mut self, trail: &TrailRef) -> usize {
        if let Some(ordinal) = self.ordinals.get(trail) {
            return *ordinal;
        }
        let ordinal = self.trails.len();
        let last_leaf = Digest::from_bytes([0; 32]);
        self.trails.push(Mark { trail: trail.clone(), size: 0, last_leaf });
        self.ordinals.insert(trail.clone(), ordinal);
        ordinal
    }

    pub(super) fn set(&mut self, reached: &Reached) {
        let ordinal = self.ordinal_or_new(&reached.trail);
        let mark = &mut self.trails[ordinal];
        mark.size = reached.size;
        mark.last_leaf = Digest::from_bytes(reached.last_leaf);
    }

    pub(super) fn reached(&self) -> Vec<Reached> {
        let known = self.trails.iter().filter(|mark| mark.size > 0);
        known
            .map(|mark| Reached { trail: mark.trail.clone(), size: mark.size, last_leaf: *mark.last_leaf.as_bytes() })
            .collect()
    }

    /// The trails with their ordinals and sizes, in the order of their names.
    pub(super) fn by_name(&self) -> impl Iterator<Item = (&TrailRef, usize, u64)> {
        self.ordinals.iter().map(|(trail, at)| (trail, *at, self.trails[*at].size))
    }

    pub(super) fn to_text(&self) -> String {
        let trail = |mark: &Mark| {
            let mut line = Object::new();
            line.insert("trail", mark.trail.to_string());
            line.insert("size", mark.size);
            line.insert("last_leaf", mark.last_leaf.to_string());
            Json::Object(line)
        };
        let mut object = Object::new();
        object.insert("version", VERSION);
        object.insert("trails", self.trails.iter().map(trail).collect::<Vec<_>>());
        Json::Object(object).to_text()
    }

    /// Reads what [`Marks::to_text`] wrote; `None` if it is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let json = Json::parse(text.as_bytes()).ok()?;
        if json.get("version")?.as_u64()? != VERSION {
            return None;
        }
        let mut marks = Self::default();
        for line in json.get("trails")?.as_array()? {
            let mark = Mark {
                trail: line.get("trail")?.as_str()?.parse().ok()?,
                size: line.get("size")?.as_u64()?,
                last_leaf: line.get("last_leaf")?.as_str()?.parse().ok()?,
            };
            let ordinal = marks.trails.len();
            if marks.ordinals.insert(mark.trail.clone(), ordinal).is_some() {
                return None;
            }
            marks.trails.push(mark);
        }
        Some(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_read_back_with_the_same_ordinals() {
        let mut marks = Marks::default();
        for (name, size) in [("b/main", 3), ("a/main", u64::MAX)] {
            let trail = name.parse().expect("a name");
            marks.set(&Reached { trail, size, last_leaf: [size as u8; 32] });
        }
        let read = Marks::parse(&marks.to_text()).expect("our own text");
        assert_eq!(read.reached(), marks.reached());
        let names: Vec<_> = read.by_name().map(|(t, at, size)| (t.to_string(), at, size)).collect();
        assert_eq!(names, [("a/main".to_owned(), 1, u64::MAX), ("b/main".to_owned(), 0, 3)]);
    }

    #[test]
    fn other_texts_are_no_marks() {
        for text in ["", "{}", r#"{"version":0,"trails":[]}"#, r#"{"version":1,"trails":[{}]}"#] {
            assert!(Marks::parse(text).is_none(), "{text}");
        }
    }
}

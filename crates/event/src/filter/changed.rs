//! Which paths an event changed, read from its `changes` (RFC 6902 operations with old values).

use std::collections::BTreeSet;

use super::fields::pointer_segments;
use crate::json::Json;

/// Calls `visit` with every path that `changed:` finds in the event, as unescaped segments; some
/// may come twice.
///
/// These are the path of each operation, each path above it, and, where an operation adds, removes
/// or replaces a whole object or list, the paths inside that differ. Each comes as written and once
/// more without list positions, so that `containers.0.image` is also found as `containers.image`.
pub fn each_changed_path(event: &Json, mut visit: impl FnMut(&[&str])) {
    any_changed_path(event, &mut |path| {
        visit(path);
        false
    });
}

/// Whether `test` holds of a path that changed.
pub(super) fn any_changed_path(event: &Json, test: &mut dyn FnMut(&[&str]) -> bool) -> bool {
    let changes = event.pointer("/changes").and_then(Json::as_array).unwrap_or_default();
    changes.iter().any(|change| {
        let pointer = |name| change.get(name).and_then(Json::as_str);
        [("path", change.get("old"), change.get("value")), ("from", None, None)]
            .into_iter()
            .filter_map(|(name, old, new)| Some((pointer(name)?, old, new)))
            .any(|(pointer, old, new)| any_along(pointer, old, new, test))
    })
}

/// The path of one operation from its top to its end, and into what it changed.
fn any_along(pointer: &str, old: Option<&Json>, new: Option<&Json>, test: &mut dyn FnMut(&[&str]) -> bool) -> bool {
    let segments = pointer.strip_prefix('/').map(pointer_segments).unwrap_or_default();
    let mut walk = Walk { full: Vec::new(), named: Vec::new(), test };
    for segment in &segments {
        walk.enter(segment);
        if walk.test() {
            return true;
        }
    }
    walk.inside(old, new)
}

struct Walk<'p, 't> {
    /// The path as written.
    full: Vec<&'p str>,
    /// The path without list positions.
    named: Vec<&'p str>,
    test: &'t mut dyn FnMut(&[&str]) -> bool,
}

fn is_position(segment: &str) -> bool {
    segment == "-" || !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit())
}

impl<'p> Walk<'p, '_> {
    fn enter(&mut self, segment: &'p str) {
        self.full.push(segment);
        if !is_position(segment) {
            self.named.push(segment);
        }
    }

    fn leave(&mut self) {
        if self.full.pop().is_some_and(|segment| !is_position(segment)) {
            self.named.pop();
        }
    }

    fn test(&mut self) -> bool {
        let is_other = self.named.len() < self.full.len() && !self.named.is_empty();
        (self.test)(&self.full) || is_other && (self.test)(&self.named)
    }

    /// The paths inside two values, either of which may be missing, where they differ. List
    /// elements are passed through without a position of their own.
    fn inside(&mut self, old: Option<&'p Json>, new: Option<&'p Json>) -> bool {
        if old == new {
            return false;
        }
        let keys: BTreeSet<&str> = [old, new]
            .into_iter()
            .filter_map(|value| value?.as_object())
            .flat_map(|object| object.iter().map(|(key, _)| key))
            .collect();
        for key in keys {
            let member = |value: Option<&'p Json>| value.and_then(|value| value.get(key));
            let (old, new) = (member(old), member(new));
            if old != new {
                self.enter(key);
                if self.test() || self.inside(old, new) {
                    return true;
                }
                self.leave();
            }
        }
        let (old, new) = (elements(old), elements(new));
        (0..old.len().max(new.len())).any(|at| self.inside(old.get(at), new.get(at)))
    }
}

fn elements(value: Option<&Json>) -> &[Json] {
    value.and_then(Json::as_array).unwrap_or_default()
}

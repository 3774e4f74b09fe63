//! The engine passes the suite of its seam, and its folder survives or says why it can't.

use std::cell::RefCell;

use cairn_search::conformance::{self, MemoryTrails, Random, event};
use cairn_search::{Commit, Follower, Index as _, IndexError};
use tempfile::TempDir;

use super::TantivyIndex;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn followed(index: &TantivyIndex, events: u64) -> MemoryTrails {
    let (trails, mut random) = (MemoryTrails::new(), Random::new(1));
    for _ in 0..events {
        let (producer, server) = event(&mut random);
        trails.push(&"a/main".parse().expect("a name"), &producer, &server);
    }
    Follower::new().step(&trails, index, events, Commit::Now).expect("a step");
    trails
}

#[test]
fn the_engine_passes_the_suite_of_its_seam() {
    let folders = RefCell::new(Vec::new());
    conformance::run(&|| {
        let folder = folder();
        let index = TantivyIndex::open(folder.path()).expect("an empty index");
        folders.borrow_mut().push(folder);
        Box::new(index)
    });
}

#[test]
fn an_index_opens_where_its_last_commit_left_it() {
    let folder = folder();
    let index = TantivyIndex::open(folder.path()).expect("an empty index");
    let trails = followed(&index, 50);
    let reached = index.reached();
    let more = vec![];
    index.add(&"b/main".parse().expect("a name"), more).expect("added");
    drop(index);
    let index = TantivyIndex::open(folder.path()).expect("the same index");
    assert_eq!(index.reached(), reached);
    let progress = Follower::new().step(&trails, &index, 10, Commit::Now).expect("a step");
    assert_eq!((progress.added, progress.indexed, progress.behind), (0, 50, 0));
}

#[test]
fn two_writers_of_one_folder_are_refused() {
    let folder = folder();
    let _first = TantivyIndex::open(folder.path()).expect("an empty index");
    let second = TantivyIndex::open(folder.path());
    assert!(matches!(second, Err(IndexError::Unavailable { .. })), "{second:?}");
}

#[test]
fn a_damaged_index_says_that_it_must_be_rebuilt_and_can_be() {
    for text in ["", "{}", "not json"] {
        let folder = folder();
        followed(&TantivyIndex::open(folder.path()).expect("an empty index"), 5);
        std::fs::write(folder.path().join("meta.json"), text).expect("written");
        let damaged = TantivyIndex::open(folder.path());
        let Err(IndexError::Unusable { .. }) = damaged else { panic!("{text:?}: {damaged:?}") };
        let index = TantivyIndex::recreate(folder.path()).expect("a new index");
        assert_eq!(index.reached(), []);
        followed(&index, 5);
    }
}

#[test]
fn an_index_of_another_version_says_that_it_must_be_rebuilt() {
    let folder = folder();
    followed(&TantivyIndex::open(folder.path()).expect("an empty index"), 5);
    let path = folder.path().join("meta.json");
    let meta = std::fs::read_to_string(&path).expect("written by the commit");
    let other = meta.replace("\\\"version\\\":1", "\\\"version\\\":99");
    assert_ne!(meta, other);
    std::fs::write(&path, other).expect("written");
    let opened = TantivyIndex::open(folder.path());
    assert!(matches!(opened, Err(IndexError::Unusable { .. })), "{opened:?}");
}

//! The follower: what it adds, what it refuses, and how it goes on.

use cairn_event::{Positions, TrailRef};
use cairn_search::conformance::{MemoryIndex, MemoryTrails, Random, event};
use cairn_search::{Commit, FollowError, Follower, Index, Progress};

fn trail(name: &str) -> TrailRef {
    name.parse().expect("a name")
}

fn push(trails: &MemoryTrails, name: &str, events: u64, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..events {
        let (producer, server) = event(&mut random);
        trails.push(&trail(name), &producer, &server);
    }
}

#[test]
fn a_long_trail_does_not_keep_a_short_one_waiting() {
    let (trails, index) = (MemoryTrails::new(), MemoryIndex::new());
    push(&trails, "a/long", 1000, 1);
    push(&trails, "a/short", 10, 2);
    let progress = Follower::new().step(&trails, &index, 100, Commit::Now).expect("a step");
    assert_eq!(progress, Progress { added: 100, indexed: 100, behind: 910 });
    let mut sizes: Vec<_> = index.reached().into_iter().map(|r| r.size).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [10, 90]);
}

#[test]
fn steps_without_a_commit_add_up_to_one_commit() {
    let (trails, index) = (MemoryTrails::new(), MemoryIndex::new());
    push(&trails, "a/main", 30, 1);
    let mut follower = Follower::new();
    let first = follower.step(&trails, &index, 20, Commit::Later).expect("a step");
    assert_eq!(first, Progress { added: 20, indexed: 0, behind: 30 });
    let second = follower.step(&trails, &index, 20, Commit::Now).expect("a step");
    assert_eq!(second, Progress { added: 10, indexed: 30, behind: 0 });
    let idle = follower.step(&trails, &index, 20, Commit::Now).expect("a step");
    assert_eq!(idle, Progress { added: 0, indexed: 30, behind: 0 });
}

#[test]
fn an_index_of_other_events_is_refused_until_it_is_rebuilt() {
    let (trails, index) = (MemoryTrails::new(), MemoryIndex::new());
    push(&trails, "a/main", 30, 1);
    Follower::new().step(&trails, &index, 100, Commit::Now).expect("a step");
    for (events, seed) in [(30, 2), (29, 1)] {
        let other = MemoryTrails::new();
        push(&other, "a/main", events, seed);
        let mut follower = Follower::new();
        let refused = follower.step(&other, &index, 100, Commit::Now);
        assert_eq!(refused, Err(FollowError::Foreign { trail: trail("a/main") }));
    }
    let other = MemoryTrails::new();
    push(&other, "a/main", 12, 2);
    let mut follower = Follower::new();
    follower.rebuild(&index).expect("cleared");
    follower.step(&other, &index, 100, Commit::Now).expect("all again");
    assert_eq!(index.reached()[0].size, other.size(&trail("a/main")));
}

//! What every index engine must do, run by the tests of each. An engine passes if searches through
//! it find what the query language says, whatever the order of adding, committing and asking.

mod generate;
mod memory;
mod trails;

pub use generate::{Random, event, query, typical_event};
pub use memory::MemoryIndex;
pub use trails::MemoryTrails;

use cairn_event::filter::{Context, Query, parse};
use cairn_event::{Json, Position, Positions, TrailRef};

use crate::cursor::Cursor;
use crate::doc::{Numbers, time};
use crate::follow::{Commit, Follower};
use crate::index::{Hit, Index, Order, Scope};
use crate::page::{Budget, SearchOptions};
use crate::plan::Plan;
use crate::run::search;
use crate::{Extractor, Filter, Partial, TermField};

/// Random runs of the suite. Commits are what an engine takes its time for.
const SEEDS: u64 = 8;

/// Runs the whole suite; `make` gives a new, empty index each time.
///
/// # Panics
/// If the engine breaks a rule.
pub fn run(make: &dyn Fn() -> Box<dyn Index>) {
    for seed in 0..SEEDS {
        searches_answer_like_the_language(&*make(), seed);
    }
    what_is_not_committed_is_not_found(&*make());
    a_cleared_index_knows_nothing(&*make());
    a_replaced_event_is_found_as_it_is_now(&*make());
    events_of_one_moment_come_in_the_order_of_trail_and_index(&*make());
    counts_and_candidates_agree(&*make());
}

/// A moment in the middle of the generated events.
pub const NOW: &str = "2024-05-10T12:00:00Z";

/// Reads a query as if it were asked at [`NOW`], in UTC.
///
/// # Panics
/// If the text is no query.
#[must_use]
pub fn parsed(text: &str) -> Query {
    let now = NOW.parse().expect("a time");
    let context = Context { now, zone: jiff::tz::TimeZone::UTC };
    parse(text, &context).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

/// Options for a page at [`NOW`].
#[must_use]
pub fn options(limit: usize, order: Order) -> SearchOptions<'static> {
    SearchOptions {
        from: None,
        to: None,
        as_of: NOW.parse().expect("a time"),
        limit,
        cursor: None,
        order,
        budget: Budget::default(),
    }
}

/// What the language says: every event of the trails that matches, in order.
///
/// # Panics
/// If an event can't be read.
#[must_use]
pub fn oracle(trails: &MemoryTrails, names: &[TrailRef], query: &Query, order: Order) -> Vec<Hit> {
    let mut hits = Vec::new();
    for trail in names {
        for stored in trails.all(trail) {
            let event = stored.event().expect("the generator writes JSON");
            if query.matches(&event, &stored.position) {
                let index = stored.position.index.0;
                hits.push(Hit { time_ns: time(&event, "time"), trail: trail.clone(), index });
            }
        }
    }
    hits.sort_by(|a, b| order.compare(a, b));
    hits
}

/// Events arrive, are followed and committed at random while random queries turn pages; each
/// result must be the oracle's, as of the first page.
///
/// # Panics
/// If it is not.
pub fn searches_answer_like_the_language(index: &dyn Index, seed: u64) {
    let mut random = Random::new(seed);
    let trails = MemoryTrails::new();
    let names: Vec<TrailRef> = ["a/main", "a/quarantine", "b/main"].map(|name| name.parse().expect("a name")).to_vec();
    let mut follower = Follower::new();
    let mut live = |random: &mut Random, events: u64| {
        for _ in 0..random.below(events + 1) {
            let trail = random.pick(&names);
            let (producer, server) = event(random);
            trails.push(&trail, &producer, &server);
        }
        if random.below(5) == 0 || events > 3 {
            let commit = if random.below(3) == 0 { Commit::Later } else { Commit::Now };
            let max = 1 + random.below(60);
            follower.step(&trails, index, max, commit).expect("the trails are sound");
        }
    };
    for _ in 0..4 {
        live(&mut random, 80);
    }
    for _ in 0..40 {
        let text = query(&mut random);
        let query = parsed(&text);
        let searched = match random.below(4) {
            0 => &names[..1],
            1 => &names[1..],
            _ => &names[..],
        };
        let order = if random.below(2) == 0 { Order::Newest } else { Order::Oldest };
        let limit = usize::try_from(1 + random.below(40)).expect("a small number");
        let expected = oracle(&trails, searched, &query, order);
        let mut token: Option<String> = None;
        let mut found: Vec<Position> = Vec::new();
        let mut pages = 0;
        loop {
            let cursor = token.as_deref().map(|t| Cursor::parse(t).expect("our own token"));
            let options = SearchOptions { cursor: cursor.as_ref(), ..options(limit, order) };
            let page = search(index, &trails, searched, &query, &options).expect("a page");
            assert_eq!(page.partial, None, "{text}");
            if page.total.is_exact {
                assert_eq!(page.total.count, expected.len() as u64, "total of {text}, seed {seed}");
            }
            if token.is_none() && Plan::of(&query, searched).exact {
                assert!(page.total.is_exact, "an exact plan counts: {text}");
            }
            assert!(page.hits.len() == limit || page.next.is_none(), "short page of {text}");
            found.extend(page.hits.into_iter().map(|hit| hit.position));
            let Some(next) = page.next else { break };
            token = Some(next.to_token());
            // A few only: else each query would leave more pages to the next one.
            pages += 1;
            assert!(pages <= expected.len(), "pages without end for {text}");
            live(&mut random, if pages < 4 { 3 } else { 0 });
        }
        let expected: Vec<_> = expected.iter().map(Hit::position).collect();
        assert_eq!(found, expected, "{text}, {order:?}, seed {seed}");
    }
}

fn filled(events: u64) -> (MemoryTrails, TrailRef) {
    let trails = MemoryTrails::new();
    let trail: TrailRef = "a/main".parse().expect("a name");
    let mut random = Random::new(1);
    for _ in 0..events {
        let (producer, server) = event(&mut random);
        trails.push(&trail, &producer, &server);
    }
    (trails, trail)
}

fn everything(trail: &TrailRef) -> Scope {
    Scope { trails: vec![(trail.clone(), u64::MAX)], time_ns: Numbers::NONE..=Numbers::LAST }
}

fn what_is_not_committed_is_not_found(index: &dyn Index) {
    let (trails, trail) = filled(30);
    let scope = everything(&trail);
    let mut follower = Follower::new();
    follower.step(&trails, index, 10, Commit::Now).expect("ten events");
    follower.step(&trails, index, 10, Commit::Later).expect("ten more");
    assert_eq!(index.count(&Filter::All, &scope), Ok(10));
    assert_eq!(index.reached()[0].size, 10);
    // Another follower knows nothing of what was not committed, and nothing comes twice.
    let mut other = Follower::new();
    let progress = other.step(&trails, index, 100, Commit::Now).expect("the rest");
    assert_eq!((progress.added, progress.indexed, progress.behind), (20, 30, 0));
    assert_eq!(index.count(&Filter::All, &scope), Ok(30));
}

fn a_cleared_index_knows_nothing(index: &dyn Index) {
    let (trails, trail) = filled(30);
    let mut follower = Follower::new();
    follower.step(&trails, index, 20, Commit::Now).expect("twenty events");
    follower.step(&trails, index, 5, Commit::Later).expect("five more");
    follower.rebuild(index).expect("cleared");
    assert_eq!(index.reached(), []);
    assert_eq!(index.count(&Filter::All, &everything(&trail)), Ok(0));
    follower.step(&trails, index, 100, Commit::Now).expect("all again");
    assert_eq!(index.count(&Filter::All, &everything(&trail)), Ok(30));
}

fn a_replaced_event_is_found_as_it_is_now(index: &dyn Index) {
    let trail: TrailRef = "a/main".parse().expect("a name");
    let trails = MemoryTrails::new();
    let said =
        |note: &str| Json::parse(format!(r#"{{"metadata":{{"note":"{note}"}}}}"#).as_bytes()).expect("it is JSON");
    let server = Json::parse(br#"{"received_at":"2024-05-10T12:00:00Z"}"#).expect("it is JSON");
    ["zanzibar", "zanzibar", "timbuktu"].iter().for_each(|note| trails.push(&trail, &said(note), &server));
    let mut follower = Follower::new();
    follower.step(&trails, index, 100, Commit::Now).expect("three events");
    let hits = |word: &str| index.count(&Filter::Term(TermField::Word, word.to_owned()), &everything(&trail));
    assert_eq!((hits("zanzibar"), hits("timbuktu")), (Ok(2), Ok(1)));
    trails.put(&trail, 1, &said("hidden"), &server);
    let position = Position { trail: trail.clone(), index: cairn_event::Index(1) };
    follower.renew(&trails, index, &position).expect("it is read again");
    follower.step(&trails, index, 100, Commit::Now).expect("nothing new");
    assert_eq!((hits("zanzibar"), hits("hidden"), hits("timbuktu")), (Ok(1), Ok(1), Ok(1)));
    assert_eq!(index.count(&Filter::All, &everything(&trail)), Ok(3), "none is there twice");
}

fn events_of_one_moment_come_in_the_order_of_trail_and_index(index: &dyn Index) {
    // The later trail is added first: the order is that of the names.
    for name in ["b/main", "a/main"] {
        let trail: TrailRef = name.parse().expect("a name");
        let documents = (0..5).map(|at| {
            let event = cairn_event::Json::parse(br#"{"time":"2024-01-01T00:00:00Z"}"#);
            let position = Hit { time_ns: 0, trail: trail.clone(), index: at }.position();
            Extractor::new().document(&event.expect("JSON"), &position)
        });
        index.add(&trail, documents.collect()).expect("added");
        let reached = crate::Reached { trail, size: 5, last_leaf: [0; 32] };
        index.commit(&[reached]).expect("committed");
    }
    let trails = ["a/main", "b/main"].map(|name| name.parse::<TrailRef>().expect("a name"));
    let scope = Scope {
        trails: trails.iter().cloned().map(|trail| (trail, 5)).collect(),
        time_ns: Numbers::NONE..=Numbers::LAST,
    };
    let expected: Vec<_> = trails.iter().flat_map(|trail| (0..5).map(move |at| (trail.clone(), at))).collect();
    for order in [Order::Oldest, Order::Newest] {
        let mut found: Vec<Hit> = Vec::new();
        loop {
            let after = found.last().cloned();
            let hits = index.candidates(&Filter::All, &scope, order, after.as_ref(), 3);
            let hits = hits.expect("candidates");
            if hits.is_empty() {
                break;
            }
            found.extend(hits);
        }
        let mut found: Vec<_> = found.into_iter().map(|hit| (hit.trail, hit.index)).collect();
        if order == Order::Newest {
            found.reverse();
        }
        assert_eq!(found, expected, "{order:?}");
    }
}

fn counts_and_candidates_agree(index: &dyn Index) {
    let (trails, trail) = filled(300);
    let mut follower = Follower::new();
    follower.step(&trails, index, 300, Commit::Now).expect("all");
    let mut random = Random::new(7);
    for _ in 0..200 {
        let text = query(&mut random);
        let plan = Plan::of(&parsed(&text), std::slice::from_ref(&trail));
        let scope = Scope { trails: vec![(trail.clone(), random.below(320))], time_ns: plan.time_ns.clone() };
        let count = index.count(&plan.filter, &scope).expect("a count");
        let hits = index.candidates(&plan.filter, &scope, Order::Newest, None, 1000);
        assert_eq!(hits.expect("candidates").len() as u64, count, "{text}");
    }
}

/// A search of all trails that must be partial for this reason.
///
/// # Panics
/// If it is not.
pub fn assert_partial(index: &dyn Index, trails: &MemoryTrails, budget: Budget<'_>, why: Partial) {
    let options = SearchOptions { budget, ..options(10, Order::Newest) };
    let page = search(index, trails, &trails.trails(), &Query::all(), &options).expect("a page");
    assert_eq!(page.partial, Some(why));
    let is_unread = matches!(why, Partial::Unindexed { .. });
    assert!(!is_unread || !page.total.is_exact, "a total over unread events is a guess");
}

//! Pages that can't be complete: they say so, and the next page goes on where they ended.

use std::cell::Cell;

use cairn_event::Positions;
use cairn_event::filter::Query;
use cairn_search::conformance::{
    self, MemoryIndex, MemoryTrails, Random, assert_partial, event, options, oracle, parsed,
};
use cairn_search::{
    Budget, Commit, Cursor, CursorError, Follower, NoIndex, Order, Page, Partial, SearchError, SearchOptions,
    TimelineBy, search, timeline, who,
};

/// 400 events in two trails, of which the index has the first 300.
fn lagging() -> (MemoryTrails, MemoryIndex) {
    let (trails, index) = (MemoryTrails::new(), MemoryIndex::new());
    let mut random = Random::new(3);
    for at in 0..400 {
        let name = if at % 2 == 0 { "a/main" } else { "b/main" };
        let (producer, server) = event(&mut random);
        trails.push(&name.parse().expect("a name"), &producer, &server);
    }
    Follower::new().step(&trails, &index, 300, Commit::Now).expect("a step");
    (trails, index)
}

fn page(index: &MemoryIndex, trails: &MemoryTrails, query: &Query, options: &SearchOptions<'_>) -> Page {
    search(index, trails, &trails.trails(), query, options).expect("a page")
}

#[test]
fn events_that_are_not_indexed_yet_are_found() {
    let (trails, index) = lagging();
    let newest = parsed("index:>=190");
    let page = page(&index, &trails, &newest, &options(50, Order::Newest));
    assert_eq!((page.hits.len(), page.behind, page.partial), (20, 100, None));
}

#[test]
fn a_tail_beyond_the_budget_makes_the_page_partial_and_tells_how_much_is_missing() {
    let (trails, index) = lagging();
    let budget = Budget { unindexed: 60, ..Budget::default() };
    assert_partial(&index, &trails, budget, Partial::Unindexed { events: 40 });
    let none = Budget { unindexed: 0, ..Budget::default() };
    assert_partial(&index, &trails, none, Partial::Unindexed { events: 100 });
}

#[test]
fn without_an_index_the_newest_events_are_read_and_the_rest_is_named() {
    let (trails, _) = lagging();
    let budget = Budget { unindexed: 100, ..Budget::default() };
    assert_partial(&NoIndex, &trails, budget, Partial::Unindexed { events: 300 });
    let names = trails.trails();
    let query = parsed("actor:alice -op:read");
    let whole = search(&NoIndex, &trails, &names, &query, &options(1000, Order::Newest));
    let whole = whole.expect("a page");
    assert_eq!(whole.partial, None);
    assert_eq!(whole.hits.len(), oracle(&trails, &names, &query, Order::Newest).len());
    assert!(whole.total.is_exact);
}

#[test]
fn a_search_that_ran_out_of_budget_goes_on_from_its_cursor_without_holes() {
    let (trails, index) = lagging();
    let names = trails.trails();
    // Nothing of this is known to the index, so that every event is a candidate.
    let query = parsed("after.role:a*n OR after.role:>4");
    for order in [Order::Newest, Order::Oldest] {
        let expected = oracle(&trails, &names, &query, order);
        assert!(expected.len() > 5, "the test needs hits");
        let budget = Budget { candidates: 7, ..Budget::default() };
        let (mut found, mut token, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let cursor = token.as_deref().map(|t| Cursor::parse(t).expect("our own token"));
            let options = SearchOptions { budget, cursor: cursor.as_ref(), ..options(5, order) };
            let page = page(&index, &trails, &query, &options);
            found.extend(page.hits.into_iter().map(|hit| hit.position));
            pages += 1;
            assert!(pages < 400, "pages without end");
            let Some(next) = page.next else { break };
            token = Some(next.to_token());
        }
        let expected: Vec<_> = expected.iter().map(cairn_search::Hit::position).collect();
        assert_eq!(found, expected, "{order:?}");
        assert!(pages >= 300 / 7, "each page read a few candidates: {pages}");
    }
}

#[test]
fn a_stop_signal_ends_the_search_with_what_it_has() {
    let (trails, index) = lagging();
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    let budget = Budget { stop: &stop, ..Budget::default() };
    assert_partial(&index, &trails, budget, Partial::Stopped);
}

#[test]
fn a_cursor_goes_on_with_its_own_search_only() {
    let (trails, index) = lagging();
    let names = trails.trails();
    let first = page(&index, &trails, &Query::all(), &options(10, Order::Newest));
    let cursor = first.next.expect("more pages");
    let go_on = |names: &[_], query: &Query, from: Option<&str>, order| {
        let from = from.map(|time| time.parse().expect("a time"));
        let options = SearchOptions { from, cursor: Some(&cursor), ..options(10, order) };
        search(&index, &trails, names, query, &options).map(|page| page.hits.len())
    };
    let other_query = Err(SearchError::Cursor(CursorError::OtherQuery));
    let other_trails = Err(SearchError::Cursor(CursorError::OtherTrails));
    assert_eq!(go_on(&names, &Query::all(), None, Order::Newest), Ok(10));
    assert_eq!(go_on(&names, &parsed("actor:bob"), None, Order::Newest), other_query);
    assert_eq!(go_on(&names, &Query::all(), Some("2024-01-01T00:00:00Z"), Order::Newest), other_query);
    assert_eq!(go_on(&names, &Query::all(), None, Order::Oldest), other_query);
    assert_eq!(go_on(&names[..1], &Query::all(), None, Order::Newest), other_trails);
}

#[test]
fn the_total_alone_is_counted_without_reading_hits() {
    let (trails, index) = lagging();
    let query = parsed("op:delete");
    let options = options(0, Order::Newest);
    let page = page(&index, &trails, &query, &options);
    let expected = oracle(&trails, &trails.trails(), &query, Order::Newest).len() as u64;
    assert_eq!((page.total.count, page.total.is_exact), (expected, true));
    assert_eq!((page.hits.len(), page.next, page.read), (0, None, 100));
}

#[test]
fn the_time_range_of_the_options_holds_for_index_and_tail() {
    let (trails, index) = lagging();
    let range = ("2024-05-09T00:00:00Z", "2024-05-10T11:00:00Z");
    let options = SearchOptions {
        from: Some(range.0.parse().expect("a time")),
        to: Some(range.1.parse().expect("a time")),
        ..options(1000, Order::Oldest)
    };
    let found = page(&index, &trails, &Query::all(), &options);
    let same = parsed(&format!("created:{}..{}", "2024-05-09", "2024-05-10T11:00:00.000000000Z"));
    let expected = oracle(&trails, &trails.trails(), &same, Order::Oldest);
    assert_eq!(found.hits.len(), expected.len());
    assert_eq!(found.total.count, expected.len() as u64);
}

#[test]
fn a_timeline_begins_with_what_happened_first() {
    let (trails, index) = lagging();
    let names = trails.trails();
    let query = TimelineBy::Request.query("req-1").expect("a query");
    let page = timeline(&index, &trails, &names, &query, &options(1000, Order::Newest));
    let found: Vec<_> = page.expect("a page").hits.into_iter().map(|hit| hit.position).collect();
    let expected: Vec<_> =
        oracle(&trails, &names, &query, Order::Oldest).iter().map(cairn_search::Hit::position).collect();
    assert!(!found.is_empty());
    assert_eq!(found, expected);
}

#[test]
fn who_deleted_a_resource_is_found_by_id_name_and_type() {
    let (trails, index) = lagging();
    for resource in ["42", "invoice/42", "invoice:42", "inv*42"] {
        let query = who("deleted", resource).expect("a question");
        let page = page(&index, &trails, &query, &options(1000, Order::Newest));
        let expected = oracle(&trails, &trails.trails(), &query, Order::Newest).len();
        assert!(expected > 0, "the test needs hits for {resource}");
        assert_eq!(page.hits.len(), expected, "{resource}");
    }
    assert!(who("deleted", conformance::NOW).is_ok());
}

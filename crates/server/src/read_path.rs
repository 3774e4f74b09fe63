//! The read path: every answer is made from stored bytes that were checked, never from the index alone.
//! All of it blocks; routes call it off the reactor.

mod query;
mod view;

use crate::failure::Failure;
use crate::node::Node;
use cairn_access::Principal;
use cairn_api::ProblemCode;
use cairn_api::v1::{EventView, Hint, ProofView, SearchPage, Timeline};
use cairn_event::canonical::{Numbers, canonical};
use cairn_event::filter::Query;
use cairn_event::{EventId, Json, Position, Positions, ReadError, Stored, TrailRef, raw};
use cairn_ledger::{Hash, ProofText};
use cairn_search::{Budget, Cursor, NoIndex, Order, Page, SearchError, SearchOptions, TimelineBy, search, who};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) use query::{Asked, read_query};
pub(crate) use view::{event_view, found_view};

/// Events of a page that asks for no number.
pub(crate) const LIMIT_DEFAULT: usize = 100;

/// What one read may cost, and whether somebody still waits for it.
pub(crate) struct Bound<'a> {
    /// True once nobody waits any more.
    pub(crate) gone: &'a AtomicBool,
    pub(crate) until: Instant,
}

impl<'a> Bound<'a> {
    pub(crate) fn new(node: &Node, gone: &'a AtomicBool) -> Bound<'a> {
        Bound { gone, until: Instant::now() + Duration::from_millis(node.config().index.search_ms_max) }
    }

    fn is_over(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.until
    }
}

/// Where a page begins and how long it is.
#[derive(Debug, Default)]
pub(crate) struct Paging {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) limit: usize,
}

/// The trails that a principal can read.
pub(crate) fn trails(node: &Node, principal: &Principal) -> Vec<TrailRef> {
    node.reader().trails().into_iter().filter(|trail| principal.reaches(trail)).collect()
}

pub(crate) fn search_page(
    node: &Node,
    principal: &Principal,
    asked: &Asked,
    paging: &Paging,
    order: Order,
    bound: &Bound<'_>,
) -> Result<SearchPage, Failure> {
    let began = Instant::now();
    let page = run(node, principal, &asked.query, asked, paging, order, bound)?;
    let hint = |hint: &cairn_event::filter::Diagnostic| Hint {
        start: hint.span.start,
        end: hint.span.end,
        message: hint.message.clone(),
    };
    Ok(SearchPage {
        query: asked.query.to_string(),
        total: view::total(page.total),
        next: page.next.as_ref().map(Cursor::to_token),
        partial: page.partial.map(view::partial),
        hits: page.hits.into_iter().map(found_view).collect(),
        hints: asked.query.hints().iter().map(hint).collect(),
        took_ms: began.elapsed().as_secs_f64() * 1000.0,
    })
}

/// The query of `who VERB RESOURCE`.
pub(crate) fn who_query(verb: &str, resource: &str) -> Result<Query, Failure> {
    who(verb, resource).map_err(|error| Failure::parameter("verb", error.to_string()))
}

pub(crate) fn timeline(
    node: &Node,
    principal: &Principal,
    (by, value): (TimelineBy, &str),
    paging: &Paging,
    bound: &Bound<'_>,
) -> Result<Timeline, Failure> {
    let query = by.query(value).map_err(|refused| Failure::new(ProblemCode::QueryInvalid, refused.message))?;
    let asked = Asked::at(query, query::as_of(node, paging.cursor.as_ref()));
    let page = run(node, principal, &asked.query, &asked, paging, Order::Oldest, bound)?;
    Ok(Timeline {
        query: asked.query.to_string(),
        next: page.next.as_ref().map(Cursor::to_token),
        partial: page.partial.map(view::partial),
        events: page.hits.into_iter().map(found_view).collect(),
    })
}

fn run(
    node: &Node,
    principal: &Principal,
    query: &Query,
    asked: &Asked,
    paging: &Paging,
    order: Order,
    bound: &Bound<'_>,
) -> Result<Page, Failure> {
    let trails = trails(node, principal);
    let query = &node.keys().widened(principal.tenant(), query);
    let stop = || bound.is_over();
    let options = SearchOptions {
        from: None,
        to: None,
        as_of: asked.as_of,
        limit: paging.limit,
        cursor: paging.cursor.as_ref(),
        order,
        budget: Budget { stop: &stop, ..Budget::default() },
    };
    let page = match search(node.index(), node.reader(), &trails, query, &options) {
        // Without its index a node still answers, from the newest events, and says that it is partial.
        Err(SearchError::Index(_) | SearchError::IndexCleared) => {
            search(&NoIndex, node.reader(), &trails, query, &options)
        }
        answer => answer,
    };
    let page = page.map_err(|error| failed(node, error))?;
    node.telemetry().checked(page.read);
    Ok(page)
}

fn failed(node: &Node, error: SearchError) -> Failure {
    match error {
        SearchError::Cursor(error) => Failure::new(ProblemCode::CursorInvalid, error.to_string())
            .field("cursor")
            .hint("begin again without a cursor"),
        SearchError::TooManyTrails(_) => Failure::new(ProblemCode::QueryInvalid, error.to_string()),
        SearchError::Read(error) => read_failed(node, error),
        error @ (SearchError::Index(_) | SearchError::IndexCleared) => {
            Failure::internal("the search index gives no answer", &error)
        }
    }
}

pub(crate) fn read_failed(node: &Node, error: ReadError) -> Failure {
    if matches!(error, ReadError::Corrupt { .. }) {
        node.telemetry().damaged();
    }
    error.into()
}

/// What names an event: its position, or its id.
pub(crate) enum EventName {
    Position(Position),
    Id(EventId),
}

impl EventName {
    pub(crate) fn parse(text: &str) -> Result<EventName, Failure> {
        let parsed = match text.contains('@') {
            true => text.parse().map(EventName::Position),
            false => text.parse().map(EventName::Id),
        };
        parsed.map_err(|_| Failure::parameter("event", "want an event id (a UUID) or a position (tenant/trail@index)"))
    }
}

/// Where an event lies. An event of another tenant is not there, like one that does not exist.
pub(crate) fn locate(
    node: &Node,
    principal: &Principal,
    name: EventName,
    bound: &Bound<'_>,
) -> Result<Position, Failure> {
    match name {
        EventName::Position(position) => {
            let size = node.reader().size(&position.trail);
            if principal.reaches(&position.trail) && position.index.0 < size {
                return Ok(position);
            }
            Err(Failure::not_found(format!("there is no event {position}")))
        }
        EventName::Id(id) => {
            let query = Query::term("id", &id.to_string());
            let query = query.map_err(|error| Failure::internal("an id is not a term", &error.message))?;
            let asked = Asked::at(query, node.now());
            let paging = Paging { cursor: None, limit: 1 };
            let page = run(node, principal, &asked.query, &asked, &paging, Order::Oldest, bound)?;
            match page.hits.into_iter().next() {
                Some(hit) => Ok(hit.position),
                None if page.partial.is_some() => Err(Failure::not_found(format!(
                    "no event {id} among those that could be looked at; the search index is behind"
                ))
                .hint("try again in a moment, or ask by position")),
                None => Err(Failure::not_found(format!("there is no event {id}"))),
            }
        }
    }
}

/// Gives each event of a part of a trail, in order, and the index behind the last one.
pub(crate) fn each_event(
    node: &Node,
    trail: &TrailRef,
    range: Range<u64>,
    mut each: impl FnMut(Position, Json),
) -> Result<u64, Failure> {
    let mut at = range.start;
    while at < range.end {
        let stored = node.reader().read(trail, at..range.end).map_err(|error| read_failed(node, error))?;
        let Some(last) = stored.last() else { break };
        at = last.position.index.0 + 1;
        for stored in stored {
            let event = stored.event().map_err(|error| Failure::internal("a stored event can't be read", &error))?;
            each(stored.position, event);
        }
    }
    Ok(at)
}

pub(crate) fn show(node: &Node, position: &Position) -> Result<EventView, Failure> {
    event_view(&stored(node, position)?)
}

fn stored(node: &Node, position: &Position) -> Result<Stored, Failure> {
    let at = position.index.0;
    let stored = node.reader().read(&position.trail, at..at + 1).map_err(|error| read_failed(node, error))?;
    let stored = stored.into_iter().next();
    node.telemetry().checked(1);
    stored.ok_or_else(|| Failure::not_found(format!("there is no event {position}")))
}

/// The value of `before`, `after` or `raw`, from the event or from beside it: JSON text of a state, bytes of a record.
pub(crate) fn value(node: &Node, position: &Position, member: &str) -> Result<Vec<u8>, Failure> {
    let stored = stored(node, position)?;
    let path = format!("/{member}");
    if stored.hidden.iter().any(|slot| slot.path == path) {
        return Err(Failure::not_found(format!("{member} of {position} is hidden")));
    }
    let event = stored.event().map_err(|error| Failure::internal("a stored event can't be read", &error))?;
    match event.get(member) {
        Some(raw) if member == "raw" => Ok(raw::bytes_of(raw)),
        Some(state) => Ok(canonical(state, Numbers::AsWritten).into_bytes()),
        None => {
            let blob = node.reader().blob(&position.trail, position.index.0, member)?;
            blob.ok_or_else(|| Failure::not_found(format!("{position} has no {member}")))
        }
    }
}

/// The evidence for one event.
pub(crate) fn prove(node: &Node, position: &Position) -> Result<ProofView, Failure> {
    let (trail, index) = (&position.trail, position.index.0);
    let disclosure = node.reader().disclosure(trail, index)?;
    let (proof, checkpoint) = node.reader().inclusion(trail, index)?;
    Ok(ProofView {
        position: position.to_string(),
        index,
        leaf_hash: show(node, position)?.leaf_hash,
        tree_size: checkpoint.size,
        path: proof.path.iter().map(Hash::to_base64).collect(),
        checkpoint: checkpoint.note.clone(),
        disclosure: view::base64(&disclosure),
    })
}

/// The same evidence as a C2SP tlog-proof.
pub(crate) fn prove_as_text(node: &Node, position: &Position) -> Result<String, Failure> {
    let (trail, index) = (&position.trail, position.index.0);
    let disclosure = node.reader().disclosure(trail, index)?;
    let (proof, checkpoint) = node.reader().inclusion(trail, index)?;
    let text = ProofText::new(Some(disclosure), index, proof.path, checkpoint.note.clone());
    text.map(|text| text.to_string()).map_err(|error| Failure::internal("a proof can't be written", &error))
}

//! Events as they arrive, as an event stream (WHATWG HTML, section 9.2).
//!
//! One stream follows one trail, so that the position of the last event says exactly where to go on.
//! Nothing is kept for a reader that is slow: the next events are read when it has taken the last ones.

use crate::failure::Failure;
use crate::node::Node;
use crate::read_path::{event_view, read_failed};
use axum::response::sse::Event as Message;
use cairn_event::filter::Query;
use cairn_event::{Positions, Stored, TrailRef};
use futures_util::{Stream, stream};
use std::collections::VecDeque;
use std::convert::Infallible;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::spawn_blocking;

/// Events read at once. Few, since a reader that is slow holds on to them.
const READ_EVENTS: u64 = 256;

/// What is followed, and how far it has come.
pub(crate) struct Tail {
    node: Node,
    trail: TrailRef,
    query: Query,
    next: u64,
    ready: VecDeque<Message>,
    growth: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    /// Follows `trail` from index `next` on.
    pub(crate) fn new(node: Node, trail: TrailRef, query: Query, next: u64, permit: OwnedSemaphorePermit) -> Tail {
        let (growth, stopping) = (node.growth(), node.stop_signal());
        Tail { node, trail, query, next, ready: VecDeque::new(), growth, stopping, _permit: permit }
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Message, Infallible>> {
        stream::unfold(self, |mut tail| async move {
            let message = tail.next_message().await?;
            Some((Ok(message), tail))
        })
    }

    /// The next message; `None` ends the stream, when the node stops or events can't be read.
    async fn next_message(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            if *self.stopping.borrow() {
                return None;
            }
            // Before the look: what arrives behind it wakes us.
            self.growth.borrow_and_update();
            if self.node.reader().size(&self.trail) > self.next {
                self.read().await?;
                continue;
            }
            tokio::select! {
                grown = self.growth.changed() => grown.ok()?,
                stopped = self.stopping.changed() => stopped.ok()?,
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        let (node, trail, query) = (self.node.clone(), self.trail.clone(), self.query.clone());
        let range = self.next..self.next + READ_EVENTS;
        let read = spawn_blocking(move || -> Result<_, Failure> {
            let stored = node.reader().read(&trail, range).map_err(|error| read_failed(&node, error))?;
            node.telemetry().checked(stored.len() as u64);
            let reached = stored.last().map(|last| last.position.index.0 + 1);
            let messages: Result<VecDeque<_>, _> =
                stored.iter().filter_map(|stored| matching(&query, stored).transpose()).collect();
            Ok((reached, messages?))
        });
        match read.await {
            Ok(Ok((Some(reached), messages))) => {
                self.next = reached;
                self.ready = messages;
                Some(())
            }
            // Whoever follows comes back with its last position and hears then what is wrong.
            Ok(Ok((None, _)) | Err(_)) | Err(_) => None,
        }
    }
}

fn matching(query: &Query, stored: &Stored) -> Result<Option<Message>, Failure> {
    let event = stored.event().map_err(|error| Failure::internal("a stored text is not an event", &error))?;
    if !query.matches(&event, &stored.position) {
        return Ok(None);
    }
    let view = event_view(stored)?;
    let text = serde_json::to_string(&view).map_err(|error| Failure::internal("an event can't be written", &error))?;
    Ok(Some(Message::default().id(view.position).data(text)))
}

//! What Cairn does on somebody's behalf is an event like any other.

use crate::failure::Failure;
use crate::node::Node;
use crate::write_path;
use cairn_access::Principal;
use cairn_admit::{Admitted, Facts, Occurrences, Offer, Protection, Verdict, admit};
use cairn_event::actor::Actor;
use cairn_event::draft::Metadata;
use cairn_event::json::Object;
use cairn_event::resource::Resource;
use cairn_event::text::{Action, Id, Label, LongText};
use cairn_event::{ActorType, Draft, Index, Invalid, Operation, Outcome, Position, TrailRef};
use cairn_store::{Placed, Run};

/// The kind of source that such events name.
const KIND: &str = "cairn";

/// Something that was done.
pub(crate) struct Deed {
    /// The trail that keeps it.
    pub(crate) trail: TrailRef,
    pub(crate) action: &'static str,
    pub(crate) operation: Operation,
    /// Kind and id of what it was done to.
    pub(crate) resource: (&'static str, String),
    /// Why, in the words of who did it.
    pub(crate) reason: Option<String>,
    pub(crate) metadata: Object,
}

impl Deed {
    fn draft(self, principal: &Principal, node: &Node) -> Result<(TrailRef, Draft), Invalid> {
        let actor = Actor::new(Id::new(principal.id.as_str())?, ActorType::Service);
        let resource = Resource::new(Id::new(self.resource.0)?, Id::new(self.resource.1)?);
        let mut draft = Draft::new(node.now(), actor, Action::new(self.action)?, resource);
        draft.operation = Some(self.operation);
        draft.outcome = Some(Outcome::Success);
        draft.outcome_reason = self.reason.map(LongText::new).transpose().map_err(|error| error.under("reason"))?;
        draft.service = Some(Label::new("cairn")?);
        draft.metadata = (!self.metadata.is_empty()).then(|| Metadata::new(self.metadata)).transpose()?;
        Ok((self.trail, draft))
    }
}

/// Records a deed and gives its position once it is durable: whatever it reports may be done, or be told, only then.
pub(crate) async fn record(node: &Node, principal: &Principal, deed: Deed) -> Result<Position, Failure> {
    let unfit = |error: Invalid| Failure::parameter("reason", error.to_string());
    let (trail, draft) = deed.draft(principal, node).map_err(unfit)?;
    let keys = node.keys().of(principal.tenant());
    let now = node.now();
    let facts = Facts {
        now,
        principal: principal.id.as_str(),
        source_kind: KIND,
        source_name: "node",
        trail: &trail,
        policy: None,
        protection: Protection { rules: &node.config().protection, keys: &keys },
    };
    // A key of its own: the same thing done twice in one instant is two events.
    let natural_key = Some(node.fresh_key());
    let fresh_id = write_path::Ids::new(node).next(now);
    let offer = Offer { bytes: &[], content: Ok(draft), natural_key, request_key: None, fresh_id };
    let Verdict::Admitted(admitted) = admit(offer, &facts, &mut Occurrences::default()) else {
        return Err(Failure::parameter("reason", "the event of this would be larger than an event may be"));
    };
    let Admitted { event, trail, key, fingerprint } = *admitted;
    let prepared = node.store().prepare(&trail, &event, key, fingerprint)?;
    let replies = write_path::commit(node, vec![Run { trail: trail.clone(), events: vec![prepared] }]).await?;
    node.announce_growth();
    let placed = replies.first().and_then(|reply| reply.placed.first());
    match placed {
        Some(Placed::Stored { index } | Placed::Duplicate { index } | Placed::Conflict { index }) => {
            Ok(Position { trail, index: Index(*index) })
        }
        None => unreachable!("one event was submitted, and the writer answers for each"),
    }
}

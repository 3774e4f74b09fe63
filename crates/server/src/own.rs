//! What Cairn does on somebody's behalf is an event like any other.

use crate::failure::Failure;
use crate::node::Node;
use crate::write_path;
use cairn_access::{Principal, Scopes};
use cairn_admit::{Admitted, Facts, Occurrences, Offer, Protection, Verdict, admit};
use cairn_event::actor::Actor;
use cairn_event::draft::Metadata;
use cairn_event::json::Object;
use cairn_event::resource::Resource;
use cairn_event::text::{Action, Id, Label, LongText};
use cairn_event::{ActorType, Draft, Index, Invalid, Json, Operation, Outcome, Position, TrailRef};
use cairn_store::{KeyFile, Prepared, Run};

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
    let (trail, event) = prepared(node, principal, deed)?;
    let placed = write_path::commit_one(node, &trail, event).await?;
    node.announce_growth();
    Ok(Position { trail, index: Index(placed.index()) })
}

/// Records that the policy in force is another one than before, with both fingerprints. Blocks; for a start.
pub(crate) fn record_policy(node: &Node) -> Result<(), Failure> {
    let (disk, signer) = (node.engines().disk.as_ref(), node.engines().signer.as_ref());
    let of = |policy: Option<String>| serde_json::json!({"fingerprint": policy}).to_string().into_bytes();
    let before = KeyFile::Policy.read(disk, &signer.public())?;
    let known = before.as_deref().and_then(|payload| serde_json::from_slice::<serde_json::Value>(payload).ok());
    let known = known.and_then(|known| Some(known.get("fingerprint")?.as_str()?.to_owned()));
    let now = node.config().policy.map(|policy| policy.to_string());
    if known == now {
        return Ok(());
    }
    let trail = node.config().first_trail.clone();
    let id = "cairn".parse().expect("a name that a principal may have");
    let principal = Principal { id, trail: trail.clone(), scopes: Scopes::ALL };
    let member = |name: &'static str, policy: &Option<String>| Some((name, Json::from(policy.as_deref()?)));
    let deed = Deed {
        trail,
        action: "cairn.policy.change",
        operation: Operation::Update,
        resource: ("cairn.policy", "policy".to_owned()),
        reason: None,
        metadata: [member("before", &known), member("after", &now)].into_iter().flatten().collect(),
    };
    let (trail, event) = prepared(node, &principal, deed)?;
    let (sender, receiver) = std::sync::mpsc::channel();
    node.store().submit(vec![Run { trail, events: vec![event] }], Box::new(move |reply| drop(sender.send(reply))));
    receiver.recv().map_err(|_| write_path::unanswered())??;
    node.announce_growth();
    // After the event: a crash in between records the change once more, and never not at all.
    KeyFile::Policy.write(disk, signer, of(now))?;
    Ok(())
}

fn prepared(node: &Node, principal: &Principal, deed: Deed) -> Result<(TrailRef, Prepared), Failure> {
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
        policy: node.config().policy,
        protection: Protection { rules: &node.config().protection, keys: &keys },
        headers: &[],
        retried_from: None,
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
    Ok((trail, prepared))
}

//! A record that can't be read is kept, with its bytes and the reason, in a trail of its own.

use cairn_event::actor::Actor;
use cairn_event::draft::Metadata;
use cairn_event::json::Object;
use cairn_event::raw::Raw;
use cairn_event::resource::Resource;
use cairn_event::text::{Action, Id, LongText, Name};
use cairn_event::{ActorType, Draft, Invalid, Operation, Outcome, TrailName, TrailRef};

use crate::{Facts, Refusal};

/// The trail, in the tenant of the trail that the record was meant for.
pub const QUARANTINE_TRAIL: &str = "quarantine";

/// The action of every event in that trail.
pub const QUARANTINE_ACTION: &str = "cairn.event.quarantine";

/// The quarantine beside a trail.
#[must_use]
pub fn quarantine_of(meant_for: &TrailRef) -> TrailRef {
    let trail: TrailName = QUARANTINE_TRAIL.parse().expect("the name is one that every trail may have");
    TrailRef { tenant: meant_for.tenant.clone(), trail }
}

/// What Cairn says about a record it could not read: `time` is when it came, because the record's own
/// time could not be relied on.
pub(crate) fn draft(bytes: &[u8], reason: &Refusal, facts: &Facts<'_>) -> Result<Draft, Refusal> {
    Ok(build(bytes, reason, facts)?)
}

fn build(bytes: &[u8], reason: &Refusal, facts: &Facts<'_>) -> Result<Draft, Invalid> {
    let actor = Actor::new(Id::new("cairn")?, ActorType::System);
    let source = Id::new(format!("{}/{}", facts.source_kind, facts.source_name))?;
    let resource = Resource {
        name: Some(Name::new(facts.source_name)?),
        parent: Some(Name::new(facts.trail.to_string())?),
        ..Resource::new(Id::new("cairn.source")?, source)
    };
    let mut draft = Draft::new(facts.now, actor, Action::new(QUARANTINE_ACTION)?, resource);
    draft.operation = Some(Operation::Other);
    draft.outcome = Some(Outcome::Failure);
    draft.outcome_reason = Some(LongText::new(reason.to_string())?);
    draft.service = Some(cairn_event::text::Label::new("cairn")?);
    draft.metadata = Some(Metadata::new(metadata(reason, facts))?);
    draft.raw = Some(Raw::new(bytes)?);
    Ok(draft)
}

/// What groups records that can't be read for one cause, and what is needed to try one again.
fn metadata(reason: &Refusal, facts: &Facts<'_>) -> Object {
    let mut metadata = Object::new();
    metadata.insert("code", reason.code.as_str());
    metadata.insert("fault", reason.fault.as_str());
    if !reason.field.is_empty() {
        metadata.insert("field", reason.field.as_str());
    }
    if !facts.headers.is_empty() {
        let headers: Object = facts.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        metadata.insert("headers", headers);
    }
    metadata
}

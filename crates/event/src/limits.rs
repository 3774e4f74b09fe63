//! Every limit of an event and of a batch, by name. What exceeds one is refused with this name
//! and never cut.

/// Most bytes of one event: both parts together, without its blobs.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// Most bytes of the text of `before`, `after` or `raw` inside an event. A larger value is kept beside it as a blob, so that
/// no event is too large because of what it is about.
pub const INLINE_BYTES_MAX: usize = EVENT_BYTES_MAX / 4;

/// Most bytes of one record as it is received, with all that goes into blobs.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Most events in one batch.
pub const BATCH_EVENTS_MAX: usize = 10_000;

/// Most bytes of one batch as it came over the wire.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Most bytes of one batch after decompression.
pub const BATCH_EXPANDED_BYTES_MAX: usize = 64 << 20;

/// How many times larger than its compressed form a batch may become.
pub const EXPANSION_RATIO_MAX: usize = 100;

/// Most levels of nesting in any JSON text that is parsed.
pub const JSON_DEPTH_MAX: usize = 128;

/// Most bytes of one JSON number.
pub const NUMBER_BYTES_MAX: usize = 1024;

/// Most elements that one text is taken apart into at once.
pub const ELEMENTS_MAX: usize = 1_000_000;

/// Most bytes of `action`.
pub const ACTION_BYTES_MAX: usize = 128;

/// Most keys in `metadata`, over all its levels.
pub const METADATA_KEYS_MAX: usize = 1024;

/// Most levels of nesting of `metadata`, counting the object itself.
pub const METADATA_DEPTH_MAX: usize = 64;

/// Most levels of nesting of `before`, `after` and each value in `changes`. Half of
/// [`JSON_DEPTH_MAX`], so that computed changes that quote a state can always be read back.
pub const STATE_DEPTH_MAX: usize = 64;

/// Most bytes of an identifier: ids, names, types, request and session ids, external references,
/// idempotency keys.
pub const ID_BYTES_MAX: usize = 1024;

/// Most bytes of a short label: environment, region, service, authentication method, schema.
pub const LABEL_BYTES_MAX: usize = 256;

/// Most bytes of a long text: `outcome_reason`, `origin.user_agent`, `origin.endpoint`.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// Most entries of a list in an event: `related`, `cause`, `origin.ips`, `actor.approved_by`.
pub const LIST_ITEMS_MAX: usize = 1024;

/// Most operations in `changes`, given or computed.
pub const CHANGES_MAX: usize = 10_000;

/// Most actors in a chain of `on_behalf_of`, the first one included.
pub const DELEGATION_MAX: usize = 8;

/// Most bytes of the name of a tenant or a trail.
pub const NAME_BYTES_MAX: usize = 63;

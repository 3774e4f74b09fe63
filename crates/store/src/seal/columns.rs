//! The members of an event that a segment repeats as typed columns, so that a query engine can prune.

use super::segment::Row;
use crate::error::Corrupt;
use cairn_event::Json;
use jiff::Timestamp;

/// One value per typed column; `None` where the event has no such member or it is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) time: i64,
    pub(crate) received_at: i64,
    /// In the order of [`TEXT_COLUMNS`].
    pub(crate) texts: [Option<String>; TEXT_COLUMNS.len()],
}

/// Names of the text columns with the pointer of the member each repeats, in file order.
pub(crate) const TEXT_COLUMNS: [(&str, &str); 14] = [
    ("id", "/id"),
    ("actor_id", "/actor/id"),
    ("actor_type", "/actor/type"),
    ("action", "/action"),
    ("operation", "/operation"),
    ("resource_type", "/resource/type"),
    ("resource_id", "/resource/id"),
    ("outcome", "/outcome"),
    ("class", "/class"),
    ("severity", "/severity"),
    ("request_id", "/request_id"),
    ("trace_id", "/trace_id"),
    ("principal", "/producer/principal"),
    ("source", "/producer/source"),
];

impl Columns {
    /// Reads the members out of the two texts of a row.
    pub(crate) fn of(row: &Row, file: &str) -> Result<Columns, Corrupt> {
        let unread = |what: String| Corrupt::in_file(file, format!("event {}: {what}", row.index));
        let parse = |text: &str| Json::parse(text.as_bytes()).map_err(|error| unread(error.to_string()));
        let parts = [parse(&row.texts[0])?, parse(&row.texts[1])?];
        let find = |pointer: &str| parts.iter().find_map(|part| part.pointer(pointer));
        let text = |pointer: &str| find(pointer).and_then(Json::as_str);
        let nanoseconds = |pointer: &str| {
            let time: Option<Timestamp> = text(pointer).and_then(|time| time.parse().ok());
            let time = time.ok_or_else(|| unread(format!("no time at {pointer}")))?;
            i64::try_from(time.as_nanosecond())
                .map_err(|_| unread(format!("{pointer} is beyond the years 1677 to 2262")))
        };
        Ok(Columns {
            time: nanoseconds("/time")?,
            received_at: nanoseconds("/received_at")?,
            texts: TEXT_COLUMNS.map(|(name, pointer)| match name {
                "source" => {
                    let part = |member: &str| text(&format!("{pointer}_{member}"));
                    Some(format!("{}/{}", part("kind")?, part("name")?))
                }
                _ => text(pointer).map(str::to_owned),
            }),
        })
    }
}

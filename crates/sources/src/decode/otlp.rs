//! OpenTelemetry logs in OTLP/JSON (opentelemetry-proto, `ExportLogsServiceRequest`): log records
//! inside scopes inside resources. A record alone does not say where it comes from, so each is put
//! together with its resource and its scope.

use std::borrow::Cow;

use cairn_event::json::Object;
use cairn_event::{Json, limits};

use crate::SplitError;
use crate::frame::Record;
use crate::frame::json::{JsonRecords, NO_ENVELOPE};

/// The log records of a body: of one request, or of one request a line as file exporters write them.
pub(super) fn split(body: &[u8]) -> Result<impl Iterator<Item = Record<'_>>, SplitError> {
    Ok(JsonRecords::of(body, NO_ENVELOPE)?.flat_map(|request| match Json::parse(&request.bytes) {
        Ok(json) if json.get("resourceLogs").is_some() => log_records(&json, &request),
        // Broken, or a log record that was put together before.
        _ => vec![request],
    }))
}

/// Puts each log record together with its resource and scope. Where that would make more of a body than
/// a batch may be, the request stays one record, which nothing can be mapped from.
fn log_records<'b>(json: &Json, request: &Record<'b>) -> Vec<Record<'b>> {
    let mut records = Vec::new();
    let mut left = limits::BATCH_EXPANDED_BYTES_MAX;
    for of_resource in list(json, "resourceLogs") {
        for of_scope in list(of_resource, "scopeLogs") {
            for log_record in list(of_scope, "logRecords") {
                let mut whole = Object::new();
                for (name, of) in [("resource", of_resource), ("scope", of_scope)] {
                    if let Some(said) = of.get(name) {
                        whole.insert(name, said.clone());
                    }
                }
                whole.insert("logRecord", log_record.clone());
                let bytes = Json::Object(whole).to_text().into_bytes();
                let fits = |_: &usize| records.len() <= limits::BATCH_EVENTS_MAX;
                let Some(rest) = left.checked_sub(bytes.len()).filter(fits) else { return vec![request.clone()] };
                left = rest;
                let bytes = Cow::Owned(bytes);
                records.push(Record { bytes, range: request.range.clone() });
            }
        }
    }
    records
}

fn list<'j>(json: &'j Json, name: &str) -> &'j [Json] {
    json.get(name).and_then(Json::as_array).unwrap_or_default()
}

/// Reads one log record with its resource and scope; `None` if it is none.
pub(super) fn decode(record: &Json) -> Option<Object> {
    let log_record = record.get("logRecord").filter(|log_record| log_record.as_object().is_some())?;
    let mut said = Object::new();
    let attributes = |of: Option<&Json>| attributes(list(of.unwrap_or(&Json::Null), "attributes"));
    said.insert("resource", attributes(record.get("resource")));
    if let Some(Json::Object(scope)) = record.get("scope") {
        let mut plain: Object =
            scope.iter().filter(|(name, _)| *name != "attributes").map(|(name, value)| (name, value.clone())).collect();
        plain.insert("attributes", attributes(record.get("scope")));
        said.insert("scope", plain);
    }
    for (name, value) in log_record.as_object()?.iter() {
        match name {
            "attributes" => drop(said.insert("attributes", attributes(Some(log_record)))),
            "body" => drop(said.insert("body", plain(value))),
            other => drop(said.insert(other, value.clone())),
        }
    }
    Some(said)
}

/// `[{"key": k, "value": {"stringValue": v}}]` as `{k: v}`.
fn attributes(list: &[Json]) -> Object {
    let pair = |item: &Json| Some((item.get("key")?.as_str()?.to_owned(), plain(item.get("value")?)));
    list.iter().filter_map(pair).collect()
}

/// The value inside an `AnyValue`. Integers of 64 bits come as strings, and are numbers again here.
fn plain(value: &Json) -> Json {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else { return Json::Null };
    match kind {
        "intValue" => {
            let number = inner.as_str().and_then(cairn_event::json::Number::from_literal);
            number.map_or_else(|| inner.clone(), Json::Number)
        }
        "arrayValue" => Json::Array(list(inner, "values").iter().map(plain).collect()),
        "kvlistValue" => Json::Object(attributes(list(inner, "values"))),
        _ => inner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_log_record_carries_its_resource_and_scope() {
        let body = br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"scope":{"name":"lib"},"logRecords":[{"timeUnixNano":"1700000000000000000","body":{"stringValue":"one"},"attributes":[{"key":"n","value":{"intValue":"10"}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true}]}}}]}}}]},{"body":{"stringValue":"two"}}]}]}]}
{"broken"#;
        let records: Vec<_> = split(body).expect("JSON").collect();
        assert_eq!(records.len(), 3);
        let read =
            |record: &Record<'_>| decode(&Json::parse(&record.bytes).ok()?).map(|said| Json::Object(said).to_text());
        assert_eq!(
            read(&records[0]).as_deref(),
            Some(
                r#"{"resource":{"service.name":"shop"},"scope":{"name":"lib","attributes":{}},"timeUnixNano":"1700000000000000000","body":"one","attributes":{"n":10,"m":{"l":[true]}}}"#
            )
        );
        assert_eq!(read(&records[2]), None);
        // A record that was put together is taken as it is: a delivery can be taken in again.
        let again: Vec<_> = split(&records[1].bytes).expect("JSON").collect();
        assert_eq!(again[0].bytes, records[1].bytes);
    }
}
